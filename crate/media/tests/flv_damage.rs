//! Damage is reported with its exact place, costs no more than the tags it touches, and never panics or hangs.

mod common;

use bytes::{Bytes, BytesMut};
use common::{
    AAC_CONFIG, AAC_RAW, demux, demux_chunks,
    edits::{Edit, edited, edits},
    fixture, stream, tag_events, tags,
};
use proptest::prelude::*;
use sailcast_media::{
    DemuxError, DemuxEvent, SkipReason,
    flv::{
        Tag, TagEvent,
        TagKind::{Audio, Script, Video},
        TagReader,
        tag::MAX_TAG_BODY,
    },
};

/// Three tags: where each begins, and the stream.
fn three() -> (Vec<Tag>, Bytes) {
    let bytes = stream(&[(Video, 0, &[7; 50]), (Audio, 10, &[8; 30]), (Video, 20, &[9; 40])]);
    (tags(&bytes), bytes)
}

fn patched(stream: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    let mut out = BytesMut::from(&stream[..]);
    out[at..at + bytes.len()].copy_from_slice(bytes);
    out.freeze()
}

fn inserted(stream: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    [&stream[..at], bytes, &stream[at..]].concat().into()
}

/// Events without the file header.
fn read(bytes: &Bytes) -> Vec<TagEvent> {
    let events = tag_events(bytes).unwrap();
    assert!(matches!(events[0], TagEvent::Header { .. }));
    events[1..].to_vec()
}

fn lost(at: u64, len: u64) -> TagEvent {
    TagEvent::Skipped { at, len, why: SkipReason::LostSync }
}

fn moved(tag: &Tag, by: u64) -> TagEvent {
    TagEvent::Tag(Tag { offset: tag.offset + by, ..tag.clone() })
}

#[test]
fn garbage_between_tags_is_skipped_to_the_byte() {
    let (tags, bytes) = three();
    let at = tags[1].offset;
    let garbage = [b"<html>".as_slice(), &[8, 9, 18, 0xff], &[9; 20]].concat();
    let damaged = inserted(&bytes, at as usize, &garbage);
    let by = garbage.len() as u64;
    assert_eq!(read(&damaged), [moved(&tags[0], 0), lost(at, by), moved(&tags[1], by), moved(&tags[2], by)]);
}

#[test]
fn a_damaged_tag_header_costs_that_tag() {
    let (tags, bytes) = three();
    let at = tags[1].offset;
    // Length (too long, too short, over the cap), stream id.
    for (offset, patch) in [(2, 0xff), (3, 29), (1, 0xff), (10, 1)] {
        let damaged = patched(&bytes, at as usize + offset, &[patch]);
        let len = tags[2].offset - at;
        assert_eq!(read(&damaged), [moved(&tags[0], 0), lost(at, len), moved(&tags[2], 0)], "byte {offset}");
    }
}

#[test]
fn damage_in_the_last_tag_still_gives_those_before_it() {
    let (tags, bytes) = three();
    let at = tags[2].offset;
    let len = bytes.len() as u64 - at;
    let damaged = patched(&bytes, at as usize + 8, &[0x77]);
    assert_eq!(read(&damaged), [moved(&tags[0], 0), moved(&tags[1], 0), lost(at, len)]);
}

#[test]
fn a_length_damaged_to_pass_the_end_does_not_hide_good_tags() {
    let (tags, bytes) = three();
    let damaged = patched(&bytes, 13 + 2, &[0x10]);
    assert_eq!(read(&damaged), [lost(13, tags[1].offset - 13), moved(&tags[1], 0), moved(&tags[2], 0)]);
}

#[test]
fn a_wrong_previous_tag_size_is_borne() {
    let (tags, bytes) = three();
    let expected: Vec<_> = tags.iter().map(|tag| moved(tag, 0)).collect();
    let mut damaged = bytes;
    for next in [tags[1].offset, tags[2].offset, damaged.len() as u64] {
        damaged = patched(&damaged, next as usize - 4, &[0, 0, 0, 0]);
    }
    assert_eq!(read(&damaged), expected);
}

