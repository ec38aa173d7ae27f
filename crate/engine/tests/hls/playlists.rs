use sailcast_engine::{ErrorCode, Event, Instant, Load};
use sailcast_media::{MediaTime, Micros};
use sailcast_sim::origin::{Fault, Origin, Packager};

use crate::{
    MASTER, MEDIA,
    rig::{BEGIN, Rig, fetch, load},
};

fn with(body: &'static str) -> Rig {
    let origin = Origin::new(Packager::live()).fault(|_, _| Some(Fault::Body(body.into())));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(30_000);
    rig
}

#[test]
fn a_web_page_in_place_of_a_playlist_is_no_format_of_ours() {
    let mut rig = with("<!doctype html><html><title>404</title></html>");
    assert_eq!(rig.fatal(), Some(ErrorCode::FormatUnrecognised));
    rig.close();
}

#[test]
fn a_playlist_that_makes_no_sense_is_named_with_its_line() {
    let mut rig = with("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{$unknown}.ts\n");
    assert_eq!(rig.fatal(), Some(ErrorCode::PlaylistInvalid));
    rig.close();
}

#[test]
fn a_playlist_that_is_cut_in_its_last_line_brings_the_others() {
    for packager in [Packager::live(), Packager::low_latency()] {
        let len = fetch(&mut Origin::new(packager.clone()), MEDIA, BEGIN).len();
        for short in 1..30 {
            let origin = Origin::new(packager.clone()).fault(move |request, now| {
                let cuts = request.url.contains(".m3u8") && now > Instant(8_000_000);
                cuts.then_some(Fault::EndsAfter(len - short))
            });
            let mut rig = Rig::new(origin, MEDIA);
            rig.run(30_000);
            rig.assert_seamless();
            assert!(rig.fatal().is_none() && rig.numbers().len() > 700, "{short}: {}", rig.numbers().len());
            assert!(rig.warnings().is_empty(), "{short}: {:?}", rig.errors());
            let lost = |event: &Event| matches!(event, Event::Reconnecting { .. });
            assert!(!rig.told.iter().any(|(_, event)| lost(event)), "{short}");
            rig.close();
        }
    }
}

#[test]
fn a_playlist_that_never_ends_is_left() {
    let origin = Origin::new(Packager::live()).fault(|_, _| Some(Fault::Endless));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(30_000);
    assert_eq!(rig.fatal(), Some(ErrorCode::PlaylistInvalid));
    rig.close();
}

/// Live, with a playlist that does not change from 15 s on.
fn standing(window: u64, start: Option<MediaTime>) -> Rig {
    let origin = Origin::new(Packager { window: Some(window), ..Packager::live() });
    let origin = origin.fault(|request, now| {
        let stopped = Instant(15_000_000);
        (request.url.contains(".m3u8") && now > stopped).then_some(Fault::AsAt(stopped))
    });
    Rig::with(origin, Load { start, ..load(MEDIA) })
}

#[test]
fn a_playlist_that_never_changes_is_told_as_stale_when_all_of_it_was_played() {
    let mut rig = standing(6, None);
    rig.run(30_000);
    let told = rig.told.iter().any(|(_, event)| matches!(event, Event::Reconnecting { .. }));
    assert!(told && rig.fatal().is_none(), "the page is told long before it is given up");
    rig.run(12_000);
    assert!(rig.fatal().is_none(), "an encoder may restart");
    rig.run(8_000);
    assert_eq!(rig.fatal(), Some(ErrorCode::PlaylistStale));
    rig.assert_seamless();
    rig.close();
}

#[test]
fn a_playlist_that_never_changes_is_no_matter_while_there_is_much_to_play() {
    let mut rig = standing(60, Some(MediaTime::from_millis(10_000)));
    rig.run(100_000);
    assert!(rig.fatal().is_none());
    assert!(rig.told.iter().all(|(_, event)| !matches!(event, Event::Reconnecting { .. })), "{:?}", rig.told);
    assert!(rig.stalled < Micros::from_millis(500), "{:?}", rig.stalled);
    rig.run(30_000);
    assert_eq!(rig.fatal(), Some(ErrorCode::PlaylistStale));
    rig.assert_seamless();
    rig.close();
}

#[test]
fn a_packager_that_stands_still_for_a_while_goes_on() {
    let origin = Origin::new(Packager::live()).fault(|request, now| {
        let stands = now.0 > 15_000_000 && now.0 < 35_000_000;
        (request.url.contains(".m3u8") && stands).then_some(Fault::AsAt(Instant(15_000_000)))
    });
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(60_000);
    assert!(rig.fatal().is_none());
    assert!(rig.told.iter().any(|(_, event)| matches!(event, Event::Reconnected { .. })));
    rig.assert_on_one_timeline();
    rig.close();
}

#[test]
fn a_cache_that_gives_an_older_playlist_now_and_then_changes_nothing() {
    let mut n = 0;
    let origin = Origin::new(Packager { window: Some(10), ..Packager::live() }).fault(move |request, now| {
        n += u64::from(request.url.contains(".m3u8"));
        (request.url.contains(".m3u8") && n > 3 && n % 2 == 0)
            .then(|| Fault::AsAt(Instant(now.0.saturating_sub(9_000_000))))
    });
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(60_000);
    rig.assert_seamless();
    assert!(rig.fatal().is_none());
    rig.close();
}

#[test]
fn redirects_are_what_relative_addresses_are_relative_to() {
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nv0/s1.ts\n#EXT-X-ENDLIST\n";
    let origin = Origin::new(Packager::vod(10)).fault(|request, _| match request.url.as_str() {
        "http://elsewhere/list.m3u8" => Some(Fault::Moved("http://origin/list.m3u8", list.into())),
        _ => None,
    });
    let mut rig = Rig::new(origin, "http://elsewhere/list.m3u8");
    rig.run(5000);
    assert_eq!(rig.count("http://origin/v0/s1.ts"), 1);
    assert_eq!(rig.numbers().len(), 50);
    rig.close();
}

#[test]
fn a_variant_list_where_segments_belong_is_refused() {
    let origin = Origin::new(Packager::live()).fault(|request, _| {
        let nested = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0.m3u8\n";
        request.url.contains("v0.m3u8").then_some(Fault::Body(nested.into()))
    });
    let mut rig = Rig::new(origin, MASTER);
    rig.run(300_000);
    assert_eq!(rig.fatal(), Some(ErrorCode::PlaylistInvalid));
    rig.close();
}
