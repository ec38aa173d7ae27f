//! What the TS muxer makes of packets, seen by who takes transport packets apart.

mod common;

use bytes::{Bytes, BytesMut};
use common::avc_and_aac;
use proptest::prelude::*;
use sailcast_media::{
    AudioParams, Codec, CodecParams, DecoderConfig, MediaKind, MediaTime, Micros, Packet, TrackId, TrackInfo,
    VideoParams,
    ts::mux::{MAX_PACK, TsMuxError, TsMuxer},
};

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);
const PMT_PID: u16 = 0x1000;
const VIDEO_PID: u16 = 0x100;
const AUDIO_PID: u16 = 0x101;
/// Of 1024 samples of 48 kHz.
const AAC_FRAME: i64 = 21_333;

fn picture(dts: i64, keyframe: bool, nals: &[&[u8]]) -> Packet {
    let data: Vec<u8> =
        nals.iter().flat_map(|nal| [&(nal.len() as u32).to_be_bytes(), *nal].concat()).collect();
    Packet {
        track: VIDEO,
        dts: MediaTime(dts),
        pts: MediaTime(dts + 40_000),
        duration: None,
        keyframe,
        disposable: false,
        data: data.into(),
    }
}

fn sound(dts: i64) -> Packet {
    Packet {
        track: AUDIO,
        dts: MediaTime(dts),
        pts: MediaTime(dts),
        duration: Some(Micros(AAC_FRAME)),
        keyframe: true,
        disposable: false,
        data: Bytes::from_static(&[0x21, 1, 2]),
    }
}

/// The units of a PID: what stands from one start to the next, without headers of transport packets.
fn units(ts: &[u8], pid: u16) -> Vec<Vec<u8>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    for packet in ts.chunks(188) {
        assert_eq!((packet.len(), packet[0]), (188, 0x47));
        if u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) != pid {
            continue;
        }
        if packet[1] & 0x40 != 0 {
            units.push(Vec::new());
        }
        let field = if packet[3] & 0x20 != 0 { usize::from(packet[4]) + 1 } else { 0 };
        units.last_mut().expect("a unit's start").extend_from_slice(&packet[4 + field..]);
    }
    units
}

/// What a PES packet carries.
fn payload(pes: &[u8]) -> &[u8] {
    &pes[9 + usize::from(pes[8])..]
}

fn written(packets: &[Packet]) -> BytesMut {
    let mut muxer = TsMuxer::new(&avc_and_aac()).unwrap();
    let mut out = BytesMut::new();
    packets.iter().for_each(|packet| muxer.packet(&mut out, packet).unwrap());
    muxer.flush(&mut out);
    out
}

#[test]
fn keyframes_have_a_delimiter_and_their_parameter_sets() {
    let config = &avc_and_aac()[0].config.description;
    let sps = &config[8..35];
    let ts = written(&[picture(0, true, &[&[0x65, 0x88]]), picture(40_000, false, &[&[0x41, 0x9a]])]);
    let units = units(&ts, VIDEO_PID);
    let key = [&[0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1][..], sps].concat();
    assert!(payload(&units[0]).starts_with(&key), "{:02x?}", payload(&units[0]));
    assert!(payload(&units[0]).ends_with(&[0, 0, 0, 1, 0x65, 0x88]));
    assert_eq!(payload(&units[1]), [0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x41, 0x9a]);
}

#[test]
fn what_a_picture_brings_along_is_not_written_twice() {
    let nals: [&[u8]; 4] = [&[9, 0x10], &[0x67, 1], &[0x68, 2], &[0x65, 3]];
    let ts = written(&[picture(0, true, &nals)]);
    let expected: Vec<u8> = nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect();
    assert_eq!(payload(&units(&ts, VIDEO_PID)[0]), expected);
}

#[test]
fn frames_of_sound_share_a_pes_packet_as_long_as_they_are_in_step() {
    let frames: Vec<_> = (0..9).map(|i| sound(i * AAC_FRAME)).collect();
    let of = |frames: &[Packet]| {
        let lens = units(&written(frames), AUDIO_PID);
        lens.iter().map(|pes| payload(pes).len() / 10).collect::<Vec<_>>()
    };
    let fits = (MAX_PACK.0 / AAC_FRAME) as usize;
    assert_eq!(of(&frames), [fits, fits, 1]);
    let gap: Vec<_> = (0..4).map(|i| sound(i * AAC_FRAME + if i > 1 { 50_000 } else { 0 })).collect();
    assert_eq!(of(&gap), [2, 2]);
}

