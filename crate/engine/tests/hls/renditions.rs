use sailcast_engine::Event;
use sailcast_media::{CodecParams, Micros};
use sailcast_sim::origin::{Container, Fault, Origin, Packager, Sound};

use sailcast_engine::feed::{CutReason, Paced};

use crate::{MASTER, rig::Rig};

fn widths(rig: &Rig) -> Vec<u32> {
    let width = |track: &sailcast_media::TrackInfo| match track.config.params {
        CodecParams::Video(video) => Some(video.width),
        CodecParams::Audio(_) => None,
    };
    rig.tracks.iter().filter_map(width).collect()
}

fn all() -> impl Iterator<Item = Packager> {
    let sounds = [Sound::Muxed, Sound::Apart, Sound::Packed];
    sounds.into_iter().flat_map(|sound| {
        [Container::Ts, Container::Mp4].into_iter().flat_map(move |container| {
            let live = Packager { sound, container, ..Packager::live().with_qualities() };
            let vod = Packager { sound, container, ..Packager::vod(60).with_qualities() };
            [live, vod]
        })
    })
}

#[test]
fn they_are_told_in_the_order_of_the_playlist() {
    let mut rig = Rig::new(Origin::new(Packager::live().with_qualities()), MASTER);
    rig.run(1000);
    let told = rig.told.iter().find_map(|(_, event)| match event {
        Event::Renditions(list) => Some(list.clone()),
        _ => None,
    });
    let names: Vec<_> = told.expect("told").into_iter().map(|r| (r.id, r.name, r.bitrate)).collect();
    assert_eq!(names[1], (1, "720p".into(), Some(1_630_000)));
    assert_eq!(names.len(), 3);
    rig.close();
}

#[test]
fn a_good_link_gets_the_best_one_without_a_seam() {
    for packager in all() {
        let mut rig = Rig::new(Origin::new(packager.clone()).bandwidth(20e6), MASTER);
        rig.run(40_000);
        rig.assert_seamless();
        assert_eq!(rig.renditions().last(), Some(&(2, true)), "{packager:?}");
        assert_eq!(rig.hls.extent(rig.now).rendition, Some(2));
        assert!(rig.stalled < Micros::from_millis(100), "{packager:?}: {:?}", rig.stalled);
        assert_eq!(widths(&rig).last(), Some(&1920));
        rig.close();
    }
}

#[test]
fn a_link_that_becomes_slow_gets_a_smaller_one_before_the_picture_stops() {
    for packager in all() {
        let mut rig = Rig::new(Origin::new(packager.clone()).bandwidth(20e6), MASTER);
        rig.run(30_000);
        rig.serve(Origin::new(packager.clone()).bandwidth(1.2e6));
        rig.run(60_000);
        rig.assert_seamless();
        assert_eq!(rig.renditions().last(), Some(&(0, true)), "{packager:?}");
        assert!(rig.stalled < Micros::from_secs(3), "{packager:?}: {:?}", rig.stalled);
        // What was given up half way may be asked for once more.
        rig.twice.clear();
        rig.close();
    }
}

#[test]
fn what_was_given_up_half_way_is_not_asked_for_again_at_once() {
    for segment in [1, 2] {
        let packager = Packager { segment: Micros::from_secs(segment), ..Packager::live().with_qualities() };
        let mut rig = Rig::new(Origin::new(packager.clone()).bandwidth(20e6), MASTER);
        rig.run(30_000);
        rig.serve(Origin::new(packager).bandwidth(1.2e6));
        let before = rig.count("v2/s");
        rig.run(6_000);
        assert_eq!(rig.renditions().last(), Some(&(0, true)), "segments of {segment} s");
        assert!(rig.count("v2/s") - before <= 1, "segments of {segment} s: {}", rig.count("v2/s") - before);
        rig.twice.clear();
        rig.close();
    }
}

#[test]
fn what_the_viewer_chooses_is_seen_soon_and_stays() {
    let mut rig = Rig::new(Origin::new(Packager::vod(100).with_qualities()).bandwidth(20e6), MASTER);
    rig.run(15_000);
    rig.act(|hls, now, out| hls.select(Some(0), now, out));
    rig.run(2000);
    let (_, at, why) = *rig.cuts.last().expect("a cut");
    assert_eq!(why, CutReason::Rendition);
    let ahead = at - rig.playhead.expect("it plays");
    assert!(ahead > Micros::ZERO && ahead < Micros::from_secs(6), "{ahead:?}");
    rig.run(30_000);
    assert_eq!(rig.renditions().last(), Some(&(0, false)));
    rig.assert_seamless();
    rig.act(|hls, now, out| hls.select(None, now, out));
    rig.run(60_000);
    assert_eq!(rig.renditions().last(), Some(&(2, true)));
    rig.assert_seamless();
    rig.close();
}

#[test]
fn one_that_fails_is_left_for_another() {
    for what in ["v2/s", "v2.m3u8"] {
        let origin = Origin::new(Packager::live().with_qualities()).bandwidth(20e6);
        let origin = origin.fault(move |request, _| request.url.contains(what).then_some(Fault::Status(404)));
        let mut rig = Rig::new(origin, MASTER);
        rig.run(60_000);
        rig.assert_seamless();
        assert_eq!(rig.renditions().last().map(|(id, _)| *id), Some(1), "{what}");
        assert!(rig.fatal().is_none());
        assert!(rig.stalled < Micros::from_secs(2), "{what}: {:?}", rig.stalled);
        rig.close();
    }
}

#[test]
fn at_low_latency_the_other_playlist_is_asked_for_what_a_report_says_there_is() {
    let packager = Packager::low_latency().with_qualities();
    let mut rig = Rig::new(Origin::new(packager).bandwidth(50e6), MASTER);
    rig.run(5000);
    rig.act(|hls, now, out| hls.select(Some(2), now, out));
    rig.run(5000);
    rig.act(|hls, now, out| hls.select(Some(0), now, out));
    rig.run(10_000);
    assert_eq!(rig.renditions().last(), Some(&(0, false)));
    rig.assert_seamless();
    let urls = rig.asked.iter().map(|asked| asked.request.url.as_str());
    let first = urls.into_iter().find(|url| url.contains("v2.m3u8")).expect("asked for");
    assert!(first.contains("_HLS_msn="), "{first}");
    rig.close();
}
