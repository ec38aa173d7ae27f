//! What a test asks afterwards.

use sailcast_engine::{Event, Input, Instant, RequestId, SailcastError, State, Stats};
use sailcast_media::Micros;

use crate::browser::{BEGIN, Happening, Sim};

impl Sim {
    pub fn stats(&self) -> Stats {
        self.player.stats(self.now)
    }

    pub fn state(&self) -> State {
        self.stats().state
    }

    pub fn errors(&self) -> Vec<&SailcastError> {
        self.events.iter().filter_map(|(_, e)| if let Event::Error(e) = e { Some(e) } else { None }).collect()
    }

    pub fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, e)| wanted(e)).count()
    }

    pub fn first(&self, wanted: impl Fn(&Event) -> bool) -> Option<Instant> {
        self.events.iter().find(|(_, e)| wanted(e)).map(|(at, _)| *at)
    }

    /// Time since the simulation began.
    pub fn elapsed(&self) -> Micros {
        self.now - BEGIN
    }

    /// The longest that a picture stood that was shown after `from`, until the next one was.
    pub fn longest_still(&self, from: Instant) -> Micros {
        self.steps_shown(from).map(|(stood, _)| stood).max().expect("pictures")
    }

    /// The longest stretch of the stream from one picture shown after `from` to the next one.
    pub fn longest_step(&self, from: Instant) -> Micros {
        self.steps_shown(from).map(|(_, step)| step).max().expect("pictures")
    }

    fn steps_shown(&self, from: Instant) -> impl Iterator<Item = (Micros, Micros)> {
        self.shown.windows(2).filter(move |w| w[0].0 > from).map(|w| (w[1].0 - w[0].0, w[1].1 - w[0].1))
    }

    /// |picture - sound| in ms at each picture shown after `from`.
    pub fn av_offsets_ms(&self, from: Instant) -> Vec<f64> {
        let mut offsets = Vec::new();
        for (at, pts) in self.shown.iter().filter(|(at, _)| *at >= from) {
            let heard = self.heard.iter().rev().find(|(t, _)| t <= at);
            if let Some((t, Some(media))) = heard {
                let sound = *media + (*at - *t);
                offsets.push((*pts - sound).as_secs_f64() * 1000.0);
            }
        }
        offsets
    }

    /// The question for an address that the page has not answered.
    pub fn resolving(&self) -> Option<RequestId> {
        self.queue.values().find_map(|h| match h {
            Happening::Input(Input::Resolved(id, _)) => Some(*id),
            _ => None,
        })
    }

    /// Frames of PCM that wait in the sound card's ring.
    pub fn ring_level(&self) -> usize {
        self.card.as_ref().map_or(0, |card| card.ring.len())
    }

    pub fn outstanding_frames(&self) -> usize {
        self.frames.len()
    }

    /// Of both kinds, since the beginning.
    pub fn decoders_made(&self) -> usize {
        self.decoders_made
    }

    pub fn open_decoders(&self) -> usize {
        self.decoders.len()
    }

    /// Requests that have neither ended nor been cancelled.
    pub fn open_requests(&self) -> usize {
        self.streams.len()
    }
}

/// The value below which `share` of the values lie.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let i = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(i).copied().unwrap_or(f64::NAN)
}
