//! A GOP that is open: pictures behind its keyframe that are shown before it refer to the GOP before.

use bytes::Bytes;
use sailcast_media::{Codec, CodecParams, DecoderConfig, MediaTime, Packet, TrackId, TrackInfo, VideoParams};

use super::DecodeStage;
use crate::{
    io::{Instant, Output},
    outbox::Outbox,
};

const LIMIT: usize = 30;

fn stage() -> DecodeStage {
    let mut stage = DecodeStage::default();
    let config = DecoderConfig {
        codec: Codec::Avc,
        codec_string: "avc1.64001f".into(),
        description: Bytes::new(),
        params: CodecParams::Video(VideoParams::of_size(640, 360)),
    };
    stage.push_config(TrackInfo { id: TrackId::video(0), config });
    stage
}

fn packet(dts: i64, pts: i64, keyframe: bool) -> Packet {
    Packet {
        track: TrackId::video(0),
        dts: MediaTime(dts),
        pts: MediaTime(pts),
        duration: None,
        keyframe,
        disposable: false,
        data: Bytes::from_static(&[0]),
    }
}

/// An open GOP at `at`: the keyframe, two pictures that lead it, one behind.
fn open_gop(stage: &mut DecodeStage, at: i64) {
    for (step, shown, keyframe) in [(0, 30, true), (10, 10, false), (20, 20, false), (30, 40, false)] {
        stage.queue.push(packet(at + step, at + shown, keyframe));
    }
}

fn decoded(stage: &mut DecodeStage) -> (Vec<i64>, u64) {
    let mut out = Outbox::default();
    let fed = stage.feed(LIMIT, false, None, Instant(0), &mut out);
    let times = out.queue.iter().filter_map(|output| match output {
        Output::Decode(_, packet) => Some(packet.pts.0),
        _ => None,
    });
    (times.collect(), fed.undecodable)
}

#[test]
fn who_begins_at_an_open_gop_leaves_out_what_leads_it_and_no_more() {
    let mut stage = stage();
    open_gop(&mut stage, 0);
    open_gop(&mut stage, 100);
    assert_eq!(decoded(&mut stage), (vec![30, 40, 130, 110, 120, 140], 2));
}

#[test]
fn after_a_break_it_is_the_same() {
    let mut stage = stage();
    open_gop(&mut stage, 0);
    stage.queue.break_reference();
    open_gop(&mut stage, 100);
    assert_eq!(decoded(&mut stage), (vec![30, 40, 130, 140], 4));
}
