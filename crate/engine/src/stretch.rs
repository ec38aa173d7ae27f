//! Time-stretch of PCM with pitch kept: now and then one or some periods of the wave are left out or repeated, joined where
//! it fits itself best (the splice of WSOLA and PICOLA). Between splices the samples pass untouched, and at rate 1 always.
//!
//! What is left out must be here already, but what is repeated was just heard: slowing down works on an empty buffer, and
//! that is when it is needed.
//!
//! To catch up, splices are few, and wait for a place where they are not heard. At a rate that a viewer has chosen they follow each
//! other in steps, of which each is as short as a voice allows, so that of every sound something is heard.

use sailcast_media::{MediaTime, Micros};

use crate::{
    fade::cross_fade,
    pcm::{CHANNELS, PcmBuffer},
    splice::{Place, Search},
};

/// Splices shorter than this would be heard as buzz.
const SHORTEST: Micros = Micros::from_millis(3);
/// Longer ones as echo.
const LONGEST: Micros = Micros::from_millis(20);
const OVERLAP: Micros = Micros::from_millis(8);
/// A splice is looked for when the sound is so far from where it should be: on both sides of it in turn.
const DUE: Micros = Micros::from_millis(5);
/// After a look in vain the next one is worth it so much later.
const AGAIN: Micros = Micros::from_millis(4);
/// A wave that fits like this is spliced at once; less is taken the longer it is due, and in the end the best there is.
const FITS: f32 = 0.9;
const LOOK_UNTIL: Micros = Micros::from_millis(20);
/// Rates between these are for catching up.
const CATCH_UP: std::ops::RangeInclusive<f64> = 0.9..=1.12;
/// A step at a chosen rate: what it leaves out or repeats, how much of the sound passes between two, and how far from where it
/// should be the splice is looked for, which is half a period of the deepest voice.
const STEP: Micros = Micros::from_millis(20);
const PASSES: std::ops::RangeInclusive<Micros> = Micros::from_millis(10)..=Micros::from_millis(80);
const STEP_WITHIN: Micros = Micros::from_millis(8);
/// Where a cut is looked for around the wanted one.
const CUT_WITHIN: Micros = Micros::from_millis(10);

#[derive(Debug, Default)]
pub struct Stretch {
    /// Frames still to leave out (positive) or to repeat (negative).
    debt: f64,
    /// Frames to pass until the next look for a splice.
    rest: usize,
}

/// The lengths above in frames.
struct Lengths {
    shortest: usize,
    longest: usize,
    overlap: usize,
}

impl Stretch {
    /// Media time of the next frame as the rate has it: it grows evenly, while the buffer's own start jumps at splices.
    pub fn position(&self, buffer: &PcmBuffer) -> MediaTime {
        buffer.start() + Micros((self.debt * 1e6 / f64::from(buffer.sample_rate())) as i64)
    }

    /// Gives at least `frames` frames (fewer only if the buffer runs out), playing the buffer at `rate`.
    pub fn take(&mut self, buffer: &mut PcmBuffer, frames: usize, rate: f64) -> Vec<f32> {
        let mut out = Vec::with_capacity(frames.saturating_mul(CHANNELS).saturating_mul(2));
        if rate == 1.0 {
            self.reset();
        }
        let lengths = Lengths {
            shortest: buffer.frames_in(SHORTEST).max(1),
            longest: buffer.frames_in(LONGEST),
            overlap: buffer.frames_in(OVERLAP),
        };
        let steps = (!CATCH_UP.contains(&rate)).then(|| Steps::new(buffer, rate));
        let due = buffer.frames_in(DUE) as f64;
        while out.len() / CHANNELS < frames && buffer.frames() > 0 {
            let (given, start) = (out.len() / CHANNELS, buffer.frames());
            let look = self.rest == 0 && (steps.is_some() || self.debt.abs() >= due);
            let place = match &steps {
                Some(steps) if look => self.step(buffer, steps, &lengths),
                None if look => self.look(buffer, &lengths),
                _ => None,
            };
            if let Some((place, here)) = place {
                splice(buffer, here, place, lengths.overlap, &mut out);
                self.rest = steps.as_ref().map_or(self.rest, |steps| steps.passes);
            } else {
                // Small steps, so that a splice comes as soon as it is due.
                let step = lengths.shortest.min(frames.saturating_sub(given)).min(start);
                out.extend_from_slice(buffer.head(step));
                buffer.advance(step);
                self.rest = if look { buffer.frames_in(AGAIN) } else { self.rest.saturating_sub(step) };
            }
            let gave = (out.len() / CHANNELS).saturating_sub(given) as f64;
            self.debt += gave * rate - (start as f64 - buffer.frames() as f64);
        }
        // What could not be done in time, for want of samples, is given up.
        let most = steps.map_or(2.0 * lengths.longest as f64, |steps| steps.most);
        self.debt = self.debt.max(-most).min(most);
        out
    }

    /// How much must wait for the rate: a splice is chosen from it.
    pub fn lookahead(rate: f64) -> Micros {
        match rate {
            1.0 => Micros::ZERO,
            rate if CATCH_UP.contains(&rate) => LONGEST + LONGEST,
            rate => Steps::jump(rate).max(Micros::ZERO) + STEP_WITHIN + OVERLAP + STEP_WITHIN,
        }
    }

