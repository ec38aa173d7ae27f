//! Whether the video encoder keeps up with the camera.

use crate::publisher::{event::Event, io::Output, outbox::Outbox};

/// So many pictures in [`OF`] left out for the encoder's sake are worth a word.
const MANY: u32 = 30;
const OF: u32 = 100;

#[derive(Debug, Default)]
pub struct Slow {
    seen: u32,
    left_out: u32,
    told: bool,
}

impl Slow {
    /// A picture had its turn; `busy`: the encoder had none for it.
    pub fn note(&mut self, busy: bool, out: &mut Outbox) {
        self.seen = self.seen.saturating_add(1);
        self.left_out = self.left_out.saturating_add(busy.into());
        if self.seen < OF {
            return;
        }
        let slow = self.left_out >= MANY;
        if slow && !self.told {
            let message = "The video encoder is slower than the camera: choose a smaller size or rate.";
            out.push(Output::Event(Event::Degraded { what: "encoderSlow", message: message.to_owned() }));
        }
        *self = Self { told: slow, ..Self::default() };
    }
}
