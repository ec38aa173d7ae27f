//! Drops come in numbers: those of a cause are told together.

use sailcast_media::Micros;

use crate::{
    io::Instant,
    publisher::{event::Event, io::Output, outbox::Outbox, uplink::DropReason},
};

const TELL_EVERY: Micros = Micros::from_millis(500);

#[derive(Debug, Default)]
pub struct Drops {
    waiting: Vec<(DropReason, u32)>,
    told: Option<Instant>,
}

impl Drops {
    pub fn note(&mut self, count: u32, reason: DropReason) {
        match self.waiting.iter_mut().find(|(other, _)| *other == reason) {
            Some((_, sum)) => *sum = sum.saturating_add(count),
            None => self.waiting.push((reason, count)),
        }
    }

    pub fn tell(&mut self, now: Instant, out: &mut Outbox) {
        if self.waiting.is_empty() || self.told.is_some_and(|at| now - at < TELL_EVERY) {
            return;
        }
        self.told = Some(now);
        for (reason, count) in self.waiting.drain(..) {
            out.push(Output::Event(Event::FramesDropped { count, reason }));
        }
    }
}
