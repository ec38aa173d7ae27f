use proptest::prelude::*;
use sailcast_media::flv::{TagKind, tag::MAX_TAG_BODY};

use super::*;
use crate::tags::serialised;

fn stream(bodies: &[&'static [u8]]) -> Vec<u8> {
    let mut out = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00".to_vec();
    for (n, body) in bodies.iter().enumerate() {
        let body = Bytes::from_static(body);
        out.extend(serialised(&Tag { offset: 0, kind: TagKind::Video, timestamp: n as u32 * 40, body }));
    }
    out
}

/// Everything in chunks of `size`: how many tags came, and the verdict.
fn take(bytes: &[u8], size: usize) -> (usize, Result<(), BadStream>) {
    let mut intake = Intake::default();
    let mut tags = Vec::new();
    for chunk in bytes.chunks(size) {
        if let Err(bad) = intake.push(Bytes::copy_from_slice(chunk), &mut tags) {
            return (tags.len(), Err(bad));
        }
    }
    let verdict = intake.finish(&mut tags);
    (tags.len(), verdict)
}

const PICTURES: [&[u8]; 3] = [b"\x17\x01abcdef", b"\x27\x01gh", b"\x27\x01"];

#[test]
fn a_good_stream_passes_in_any_chunks() {
    let bytes = stream(&PICTURES);
    for size in [1, 2, 3, 13, 1000] {
        assert_eq!(take(&bytes, size), (3, Ok(())), "chunks of {size}");
    }
}

/// DataOffset says where the tags begin; nobody has put anything in front of them yet.
#[test]
fn a_longer_file_header_passes_in_any_chunks() {
    let mut bytes = b"FLV\x01\x05\x00\x00\x02\x00".to_vec();
    bytes.resize(512, 0xaa);
    bytes.extend(&stream(&PICTURES)[9..]);
    for size in [1, 64, 500, 1000] {
        assert_eq!(take(&bytes, size), (3, Ok(())), "chunks of {size}");
    }
}

#[test]
fn what_is_not_flv_is_refused_at_its_first_byte() {
    let expected = BadStream::NotFlv(DemuxError::NotFlv { at: 0 });
    for size in [1, 1000] {
        assert_eq!(take(b"<html>not found</html>", size), (0, Err(expected.clone())));
    }
    assert_eq!(expected.offset(), Some(0));
}

#[test]
fn damage_is_reported_where_it_starts_and_what_was_before_it_passes() {
    let good = stream(&PICTURES);
    let mut bytes = good.clone();
    bytes.extend([0xee; 40]);
    bytes.extend(&good[13..]);
    for size in [1, 7, 1000] {
        let at = good.len() as u64;
        assert_eq!(take(&bytes, size), (3, Err(BadStream::NoTag { at })), "chunks of {size}");
    }
}

#[test]
fn damage_is_reported_before_the_next_good_tag_comes() {
    let mut bytes = stream(&PICTURES);
    let at = bytes.len() as u64;
    bytes.extend([0xee; 40]);
    let mut tags = Vec::new();
    let verdict = Intake::default().push(bytes.into(), &mut tags);
    assert_eq!((tags.len(), verdict), (3, Err(BadStream::NoTag { at })));
}

#[test]
fn a_stream_cut_inside_a_tag_is_reported() {
    let bytes = stream(&PICTURES);
    let last = stream(&PICTURES[..2]).len() as u64;
    let cut = &bytes[..bytes.len() - 5];
    assert_eq!(take(cut, 4), (2, Err(BadStream::Truncated { at: last })));
}

#[test]
fn a_stream_without_tags_is_empty() {
    assert_eq!(take(&stream(&[]), 5), (0, Err(BadStream::Empty)));
    assert_eq!(take(b"FLV", 5).0, 0);
    assert!(take(b"", 5).1.is_err());
}

#[test]
fn a_tag_of_a_type_that_flv_does_not_know_is_left_out() {
    let mut bytes = stream(&PICTURES[..1]);
    bytes.extend(b"\x0f\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00zz\x00\x00\x00\x0d");
    bytes.extend(&stream(&PICTURES)[13..]);
    for size in [1, 1000] {
        assert_eq!(take(&bytes, size), (4, Ok(())), "chunks of {size}");
    }
}

#[test]
fn the_file_headers_promise_is_told_once() {
    let mut intake = Intake::default();
    intake.push(stream(&PICTURES).into(), &mut Vec::new()).unwrap();
    assert_eq!(intake.take_promise(), Some((true, true)));
    assert_eq!(intake.take_promise(), None);
}

/// Header, body and trailer of the largest tag: what may be held while the rest of it is awaited.
const MAX_HELD: usize = 11 + MAX_TAG_BODY + 4;

/// What comes of bytes in the given pieces: the tags, the verdict, and the most that was held between them.
fn take_pieces(bytes: &[u8], cuts: &[usize]) -> (Vec<Tag>, Result<(), BadStream>, usize) {
    let mut intake = Intake::default();
    let (mut tags, mut held, mut rest) = (Vec::new(), 0, bytes);
    for cut in cuts.iter().chain([&usize::MAX]) {
        let (piece, behind) = rest.split_at((*cut).min(rest.len()));
        rest = behind;
        if let Err(bad) = intake.push(Bytes::copy_from_slice(piece), &mut tags) {
            return (tags, Err(bad), held);
        }
        held = held.max(intake.reader.buffered_bytes());
    }
    let verdict = intake.finish(&mut tags);
    (tags, verdict, held)
}

proptest! {
    #[test]
    fn damaged_streams_do_no_harm_and_end_the_same_in_any_chunks(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cuts in prop::collection::vec(0_usize..400, 0..40),
    ) {
        let mut bytes = stream(&[]);
        for body in bodies {
            let tag = Tag { offset: 0, kind: TagKind::Video, timestamp: 0, body: body.into() };
            bytes.extend(serialised(&tag));
        }
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let (tags, verdict, held) = take_pieces(&bytes, &cuts);
        prop_assert!(held <= MAX_HELD);
        prop_assert!(tags.iter().map(|tag| tag.body.len()).sum::<usize>() <= bytes.len());
        let (whole, whole_verdict, _) = take_pieces(&bytes, &[]);
        prop_assert_eq!(tags, whole);
        prop_assert_eq!(verdict.is_ok(), whole_verdict.is_ok());
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(
        signed in any::<bool>(),
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        cuts in prop::collection::vec(0_usize..200, 0..20),
    ) {
        let bytes = if signed { [stream(&[]), bytes].concat() } else { bytes };
        let (_, _, held) = take_pieces(&bytes, &cuts);
        prop_assert!(held <= MAX_HELD);
    }
}
