//! What the demuxer makes of enhanced FLV: multitrack, ModEx, metadata of a track, silence, and what it must not guess.

mod common;

use common::{AAC_CONFIG, AAC_RAW, AVC_CONFIG, AVC_IDR, AVC_INTER, events, packets, skips, tracks};
use sailcast_media::{
    CodecParams, Colour, DemuxEvent, Message, Metadata, SkipReason, TrackId, TrackInfo, Value,
    flv::TagKind::{Audio, Video},
};

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A share of a tag of many tracks.
fn share(track: u8, data: &[u8]) -> Vec<u8> {
    cat(&[&[track], &(data.len() as u32).to_be_bytes()[1..], data])
}

/// An avcC and access units, as they stand behind an extended header.
fn avcc() -> &'static [u8] {
    &AVC_CONFIG[5..]
}

fn idr() -> &'static [u8] {
    &AVC_IDR[5..]
}

fn inter() -> &'static [u8] {
    &AVC_INTER[5..]
}

#[test]
fn the_plain_extended_header_is_track_0() {
    let events = events(&[
        (Video, 0, &cat(&[b"\x90avc1", avcc()])),
        (Audio, 0, &cat(&[b"\x90mp4a", &AAC_CONFIG[2..]])),
        (Video, 0, &cat(&[b"\x91avc1\x00\x00\x28", idr()])),
        (Video, 40, &cat(&[b"\xa3avc1", inter()])),
        (Audio, 42, &cat(&[b"\x91mp4a", &AAC_RAW[2..]])),
    ]);
    assert_eq!(
        tracks(&events).iter().map(|t| t.id).collect::<Vec<_>>(),
        [TrackId::video(0), TrackId::audio(0)]
    );
    let [first, second, sound] = packets(&events)[..] else { panic!("{events:?}") };
    assert_eq!((first.dts.0, first.pts.0, first.keyframe), (0, 40_000, true));
    assert_eq!((second.dts.0, second.pts.0, second.keyframe), (40_000, 40_000, false));
    assert_eq!((&first.data[..], &second.data[..], &sound.data[..]), (idr(), inter(), &AAC_RAW[2..]));
}

#[test]
fn legacy_and_extended_tags_of_a_codec_are_one_track() {
    let events = events(&[
        (Video, 0, AVC_CONFIG),
        (Video, 0, &cat(&[b"\x93avc1", idr()])),
        (Video, 0, &cat(&[b"\x90avc1", avcc()])),
        (Video, 40, AVC_INTER),
    ]);
    assert_eq!((tracks(&events).len(), packets(&events).len(), events.len()), (1, 2, 3));
}

#[test]
fn each_form_of_multitrack_gives_its_tracks() {
    let asc = &AAC_CONFIG[2..];
    let raw = &AAC_RAW[2..];
    let events = events(&[
        (Video, 0, &cat(&[b"\x96\x00avc1\x03", avcc()])),
        (Video, 0, &cat(&[b"\x96\x10avc1", &share(0, avcc()), &share(1, avcc())])),
        (Audio, 0, &cat(&[b"\x95\x20mp4a", &share(5, asc), b"mp4a", &share(6, asc)])),
        (Video, 7, &cat(&[b"\x96\x01avc1\x03\x00\x00\x05", idr()])),
        (Video, 7, &cat(&[b"\x96\x13avc1", &share(0, idr()), &share(1, idr())])),
        (Audio, 8, &cat(&[b"\x95\x21mp4a", &share(5, raw), b"mp4a", &share(6, raw)])),
    ]);
    let ids: Vec<_> = packets(&events).iter().map(|p| p.track.to_string()).collect();
    assert_eq!(ids, ["video 3", "video 0", "video 1", "audio 5", "audio 6"]);
    assert_eq!(tracks(&events).len(), 5);
    assert_eq!(packets(&events)[0].pts.0, 12_000);
    assert_eq!(skips(&events), []);
}

#[test]
fn what_one_track_of_a_tag_cannot_read_costs_no_other() {
    let good = share(0, &AAC_CONFIG[2..]);
    let body = cat(&[
        b"\x95\x20mp4a",
        &good,
        b"mp4a",
        &share(1, &[0]),
        b"abcd",
        &share(2, &[1, 2]),
        b"mp4a\x03\x00\x00\x09x",
    ]);
    let events = events(&[(Audio, 0, &body)]);
    assert_eq!(tracks(&events).len(), 1);
    let start = 13 + 11;
    let names: Vec<_> =
        skips(&events).iter().map(|(at, len, why)| (at - start, *len, why.as_str())).collect();
    assert_eq!(names, [(12, 9, "bad-config"), (21, 10, "unsupported-codec"), (31, 9, "too-short")]);
}

