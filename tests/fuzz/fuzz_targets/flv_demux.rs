//! The FLV demuxer on any bytes: it keeps its caps, comes to an end, and says the same however the bytes are split.
//!
//! The first two bytes choose the split, the rest is the stream.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sailcast_media::{
    DemuxError, DemuxEvent, Demuxer, FlvDemuxer, MediaTime, Micros, flv::tag::MAX_TAG_BODY,
};

/// One tag's framing and the header behind it.
const FRAMING: usize = 11 + 4 + 11;
/// Half the range of a tag's timestamp.
const HALF_TURN: Micros = Micros::from_millis(1 << 31);

type Heard = (Vec<DemuxEvent>, Option<DemuxError>);

fuzz_target!(|input: &[u8]| {
    let Some(([seed, most], stream)) = input.split_first_chunk() else { return };
    let stream = Bytes::copy_from_slice(stream);
    let whole = demux(std::iter::once(stream.clone()));
    let split = demux(Split { rest: stream.clone(), state: u32::from(*seed), most: u32::from(*most) + 1 });
    // By their text where they differ: script data may hold NaN, which equals nothing.
    assert!(whole == split || format!("{whole:?}") == format!("{split:?}"), "{whole:?}\n{split:?}");
    check(&whole.0, stream.len() as u64);
});

fn demux(chunks: impl Iterator<Item = Bytes>) -> Heard {
    let mut demuxer = FlvDemuxer::new();
    let mut events = Vec::new();
    for chunk in chunks {
        demuxer.push(chunk);
        if let Err(error) = drain(&mut demuxer, &mut events) {
            return (events, Some(error));
        }
        assert!(demuxer.buffered_bytes() <= MAX_TAG_BODY + FRAMING);
    }
    demuxer.finish();
    let error = drain(&mut demuxer, &mut events).err();
    assert_eq!(demuxer.buffered_bytes(), 0);
    (events, error)
}

fn drain(demuxer: &mut FlvDemuxer, events: &mut Vec<DemuxEvent>) -> Result<(), DemuxError> {
    while let Some(event) = demuxer.poll()? {
        events.push(event);
    }
    Ok(())
}

/// What holds for every stream.
fn check(events: &[DemuxEvent], len: u64) {
    let mut behind = 0;
    let mut configured = [false; 2];
    let mut last: Option<MediaTime> = None;
    for event in events {
        match event {
            DemuxEvent::Track(track) => configured[usize::from(track.id.0)] = true,
            DemuxEvent::Packet(packet) => {
                let track = usize::from(packet.track.0);
                assert!(configured[track], "packet before its track");
                if let Some(last) = last {
                    assert!((packet.dts - last).abs() <= HALF_TURN, "dts stepped over half the counter");
                }
                last = Some(packet.dts);
            }
            DemuxEvent::Skipped { at, len: skipped, .. } => {
                assert!(*skipped > 0 && *at >= behind && at + skipped <= len, "skipped ranges overlap");
                behind = at + skipped;
            }
            DemuxEvent::Metadata(_) => {}
        }
    }
}

/// Chunks of 1 to `most` bytes by a small generator.
struct Split {
    rest: Bytes,
    state: u32,
    most: u32,
}

impl Iterator for Split {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.rest.is_empty() {
            return None;
        }
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let n = ((self.state >> 16) % self.most + 1) as usize;
        Some(self.rest.split_to(n.min(self.rest.len())))
    }
}