#[test]
fn each_aac_frame_has_its_header() {
    let ts = written(&[sound(0)]);
    assert_eq!(payload(&units(&ts, AUDIO_PID)[0]), [0xff, 0xf1, 0x4c, 0x80, 1, 0x5f, 0xfc, 0x21, 1, 2]);
}

#[test]
fn tables_get_a_new_version_only_when_they_change() {
    let mut tracks = avc_and_aac();
    let mut muxer = TsMuxer::new(&tracks).unwrap();
    let version = |muxer: &mut TsMuxer| {
        let mut out = BytesMut::new();
        muxer.tables(&mut out);
        units(&out, PMT_PID)[0][6] >> 1 & 0x1f
    };
    assert_eq!(version(&mut muxer), 0);
    let mut out = BytesMut::new();
    tracks[1].config.description = Bytes::from_static(&[0x12, 0x10]);
    assert_eq!(muxer.config(&mut out, &tracks[1]), Ok(false));
    let opus = AudioParams { sample_rate: 48_000, channels: 2 };
    tracks[1].config = config(Codec::Opus, CodecParams::Audio(opus));
    muxer.packet(&mut out, &sound(0)).unwrap();
    assert!(out.is_empty(), "it waits for more");
    assert_eq!(muxer.config(&mut out, &tracks[1]), Ok(true));
    assert_eq!(units(&out, AUDIO_PID).len(), 1);
    assert_eq!(version(&mut muxer), 1);
}

fn config(codec: Codec, params: CodecParams) -> DecoderConfig {
    DecoderConfig { codec, codec_string: String::new(), description: Bytes::new(), params }
}

#[test]
fn what_ts_cannot_carry_is_named() {
    for (id, codec) in [
        (VIDEO, Codec::Vp9),
        (VIDEO, Codec::Vp8),
        (VIDEO, Codec::Av1),
        (AUDIO, Codec::Flac),
        (AUDIO, Codec::G711A),
    ] {
        let params = match codec.kind() {
            MediaKind::Video => CodecParams::Video(VideoParams::of_size(2, 2)),
            MediaKind::Audio => CodecParams::Audio(AudioParams { sample_rate: 8000, channels: 1 }),
        };
        let track = TrackInfo { id, config: config(codec, params) };
        assert_eq!(TsMuxer::new(&[track]).unwrap_err(), TsMuxError::NoMapping { track: id, codec });
    }
    let mut eld = avc_and_aac().remove(1);
    eld.config.description = Bytes::from_static(&[0xf8, 0xe6, 0x20, 0x00]);
    assert_eq!(TsMuxer::new(&[eld]).unwrap_err(), TsMuxError::NoHeader(AUDIO));
    let mut muxer = TsMuxer::new(&avc_and_aac()).unwrap();
    let mut out = BytesMut::new();
    let large = Packet { data: vec![0; 9000].into(), ..sound(0) };
    let refused = TsMuxError::PacketTooLarge { track: AUDIO, len: 9000 };
    assert_eq!(muxer.packet(&mut out, &large), Err(refused));
    let stranger = Packet { track: TrackId::audio(1), ..sound(0) };
    assert_eq!(muxer.packet(&mut out, &stranger), Err(TsMuxError::NoConfig(TrackId::audio(1))));
    assert!(out.is_empty());
}

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn no_packet_is_too_much(
        base in any::<i64>(),
        specs in prop::collection::vec(
            (any::<bool>(), any::<i64>(), any::<i64>(), any::<Option<i64>>(), any::<bool>(), 0usize..2000),
            0..30,
        ),
    ) {
        let mut muxer = TsMuxer::new(&avc_and_aac()).unwrap().with_base(MediaTime(base));
        let mut out = BytesMut::new();
        muxer.tables(&mut out);
        for (is_video, dts, pts, duration, keyframe, len) in specs {
            let packet = Packet {
                track: if is_video { VIDEO } else { AUDIO },
                dts: MediaTime(dts),
                pts: MediaTime(pts),
                duration: duration.map(Micros),
                keyframe,
                data: vec![len as u8; len].into(),
                ..sound(0)
            };
            muxer.packet(&mut out, &packet).unwrap();
        }
        muxer.flush(&mut out);
        prop_assert_eq!(out.len() % 188, 0);
    }
}
