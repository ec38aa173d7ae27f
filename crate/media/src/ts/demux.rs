//! MPEG-TS to packets: the program's streams as its tables name them, wherever those stand and however often they change.
//!
//! **Invariant:** a packet comes only behind the [`crate::TrackInfo`] that decodes it. A track's number is its place among the
//! program's streams of its kind, and stays while its PID and stream_type do. Times are those of PTS and DTS, unwrapped together.
//!
//! Of several programs the first one is taken whose table comes and has something to play. What comes before the tables waits for
//! them, up to [`MAX_WAITING`] packets.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    demux::{DemuxError, DemuxEvent, Demuxer, SkipReason},
    elementary::Outlet,
    metadata::Message,
    packet::{MediaKind, TrackId},
    ts::{
        kind::Kind,
        packet::{NULL_PID, PACKET_LEN, TsPacket},
        psi::{PAT_PID, Pat, Pmt, Sections},
        reader::{PacketReader, ReaderEvent},
        stream::Stream,
    },
};

/// A second at 8 Mbit/s: tables are repeated several times in it.
const MAX_WAITING: usize = 5500;
/// Streams read of a program. Keeps a hostile table from making as many as its length allows.
const MAX_TRACKS: usize = 16;
/// Messages that wait for the first time.
const MAX_TIMELESS: usize = 64;
/// Streams named that are not read, of all tables.
const MAX_TOLD: usize = 64;

/// Turns a transport stream into events.
#[derive(Debug, Default)]
pub struct TsDemuxer {
    reader: PacketReader,
    out: Outlet,
    pat_sections: Sections,
    pat: Pat,
    /// By PID, of all programs.
    pmt_sections: Vec<(u16, Sections)>,
    program: Option<Chosen>,
    /// Programs whose tables have nothing to play.
    unplayable: Vec<u16>,
    streams: Vec<Stream>,
    /// Before the first program.
    waiting: VecDeque<TsPacket>,
    timeless: Vec<Message>,
    told: Vec<(u16, SkipReason)>,
    ended: bool,
    failed: Option<DemuxError>,
}

#[derive(Debug)]
struct Chosen {
    number: u16,
    /// Its table as it came last.
    section: Bytes,
}

impl Demuxer for TsDemuxer {
    fn push(&mut self, data: Bytes) {
        if !self.ended {
            self.reader.push(data);
        }
    }

    fn poll(&mut self) -> Result<Option<DemuxEvent>, DemuxError> {
        // Each turn takes an event or consumes a packet.
        loop {
            if let Some(event) = self.out.events.pop_front() {
                return Ok(Some(event));
            }
            if !self.step() {
                return self.failed.map_or(Ok(None), Err);
            }
        }
    }

    /// Counters and the step of packets may begin anew; times, tables and tracks go on.
    fn flush(&mut self) {
        self.end_segment(false);
    }

    fn finish(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            self.end_segment(true);
        }
    }
}