#[test]
fn a_stream_id_other_than_0_is_borne_where_all_tags_have_it() {
    let (tags, bytes) = three();
    let expected: Vec<_> = tags.iter().map(|tag| moved(tag, 0)).collect();
    let marked =
        |stream: Bytes| tags.iter().fold(stream, |s, tag| patched(&s, tag.offset as usize + 10, &[1]));
    let all = marked(bytes.clone());
    assert_eq!(read(&all), expected);
    let garbage = inserted(&all, tags[1].offset as usize, &[9; 100]);
    assert_eq!(read(&garbage)[2..], [moved(&tags[1], 100), moved(&tags[2], 100)], "sync is found again");
    let mixed = patched(&bytes, tags[0].offset as usize + 10, &[7]);
    assert_eq!(read(&mixed), expected, "the first one alone");
}

#[test]
fn sync_is_found_again_where_previous_tag_sizes_are_wrong() {
    let (tags, bytes) = three();
    let mut damaged = bytes;
    for next in [tags[1].offset, tags[2].offset] {
        damaged = patched(&damaged, next as usize - 4, &[0, 0, 0, 0]);
    }
    let damaged = patched(&damaged, 13, &[0x55]);
    assert_eq!(read(&damaged), [lost(13, tags[1].offset - 13), moved(&tags[1], 0), moved(&tags[2], 0)]);
}

#[test]
fn a_stream_cut_inside_a_tag_says_where() {
    let (tags, bytes) = three();
    let at = tags[2].offset;
    for end in [at + 1, at + 11, at + 50] {
        let cut = bytes.slice(..end as usize);
        let truncated = TagEvent::Skipped { at, len: end - at, why: SkipReason::Truncated };
        assert_eq!(read(&cut), [moved(&tags[0], 0), moved(&tags[1], 0), truncated]);
    }
}

#[test]
fn a_stream_cut_inside_a_previous_tag_size_has_lost_nothing() {
    let (tags, bytes) = three();
    for cut in 1..=4 {
        assert_eq!(read(&bytes.slice(..bytes.len() - cut)).len(), tags.len());
    }
}

#[test]
fn a_whole_tag_of_unknown_type_is_named_as_such() {
    let (tags, bytes) = three();
    let damaged = patched(&bytes, tags[1].offset as usize, &[15]);
    let unknown = TagEvent::Skipped { at: tags[1].offset, len: tags[1].len(), why: SkipReason::UnknownTag };
    assert_eq!(read(&damaged), [moved(&tags[0], 0), unknown, moved(&tags[2], 0)]);
}

#[test]
fn a_longer_file_header_is_stepped_over() {
    let (tags, bytes) = three();
    let longer = inserted(&patched(&bytes, 8, &[12]), 9, &[9, 9, 9]);
    assert_eq!(read(&longer), tags.iter().map(|tag| moved(tag, 3)).collect::<Vec<_>>());
    let absurd = patched(&bytes, 5, &[0x7f]);
    assert_eq!(read(&absurd), tags.iter().map(|tag| moved(tag, 0)).collect::<Vec<_>>());
}

#[test]
fn a_missing_first_previous_tag_size_is_borne() {
    let (tags, bytes) = three();
    let without: Bytes = [&bytes[..9], &bytes[13..]].concat().into();
    let found = read(&without);
    assert_eq!(found.len(), 3);
    assert!(matches!(&found[0], TagEvent::Tag(tag) if tag.offset == 9 && tag.body == tags[0].body));
}

#[test]
fn the_extended_byte_is_the_upper_one() {
    let bytes = stream(&[(Script, 0xfedc_ba98, &[1])]);
    assert_eq!(bytes[17..21], [0xdc, 0xba, 0x98, 0xfe]);
    assert_eq!(tags(&bytes)[0].timestamp, 0xfedc_ba98);
}

#[test]
fn what_is_not_flv_is_refused_at_once() {
    for bytes in ["<!DOCTYPE html>", "F", "", "FLW\x01\x05\0\0\0\x09", "FLV\x01"] {
        let refused = tag_events(&Bytes::copy_from_slice(bytes.as_bytes()));
        assert_eq!(refused, Err(DemuxError::NotFlv { at: 0 }), "{bytes:?}");
    }
    let mut reader = TagReader::new();
    reader.push(Bytes::from_static(b"<"));
    assert_eq!(reader.poll(), Err(DemuxError::NotFlv { at: 0 }));
    reader.push(Bytes::from_static(b"FLV"));
    assert_eq!(reader.poll(), Err(DemuxError::NotFlv { at: 0 }), "an error is final");
}

