//! Which packets of a stream belong together: what can stand in one file, or between two discontinuities of a playlist.
//!
//! **Invariant:** a run has one configuration of each track and one timeline, and begins with a keyframe where it has pictures.
//! A new configuration comes into force with the next keyframe; what needs it before is left out, the rest goes on.
//!
//! Only the first track of each kind is looked at.

use sailcast_media::{DemuxEvent, MediaTime, Micros, Packet, TrackId, TrackInfo};

use crate::muxer::{Format, Muxer};

/// A track that goes back by more, and what is further from the rest, is of another timeline.
const MAX_BACK: Micros = Micros::from_millis(200);
const MAX_APART: Micros = Micros::from_secs(5);
/// A run waits so long, in the stream's time, for the other kind: codecs without a configuration are known by their first packet.
const JOIN: Micros = Micros::from_millis(500);
/// Pictures and sound.
const KINDS: usize = 2;
/// What it holds meanwhile, and what a packet costs beside its bytes.
const MAX_HELD: usize = 8 << 20;
const PACKET_OVERHEAD: usize = 128;

#[derive(Debug, PartialEq)]
pub enum RunEvent {
    Begin {
        /// Pictures first: the track that leads.
        tracks: Vec<TrackInfo>,
        /// Of the leading track's first packet.
        at: MediaTime,
        /// The timeline is not that of the run before.
        jumped: bool,
    },
    Packet(Packet),
    End,
}

/// Sorts a stream's events.
#[derive(Debug)]
pub struct Runs {
    format: Format,
    /// The newest configurations, pictures first, and those of them that the format can carry.
    tracks: Vec<TrackInfo>,
    usable: Vec<TrackInfo>,
    current: Option<Current>,
    jumped: bool,
}

#[derive(Debug)]
struct Current {
    tracks: Vec<TrackInfo>,
    began: MediaTime,
    /// Before the run is told of.
    held: Option<Vec<Packet>>,
    cost: usize,
    newest: MediaTime,
    /// Of each track.
    last: Vec<(TrackId, MediaTime)>,
}

impl Runs {
    /// `format`: what it cannot carry is left out.
    pub fn new(format: Format) -> Self {
        Self { format, tracks: Vec::new(), usable: Vec::new(), current: None, jumped: false }
    }

    /// Whether there are tracks, and the format takes none of them.
    pub fn is_hopeless(&self) -> bool {
        !self.tracks.is_empty() && self.usable.is_empty()
    }

    pub fn push(&mut self, event: DemuxEvent) -> Vec<RunEvent> {
        match event {
            DemuxEvent::Track(info) if info.id.number == 0 => self.track(info),
            DemuxEvent::Packet(packet) if packet.track.number == 0 => return self.packet(packet),
            _ => {}
        }
        Vec::new()
    }

    /// Ends the run, if there is one; the next one begins at a keyframe.
    pub fn end(&mut self) -> Vec<RunEvent> {
        let Some(mut run) = self.current.take() else { return Vec::new() };
        let mut events = run.open(&mut self.jumped);
        events.push(RunEvent::End);
        events
    }

    /// Another stream follows.
    pub fn forget(&mut self) -> Vec<RunEvent> {
        let ended = self.end();
        *self = Self { jumped: true, ..Self::new(self.format) };
        ended
    }

    fn track(&mut self, info: TrackInfo) {
        self.tracks.retain(|known| known.id != info.id);
        self.tracks.push(info);
        self.tracks.sort_by_key(|track| track.id);
        self.usable = self.tracks.iter().filter(|track| Muxer::takes(self.format, track)).cloned().collect();
    }

    fn packet(&mut self, packet: Packet) -> Vec<RunEvent> {
        let mut events = Vec::new();
        if self.current.as_ref().is_some_and(|run| run.is_elsewhere(&packet)) {
            events.extend(self.end());
            self.jumped = true;
        }
        if let Some(run) = self.current.as_mut().filter(|run| run.held.is_some())
            && self.usable.starts_with(&run.tracks)
        {
            run.tracks.clone_from(&self.usable);
        }
        if self.begins_run(&packet) {
            // Sound that was held before there were pictures goes.
            let told = self.current.as_ref().is_some_and(|run| run.held.is_none());
            events.extend(if told { self.end() } else { Vec::new() });
            self.current = Some(Current::new(self.usable.clone(), packet.dts));
        }
        let Some(run) = &mut self.current else { return events };
        let mut in_force = run.tracks.iter().filter(|track| self.usable.contains(track));
        if in_force.any(|track| track.id == packet.track) {
            run.note(&packet);
            events.extend(run.take(packet, &mut self.jumped));
        }
        events
    }

    fn begins_run(&self, packet: &Packet) -> bool {
        let leads = self.usable.first().is_some_and(|lead| lead.id == packet.track);
        leads && packet.keyframe && self.current.as_ref().is_none_or(|run| run.tracks != self.usable)
    }
}

impl Current {
    fn new(tracks: Vec<TrackInfo>, began: MediaTime) -> Self {
        Self { tracks, began, held: Some(Vec::new()), cost: 0, newest: began, last: Vec::new() }
    }

