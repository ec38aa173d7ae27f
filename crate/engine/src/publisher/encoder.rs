//! One encoder of pictures, and how it parts with what it is given: at once, late, or not before it is asked.

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Micros, TrackInfo};

use crate::{
    io::Instant,
    publisher::{
        io::{EncoderId, VideoEncoding},
        output::TrackOutput,
    },
};

/// Pictures inside the encoder, above which it is not given more: it is slower than they come.
const MOST_PENDING: usize = 4;
/// One that is silent for so long is given another one to that: it may have left out those it has...
const NUDGE_AFTER: Micros = Micros::from_secs(1);
/// ...but no more than this.
const MOST_NUDGED: usize = 8;
/// An encoder that gives nothing for so long is stuck.
const STUCK_AFTER: Micros = Micros::from_secs(5);
/// One that gives by itself no picture of this age is asked for all that it holds, and begins with a keyframe again...
pub const DRAIN_AFTER: Micros = Micros::from_secs(1);
/// ...and holds no more than this.
const MOST_HELD: usize = 64;
/// The stream is no later than this for an encoder's sake.
const MOST_DELAY: Micros = Micros::from_secs(4);

#[derive(Debug)]
pub struct Pending {
    pub pts: MediaTime,
    pub since: Instant,
}

/// How an encoder parts with what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It has given nothing of itself yet; `true`: it was drained.
    Unknown(bool),
    Prompt,
    /// Of itself it gives nothing before it has seen seconds of what follows: x264 with its lookahead, in Firefox on Linux.
    HoldsBack,
}

#[derive(Debug)]
pub struct Encoder {
    pub id: EncoderId,
    pub encoding: VideoEncoding,
    pub output: TrackOutput,
    pub pending: VecDeque<Pending>,
    /// The pts of what came out before it, or went out beside it.
    pub after: Option<MediaTime>,
    /// The pts of what went in last.
    pub fed: Option<MediaTime>,
    /// The pts of what came out last.
    pub given: Option<MediaTime>,
    pub key: Option<MediaTime>,
    /// The configuration that the page was told.
    pub told: Option<TrackInfo>,
    /// When something last went in or came out.
    pub stirred: Instant,
    pub manner: Manner,
    /// It is asked for all that it holds, and has not said that this is done.
    pub draining: bool,
    /// The longest that it took for a picture, where it is not prompt.
    pub lag: Micros,
}

impl Encoder {
    /// It is not done with what it was given.
    pub fn is_busy(&self, now: Instant) -> bool {
        let most = match self.manner {
            Manner::Prompt if now - self.stirred < NUDGE_AFTER => MOST_PENDING,
            Manner::Prompt => MOST_NUDGED,
            Manner::Unknown(_) | Manner::HoldsBack => MOST_HELD,
        };
        self.pending.len() >= most
    }

    /// When it is asked for what it holds.
    pub fn drains_at(&self) -> Option<Instant> {
        let front = self.pending.front().filter(|_| !self.draining)?;
        match self.manner {
            Manner::Prompt if self.pending.len() < MOST_NUDGED => None,
            Manner::Prompt => Some((front.since + DRAIN_AFTER).max(self.stirred + NUDGE_AFTER)),
            Manner::Unknown(_) | Manner::HoldsBack => Some(front.since + DRAIN_AFTER),
        }
    }

    /// How much later the stream is for its sake.
    pub fn delay(&self) -> Micros {
        match self.manner {
            Manner::Prompt => Micros::ZERO,
            _ if self.given.is_none() => MOST_DELAY,
            _ => self.lag.min(MOST_DELAY),
        }
    }

    /// When it counts as stuck.
    pub fn stuck_at(&self) -> Option<Instant> {
        self.pending.front().map(|pending| pending.since + STUCK_AFTER)
    }
}
