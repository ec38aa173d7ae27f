//! The one timer of a driver.

use std::cell::RefCell;

use gloo_timers::callback::Timeout;
use sailcast_engine::Instant;
use sailcast_media::Micros;

use crate::js::now;

/// `setTimeout` takes 31 bits of milliseconds; an hour is as good as for ever.
const LONGEST_TIMER_MS: u64 = 3_600_000;

/// Stands for the engine's last `Wait`; a new one takes its place.
#[derive(Default)]
pub struct Alarm(RefCell<Option<(Instant, Timeout)>>);

impl Alarm {
    /// Rings at the instant. Rounded up to whole milliseconds: a timer that fires early only fires twice.
    pub fn set(&self, wait: Option<Instant>, ring: impl FnOnce() + 'static) {
        let mut timer = self.0.borrow_mut();
        if timer.as_ref().map(|(at, _)| *at) == wait {
            return;
        }
        *timer = wait.map(|at| {
            let Micros(left) = at - now();
            let millis = u64::try_from(left).unwrap_or(0).div_ceil(1000).min(LONGEST_TIMER_MS) as u32;
            (at, Timeout::new(millis, ring))
        });
    }

    /// It has rung, or shall not.
    pub fn clear(&self) {
        self.0.take();
    }
}
