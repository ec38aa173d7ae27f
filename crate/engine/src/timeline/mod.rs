//! One timeline for the player, whatever the publisher's clock does: the one place that judges jumps.
//!
//! Each track's packets are moved by an offset, as a rule the same for both. A packet that its offset does not fit is tried
//! with that of the other track, then with the one before (packets of an old clock still in flight), and else begins a new
//! one, with which it goes on right behind what is here. When the other track follows, the publisher's clock has jumped;
//! when it does not, the two have parted, and that is told instead. A lone packet with a wrong stamp, after which all is as
//! before, is not worth telling.
//!
//! What is no jump: a gap. A step ahead that ends where the other track already is, is one, and so is a step no farther
//! than time itself has gone: live packets cannot be ahead of their capture, so what real time explains is left as it is,
//! however long, and playback skips to its end. That is what a server does that drops packets for a slow reader.
//!
//! **Invariant:** on one connection, no packet is placed more than [`STEP_BACK`] before its track's newest.

mod join;
mod skew;

use sailcast_media::{MediaKind, MediaTime, Micros, Packet};

pub use self::join::aligned;
use self::{join::Join, skew::Skew};
use crate::{io::Instant, window::WindowMax};

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

/// A step back beyond this is a publisher that began anew; less is careless interleaving.
pub const STEP_BACK: Micros = Micros::from_millis(200);
/// Tracks farther from their usual distance than this have parted, and a step ahead of a track beyond this needs a reason.
const PARTED: Micros = Micros::from_millis(300);
/// The same while it is not known how the tracks usually lie: a step that nothing explains. A track so far behind the
/// other has stopped.
const JUMP: Micros = Micros::from_secs(3);
/// A track may begin so far from the other: servers send what they have cached of one after the other.
const FIRST_APART: Micros = Micros::from_secs(15);
/// No codec reorders over so much; a composition time beyond it is damage, and would throw the live edge off.
const MAX_COMPOSITION: Micros = Micros::from_secs(5);
/// What is put between the last packet before a jump and the first after it, when the track's pace is not known.
const SEAM: Micros = Micros::from_millis(33);
/// The picture moves to where it belongs by this part of each step: too slow to be seen.
const SLEW: f64 = 1.0 / 3.0;
/// Apart by so little, sound and picture are together.
const TOGETHER: Micros = Micros::from_millis(20);
/// How far packets are ahead of the player's clock at most is remembered for a minute: clocks drift.
const DUE: WindowMax = WindowMax::new(Micros::from_secs(1), 60);
/// Times beyond this (146,000 years) are taken for it, so that no sum of them saturates.
const FARTHEST: i64 = i64::MAX / 4;

/// How a track's packets are moved: by the clock of their publisher, and apart from the other track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Clock {
    offset: Micros,
    shift: Micros,
}

impl Clock {
    fn place(self, raw: MediaTime) -> MediaTime {
        raw + self.offset + self.shift
    }
}

#[derive(Debug, Default)]
struct Track {
    clock: Clock,
    before: Clock,
    /// On this connection.
    newest: Option<MediaTime>,
    /// Its last step.
    step: Option<Micros>,
}

impl Track {
    fn switch(&mut self, clock: Clock) {
        self.before = std::mem::replace(&mut self.clock, clock);
    }

    fn note(&mut self, at: MediaTime) {
        match self.newest {
            Some(newest) if at <= newest => return,
            Some(newest) => self.step = Some(at - newest).filter(|step| *step <= PARTED),
            None => {}
        }
        self.newest = Some(at);
    }

    /// Where the next packet is to be expected.
    fn next(&self) -> Option<MediaTime> {
        Some(self.newest? + self.step.unwrap_or(SEAM))
    }
}

#[derive(Debug)]
pub struct Timeline {
    video: Track,
    audio: Track,
    /// Offsets of the two as last told.
    told: (Micros, Micros),
    /// The newest clock's reason, until it is known what the other track does.
    jump: Option<Jump>,
    skew: Skew,
    /// What the picture has yet to be moved by.
    slew: Micros,
    /// How far packets are ahead of the player's clock at most: where the live edge is due.
    ahead: WindowMax,
    join: Join,
    last: MediaKind,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            video: Track::default(),
            audio: Track::default(),
            told: Default::default(),
            jump: None,
            skew: Skew::default(),
            slew: Micros::ZERO,
            ahead: DUE,
            join: Join::Done,
            last: MediaKind::Video,
        }
    }
}

impl Timeline {
    /// Moves a packet onto the player's timeline; says so when the publisher's clock jumped.
    pub fn place(&mut self, kind: MediaKind, packet: &mut Packet, now: Instant) -> Option<Jump> {
        let raw = MediaTime(packet.dts.0.clamp(-FARTHEST, FARTHEST));
        let composition = packet.pts - packet.dts;
        let joined = self.join_first(kind, raw, now);
        self.choose(kind, raw, now);
        let at = self.track(kind).clock.place(raw);
        self.track_mut(kind).note(at);
        let settled = self.settle(kind);
        let late = self.watch_join(now);
        let at = self.track(kind).clock.place(raw);
        self.ahead.note(Micros(at.0.saturating_sub_unsigned(now.0)), now);
        self.last = kind;
        packet.dts = at;
        packet.pts = at + if composition.abs() > MAX_COMPOSITION { Micros::ZERO } else { composition };
        joined.or(late).or(settled)
    }