    fn take(&mut self, packet: Packet, jumped: &mut bool) -> Vec<RunEvent> {
        let Some(held) = &mut self.held else { return vec![RunEvent::Packet(packet)] };
        let waited = packet.dts - self.began >= JOIN;
        self.cost += packet.data.len() + PACKET_OVERHEAD;
        held.push(packet);
        if waited || self.cost > MAX_HELD || self.tracks.len() == KINDS {
            self.open(jumped)
        } else {
            Vec::new()
        }
    }

    /// Tells of the run, if that has not been done.
    fn open(&mut self, jumped: &mut bool) -> Vec<RunEvent> {
        let Some(held) = self.held.take() else { return Vec::new() };
        let jumped = std::mem::take(jumped);
        let begin = RunEvent::Begin { tracks: self.tracks.clone(), at: self.began, jumped };
        std::iter::once(begin).chain(held.into_iter().map(RunEvent::Packet)).collect()
    }

    fn is_elsewhere(&self, packet: &Packet) -> bool {
        let last = self.last.iter().find(|(track, _)| *track == packet.track);
        let back = last.is_some_and(|(_, last)| *last - packet.dts > MAX_BACK);
        back || (packet.dts - self.newest).abs() > MAX_APART
    }

    fn note(&mut self, packet: &Packet) {
        self.last.retain(|(track, _)| *track != packet.track);
        self.last.push((packet.track, packet.dts));
        self.newest = self.newest.max(packet.dts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{audio, ms, picture, sound, video};

    fn configured(tracks: &[TrackInfo]) -> Runs {
        let mut runs = Runs::new(Format::Fmp4);
        tracks.iter().for_each(|track| drop(runs.push(DemuxEvent::Track(track.clone()))));
        runs
    }

    /// `[` begins a run and `]` ends it; pictures, keyframes and sound are `p`, `k` and `s`.
    fn brief(runs: &mut Runs, packets: impl IntoIterator<Item = Packet>) -> String {
        let events = packets.into_iter().flat_map(|packet| runs.push(DemuxEvent::Packet(packet)));
        let events: Vec<RunEvent> = events.collect();
        let letter = |event: &RunEvent| match event {
            RunEvent::Begin { .. } => '[',
            RunEvent::End => ']',
            RunEvent::Packet(packet) if packet.track == TrackId::audio(0) => 's',
            RunEvent::Packet(packet) if packet.keyframe => 'k',
            RunEvent::Packet(_) => 'p',
        };
        events.iter().map(letter).collect()
    }

    #[test]
    fn a_run_begins_with_a_keyframe_where_there_are_pictures() {
        let mut runs = configured(&[video(), audio(48_000)]);
        let packets = [sound(ms(0)), picture(ms(1), false), picture(ms(40), true), sound(ms(21))];
        assert_eq!(brief(&mut runs, packets), "[ks");
        let mut runs = configured(&[audio(48_000)]);
        let packets = [sound(ms(0)), picture(ms(1), true), sound(ms(21)), sound(ms(500))];
        assert_eq!(brief(&mut runs, packets), "[sss");
    }

    #[test]
    fn a_kind_known_by_its_first_packet_alone_is_waited_for() {
        let mut runs = configured(&[video()]);
        assert_eq!(brief(&mut runs, [picture(ms(0), true), picture(ms(40), false)]), "");
        runs.push(DemuxEvent::Track(audio(48_000)));
        assert_eq!(brief(&mut runs, [sound(ms(50)), picture(ms(80), false)]), "[kpsp");
        let mut runs = configured(&[audio(48_000)]);
        assert_eq!(brief(&mut runs, [sound(ms(0))]), "");
        runs.push(DemuxEvent::Track(video()));
        assert_eq!(brief(&mut runs, [picture(ms(0), true), sound(ms(21))]), "[ks");
    }

    #[test]
    fn a_new_configuration_waits_for_the_keyframe_and_the_rest_goes_on() {
        let mut runs = configured(&[video(), audio(48_000)]);
        assert_eq!(brief(&mut runs, [picture(ms(0), true), sound(ms(0))]), "[ks");
        runs.push(DemuxEvent::Track(audio(44_100)));
        let packets =
            [sound(ms(21)), picture(ms(40), false), sound(ms(42)), picture(ms(80), true), sound(ms(80))];
        assert_eq!(brief(&mut runs, packets), "p][ks");
    }

    #[test]
    fn a_kind_that_joins_later_waits_too() {
        let mut runs = configured(&[audio(48_000)]);
        assert_eq!(brief(&mut runs, [sound(ms(0)), sound(ms(500))]), "[ss");
        runs.push(DemuxEvent::Track(video()));
        let packets = [picture(ms(510), false), sound(ms(521)), picture(ms(540), true)];
        assert_eq!(brief(&mut runs, packets), "s][k");
    }

    #[test]
    fn a_clock_that_jumps_ends_the_run() {
        for jump in [ms(-500), ms(6000)] {
            let mut runs = configured(&[video(), audio(48_000)]);
            assert_eq!(brief(&mut runs, [picture(ms(1000), true), sound(ms(1000))]), "[ks");
            let at = ms(1040) + jump;
            assert_eq!(brief(&mut runs, [picture(at, false), sound(at), picture(at + ms(40), true)]), "][k");
        }
    }
}
