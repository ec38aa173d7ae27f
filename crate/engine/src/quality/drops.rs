//! Pictures that a viewer did not see, by the reason.

/// Why a picture was not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropCause {
    /// No other picture needs it, and there was no time to decode it.
    Disposable,
    /// Decoded after its time, or given up because the decoder was too far behind.
    Late,
    /// It went into a decoder that failed.
    Decoder,
    /// Left out by a start at the live edge, by frame chasing, or by a buffer that was full.
    Skip,
    /// The keyframe that it needs never came.
    NoKeyframe,
    /// Given to the display, which left it out.
    Sink,
}

/// Pictures by [`DropCause`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    pub disposable: u64,
    pub late: u64,
    pub decoder: u64,
    pub skip: u64,
    pub no_keyframe: u64,
    pub sink: u64,
}

impl Drops {
    pub fn add(&mut self, cause: DropCause, count: u64) {
        let counter = match cause {
            DropCause::Disposable => &mut self.disposable,
            DropCause::Late => &mut self.late,
            DropCause::Decoder => &mut self.decoder,
            DropCause::Skip => &mut self.skip,
            DropCause::NoKeyframe => &mut self.no_keyframe,
            DropCause::Sink => &mut self.sink,
        };
        *counter = counter.saturating_add(count);
    }

    /// What nobody wanted to lose: all but what was left out on purpose.
    pub fn lost(&self) -> u64 {
        [self.late, self.decoder, self.no_keyframe, self.sink].into_iter().fold(0, u64::saturating_add)
    }
}
