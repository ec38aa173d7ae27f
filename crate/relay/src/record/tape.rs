//! Packets to the files of a recording: MP4 in fragments, whole at any time.
//!
//! **Invariant:** a file is one run (`runs`): one configuration, one timeline, which begins at 0 with a keyframe.
//!
//! No clock, no disk.

use bytes::{Bytes, BytesMut};
use sailcast_media::{
    DemuxEvent,
    mp4::mux::{Mp4MuxError, Recording},
};

use crate::{
    muxer::Format,
    runs::{RunEvent, Runs},
};

/// What to do with the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A new file begins.
    Begin,
    Write(Bytes),
    End,
}

pub struct Tape {
    runs: Runs,
    file: Option<Recording>,
}

impl Tape {
    pub fn new() -> Self {
        Self { runs: Runs::new(Format::Fmp4), file: None }
    }

    pub fn push(&mut self, event: DemuxEvent) -> Result<Vec<Act>, Mp4MuxError> {
        let events = self.runs.push(event);
        self.act(events)
    }

    /// The stream is over.
    pub fn end(&mut self) -> Result<Vec<Act>, Mp4MuxError> {
        let events = self.runs.end();
        self.act(events)
    }

    /// What the file under way was to get is gone; another one begins at the next keyframe.
    pub fn abandon(&mut self) {
        self.runs.end();
        self.file = None;
    }

    fn act(&mut self, events: Vec<RunEvent>) -> Result<Vec<Act>, Mp4MuxError> {
        let mut acts = Vec::new();
        for event in events {
            let mut out = BytesMut::new();
            match event {
                RunEvent::Begin { tracks, .. } => {
                    self.file = Some(Recording::new(&tracks)?);
                    acts.push(Act::Begin);
                }
                RunEvent::Packet(packet) => {
                    if let Some(file) = &mut self.file {
                        file.packet(&mut out, &packet)?;
                        acts.extend(written(out));
                    }
                }
                RunEvent::End => {
                    if let Some(file) = self.file.take() {
                        file.finish(&mut out)?;
                        acts.extend(written(out));
                        acts.push(Act::End);
                    }
                }
            }
        }
        Ok(acts)
    }
}

fn written(out: BytesMut) -> Option<Act> {
    (!out.is_empty()).then(|| Act::Write(out.freeze()))
}

#[cfg(test)]
mod tests {
    use sailcast_media::MediaTime;

    use super::*;
    use crate::testing::{audio, ms, picture, sound, video};

    fn tape() -> Tape {
        let mut tape = Tape::new();
        for track in [video(), audio(48_000)] {
            assert_eq!(tape.push(DemuxEvent::Track(track)), Ok(vec![]));
        }
        tape
    }

    /// 25 pictures a second, a keyframe each two seconds, and what was done: `[` begins a file, `w` writes, once or
    /// more, `]` ends it.
    fn record(tape: &mut Tape, from: i64, until: i64) -> String {
        let pictures = (from..until).step_by(40).map(|at| picture(ms(at), (at - from) % 2000 == 0));
        let packets = pictures.flat_map(|picture| [sound(picture.dts - MediaTime(0)), picture]);
        let acts = packets.flat_map(|packet| tape.push(DemuxEvent::Packet(packet)).unwrap());
        brief(&acts.collect::<Vec<_>>())
    }

    fn brief(acts: &[Act]) -> String {
        let letter = |act: &Act| match act {
            Act::Begin => '[',
            Act::Write(_) => 'w',
            Act::End => ']',
        };
        let mut letters: Vec<char> = acts.iter().map(letter).collect();
        letters.dedup();
        letters.into_iter().collect()
    }

    #[test]
    fn a_file_is_written_as_it_grows_and_ends_with_the_stream() {
        let mut tape = tape();
        assert_eq!(record(&mut tape, 0, 6100), "[w");
        assert_eq!(brief(&tape.end().unwrap()), "w]");
    }

    #[test]
    fn another_configuration_or_timeline_is_another_file() {
        let mut tape = tape();
        record(&mut tape, 0, 3000);
        tape.push(DemuxEvent::Track(audio(44_100))).unwrap();
        assert_eq!(record(&mut tape, 3000, 4100), "w][w");
        assert_eq!(record(&mut tape, 60_000, 61_100), "w][w");
        assert_eq!(brief(&tape.end().unwrap()), "w]");
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
