//! Packets to the files of a recording: fragmented MP4, whole at any time.
//!
//! **Invariant:** a file is one run (`runs`): one configuration, one timeline, which begins at 0 with a keyframe. What is
//! gathered for a fragment is bounded in time and in bytes.
//!
//! No clock, no disk.

use std::mem;

use bytes::{Bytes, BytesMut};
use sailcast_media::{
    DemuxEvent, MediaTime, Micros, Packet, TrackId, TrackInfo,
    mp4::mux::{FragmentMuxer, Mp4MuxError},
};

use crate::{
    muxer::Format,
    runs::{RunEvent, Runs},
};

/// A keyframe so long after the last one that began a fragment begins another.
const FRAGMENT: Micros = Micros::from_secs(1);
const LONGEST_FRAGMENT: Micros = Micros::from_secs(5);
const LARGEST_FRAGMENT: usize = 8 << 20;
/// What a packet costs beside its bytes.
const PACKET_OVERHEAD: usize = 128;

/// What to do with the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A new file begins with these bytes.
    Begin(Bytes),
    Write(Bytes),
    End,
}

pub struct Tape {
    runs: Runs,
    file: Option<File>,
}

struct File {
    muxer: FragmentMuxer,
    /// The track whose keyframes begin fragments.
    lead: Option<TrackId>,
    base: MediaTime,
    /// Not written before there is a fragment: a file without one is none.
    init: Option<Bytes>,
    fragment_began: MediaTime,
    gathered: Vec<Packet>,
    cost: usize,
}

impl Tape {
    pub fn new() -> Self {
        Self { runs: Runs::new(Format::Fmp4), file: None }
    }

    pub fn push(&mut self, event: DemuxEvent) -> Result<Vec<Act>, Mp4MuxError> {
        let mut acts = Vec::new();
        for event in self.runs.push(event) {
            match event {
                RunEvent::Begin { tracks, at, .. } => self.file = Some(File::new(&tracks, at)?),
                RunEvent::Packet(packet) => {
                    if let Some(file) = &mut self.file {
                        file.place(packet, &mut acts)?;
                    }
                }
                RunEvent::End => self.close(&mut acts)?,
            }
        }
        Ok(acts)
    }

    /// The stream is over.
    pub fn end(&mut self) -> Result<Vec<Act>, Mp4MuxError> {
        self.runs.end();
        let mut acts = Vec::new();
        self.close(&mut acts)?;
        Ok(acts)
    }

    /// What the file under way was to get is gone; another one begins at the next keyframe.
    pub fn abandon(&mut self) {
        self.runs.end();
        self.file = None;
    }

    fn close(&mut self, acts: &mut Vec<Act>) -> Result<(), Mp4MuxError> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        file.fragment(acts, &[])?;
        if file.init.is_none() {
            acts.push(Act::End);
        }
        Ok(())
    }
}

impl File {
    fn new(tracks: &[TrackInfo], base: MediaTime) -> Result<Self, Mp4MuxError> {
        let muxer = FragmentMuxer::new(tracks)?.with_base(base);
        let mut init = BytesMut::new();
        muxer.init(&mut init);
        Ok(Self {
            muxer,
            lead: tracks.first().map(|track| track.id),
            base,
            init: Some(init.freeze()),
            fragment_began: base,
            gathered: Vec::new(),
            cost: 0,
        })
    }

    fn place(&mut self, packet: Packet, acts: &mut Vec<Act>) -> Result<(), Mp4MuxError> {
        // Sound from before the first picture.
        if packet.dts < self.base {
            return Ok(());
        }
        let age = packet.dts - self.fragment_began;
        let is_due = packet.keyframe && Some(packet.track) == self.lead && age >= FRAGMENT;
        if is_due || age >= LONGEST_FRAGMENT || self.cost >= LARGEST_FRAGMENT {
            self.fragment(acts, std::slice::from_ref(&packet))?;
            self.fragment_began = packet.dts;
        }
        self.cost += packet.data.len() + PACKET_OVERHEAD;
        self.gathered.push(packet);
        Ok(())
    }

    fn fragment(&mut self, acts: &mut Vec<Act>, next: &[Packet]) -> Result<(), Mp4MuxError> {
        let packets = mem::take(&mut self.gathered);
        self.cost = 0;
        let mut out = BytesMut::new();
        self.muxer.fragment(&mut out, &packets, next)?;
        if !out.is_empty() {
            acts.extend(self.init.take().map(Act::Begin));
            acts.push(Act::Write(out.freeze()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{audio, ms, picture, sound, video};

    fn tape() -> Tape {
        let mut tape = Tape::new();
        for track in [video(), audio(48_000)] {
            assert_eq!(tape.push(DemuxEvent::Track(track)), Ok(vec![]));
        }
        tape
    }

    /// 25 pictures a second, a keyframe each two seconds, and what was done: `[` begins a file, `w` writes, `]` ends it.
    fn record(tape: &mut Tape, from: i64, until: i64) -> String {
        let pictures = (from..until).step_by(40).map(|at| picture(ms(at), (at - from) % 2000 == 0));
        let packets = pictures.flat_map(|picture| [sound(picture.dts - MediaTime(0)), picture]);
        let acts = packets.flat_map(|packet| tape.push(DemuxEvent::Packet(packet)).unwrap());
        brief(&acts.collect::<Vec<_>>())
    }

    fn brief(acts: &[Act]) -> String {
        let letter = |act: &Act| match act {
            Act::Begin(_) => '[',
            Act::Write(_) => 'w',
            Act::End => ']',
        };
        acts.iter().map(letter).collect()
    }

    #[test]
    fn a_file_has_a_fragment_for_each_group_of_pictures() {
        let mut tape = tape();
        assert_eq!(record(&mut tape, 0, 6100), "[www");
        assert_eq!(brief(&tape.end().unwrap()), "w]");
    }

    #[test]
    fn another_configuration_or_timeline_is_another_file() {
        let mut tape = tape();
        record(&mut tape, 0, 3000);
        tape.push(DemuxEvent::Track(audio(44_100))).unwrap();
        assert_eq!(record(&mut tape, 3000, 4100), "w]");
        assert_eq!(record(&mut tape, 60_000, 61_100), "[w]");
        assert_eq!(brief(&tape.end().unwrap()), "[w]");
    }

    #[test]
    fn a_long_group_is_written_before_its_end() {
        let mut tape = tape();
        let packets = (0..300).map(|n| picture(ms(n * 40), n == 0));
        let acts: Vec<Act> =
            packets.flat_map(|packet| tape.push(DemuxEvent::Packet(packet)).unwrap()).collect();
        assert_eq!(brief(&acts), "[ww");
    }

    #[test]
    fn after_a_loss_another_file_begins_at_the_next_keyframe() {
        let mut tape = tape();
        record(&mut tape, 0, 3000);
        tape.abandon();
        let rest = (3000..4000).step_by(40).map(|at| picture(ms(at), false));
        assert!(rest.flat_map(|packet| tape.push(DemuxEvent::Packet(packet)).unwrap()).next().is_none());
        assert_eq!(record(&mut tape, 4000, 6100), "[w");
    }

    #[test]
    fn a_stream_without_a_picture_leaves_no_file() {
        let mut tape = tape();
        assert_eq!(tape.push(DemuxEvent::Packet(sound(ms(0)))), Ok(vec![]));
        assert_eq!(tape.end(), Ok(vec![]));
    }
}