#[test]
fn a_header_with_garbage_behind_it_has_no_tags() {
    let mut bytes = stream(&[]).to_vec();
    bytes.extend_from_slice(&[0x5a; 1000]);
    assert_eq!(tag_events(&bytes.clone().into()), Err(DemuxError::NoTags { at: 13, searched: 1000 }));
    bytes.resize(1 << 20, 0x5a);
    let endless = demux_chunks(Bytes::from(bytes).chunks(1000).map(Bytes::copy_from_slice).take(300));
    assert!(matches!(endless.1, Some(DemuxError::NoTags { at: 13, .. })));
}

#[test]
fn a_file_header_alone_is_an_empty_stream() {
    assert_eq!(read(&stream(&[])), []);
    assert_eq!(read(&stream(&[]).slice(..9)), []);
}

#[test]
fn a_hostile_length_allocates_nothing_before_its_bytes_come() {
    let mut reader = TagReader::new();
    reader.push(stream(&[]));
    reader.push(Bytes::from_static(&[9, 0x3f, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0]));
    assert!(matches!(reader.poll(), Ok(Some(TagEvent::Header { .. }))));
    assert_eq!(reader.poll(), Ok(None));
    assert_eq!(reader.buffered_bytes(), 11);
    // Over the cap: not believed, so not waited for.
    let (tags, bytes) = three();
    let huge = patched(&bytes, 14, &(MAX_TAG_BODY as u32 + 1).to_be_bytes()[1..]);
    assert_eq!(read(&huge)[0], lost(13, tags[1].offset - 13));
}

/// Headers lie anywhere; the first kilobyte is dense with structure.
fn damage() -> impl Strategy<Value = Vec<Edit>> {
    edits(prop_oneof![any::<usize>(), 0usize..1024], 1usize..3000, 9)
}

proptest! {
    #![proptest_config(common::cases(200))]

    #[test]
    fn mutated_streams_read_alike_however_they_are_split(edits in damage(), size in 1usize..3000) {
        let mut bytes = fixture("audio-only.flv").to_vec();
        bytes.extend_from_slice(&fixture("counter-bframes.flv")[..30_000]);
        let bytes = edited(&bytes, &edits);
        let chunks = bytes.chunks(size).map(Bytes::copy_from_slice);
        let heard = demux(&bytes);
        let split = demux_chunks(chunks);
        // By their text where they differ: script data may hold NaN, which equals nothing.
        prop_assert!(split == heard || format!("{split:?}") == format!("{heard:?}"), "{:?}\n{:?}", split, heard);
        let mut behind = 0;
        for (at, len, why) in common::skips(&heard.0) {
            prop_assert!(at >= behind && len > 0 && at + len <= bytes.len() as u64, "{} {} {}", at, len, why);
            behind = at + len;
        }
    }

    #[test]
    fn one_damaged_header_byte_costs_no_other_tag(which in any::<prop::sample::Index>(), byte in 0usize..11, bits in 1u8..) {
        let bytes = fixture("video-only.flv");
        let whole = tags(&bytes);
        let victim = which.get(&whole).clone();
        let at = victim.offset as usize + byte;
        let damaged = patched(&bytes, at, &[bytes[at] ^ bits]);
        let left = tags(&damaged);
        for tag in whole.iter().filter(|tag| tag.offset != victim.offset) {
            prop_assert!(left.contains(tag), "tag at {} lost", tag.offset);
        }
    }
}

#[test]
fn a_second_file_behind_the_first_is_read_on() {
    let one = stream(&[(Audio, 5000, AAC_CONFIG), (Audio, 5000, AAC_RAW)]);
    let both: Bytes = [&one[..], &one[..]].concat().into();
    let (events, failed) = demux(&both);
    assert_eq!(failed, None);
    assert_eq!(common::skips(&events), [(one.len() as u64, 13, SkipReason::LostSync)]);
    assert_eq!(events.iter().filter(|e| matches!(e, DemuxEvent::Packet(_))).count(), 2);
}

#[test]
fn packets_before_damage_and_behind_it_are_untouched() {
    let bytes =
        stream(&[(Audio, 0, AAC_CONFIG), (Audio, 0, AAC_RAW), (Audio, 21, AAC_RAW), (Audio, 42, AAC_RAW)]);
    let victim = tags(&bytes)[2].offset;
    let (events, failed) = demux(&patched(&bytes, victim as usize, &[1]));
    assert_eq!(failed, None);
    let times: Vec<_> = events
        .iter()
        .filter_map(|e| if let DemuxEvent::Packet(p) = e { Some(p.dts.0) } else { None })
        .collect();
    assert_eq!(times, [0, 42_000]);
}
