//! What streams carry: codecs by type and descriptor, timed ID3, SCTE-35 and messages within the pictures.

mod common;

use bytes::Bytes;
use common::{
    fixture,
    ts::{
        A0, AUD, AUDIO, AVC_AAC, DATA, IDR, Mux, PPS, SPS, V0, VIDEO, annex_b, at, codecs, data, demux_ts,
        descriptor, events, inter, keyframe, packets, reasons, registration, section, ticks,
    },
};
use sailcast_media::{AudioParams, CodecParams, DemuxEvent, Message, Metadata, SkipReason, TrackInfo};

fn track(events: &[DemuxEvent], n: usize) -> &TrackInfo {
    let tracks =
        events.iter().filter_map(|e| if let DemuxEvent::Track(info) = e { Some(info) } else { None });
    tracks.collect::<Vec<_>>()[n]
}

fn sound(info: &TrackInfo) -> (&str, u32, u8) {
    let CodecParams::Audio(AudioParams { sample_rate, channels }) = info.config.params else {
        panic!("sound")
    };
    (&info.config.codec_string, sample_rate, channels)
}

fn messages(events: &[DemuxEvent]) -> Vec<&Metadata> {
    events
        .iter()
        .filter_map(|e| if let DemuxEvent::Metadata(metadata) = e { Some(metadata) } else { None })
        .collect()
}

#[test]
fn each_codec_of_ffmpeg_is_known() {
    for (name, expected, count) in [
        ("ts-mp3.ts", ("mp3", 48_000, 2), 43),
        ("ts-ac3.ts", ("ac-3", 48_000, 6), 32),
        ("ts-eac3.ts", ("ec-3", 48_000, 2), 32),
        ("ts-opus.ts", ("opus", 48_000, 2), 51),
        ("ts-opus-5.1.ts", ("opus", 48_000, 6), 51),
    ] {
        let (events, failed) = demux_ts(&fixture(name));
        assert_eq!(failed, None);
        assert_eq!((sound(track(&events, 0)), packets(&events).len()), (expected, count), "{name}");
    }
}

#[test]
fn latm_gives_the_same_aac_as_adts() {
    let adts = events(&fixture("ts-avc-aac.ts"));
    let latm = events(&fixture("ts-hevc-latm.ts"));
    assert_eq!(sound(track(&latm, 1)), ("mp4a.40.2", 48_000, 2));
    assert_eq!(track(&latm, 1).config.description, Bytes::from_static(&[0x11, 0x90]));
    // One encoder made both of the same sound.
    assert_eq!(data(&latm, A0), data(&adts, A0));
}

#[test]
fn hevc_gets_its_configuration_from_the_stream() {
    let events = events(&fixture("ts-hevc-latm.ts"));
    let info = track(&events, 0);
    assert_eq!((info.config.codec_string.as_str(), info.config.description[0]), ("hvc1.1.6.L63.90", 1));
    let keys = packets(&events).into_iter().filter(|packet| packet.track == V0 && packet.keyframe).count();
    assert_eq!((data(&events, V0).len(), keys), (60, 2));
}

#[test]
fn a_changed_size_is_a_new_configuration() {
    let other: &[u8] = &[0x67, 0x4d, 0x00, 0x1e, 0xf4, 0x16, 0x12, 0x64];
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(VIDEO, at(0), &keyframe());
    mux.pes(VIDEO, at(3600), &annex_b(&[AUD, other, PPS, IDR]));
    let events = events(&mux.take());
    assert_eq!(codecs(&events), [(V0, "avc1.64001e"), (V0, "avc1.4d001e")]);
}

#[test]
fn pictures_before_their_parameter_sets_are_told() {
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(VIDEO, at(0), &inter());
    mux.pes(VIDEO, at(3600), &keyframe());
    let events = events(&mux.take());
    assert_eq!(ticks(&events, V0), [(3600, 3600)]);
    assert_eq!(reasons(&events), [(Some(V0), SkipReason::NoConfig)]);
}

#[test]
fn opus_is_read_with_any_control_header() {
    let opus = registration(b"Opus");
    let mut mux = Mux::with(&[(0x06, AUDIO, &opus)]);
    // Plain; with both trims; with an extension; of 300 bytes.
    let long = [&[0x7f, 0xe0, 0xff, 45][..], &[0xfc; 300]].concat();
    let units = [
        &[0x7f, 0xe0, 2, 0xfc, 1][..],
        &[0x7f, 0xf8, 2, 0, 100, 0, 50, 0xfc, 2],
        &[0x7f, 0xe4, 2, 1, 0xaa, 0xfc, 3],
        &long,
    ];
    mux.pes(AUDIO, at(0), &units.concat());
    let events = events(&mux.take());
    assert_eq!(data(&events, A0), [&[0xfc, 1][..], &[0xfc, 2], &[0xfc, 3], &[0xfc; 300]]);
    assert_eq!(ticks(&events, A0), [0, 1800, 3600, 5400].map(|t| (t, t)));
}

