//! What the demuxer makes of tags that are whole.

mod common;

use bytes::Bytes;
use common::{
    AAC_CONFIG, AAC_RAW, AVC_CONFIG, AVC_IDR, AVC_INTER, demux, events, packets, skips, stream, tracks,
};
use sailcast_media::{
    CodecParams, DemuxEvent, MediaTime, Message, SkipReason, Value,
    flv::{
        TagKind::{Audio, Script, Video},
        demux::{AUDIO_TRACK, VIDEO_TRACK},
    },
};

fn times_ms(events: &[DemuxEvent]) -> Vec<i64> {
    packets(events).iter().map(|p| p.dts.0 / 1000).collect()
}

fn ms(ms: i64) -> MediaTime {
    MediaTime::from_millis(ms)
}

/// AVC_INTER with another composition time.
fn inter(composition: [u8; 3]) -> Vec<u8> {
    let mut body = AVC_INTER.to_vec();
    body[2..5].copy_from_slice(&composition);
    body
}

#[test]
fn configuration_becomes_tracks_and_access_units_packets() {
    let events = events(&[
        (Video, 0, AVC_CONFIG),
        (Audio, 0, AAC_CONFIG),
        (Video, 40, AVC_IDR),
        (Audio, 42, AAC_RAW),
        (Video, 80, &inter([0, 0, 40])),
    ]);
    let [video, audio] = tracks(&events)[..] else { panic!("{events:?}") };
    assert_eq!((video.id, video.config.codec_string.as_str()), (VIDEO_TRACK, "avc1.64001e"));
    assert!(matches!(video.config.params, CodecParams::Video(v) if (v.width, v.height) == (640, 360)));
    assert_eq!(video.config.description, AVC_CONFIG[5..]);
    assert_eq!((audio.id, audio.config.codec_string.as_str()), (AUDIO_TRACK, "mp4a.40.2"));
    let [idr, sound, inter] = packets(&events)[..] else { panic!("{events:?}") };
    assert!(idr.keyframe && !inter.keyframe && sound.keyframe);
    assert_eq!((idr.track, idr.dts, idr.pts), (VIDEO_TRACK, ms(40), ms(40)));
    assert_eq!((inter.dts, inter.pts), (ms(80), ms(120)));
    assert_eq!((sound.track, sound.dts), (AUDIO_TRACK, ms(42)));
    assert_eq!(sound.data, AAC_RAW[2..]);
    assert_eq!(idr.data, AVC_IDR[5..]);
}

#[test]
fn composition_time_may_be_negative() {
    let events =
        events(&[(Video, 0, AVC_CONFIG), (Video, 0, AVC_IDR), (Video, 40, &inter([0xff, 0xff, 0xf6]))]);
    assert_eq!(packets(&events)[1].pts, ms(30));
}

