//! Settings that change while live: no reconnect, no break in the stream.

use sailcast_engine::publisher::{AudioSettings, Event, Input, Settings, VideoSettings};
use sailcast_media::{Codec, MediaKind, Micros};
use sailcast_sim::studio::{self, Fate, Studio};

use crate::got::{Got, got, live};

fn change(studio: &mut Studio, change: impl FnOnce(&mut VideoSettings, &mut AudioSettings)) -> Got {
    let mut settings: Settings = studio::settings();
    change(&mut settings.video, &mut settings.audio);
    studio.send(Input::Settings(settings));
    studio.run(Micros::from_secs(10));
    let got = got(studio);
    assert_eq!(studio.connections.len(), 1);
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    let gap = got.longest_gap(MediaKind::Video);
    assert!(gap < Micros::from_millis(210), "{gap:?}");
    assert!(studio.named(|event| matches!(event, Event::Reconnecting { .. })).is_empty());
    got
}

#[test]
fn bitrate() {
    let mut studio = live();
    let got = change(&mut studio, |video, _| video.bitrate = 400_000);
    assert_eq!(got.configs(MediaKind::Video).len(), 1, "the same encoder");
    assert_eq!(studio.tuned.last().unwrap().bitrate, 400_000);
    assert_eq!(studio.stats().target_bitrate, 400_000);
    change(&mut studio, |video, _| video.bitrate = 1_000_000);
    assert!(studio.stats().target_bitrate > 800_000);
}

#[test]
fn frame_rate() {
    let mut studio = live();
    let got = change(&mut studio, |video, _| video.fps = 24.0);
    let last: Vec<_> = got.video().into_iter().filter(|packet| packet.dts.as_secs_f64() > 4.0).collect();
    let span = (last.last().unwrap().dts - last[0].dts).as_secs_f64();
    let fps = (last.len() - 1) as f64 / span;
    assert!((fps - 24.0).abs() < 0.5, "{fps}");
}

#[test]
fn keyframe_interval() {
    let mut studio = live();
    let got = change(&mut studio, |video, _| video.keyframe_interval = Micros::from_secs(1));
    let keys: Vec<f64> = got.video().iter().filter(|p| p.keyframe).map(|p| p.dts.as_secs_f64()).collect();
    assert!(keys.len() >= 10, "{keys:?}");
    assert!(keys[2..].windows(2).all(|pair| (pair[1] - pair[0] - 1.0).abs() < 0.1), "{keys:?}");
}

#[test]
fn bitrate_of_sound() {
    let mut studio = live();
    let got = change(&mut studio, |_, audio| audio.bitrate = 16_000);
    let size =
        |packets: &[&sailcast_media::Packet]| packets.iter().map(|packet| packet.data.len()).max().unwrap();
    let audio = got.audio();
    assert!(size(&audio[audio.len() - 50..]) < size(&audio[..50]) / 2);
    assert_eq!(got.configs(MediaKind::Audio).len(), 1);
}

#[test]
fn codec() {
    let mut studio = live();
    studio.fates = Some(Box::new(|encoding| match encoding.codec {
        Codec::Avc => Fate::Works,
        _ => Fate::Refuses,
    }));
    change(&mut studio, |video, _| video.codec = Codec::Hevc);
    let codecs: Vec<Codec> = studio.encodings.iter().map(|encoding| encoding.codec).collect();
    assert_eq!(codecs, [Codec::Avc, Codec::Hevc, Codec::Hevc, Codec::Hevc, Codec::Avc]);
    assert_eq!(studio.named(|event| matches!(event, Event::Degraded { what: "videoCodec", .. })).len(), 1);
}

#[test]
fn the_same_again_is_nothing() {
    let mut studio = live();
    let encodings = studio.encodings.len();
    change(&mut studio, |_, _| {});
    assert_eq!(studio.encodings.len(), encodings);
}
