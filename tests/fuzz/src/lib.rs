//! What the targets of demuxers share: how a stream is split, what is heard of it, and what holds for every stream.

use std::collections::HashSet;

use bytes::Bytes;
use sailcast_media::{CodecParams, DemuxError, DemuxEvent, Demuxer, MediaKind};

/// Everything a demuxer says of a stream, and how it failed, if it did.
pub type Heard = (Vec<DemuxEvent>, Option<DemuxError>);

/// Chunks of 1 to `most` and one bytes, by a small generator.
pub fn split(stream: &Bytes, seed: u8, most: u8) -> impl Iterator<Item = Bytes> {
    let (mut rest, mut state, most) = (stream.clone(), u32::from(seed), u32::from(most) + 1);
    std::iter::from_fn(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let n = ((state >> 16) % most + 1) as usize;
        (!rest.is_empty()).then(|| rest.split_to(n.min(rest.len())))
    })
}

/// Demuxes chunk after chunk, with a segment's end after each `segment` bytes, where it is not 0. It holds no more than `most` and
/// nothing at the end.
pub fn demux<D: Demuxer>(
    mut demuxer: D,
    chunks: impl IntoIterator<Item = Bytes>,
    segment: usize,
    held: fn(&D) -> usize,
    most: usize,
) -> Heard {
    let (mut events, mut pushed) = (Vec::new(), 0);
    for mut chunk in chunks {
        while !chunk.is_empty() {
            let left = if segment == 0 { chunk.len() } else { segment - pushed % segment };
            let part = chunk.split_to(left.min(chunk.len()));
            pushed += part.len();
            demuxer.push(part);
            if let Err(error) = drain(&mut demuxer, &mut events) {
                return (events, Some(error));
            }
            if segment > 0 && pushed % segment == 0 {
                demuxer.flush();
            }
            assert!(held(&demuxer) <= most, "{} held", held(&demuxer));
        }
    }
    demuxer.finish();
    let error = drain(&mut demuxer, &mut events).err();
    assert!(error.is_some() || held(&demuxer) == 0, "bytes left behind at the end");
    (events, error)
}

fn drain(demuxer: &mut impl Demuxer, events: &mut Vec<DemuxEvent>) -> Result<(), DemuxError> {
    while let Some(event) = demuxer.poll()? {
        events.push(event);
    }
    Ok(())
}

/// No more than `most` tracks, each of its kind and before its packets.
pub fn check(events: &[DemuxEvent], most: usize) {
    let mut configured = HashSet::new();
    for event in events {
        match event {
            DemuxEvent::Track(track) => {
                let kind = match track.config.params {
                    CodecParams::Video(_) => MediaKind::Video,
                    CodecParams::Audio(_) => MediaKind::Audio,
                };
                assert!(kind == track.id.kind && kind == track.config.codec.kind(), "{track:?}");
                configured.insert(track.id);
            }
            DemuxEvent::Packet(packet) => {
                assert!(configured.contains(&packet.track), "packet before its track");
                assert!(!packet.data.is_empty() || packet.track.kind == MediaKind::Audio, "an empty picture");
            }
            DemuxEvent::Skipped { .. } | DemuxEvent::Metadata(_) => {}
        }
    }
    assert!(configured.len() <= most, "{} tracks", configured.len());
}
