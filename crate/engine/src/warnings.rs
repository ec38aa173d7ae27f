//! Equal warnings coalesce: one of a kind each few seconds, however often it happens.

use sailcast_media::Micros;

use crate::{
    error::{ErrorCode, SailcastError},
    event::Event,
    io::{Instant, Output},
    outbox::Outbox,
};

const EVERY: Micros = Micros::from_secs(5);

#[derive(Debug, Default)]
pub struct Warnings {
    last: Vec<(ErrorCode, Instant, u32)>,
}

impl Warnings {
    pub fn raise(&mut self, mut error: SailcastError, now: Instant, out: &mut Outbox) {
        let known = self.last.iter_mut().find(|(code, _, _)| *code == error.code);
        match known {
            Some((_, at, silent)) if now - *at < EVERY => *silent = silent.saturating_add(1),
            Some((_, at, silent)) => {
                if *silent > 0 {
                    error.what = format!("{} ({silent} more since the last report.)", error.what);
                }
                (*at, *silent) = (now, 0);
                out.push(Output::Event(Event::Error(error)));
            }
            None => {
                self.last.push((error.code, now, 0));
                out.push(Output::Event(Event::Error(error)));
            }
        }
    }
}