    /// The same for a message: its time by the clock of its track, or of the packet before it.
    pub fn place_time(&self, kind: Option<MediaKind>, time: MediaTime) -> MediaTime {
        self.track(kind.unwrap_or(self.last)).clock.place(time)
    }

    /// The time by the publisher's clock of what stands there.
    pub fn raw(&self, kind: MediaKind, at: MediaTime) -> MediaTime {
        let clock = self.track(kind).clock;
        at - clock.offset - clock.shift
    }

    fn track(&self, kind: MediaKind) -> &Track {
        match kind {
            MediaKind::Video => &self.video,
            MediaKind::Audio => &self.audio,
        }
    }

    fn track_mut(&mut self, kind: MediaKind) -> &mut Track {
        match kind {
            MediaKind::Video => &mut self.video,
            MediaKind::Audio => &mut self.audio,
        }
    }

    fn edge(&self) -> Option<MediaTime> {
        self.video.newest.max(self.audio.newest)
    }

    /// Where the live edge is due by now.
    fn due(&self, now: Instant) -> Option<MediaTime> {
        let ahead = self.ahead.max()?;
        Some(MediaTime(i64::try_from(now.0).unwrap_or(i64::MAX)) + ahead)
    }

    /// Finds the track's clock for this packet.
    fn choose(&mut self, kind: MediaKind, raw: MediaTime, now: Instant) {
        let track = self.track(kind);
        let (own, before) = (track.clock, track.before);
        let other = Clock { offset: self.track(other(kind)).clock.offset, shift: Micros::ZERO };
        let slewed = self.slewed(kind, own.place(raw));
        if self.fits(kind, slewed.place(raw), now) {
            self.slew = self.slew - (slewed.shift - own.shift);
            self.track_mut(kind).clock = slewed;
            return;
        }
        let usual = [other, before].into_iter().find(|c| *c != own && self.fits(kind, c.place(raw), now));
        let clock = usual.unwrap_or_else(|| {
            let track = self.track(kind);
            let at = track.next().max(self.edge()).unwrap_or(raw);
            let expected = track.newest.or(self.edge()).unwrap_or(raw);
            let delta = own.place(raw) - expected;
            let kind = if delta < Micros::ZERO { JumpKind::Restart } else { JumpKind::Ahead };
            self.jump = Some(Jump { kind, delta });
            Clock { offset: at - raw, shift: Micros::ZERO }
        });
        self.skew.begin();
        self.track_mut(kind).switch(clock);
    }

    /// A part of what the picture is yet to be moved by.
    fn slewed(&self, kind: MediaKind, at: MediaTime) -> Clock {
        let track = self.track(kind);
        let step = track.newest.map_or(Micros::ZERO, |newest| at - newest);
        if kind == MediaKind::Audio || step <= Micros::ZERO || step > PARTED {
            return track.clock;
        }
        let most = step.scale(SLEW);
        Clock { shift: track.clock.shift + self.slew.clamp(-most, most), ..track.clock }
    }

    /// Whether a packet of the track may stand there.
    fn fits(&self, kind: MediaKind, at: MediaTime, now: Instant) -> bool {
        let beside = self.track(other(kind)).newest;
        let Some(newest) = self.track(kind).newest else {
            return beside.is_none_or(|beside| (at - beside).abs() <= FIRST_APART);
        };
        let step = at - newest;
        if step < -STEP_BACK || step <= PARTED {
            return step >= -STEP_BACK;
        }
        if self.due(now).is_some_and(|due| at <= due + PARTED) {
            return true;
        }
        let beside = beside.filter(|beside| newest - *beside <= JUMP);
        match (beside, self.skew.usual()) {
            (Some(beside), Some(usual)) => {
                let usual = if kind == MediaKind::Audio { usual } else { -usual };
                at - beside <= usual + PARTED
            }
            (Some(beside), None) => step <= JUMP || at - beside <= JUMP,
            (None, _) => step <= JUMP,
        }
    }

    /// Finds out whether the tracks go together, and brings them together when they do not.
    fn settle(&mut self, kind: MediaKind) -> Option<Jump> {
        let measured = match (self.video.newest, self.audio.newest) {
            (Some(video), Some(audio)) if self.slew == Micros::ZERO => self.skew.note(kind, video, audio),
            _ => None,
        };
        let clocks = (self.video.clock.offset, self.audio.clock.offset);
        if clocks == self.told {
            return measured.and_then(|m| m.parted).map(|delta| {
                self.slew = delta;
                Jump { kind: JumpKind::Divergence, delta }
            });
        }
        if clocks.0 == clocks.1 {
            return self.tell_common();
        }
        let newest = self.track(kind).newest?;
        let is_silent = self.track(other(kind)).newest.is_none_or(|other| newest - other > JUMP);
        if is_silent {
            let clock = self.track(kind).clock;
            self.track_mut(other(kind)).switch(clock);
            return self.tell_common();
        }
        let measured = measured?;
        self.told = clocks;
        self.slew = measured.deviation.filter(|d| d.abs() > TOGETHER).unwrap_or_default();
        self.jump.take().map(|jump| Jump { kind: JumpKind::Divergence, ..jump })
    }

    /// Both tracks are on a new clock.
    fn tell_common(&mut self) -> Option<Jump> {
        self.told = (self.video.clock.offset, self.audio.clock.offset);
        self.slew = Micros::ZERO;
        self.skew = Skew::default();
        self.ahead.clear();
        self.jump.take()
    }
}

fn other(kind: MediaKind) -> MediaKind {
    match kind {
        MediaKind::Video => MediaKind::Audio,
        MediaKind::Audio => MediaKind::Video,
    }
}
