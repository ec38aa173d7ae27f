//! What the entries of a file say of their codecs, and what the packets make of it.

mod common;

use bytes::Bytes;
use common::{
    fixture,
    mp4::{
        Reading, aac_entry, audio_entry, avc_entry, bx, demux, demux_chunks, esds, full, idr, moof, movie,
        packets, reasons, tracks, traf, trak, trun, video_entry,
    },
    skips,
};
use sailcast_media::{
    AudioParams, Codec, CodecName, CodecParams, Colour, DemuxEvent, MediaKind, SkipReason, TrackId,
    TrackInfo, Turn,
    demux::{Format, probe},
};

/// The track of a movie with this entry, and the reasons for what was left out, after a sample.
fn entry(handler: &[u8; 4], entry: &[u8], sample: &[u8]) -> (Vec<TrackInfo>, Vec<SkipReason>) {
    let init = movie(&[trak(1, handler, entry, &[], &[])]);
    let fragment = moof(|at| traf(1, Some(0), &trun(at, &[(40, sample.len())])));
    let (events, failed) = demux(&[init, fragment, bx(b"mdat", &[sample])].concat());
    assert_eq!(failed, None);
    (tracks(&events), reasons(&events))
}

fn sound_of(tracks: &[TrackInfo]) -> (Codec, &str, AudioParams) {
    let [track] = tracks else { panic!("{tracks:?}") };
    let CodecParams::Audio(params) = track.config.params else { panic!("{track:?}") };
    (track.config.codec, &track.config.codec_string, params)
}