#[test]
fn an_offset_of_nanoseconds_is_added_to_the_pts_and_an_unknown_mod_ex_stepped_over() {
    let events = events(&[
        (Video, 0, AVC_CONFIG),
        (Audio, 0, AAC_CONFIG),
        (Video, 10, &cat(&[b"\x97\x02\x07\xa1\x20\x01avc1\x00\x00\x02", idr()])),
        // One of type 9, then the offset.
        (Audio, 10, &cat(&[b"\x97\x00\x55\x97\x02\x00\x03\xe8\x01mp4a", &AAC_RAW[2..]])),
        (Video, 50, AVC_INTER),
    ]);
    let times: Vec<_> = packets(&events).iter().map(|p| (p.dts.0, p.pts.0)).collect();
    assert_eq!(times, [(10_000, 12_500), (10_000, 10_001), (50_000, 50_000)]);
}

#[test]
fn silence_is_an_empty_packet_of_a_track_that_sounds() {
    let events = events(&[
        (Audio, 0, &[]),
        (Audio, 0, AAC_CONFIG),
        (Audio, 0, &cat(&[b"\x95\x00mp4a\x02", &AAC_CONFIG[2..]])),
        (Audio, 20, &[]),
        (Audio, 30, b"\x92mp4a"),
        (Audio, 40, b"\x95\x02mp4a\x02"),
        (Audio, 50, b"\x95\x02mp4a\x09"),
        (Audio, 60, &[0xaf, 1]),
    ]);
    let silent: Vec<_> = packets(&events).iter().map(|p| (p.track.number, p.dts.0, p.data.len())).collect();
    assert_eq!(silent, [(0, 20_000, 0), (0, 30_000, 0), (2, 40_000, 0), (0, 60_000, 0)]);
    assert_eq!(skips(&events), []);
}

/// A video tag of metadata with a `colorInfo` of these colours.
fn colour_info(colours: &[(&str, f64)]) -> Vec<u8> {
    let mut body = b"\xd4avc1\x02\x00\x09colorInfo\x03\x00\x0bcolorConfig\x03".to_vec();
    for (name, value) in colours {
        body.extend((name.len() as u16).to_be_bytes());
        body.extend(name.as_bytes());
        body.push(0);
        body.extend(value.to_be_bytes());
    }
    body.extend(b"\x00\x00\x09\x00\x00\x09");
    body
}

fn colours(events: &[DemuxEvent]) -> Vec<Colour> {
    let colour = |track: &&TrackInfo| match track.config.params {
        CodecParams::Video(video) => video.colour,
        CodecParams::Audio(_) => panic!("{track:?}"),
    };
    tracks(events).iter().map(colour).collect()
}

#[test]
fn colours_of_a_track_come_with_its_next_keyframe_and_as_a_message() {
    let hdr = colour_info(&[
        ("colorPrimaries", 9.0),
        ("transferCharacteristics", 16.0),
        ("matrixCoefficients", 9.0),
    ]);
    let reset = b"\xd4avc1\x02\x00\x09colorInfo\x06";
    let events = events(&[
        (Video, 0, AVC_CONFIG),
        (Video, 0, AVC_IDR),
        (Video, 0, &hdr),
        (Video, 40, AVC_INTER),
        (Video, 80, AVC_IDR),
        (Video, 120, reset),
        (Video, 120, AVC_IDR),
    ]);
    let pq = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: true };
    let of_stream = colours(&events)[0];
    assert_eq!(colours(&events), [of_stream, pq, of_stream]);
    let order: Vec<_> = events
        .iter()
        .map(|event| match event {
            DemuxEvent::Track(_) => 't',
            DemuxEvent::Packet(_) => 'p',
            DemuxEvent::Metadata(Metadata { track: Some(_), .. }) => 'm',
            _ => '?',
        })
        .collect();
    assert_eq!(order.iter().collect::<String>(), "tpmptpmtp");
    let message = events.iter().find_map(|e| if let DemuxEvent::Metadata(m) = e { Some(m) } else { None });
    let Some(Metadata { message: Message::Script { name, values }, .. }) = message else { panic!() };
    assert_eq!(name, "colorInfo");
    assert!(matches!(&values[..], [Value::Object(fields)] if fields[0].0 == "colorConfig"));
}