    /// Leaves out about `frames` of what waits, and gives the cross-fade across the cut; all of what waits if it is less.
    pub fn cut(&mut self, buffer: &mut PcmBuffer, frames: usize) -> Vec<f32> {
        self.reset();
        let (within, overlap) = (buffer.frames_in(CUT_WITHIN), buffer.frames_in(OVERLAP));
        let mut out = Vec::new();
        let (samples, here) = buffer.with_past();
        let wanted = here.saturating_add(frames);
        let places = wanted.saturating_sub(within)..=wanted.saturating_add(within);
        let search = Search { samples, sample_rate: buffer.sample_rate(), overlap };
        match search.best(here, places, wanted) {
            Some(place) => splice(buffer, here, place, overlap, &mut out),
            None => buffer.advance(frames),
        }
        out
    }

    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Where the next step of a chosen rate goes, and the present place; `None` while too little waits.
    fn step(&self, buffer: &PcmBuffer, steps: &Steps, lengths: &Lengths) -> Option<(Place, usize)> {
        let (samples, here) = buffer.with_past();
        let search = Search { samples, sample_rate: buffer.sample_rate(), overlap: lengths.overlap };
        let way = self.debt.abs() as usize;
        let near = lengths.shortest;
        if self.debt > 0.0 {
            let wanted = here.saturating_add(way);
            let first = wanted.saturating_sub(steps.within).max(here.saturating_add(near));
            let last = wanted.saturating_add(steps.within);
            return Some((search.best(here, first..=last, wanted)?, here));
        }
        let wanted = here.saturating_sub(way);
        let last = wanted.saturating_add(steps.within).min(here.checked_sub(near)?);
        let first = wanted.saturating_sub(steps.within);
        Some((search.best(here, first..=last, wanted)?, here))
    }

    /// A place to go on at, if there is a good one, and the present one.
    fn look(&self, buffer: &PcmBuffer, lengths: &Lengths) -> Option<(Place, usize)> {
        let (samples, here) = buffer.with_past();
        let Lengths { shortest, longest, overlap } = *lengths;
        let search = Search { samples, sample_rate: buffer.sample_rate(), overlap };
        let back = self.debt < 0.0;
        let places = if back {
            here.saturating_sub(longest)..=here.checked_sub(shortest)?
        } else {
            here.saturating_add(shortest)..=here.saturating_add(longest)
        };
        // As far beyond as it is on this side.
        let jump = (self.debt.abs() * 2.0) as usize;
        let wanted = if back { here.saturating_sub(jump) } else { here.saturating_add(jump) };
        let best = search.best(here, places.clone(), wanted)?;
        // An attack that is left out or repeated is heard whatever else fits, unless it meets its like.
        let calm = if back {
            let end = here.saturating_add(overlap);
            let from = *search.calm(*places.start()..=end, true).start();
            if from >= here { end..=here } else { from.max(*places.start())..=*places.end() }
        } else {
            let end = places.end().saturating_add(overlap);
            let until = *search.calm(here..=end, false).end();
            *places.start()..=until.saturating_sub(overlap).min(*places.end())
        };
        let all_calm = calm == places;
        if best.likeness >= FITS && (all_calm || search.is_attack(here, best.at)) {
            return Some((best, here));
        }
        let patience = self.debt.abs() / buffer.frames_in(LOOK_UNTIL).max(1) as f64;
        let place = if all_calm { Some(best) } else { search.best(here, calm, wanted) };
        let enough = f64::from(FITS) * (1.0 - patience);
        match place {
            Some(place) if f64::from(place.likeness) >= enough => Some((place, here)),
            _ if patience >= 1.0 => Some((best, here)),
            _ => None,
        }
    }
}

/// What a chosen rate comes to, in frames.
struct Steps {
    /// Of the sound, between two splices.
    passes: usize,
    within: usize,
    most: f64,
}

impl Steps {
    fn new(buffer: &PcmBuffer, rate: f64) -> Self {
        let jump = buffer.frames_in(Self::jump(rate).abs()) as f64;
        let passes = buffer.frames_in(Self::passes(rate)).saturating_sub(buffer.frames_in(OVERLAP));
        let within = buffer.frames_in(STEP_WITHIN);
        Self { passes, within, most: jump * 2.0 + 2.0 * within as f64 }
    }

    /// From one splice to the next, its cross-fade included.
    fn passes(rate: f64) -> Micros {
        STEP.scale(1.0 / (rate - 1.0).abs()).clamp(*PASSES.start() + OVERLAP, *PASSES.end())
    }

    /// What a splice leaves out, or repeats.
    fn jump(rate: f64) -> Micros {
        Self::passes(rate).scale(rate - 1.0)
    }
}

/// Cross-fades from `here`, the buffer's first waiting frame, to `place`, and leaves the buffer behind the cross-fade.
fn splice(buffer: &mut PcmBuffer, here: usize, place: Place, overlap: usize, out: &mut Vec<f32>) {
    let (samples, _) = buffer.with_past();
    let from = |frame: usize| samples.get(frame.saturating_mul(CHANNELS)..).unwrap_or_default();
    let a = from(here);
    let a = a.get(..overlap.saturating_mul(CHANNELS)).unwrap_or(a);
    let b = from(place.at);
    let b = b.get(..(a.len())).unwrap_or(b);
    let faded = a.len().min(b.len()) / CHANNELS;
    cross_fade(a, b, place.likeness, out);
    if place.at >= here {
        buffer.advance(place.at.saturating_sub(here).saturating_add(faded));
    } else {
        buffer.rewind(here.saturating_sub(place.at));
        buffer.advance(faded);
    }
}

#[cfg(test)]
#[path = "stretch_tests.rs"]
mod tests;
