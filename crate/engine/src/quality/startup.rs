//! How long each step from the load to the picture took.

use sailcast_media::Micros;

use crate::io::Instant;

/// One step of a start, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// The response's headers came, or the socket opened.
    Connected,
    FirstByte,
    /// The first thing that the demuxer understood.
    FirstTag,
    /// The first keyframe went to the decoder.
    FirstKeyframe,
    /// The first picture came out of it.
    Decoded,
    /// The first picture was handed to the display.
    Shown,
}

/// When each milestone was first reached, counted from the load. `None`: not yet. What comes before the load, a click and
/// an engine that is still being compiled, only the page knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartUp {
    pub connected: Option<Micros>,
    pub first_byte: Option<Micros>,
    pub first_tag: Option<Micros>,
    pub first_keyframe: Option<Micros>,
    pub decoded: Option<Micros>,
    pub shown: Option<Micros>,
}

impl StartUp {
    /// Only the first time counts.
    pub(super) fn reach(&mut self, milestone: Milestone, loaded: Instant, now: Instant) {
        let slot = match milestone {
            Milestone::Connected => &mut self.connected,
            Milestone::FirstByte => &mut self.first_byte,
            Milestone::FirstTag => &mut self.first_tag,
            Milestone::FirstKeyframe => &mut self.first_keyframe,
            Milestone::Decoded => &mut self.decoded,
            Milestone::Shown => &mut self.shown,
        };
        slot.get_or_insert(now - loaded);
    }
}