impl TsDemuxer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes pushed and not yet turned into events, but for packets that wait for the first tables. Once polled to `Ok(None)` it is
    /// less than six packets, and a unit a track.
    pub fn buffered_bytes(&self) -> usize {
        let sections = self.pmt_sections.iter().map(|(_, sections)| sections.buffered_bytes());
        let streams = self.streams.iter().map(Stream::buffered_bytes);
        let held = sections.chain(streams).fold(0, usize::saturating_add);
        held.saturating_add(self.reader.buffered_bytes()).saturating_add(self.pat_sections.buffered_bytes())
    }

    /// Consumes a packet; false when more bytes are needed, or all have failed.
    fn step(&mut self) -> bool {
        match self.reader.poll() {
            Ok(Some(ReaderEvent::Packet(packet))) => self.packet(packet),
            Ok(Some(ReaderEvent::Skipped { at, len, why })) => self.out.skipped(None, at, len, why),
            Ok(None) => return false,
            Err(error) => self.failed = Some(error),
        }
        self.failed.is_none()
    }

    fn end_segment(&mut self, last: bool) {
        self.reader.end_segment();
        while self.step() {}
        let at = self.reader.position();
        for stream in &mut self.streams {
            let ends = last.then_some(SkipReason::Truncated);
            let messages = stream.flush(ends, at, &mut self.out);
            self.timeless.extend(messages);
        }
        self.tell_timeless(last);
        self.pat_sections.part();
        for (_, sections) in &mut self.pmt_sections {
            sections.part();
        }
        if last {
            self.drop_waiting(0);
        }
        self.reader.begin_segment();
    }

    fn packet(&mut self, packet: TsPacket) {
        if packet.pid == NULL_PID {
            return;
        }
        if packet.pid == PAT_PID {
            for section in self.pat_sections.packet(&packet) {
                if self.pat.update(&section) {
                    self.programs_changed();
                }
            }
        } else if let Some(index) = self.pmt_sections.iter().position(|(pid, _)| *pid == packet.pid) {
            self.table_packet(index, &packet);
        } else if let Some(stream) = self.streams.iter_mut().find(|stream| stream.pid == packet.pid) {
            let messages = stream.packet(&packet, &mut self.out);
            self.timeless.extend(messages);
            self.tell_timeless(false);
        } else if self.program.is_none() && self.streams.is_empty() {
            self.waiting.push_back(packet);
            self.drop_waiting(MAX_WAITING);
        }
    }

    /// Follows the tables of all programs: those before the chosen one may have nothing to play.
    fn programs_changed(&mut self) {
        let programs = &self.pat.programs;
        self.pmt_sections.retain(|(pid, _)| programs.iter().any(|program| program.pmt_pid == *pid));
        for program in programs {
            if self.pmt_sections.iter().all(|(pid, _)| *pid != program.pmt_pid) {
                self.pmt_sections.push((program.pmt_pid, Sections::default()));
            }
        }
        self.program.take_if(|chosen| programs.iter().all(|program| program.number != chosen.number));
        self.unplayable.clear();
        // Tables that came before it.
        let is_table = |packet: &TsPacket| programs.iter().any(|program| program.pmt_pid == packet.pid);
        let (tables, waiting): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(is_table);
        self.waiting = waiting;
        for packet in tables {
            self.packet(packet);
        }
    }

    fn table_packet(&mut self, index: usize, packet: &TsPacket) {
        let Some((pid, sections)) = self.pmt_sections.get_mut(index) else { return };
        let pid = *pid;
        for section in sections.packet(packet) {
            if self.program.as_ref().is_some_and(|chosen| chosen.section == section) {
                continue;
            }
            if let Some(pmt) = Pmt::parse(&section)
                && self.pat.programs.iter().any(|known| known.number == pmt.program && known.pmt_pid == pid)
                && self.is_chosen(&pmt)
            {
                self.program = Some(Chosen { number: pmt.program, section });
                self.follow(&pmt, packet.at);
            }
        }
    }

    fn is_chosen(&mut self, pmt: &Pmt) -> bool {
        if let Some(chosen) = &self.program {
            return chosen.number == pmt.program;
        }
        if pmt.streams.iter().any(|stream| Kind::of(stream, &pmt.descriptors).is_playable()) {
            return true;
        }
        if !self.unplayable.contains(&pmt.program) {
            self.unplayable.push(pmt.program);
        }
        // There is no better one.
        self.pat.programs.iter().all(|program| self.unplayable.contains(&program.number))
    }

    /// Makes the program's streams those of its table.
    fn follow(&mut self, pmt: &Pmt, at: u64) {
        let mut before = std::mem::take(&mut self.streams);
        let mut wanted: Vec<_> =
            pmt.streams.iter().map(|stream| (stream.pid, Kind::of(stream, &pmt.descriptors))).collect();
        // What is there and stays keeps its number, so it is known first.
        let (mut kept, mut taken) = (Vec::new(), Vec::new());
        for (pid, kind) in &wanted {
            let stays = |stream: &mut Stream| stream.pid == *pid && stream.kind == *kind;
            if let Some(stream) = before.extract_if(.., stays).next() {
                taken.extend(stream.track());
                kept.push(stream);
            }
        }
        for mut stream in before {
            let messages = stream.flush(Some(SkipReason::Continuity), at, &mut self.out);
            self.timeless.extend(messages);
        }
        wanted.retain(|(pid, _)| kept.iter().all(|stream| stream.pid != *pid));
        self.streams = kept;
        for (pid, kind) in wanted {
            self.begin(pid, kind, &mut taken, at);
        }
        self.tell_timeless(false);
        self.replay();
    }

    fn begin(&mut self, pid: u16, kind: Kind, taken: &mut Vec<TrackId>, at: u64) {
        let (media, why) = match &kind {
            Kind::Picture(_) => (MediaKind::Video, None),
            Kind::Sound(..) => (MediaKind::Audio, None),
            Kind::Unsupported(media, name) => (*media, Some(SkipReason::UnsupportedCodec(*name))),
            Kind::Encrypted(media) => (*media, Some(SkipReason::Encrypted)),
            Kind::Id3 | Kind::Scte35 | Kind::Other => {
                if self.streams.len() < MAX_TRACKS {
                    self.streams.extend(Stream::new(pid, kind, None));
                }
                return;
            }
        };
        let is_free = |number: &u8| !taken.contains(&TrackId { kind: media, number: *number });
        let why = why.or((self.streams.len() >= MAX_TRACKS).then_some(SkipReason::TooManyTracks));
        let id = (0..=u8::MAX).find(is_free).map(|number| TrackId { kind: media, number });
        match why {
            None => {
                taken.extend(id);
                self.streams.extend(Stream::new(pid, kind, id));
            }
            Some(why) if !self.told.contains(&(pid, why)) && self.told.len() < MAX_TOLD => {
                self.told.push((pid, why));
                self.out.skipped(id, at, PACKET_LEN as u64, why);
            }
            Some(_) => {}
        }
    }

    /// What came before the tables, in its order.
    fn replay(&mut self) {
        for packet in std::mem::take(&mut self.waiting) {
            self.packet(packet);
        }
    }

    /// Where there are more than `most`, down to half of it: told in one piece.
    fn drop_waiting(&mut self, most: usize) {
        if self.waiting.len() <= most {
            return;
        }
        let dropped = self.waiting.drain(..self.waiting.len().saturating_sub(most / 2));
        let (at, count) = dropped
            .fold((None, 0u64), |(at, count), packet| (at.or(Some(packet.at)), count.saturating_add(1)));
        let len = count.saturating_mul(PACKET_LEN as u64);
        self.out.skipped(None, at.unwrap_or_default(), len, SkipReason::NoConfig);
    }

    /// Messages without a time have that of the last packet, or of the first one to come.
    fn tell_timeless(&mut self, last: bool) {
        self.timeless.truncate(MAX_TIMELESS);
        if self.timeless.is_empty() || (self.out.latest.is_none() && !last) {
            return;
        }
        let time = self.out.latest.unwrap_or_default();
        for message in std::mem::take(&mut self.timeless) {
            self.out.message(time, None, message);
        }
    }
}
