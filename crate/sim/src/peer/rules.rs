//! What each player decides, and when it may: on `timeupdate` (four times a second) or when data was appended.

/// What a page sees of its media element, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// End of the buffered range minus current time.
    pub ahead: f64,
    pub rate: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    None,
    Rate(f64),
    /// To this distance before the buffered end.
    Seek(f64),
}

pub trait Rule {
    /// Buffered seconds at which the first start happens.
    fn start(&self) -> f64 {
        0.1
    }
    /// The same, after a stall. Chromium's renderers want 200 ms of sound.
    fn resume(&self) -> f64 {
        0.2
    }
    /// About to start or to resume.
    fn on_start(&mut self, _: View) -> Action {
        Action::None
    }
    fn on_append(&mut self, _: View) -> Action {
        Action::None
    }
    fn on_time_update(&mut self, _: View) -> Action {
        Action::None
    }
    fn on_stall(&mut self) {}
}

/// A buffer of one length.
pub struct Fixed {
    pub buffer: f64,
}

impl Rule for Fixed {
    fn start(&self) -> f64 {
        self.buffer
    }
    fn resume(&self) -> f64 {
        self.buffer
    }
    fn on_start(&mut self, view: View) -> Action {
        if view.ahead > self.buffer { Action::Seek(self.buffer) } else { Action::None }
    }
}

/// `LiveLatencyChaser` of mpegts.js: asked whenever the buffered range has changed.
pub struct SeekAbove {
    pub max: f64,
    pub remain: f64,
}

impl Rule for SeekAbove {
    fn on_append(&mut self, view: View) -> Action {
        if view.ahead > self.max { Action::Seek(self.remain) } else { Action::None }
    }
}

/// `LiveLatencySynchronizer` of mpegts.js.
pub struct LiveSync {
    pub max: f64,
    pub target: f64,
    pub rate: f64,
}

impl Rule for LiveSync {
    fn on_time_update(&mut self, view: View) -> Action {
        if view.ahead > self.max {
            Action::Rate(self.rate)
        } else if view.ahead > self.target {
            Action::None
        } else {
            Action::Rate(1.0)
        }
    }
}

/// `LatencyController` of hls.js, with the newest data as its live edge and target durations of a second.
pub struct Sigmoid {
    pub target: f64,
    pub max_rate: f64,
    pub stalls: u32,
}

impl Rule for Sigmoid {
    fn on_time_update(&mut self, view: View) -> Action {
        const TARGET_DURATION: f64 = 1.0;
        let target = self.target + f64::from(self.stalls).min(TARGET_DURATION);
        let distance = view.ahead - target;
        let in_live_range = distance < target + TARGET_DURATION;
        if !in_live_range || distance <= 0.05 || view.ahead <= 1.0 {
            return Action::Rate(1.0);
        }
        let rate = (2.0 / (1.0 + (-0.75 * distance).exp()) * 20.0).round() / 20.0;
        Action::Rate(rate.clamp(1.0, self.max_rate))
    }
    fn on_stall(&mut self) {
        self.stalls += 1;
    }
}
