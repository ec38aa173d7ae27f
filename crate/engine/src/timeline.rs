//! One timeline for the player, whatever the publisher's clock does.
//!
//! A publisher that restarts, or whose timestamps jump, is moved so that both tracks go on where they were, by the same
//! offset. Packets of the old clock that arrive interleaved with the new one keep the old offset.

use sailcast_media::{MediaKind, MediaTime, Micros, Packet};

/// What the publisher's clock did, as far as its packets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JumpKind {
    /// It stepped back: a publisher that began anew.
    Restart,
    /// It stepped ahead.
    Ahead,
    /// The two tracks parted and were brought together again.
    Divergence,
    /// Another connection brings another clock.
    Reconnect,
}

impl JumpKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Ahead => "ahead",
            Self::Divergence => "divergence",
            Self::Reconnect => "reconnect",
        }
    }
}

/// A discontinuity of the stream's timeline. On the player's own timeline the stream goes on where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    pub kind: JumpKind,
    /// The step that the publisher's clock made beyond what was to be expected.
    pub delta: Micros,
}

/// A step ahead beyond this is a jump of the publisher's clock, unless the other track stands there too: then it is a gap
/// of this one (a still screen, a muted microphone).
const JUMP: Micros = Micros::from_secs(3);
/// A step back beyond this is a publisher that began anew; less is careless interleaving.
const STEP_BACK: Micros = Micros::from_millis(200);
/// No codec reorders over so much; a composition time beyond it is damage, and would throw the live edge off.
const MAX_COMPOSITION: Micros = Micros::from_secs(5);
/// What is put between the last packet before a jump and the first after it.
const SEAM: Micros = Micros::from_millis(33);

#[derive(Debug, Default)]
pub struct Timeline {
    offset: Micros,
    previous: Option<Micros>,
    last: [Option<MediaTime>; 2],
    joining: bool,
}

fn slot(kind: MediaKind) -> usize {
    match kind {
        MediaKind::Video => 0,
        MediaKind::Audio => 1,
    }
}

impl Timeline {
    /// Moves a packet onto the player's timeline; says so when the publisher's clock jumped.
    pub fn place(&mut self, kind: MediaKind, packet: &mut Packet) -> Option<Jump> {
        let i = slot(kind);
        if (packet.pts - packet.dts).abs() > MAX_COMPOSITION {
            packet.pts = packet.dts;
        }
        let other = self.last.get(1usize.saturating_sub(i)).copied().flatten();
        let near = |t: MediaTime, last: MediaTime| {
            let step = t - last;
            let beside = other.is_some_and(|other| (t - other).abs() <= JUMP);
            step >= -STEP_BACK && (step <= JUMP || beside)
        };
        let mut jump = None;
        let mut offset = self.offset;
        if let Some(last) =
            self.last.get(i).copied().flatten().filter(|last| !near(packet.dts + offset, *last))
        {
            match self.previous.filter(|p| near(packet.dts + *p, last)) {
                Some(previous) => offset = previous,
                None => {
                    let edge = self.last.iter().flatten().max().copied().unwrap_or(last);
                    let delta = packet.dts + offset - last;
                    let kind = if delta < Micros::ZERO { JumpKind::Restart } else { JumpKind::Ahead };
                    jump = Some(Jump { kind, delta });
                    offset = (edge + SEAM) - packet.dts;
                    self.previous = Some(self.offset);
                    self.offset = offset;
                }
            }
        }
        packet.dts = packet.dts + offset;
        packet.pts = packet.pts + offset;
        if let Some(last) = self.last.get_mut(i) {
            *last = Some(packet.dts);
        }
        jump
    }

    /// Another connection follows: its packets begin at a keyframe that may lie before those already here.
    pub fn reconnected(&mut self) {
        self.joining = true;
    }

    /// The same for a message: its time under the present offset.
    pub fn place_time(&self, time: MediaTime) -> MediaTime {
        time + self.offset
    }
}

#[cfg(test)]
mod tests {
    use sailcast_media::TrackId;

    use super::*;

    fn packet(ms: i64) -> Packet {
        Packet {
            track: TrackId(0),
            dts: MediaTime::from_millis(ms),
            pts: MediaTime::from_millis(ms + 5),
            duration: None,
            keyframe: true,
            disposable: false,
            data: bytes::Bytes::new(),
        }
    }

    #[test]
    fn a_restarted_publisher_goes_on_with_one_offset_for_both_tracks() {
        let mut t = Timeline::default();
        let mut put = |kind, ms| {
            let mut p = packet(ms);
            let jump = t.place(kind, &mut p).is_some();
            (p.dts.0 / 1000, jump)
        };
        assert_eq!(put(MediaKind::Video, 60_000), (60_000, false));
        assert_eq!(put(MediaKind::Audio, 60_010), (60_010, false));
        assert_eq!(put(MediaKind::Video, 0), (60_043, true));
        // Sound of the old clock still in flight, then sound of the new one.
        assert_eq!(put(MediaKind::Audio, 60_031), (60_031, false));
        assert_eq!(put(MediaKind::Audio, 8), (60_051, false));
        assert_eq!(put(MediaKind::Video, 33), (60_076, false));
    }
}