#[test]
fn colours_before_the_first_picture_are_told_at_once() {
    let hdr = colour_info(&[("colorPrimaries", 9.0)]);
    let before = events(&[(Video, 0, &hdr), (Video, 0, AVC_CONFIG), (Video, 0, AVC_IDR)]);
    assert_eq!(colours(&before).iter().map(|c| c.primaries).collect::<Vec<_>>(), [9]);
    let behind = events(&[(Video, 0, AVC_CONFIG), (Video, 0, &hdr), (Video, 0, &hdr), (Video, 0, AVC_IDR)]);
    assert_eq!(colours(&behind).iter().map(|c| c.primaries).collect::<Vec<_>>(), [2, 9]);
}

#[test]
fn colours_that_change_nothing_are_no_new_configuration() {
    let [Colour { primaries, transfer, matrix, .. }] = colours(&events(&[(Video, 0, AVC_CONFIG)]))[..] else {
        panic!()
    };
    let same = colour_info(&[
        ("colorPrimaries", primaries.into()),
        ("transferCharacteristics", transfer.into()),
        ("matrixCoefficients", matrix.into()),
    ]);
    let other = colour_info(&[("colorPrimaries", 9.0)]);
    let events = events(&[
        (Video, 0, AVC_CONFIG),
        (Video, 0, &same),
        (Video, 0, AVC_IDR),
        (Video, 40, &other),
        (Video, 40, &same),
        (Video, 40, AVC_IDR),
    ]);
    assert_eq!((tracks(&events).len(), packets(&events).len()), (1, 2));
}

#[test]
fn commands_and_ends_are_nothing_and_reserved_types_no_guess() {
    let quiet = events(&[
        (Video, 0, b"\xd1"),
        (Video, 0, b"\xd1\x01"),
        (Video, 0, b"\xd7\x00\x00\x01"),
        (Video, 0, b"\x92avc1"),
        (Video, 0, b"\x96\x02avc1\x04"),
    ]);
    assert_eq!(quiet, []);
    let why = |kind, body: &[u8]| skips(&events(&[(kind, 0, body)])).first().map(|(_, _, why)| *why);
    assert_eq!(why(Video, b"\x98avc1x"), Some(SkipReason::BadPacket));
    assert_eq!(why(Video, b"\x96\x31avc1\x00x"), Some(SkipReason::BadPacket));
    assert_eq!(why(Audio, b"\x93mp4ax"), Some(SkipReason::BadPacket));
    assert_eq!(why(Video, b"\x91avc1\x00\x00"), Some(SkipReason::TooShort));
    assert_eq!(why(Video, b"\x91avc"), Some(SkipReason::TooShort));
    assert_eq!(why(Video, b"\x95avc1\x80\x04\x81\x00\x0c\x00"), Some(SkipReason::BadConfig));
    assert_eq!(why(Audio, b"\x94Opus\x01"), Some(SkipReason::TooShort));
}

#[test]
fn a_track_that_changes_its_codec_in_one_damaged_tag_goes_on() {
    let mut damaged = AAC_RAW.to_vec();
    damaged[0] = 0x7f;
    let events =
        events(&[(Audio, 0, AAC_CONFIG), (Audio, 20, AAC_RAW), (Audio, 40, &damaged), (Audio, 60, AAC_RAW)]);
    let times: Vec<_> = packets(&events).iter().map(|p| p.dts.0 / 1000).collect();
    assert!(times.ends_with(&[60]) && times.starts_with(&[20]), "{events:?}");
    assert_eq!(tracks(&events).last().map(|t| t.config.codec_string.as_str()), Some("mp4a.40.2"));
}

#[test]
fn tracks_are_capped_and_that_is_said_once() {
    let bodies: Vec<_> =
        (0..=255u8).map(|track| cat(&[&[0x95, 0], b"mp4a", &[track], &AAC_CONFIG[2..]])).collect();
    let tags: Vec<_> = bodies.iter().map(|body| (Audio, 0, &body[..])).collect();
    let events = events(&tags);
    assert_eq!(tracks(&events).len(), 64);
    let reasons: Vec<_> = skips(&events).iter().map(|(_, _, why)| *why).collect();
    assert_eq!(reasons, [SkipReason::TooManyTracks]);
}

#[test]
fn aac_without_a_configuration_sounds_after_a_second_at_the_rate_of_its_stamps() {
    let bodies: Vec<_> = (0..60u32).map(|i| (i * 1024 * 10 / 441, [0xaf, 1, 0x21, 0x10, 5])).collect();
    let tags: Vec<_> = bodies.iter().map(|(ms, body)| (Audio, *ms, &body[..])).collect();
    let events = events(&tags);
    let [track] = tracks(&events)[..] else { panic!("{events:?}") };
    assert_eq!(track.config.description[..], [0x12, 0x10], "AAC-LC, 44.1 kHz, stereo");
    assert_eq!((packets(&events).len(), skips(&events).len()), (13, 47));
}