#[test]
fn real_files_have_the_codecs_they_were_made_with() {
    let told = |name: &str| {
        let events = Reading::new(fixture(name)).read(&[4096]).events;
        assert_eq!(skips(&events), [], "{name}");
        tracks(&events).into_iter().map(|t| (t.id.to_string(), t.config.codec_string)).collect::<Vec<_>>()
    };
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(id, codec)| ((*id).to_owned(), (*codec).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(told("whole-first.mp4"), pairs(&[("video 0", "avc1.64000b"), ("audio 0", "mp4a.40.2")]));
    assert_eq!(told("whole-hevc-opus.mp4"), pairs(&[("video 0", "hvc1.1.6.L30.90"), ("audio 0", "opus")]));
    assert_eq!(told("whole-mp3-ac3.mp4"), pairs(&[("audio 0", "mp3"), ("audio 1", "ac-3")]));
    assert_eq!(told("whole-g711.mov"), pairs(&[("video 0", "avc1.64000b"), ("audio 0", "alaw")]));
    assert_eq!(told("fragments-av1-flac.mp4"), pairs(&[("audio 0", "flac"), ("video 0", "av01.0.00M.08")]));
    assert_eq!(told("fragments-vp9-opus.mp4"), pairs(&[("audio 0", "opus"), ("video 0", "vp09.00.10.08")]));
}

#[test]
fn a_picture_is_turned_by_its_track_and_then_by_the_movie() {
    let turn = |file: Vec<u8>| tracks(&Reading::new(file.into()).read(&[4096]).events)[0].config.turn();
    let mut file = fixture("whole-turned.mp4").to_vec();
    assert_eq!(turn(file.clone()), Turn { rotation: 90, mirror: false });
    let mvhd = file.windows(4).position(|name| name == b"mvhd").unwrap();
    let mirror: Vec<u8> =
        [-0x1_0000i32, 0, 0, 0, 0x1_0000].iter().flat_map(|number| number.to_be_bytes()).collect();
    file[mvhd + 40..][..20].copy_from_slice(&mirror);
    assert_eq!(turn(file), Turn { rotation: 90, mirror: true });
}

#[test]
fn sound_of_a_byte_a_sample_comes_in_packets_of_20_ms() {
    let events = Reading::new(fixture("whole-g711.mov")).read(&[4096]).events;
    let sounds: Vec<_> = packets(&events).into_iter().filter(|p| p.track.kind == MediaKind::Audio).collect();
    assert!(sounds.iter().all(|p| p.data.len() <= 160));
    assert_eq!(sounds.iter().map(|p| p.data.len()).sum::<usize>(), 48_000, "six seconds of 8 kHz");
    assert!(sounds.windows(2).all(|w| w[0].dts + w[0].duration.unwrap() == w[1].dts));
    assert!((300..600).contains(&sounds.len()), "{}", sounds.len());
}

#[test]
fn mp4a_is_what_its_descriptor_says() {
    let mp3 = [&[0xff, 0xfb, 0x90, 0x64][..], &[0; 413]].concat();
    for object_type in [0x69, 0x6b] {
        let (tracks, skipped) =
            entry(b"soun", &audio_entry(b"mp4a", 2, 44_100, &esds(object_type, &[])), &mp3);
        assert_eq!((sound_of(&tracks).1, skipped), ("mp3", vec![]));
    }
    let (tracks, _) = entry(b"soun", &aac_entry(), &[0x21, 0x10, 5]);
    let expected = AudioParams { sample_rate: 48_000, channels: 2 };
    assert_eq!(sound_of(&tracks), (Codec::Aac, "mp4a.40.2", expected));
    let (tracks, skipped) = entry(b"soun", &audio_entry(b"mp4a", 2, 44_100, &esds(0xdd, &[])), &mp3);
    assert_eq!(tracks, []);
    assert_eq!(skipped, [SkipReason::UnsupportedCodec(CodecName::Number(0xdd))]);
}

#[test]
fn sound_that_tells_all_in_its_packets_needs_nothing_of_the_entry() {
    let mp3 = [&[0xff, 0xfb, 0x90, 0x64][..], &[0; 413]].concat();
    for kind in [b".mp3", b"ms\0\x55"] {
        assert_eq!(sound_of(&entry(b"soun", &audio_entry(kind, 2, 44_100, &[]), &mp3).0).1, "mp3");
    }
    let enhanced = [0x0b, 0x77, 0x03, 0x7f, 0x3f, 0x87, 0xc0, 0x00, 0x20, 0xf8, 0, 0];
    let (tracks, skipped) =
        entry(b"soun", &audio_entry(b"ec-3", 6, 48_000, &bx(b"dec3", &[&[0; 5]])), &enhanced);
    assert_eq!((sound_of(&tracks).0, skipped), (Codec::Eac3, vec![]));
}

#[test]
fn quicktime_hides_the_descriptor_in_a_box_of_its_own() {
    let wave = bx(b"wave", &[&bx(b"frma", &[b"mp4a"]), &esds(0x40, &[0x11, 0x90])]);
    let mut old = audio_entry(b"mp4a", 2, 48_000, &[&[0; 16][..], &wave].concat());
    old[17] = 1;
    assert_eq!(sound_of(&entry(b"soun", &old, &[0x21, 0x10, 5]).0).1, "mp4a.40.2");
}

#[test]
fn g711_takes_its_rate_and_channels_from_the_entry() {
    for (kind, codec) in [(b"alaw", "alaw"), (b"ulaw", "ulaw")] {
        let (tracks, _) = entry(b"soun", &audio_entry(kind, 2, 16_000, &[]), &[0xd5; 640]);
        let expected = AudioParams { sample_rate: 16_000, channels: 2 };
        assert_eq!((sound_of(&tracks).1, sound_of(&tracks).2), (codec, expected));
    }
}

#[test]
fn sets_may_be_in_the_samples_alone() {
    let record = &common::AVC_CONFIG[5..];
    let set = |from: usize, len: usize| [&[0, 0, 0, len as u8], &record[from..from + len]].concat();
    let sample = [set(8, 27), set(38, 6), idr(50)].concat();
    let empty = bx(b"avcC", &[&[1, 0x64, 0, 0x1e, 0xff, 0xe0, 0]]);
    let (tracks, _) = entry(b"vide", &video_entry(b"avc3", &empty), &sample);
    assert_eq!(tracks[0].config.codec_string, "avc1.64001e");
}

#[test]
fn colours_of_the_entry_stand_over_those_of_the_bitstream() {
    let colr = bx(b"colr", &[b"nclx\0\x09\0\x10\0\x09\0"]);
    let with = video_entry(b"avc1", &[bx(b"avcC", &[&common::AVC_CONFIG[5..]]), colr].concat());
    let (tracks, _) = entry(b"vide", &with, &idr(50));
    let CodecParams::Video(video) = tracks[0].config.params else { panic!("video") };
    // The range is the bitstream's, for the entry does not say that it is full.
    assert_eq!(video.colour, Colour { primaries: 9, transfer: 16, matrix: 9, full_range: true });
}

#[test]
fn encrypted_and_unknown_tracks_are_told_of_once_and_passed_over() {
    let tracks_of = [
        trak(1, b"vide", &video_entry(b"encv", &[]), &[], &[]),
        trak(2, b"soun", &audio_entry(b"abcd", 2, 48_000, &[]), &[], &[]),
        trak(3, b"vide", &avc_entry(), &[], &[]),
        trak(4, b"text", &bx(b"tx3g", &[&[0; 30]]), &[], &[]),
        trak(5, b"tmcd", &bx(b"tmcd", &[&[0; 30]]), &[], &[]),
        trak(6, b"soun", &audio_entry(b"enca", 2, 48_000, &[]), &[], &[]),
    ];
    let fragment = || {
        moof(|at| {
            let tracks = (1..=6u32).map(|n| traf(n, Some(0), &trun(at + (n - 1) * 50, &[(40, 50)])));
            tracks.flatten().collect()
        })
    };
    let data = bx(b"mdat", &[&idr(50).repeat(6)]);
    let stream = [movie(&tracks_of), fragment(), data.clone(), fragment(), data].concat();
    let (events, _) = demux(&stream);
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            DemuxEvent::Skipped { track, why, .. } => Some((track.unwrap(), *why)),
            _ => None,
        })
        .collect();
    // What can be played is the first of its kind.
    assert_eq!(
        told,
        [
            (TrackId::video(1), SkipReason::Encrypted),
            (TrackId::audio(0), SkipReason::UnsupportedCodec(CodecName::FourCc(*b"abcd"))),
            (TrackId::audio(1), SkipReason::Encrypted),
        ]
    );
    assert!(packets(&events).iter().all(|packet| packet.track == TrackId::video(0)));
    assert_eq!(packets(&events).len(), 2);
}

