//! A sample as the container has it: a place in the file and in time.

/// Ticks are those of its track, before edits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub at: u64,
    pub size: u32,
    pub dts: i64,
    /// From decoding to presentation.
    pub composition: i64,
    pub duration: i64,
    /// sample_description_index: counted from 1.
    pub entry: u32,
}

impl Sample {
    pub fn end(&self) -> u64 {
        self.at.saturating_add(self.size.into())
    }

    /// When it is presented, in ticks.
    pub fn presented(&self) -> i64 {
        self.dts.saturating_add(self.composition)
    }
}