#[test]
fn substreams_of_enhanced_ac3_stay_with_their_frame() {
    let mut frame = vec![0x0b, 0x77, 0x03, 0x7f, 0x3f, 0x87, 0xc0, 0x00];
    frame.resize(1792, 0);
    let mut dependent = frame.clone();
    dependent[2] = 0x43;
    let unit = [frame, dependent].concat();
    let descriptor = descriptor(0x7a, &[0]);
    let mut mux = Mux::with(&[(0x06, AUDIO, &descriptor)]);
    mux.pes(AUDIO, at(0), &unit.repeat(3));
    let events = events(&mux.take());
    assert_eq!(data(&events, A0), vec![unit; 3]);
    assert_eq!(ticks(&events, A0), [0, 2880, 5760].map(|t| (t, t)));
}

#[test]
fn timed_id3_is_told_at_its_time() {
    let metadata = descriptor(0x26, b"\xff\xffID3 \xffID3 \0\x0f");
    let tag = b"ID3\x04\0\0\0\0\0\x0bTXXX\0\0\0\x01\0\0\x03";
    let streams = [(0x1b, VIDEO, &[][..]), (0x15, DATA, &metadata)];
    let mut mux = Mux::with(&streams);
    mux.pes(VIDEO, at(0), &keyframe());
    mux.pes(DATA, at(9000), &[&tag[..], tag].concat());
    let events = events(&mux.take());
    let told: Vec<_> = messages(&events).iter().map(|m| (m.time.0, m.track, m.message.clone())).collect();
    let id3 = (100_000, None, Message::Id3 { payload: Bytes::from_static(tag) });
    assert_eq!(told, [id3.clone(), id3]);
}

#[test]
fn a_long_id3_tag_is_joined() {
    let tag = [&b"ID3\x04\0\0\0\0\x07\x68"[..], &[7; 1000]].concat();
    let mut mux = Mux::with(&[(0x1b, VIDEO, &[]), (0x15, DATA, &[])]);
    mux.pes(DATA, at(9000), &tag);
    let events = events(&mux.take());
    assert_eq!(messages(&events)[0].message, Message::Id3 { payload: tag.into() });
}

#[test]
fn a_splice_is_told_whole_where_it_stands() {
    let splice = section(0xfc, &[0, 0, 0, 0, 0, 0, 0, 0xff, 0xf0, 0, 0, 0, 0]);
    let cue = registration(b"CUEI");
    let mut mux = Mux::with(&[(0x1b, VIDEO, &[]), (0x86, DATA, &cue)]);
    // Before the first picture, whose time it gets, and between two.
    mux.section(DATA, &splice);
    mux.pes(VIDEO, at(9000), &keyframe());
    mux.pes(VIDEO, at(18_000), &inter());
    mux.pes(VIDEO, at(27_000), &inter());
    mux.section(DATA, &splice);
    let events = events(&mux.take());
    let told: Vec<_> = messages(&events).iter().map(|m| (m.time.0, m.message.clone())).collect();
    let payload = Bytes::from(splice);
    let scte35 = Message::Scte35 { payload };
    assert_eq!(told, [(100_000, scte35.clone()), (200_000, scte35)]);
}

#[test]
fn messages_within_pictures_are_told_as_in_flv() {
    let sei: &[u8] = &[6, 5, 2, 0xaa, 0xbb, 0x80];
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(VIDEO, at(9000), &annex_b(&[AUD, SPS, PPS, sei, IDR]));
    let events = events(&mux.take());
    let message = Message::Sei { payload_type: 5, payload: Bytes::from_static(&[0xaa, 0xbb]) };
    let told = messages(&events);
    assert_eq!((told[0].time.0, told[0].track, &told[0].message), (100_000, Some(V0), &message));
}

#[test]
fn a_vector_of_nothing_is_no_sound() {
    // A track that is in the table and never comes.
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(VIDEO, at(0), &keyframe());
    assert_eq!(codecs(&events(&mux.take())), [(V0, "avc1.64001e")]);
}
