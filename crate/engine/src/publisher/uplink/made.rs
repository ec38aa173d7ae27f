//! How much an encoder makes of what it is asked, learnt from keyframe to keyframe.

use sailcast_media::Micros;

use crate::io::Instant;

/// After a larger change of what is asked a GOP says nothing: an encoder takes a while to follow.
const FOLLOWED: f64 = 0.1;
/// Believed within these.
const LEAST: f64 = 0.85;
const MOST: f64 = 1.3;
/// What was measured at one bitrate says something of another that differs by less.
const ALIKE: f64 = 0.2;
/// A GOP counts so much beside those before.
const WEIGHT: f64 = 0.3;
/// GOPs of other lengths are none that an encoder was left to itself with.
const SHORTEST: Micros = Micros::from_secs(1);
const LONGEST: Micros = Micros::from_secs(10);

#[derive(Debug, Default)]
pub struct Made {
    since: Option<Instant>,
    bits: f64,
    asked: f64,
    asked_at: Option<Instant>,
    last_asked: f64,
    spoiled: bool,
    factor: Option<f64>,
    /// The last GOP's, and what was asked for.
    last: Option<(f64, f64)>,
}

impl Made {
    /// What is made of about `asked`, if that was what was measured last.
    pub fn of(&self, asked: f64) -> Option<f64> {
        let (factor, at) = self.last?;
        let lasting = factor.min(self.factor?);
        ((at - asked).abs() < asked * ALIKE).then_some(lasting * asked)
    }

    /// The same, as far as it is believed.
    pub fn factor(&self) -> f64 {
        self.factor.unwrap_or(1.0).clamp(LEAST, MOST)
    }

    /// What is made until the next keyframe says nothing.
    pub fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// Another encoder, or another connection: what was learnt stays.
    pub fn restart(&mut self) {
        *self = Self { factor: self.factor, ..Self::default() };
    }

    /// A frame of so many bits came out, with so many asked for a second.
    pub fn note(&mut self, bits: f64, keyframe: bool, asked: f64, now: Instant) {
        self.spoiled |= (asked - self.last_asked).abs() > self.last_asked * FOLLOWED;
        self.last_asked = asked;
        let asked_for = self.asked_at.replace(now).map_or(Micros::ZERO, |at| now - at);
        self.asked += asked * asked_for.as_secs_f64();
        if keyframe {
            let lasted = self.since.map_or(Micros::ZERO, |since| now - since);
            let telling = !self.spoiled && lasted >= SHORTEST && lasted <= LONGEST;
            if telling && self.asked > 0.0 {
                let factor = self.bits / self.asked;
                self.last = Some((factor, asked));
                self.factor = Some(self.factor.map_or(factor, |before| before + (factor - before) * WEIGHT));
            }
            (self.since, self.bits, self.asked, self.spoiled) = (Some(now), 0.0, 0.0, false);
        }
        self.bits += bits;
    }
}