#[test]
fn keyframes_are_read_from_the_nal_types_not_the_flag() {
    let mut lying_key = AVC_INTER.to_vec();
    lying_key[0] = 0x17;
    let mut modest_key = AVC_IDR.to_vec();
    modest_key[0] = 0x27;
    let events = events(&[(Video, 0, AVC_CONFIG), (Video, 0, &modest_key), (Video, 40, &lying_key)]);
    assert_eq!(packets(&events).iter().map(|p| p.keyframe).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_repeated_configuration_is_no_new_track() {
    let events = events(&[
        (Video, 0, AVC_CONFIG),
        (Audio, 0, AAC_CONFIG),
        (Video, 0, AVC_CONFIG),
        (Audio, 0, AAC_CONFIG),
    ]);
    assert_eq!(events.len(), 2);
}

#[test]
fn a_changed_configuration_is_a_track_again() {
    let events = events(&[(Audio, 0, AAC_CONFIG), (Audio, 0, AAC_RAW), (Audio, 20, &[0xaf, 0, 0x12, 0x10])]);
    let rates: Vec<_> = tracks(&events).iter().map(|t| t.config.params).collect();
    assert!(
        matches!(rates[..], [CodecParams::Audio(a), CodecParams::Audio(b)] if a.sample_rate == 48_000 && b.sample_rate == 44_100)
    );
}

#[test]
fn configuration_stamped_zero_in_mid_stream_is_no_jump() {
    let events = events(&[
        (Video, 0, AVC_CONFIG),
        (Video, 90_000, AVC_IDR),
        (Video, 0, AVC_CONFIG),
        (Script, 0, b"\x02\x00\x01n\x05"),
        (Video, 90_040, AVC_INTER),
    ]);
    assert_eq!(times_ms(&events), [90_000, 90_040]);
}

#[test]
fn timestamps_run_on_over_the_wrap() {
    let events = events(&[
        (Video, u32::MAX - 20, AVC_CONFIG),
        (Audio, 0, AAC_CONFIG),
        (Video, u32::MAX - 19, AVC_IDR),
        (Video, 20, AVC_INTER),
        (Audio, u32::MAX, AAC_RAW),
        (Audio, 21, AAC_RAW),
    ]);
    let wrap = 1i64 << 32;
    assert_eq!(times_ms(&events), [wrap - 20, wrap + 20, wrap - 1, wrap + 21]);
}

#[test]
fn a_publisher_that_begins_anew_goes_back_as_its_stamps_do() {
    let events = events(&[
        (Audio, 0, AAC_CONFIG),
        (Audio, 50_000, AAC_RAW),
        (Audio, 0, AAC_RAW),
        (Audio, 9_000, AAC_RAW),
        (Audio, 20_000, AAC_RAW),
    ]);
    assert_eq!(times_ms(&events), [50_000, 0, 9_000, 20_000]);
}

#[test]
fn packets_before_their_configuration_are_skipped() {
    let events =
        events(&[(Video, 0, AVC_IDR), (Audio, 0, AAC_RAW), (Audio, 0, AAC_CONFIG), (Audio, 20, AAC_RAW)]);
    assert_eq!(skips(&events), [(13, 22, SkipReason::NoConfig), (39, 16, SkipReason::NoConfig)]);
    assert_eq!(packets(&events).len(), 1);
}

#[test]
fn an_unsupported_codec_is_named_once_for_each_track() {
    let speex = &[0xb6, 1, 2, 3][..];
    let events = events(&[
        (Audio, 0, speex),
        (Video, 0, &[0x14, 1, 2]),
        (Video, 0, b"\x91vvc1\0\0\0"),
        (Video, 0, b"\x96\x01vvc1\x05\0\0\0"),
        (Audio, 26, speex),
        (Video, 40, &[0x24, 1, 2]),
        (Video, 40, b"\xa1vvc1\0\0\0"),
    ]);
    let named: Vec<_> = events
        .iter()
        .map(|event| match event {
            DemuxEvent::Skipped { track: Some(track), why: SkipReason::UnsupportedCodec(name), .. } => {
                format!("{track}: {name}")
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(named, ["audio 0: Speex", "video 0: VP6", "video 0: vvc1", "video 5: vvc1"]);
}

#[test]
fn end_of_sequence_and_commands_are_nothing() {
    assert_eq!(events(&[(Video, 0, &[0x17, 2, 0, 0, 0]), (Video, 0, &[0x57, 0]), (Video, 0, &[0xd1])]), []);
}

#[test]
fn bodies_too_short_damaged_or_unreadable_say_which() {
    let why = |kind, body: &[u8]| {
        let tags = [(Video, 0, AVC_CONFIG), (Audio, 0, AAC_CONFIG), (kind, 0, body)];
        skips(&events(&tags)).first().map(|(_, _, why)| *why)
    };
    assert_eq!(why(Video, &[]), Some(SkipReason::TooShort));
    assert_eq!(why(Video, &[0x17, 1, 0, 0]), Some(SkipReason::TooShort));
    assert_eq!(why(Video, &[0x17, 1, 0, 0, 0]), Some(SkipReason::TooShort));
    assert_eq!(why(Audio, &[0xaf]), Some(SkipReason::TooShort));
    assert_eq!(why(Audio, &[0xaf, 0]), Some(SkipReason::TooShort));
    assert_eq!(why(Video, &[0x17, 1, 0, 0, 0, 0, 0, 0, 9, 0x65]), Some(SkipReason::BadPacket));
    assert_eq!(why(Video, &[0x17, 9, 0, 0, 0, 0]), Some(SkipReason::BadPacket));
    assert_eq!(why(Video, &[0x17, 0, 0, 0, 0, 1, 2]), Some(SkipReason::BadConfig));
    assert_eq!(why(Audio, &[0xaf, 0, 0]), Some(SkipReason::BadConfig));
    assert_eq!(why(Script, &[1, 2, 3]), Some(SkipReason::BadScript));
}

#[test]
fn a_bad_configuration_leaves_the_good_one_in_force() {
    let events = events(&[(Audio, 0, AAC_CONFIG), (Audio, 0, &[0xaf, 0, 0]), (Audio, 20, AAC_RAW)]);
    assert_eq!(packets(&events).len(), 1);
}

#[test]
fn script_data_is_metadata_at_its_time() {
    let body = b"\x02\x00\x0d@setDataFrame\x02\x00\x0aonMetaData\x08\0\0\0\x01\x00\x01w\x00\x40\x00\0\0\0\0\0\0\0\0\x09";
    let events = events(&[(Script, 70, body)]);
    let [DemuxEvent::Metadata(metadata)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(metadata.time, ms(70));
    let values = vec![Value::Object(vec![("w".into(), Value::Number(2.0))])];
    assert_eq!(metadata.message, Message::Script { name: "onMetaData".into(), values });
}

#[test]
fn packets_share_the_memory_of_the_chunk_they_came_in() {
    let mut body = AAC_RAW.to_vec();
    body.resize(5000, 7);
    let bytes = stream(&[(Audio, 0, AAC_CONFIG), (Audio, 0, &body)]);
    let (events, _) = demux(&bytes);
    let data: &Bytes = &packets(&events)[0].data;
    assert!(bytes.as_ptr_range().contains(&data.as_ptr()));
}