#[test]
fn an_enabled_track_comes_before_one_that_is_not() {
    let mut off = trak(1, b"soun", &aac_entry(), &[], &[]);
    let flags = off.windows(4).position(|at| at == b"tkhd").unwrap() + 7;
    off[flags] = 0;
    let on = trak(2, b"soun", &audio_entry(b"alaw", 1, 8000, &[]), &[], &[]);
    let fragment = moof(|at| traf(2, Some(0), &trun(at, &[(20, 160)])));
    let (events, _) = demux(&[movie(&[off, on]), fragment, bx(b"mdat", &[&[0xd5; 160]])].concat());
    assert_eq!(packets(&events)[0].track, TrackId::audio(0));
}

#[test]
fn the_first_bytes_tell_the_format() {
    for name in ["whole-last.mp4", "fragments.mp4", "whole-g711.mov"] {
        assert_eq!(probe(&fixture(name)), Some(Format::Mp4), "{name}");
    }
    for kind in [b"styp", b"moof", b"mdat", b"free", b"wide", b"sidx", b"emsg"] {
        assert_eq!(probe(&bx(kind, &[&[0; 16]])), Some(Format::Mp4));
    }
    for other in [
        &b"FLV\x01\x05"[..],
        b"<!DOCTYPE html>",
        b"#EXTM3U\n#EXT-X-",
        b"\x47\x40\0\x10",
        b"",
        b"\0\0\0\x18ft",
    ] {
        assert_ne!(probe(other), Some(Format::Mp4), "{}", other.escape_ascii());
    }
}

#[test]
fn parameters_that_cannot_be_read_are_told_of() {
    let bad = video_entry(b"avc1", &bx(b"avcC", &[&[9, 9, 9]]));
    let (tracks, skipped) = entry(b"vide", &bad, &idr(50));
    assert_eq!(tracks, []);
    assert_eq!(skipped, [SkipReason::BadConfig, SkipReason::NoConfig], "of the entry, and of its sample");
    let none = full(b"mp4a", 0, 0, &[]);
    assert_eq!(entry(b"soun", &none, &[0; 9]).1, [SkipReason::BadConfig]);
    let chunks = [Bytes::copy_from_slice(&bx(b"moov", &[]))];
    assert!(demux_chunks(chunks).1.is_some());
}
