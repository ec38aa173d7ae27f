use sailcast_engine::{ErrorCode, Instant, IoRequest, feed::Paced};
use sailcast_sim::origin::{Fault, Origin, Packager, Sound};

use crate::{
    MASTER, MEDIA,
    rig::{Rig, fetch},
};

fn broken(fault: impl FnMut(&IoRequest, Instant) -> Option<Fault> + 'static) -> Rig {
    let mut rig = Rig::new(Origin::new(Packager::low_latency()).fault(fault), MEDIA);
    rig.run(60_000);
    rig
}

fn assert_given_up_and_played(mut rig: Rig) {
    assert_eq!(rig.warnings(), [ErrorCode::LowLatencyLost]);
    assert!(rig.fatal().is_none());
    rig.assert_seamless();
    assert!(rig.numbers().len() > 1300, "{}", rig.numbers().len());
    let hold_back = rig.hls.extent(rig.now).hold_back.expect("live");
    assert_eq!(hold_back.as_secs_f64(), 6.0, "as of a plain playlist");
    rig.close();
}

#[test]
fn a_server_that_does_not_hold_back_its_answers_is_polled() {
    let rig = broken(|request, _| request.url.contains("_HLS_msn").then_some(Fault::IgnoresDirectives));
    let reloads = rig.count(".m3u8");
    assert!(reloads < 70, "{reloads} in a minute");
    assert_given_up_and_played(rig);
}

#[test]
fn a_server_that_refuses_directives_is_asked_without() {
    for status in [400, 404, 503] {
        let rig = broken(move |request, _| request.url.contains("_HLS_").then_some(Fault::Status(status)));
        assert_given_up_and_played(rig);
    }
}

#[test]
fn an_origin_that_fails_for_some_seconds_is_believed_again() {
    let is_playlist = |request: &IoRequest| request.url.contains(".m3u8");
    let is_directed = |request: &IoRequest| request.url.contains("_HLS_msn");
    type Hits = fn(&IoRequest) -> bool;
    // With directives alone, where a cache has the rest.
    for hits in [is_playlist as Hits, is_directed as Hits] {
        for (fault, ms) in [(Fault::Status(503), 1), (Fault::Status(503), 4000), (Fault::Silence, 1)] {
            let packager = Packager { sound: Sound::Apart, window: Some(20), ..Packager::low_latency() };
            let from = 20_000_000;
            let mut hit = 0;
            let origin = Origin::new(packager).fault(move |request, now| {
                let is_in = now.0 >= from && (now.0 < from + ms * 1000 || hit == 0);
                (is_in && hits(request)).then(|| {
                    hit += 1;
                    fault.clone()
                })
            });
            let mut rig = Rig::new(origin, MASTER);
            rig.run(60_000);
            assert_eq!(rig.errors().len(), 0, "{:?}", rig.errors());
            assert!(rig.fatal().is_none());
            rig.assert_seamless();
            let hold_back = rig.hls.extent(rig.now).hold_back.expect("live");
            assert!(hold_back.as_secs_f64() < 3.0, "{hold_back:?}");
            let late = rig.asked.iter().filter(|asked| asked.at.0 > 50_000_000);
            let directed = late.filter(|asked| asked.request.url.contains("_HLS_msn")).count();
            assert!(directed > 10, "{directed}");
            rig.close();
        }
    }
}

#[test]
fn hints_that_come_to_nothing_are_given_up() {
    let rig = broken(|request, now| {
        // A part that is not there yet is none.
        let (sequence, part) = request.url.split_once("/s")?.1.split_once(".p")?;
        let (sequence, part) = (sequence.parse::<u64>().ok()?, part.split('.').next()?.parse::<u64>().ok()?);
        let ready = (sequence * 4 + part + 1) * 500_000;
        (now.0 + 100_000_000 < ready).then_some(Fault::Status(404))
    });
    assert_given_up_and_played(rig);
}

#[test]
fn parts_that_are_listed_and_missing_come_with_their_segment() {
    let rig = broken(|request, _| request.url.contains(".p1.").then_some(Fault::Status(404)));
    assert_given_up_and_played(rig);
}

#[test]
fn a_hint_that_is_never_answered_is_taken_from_the_list() {
    let rig = broken(|request, now| {
        let (sequence, part) = request.url.split_once("/s")?.1.split_once(".p")?;
        let (sequence, part) = (sequence.parse::<u64>().ok()?, part.split('.').next()?.parse::<u64>().ok()?);
        let ready = (sequence * 4 + part + 1) * 500_000;
        (now.0 + 100_000_000 < ready).then_some(Fault::Silence)
    });
    assert_given_up_and_played(rig);
}

#[test]
fn a_delta_update_that_does_not_fit_is_loaded_whole() {
    let packager = Packager { delta: true, window: Some(20), ..Packager::low_latency() };
    let mut n = 0;
    let origin = Origin::new(packager).fault(move |request, _| {
        n += 1;
        let bad = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:9000\n\
                   #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n\
                   #EXTINF:2,\nv0/s9003.mp4\n";
        (request.url.contains("_HLS_skip") && n % 5 == 0).then_some(Fault::Body(bad.into()))
    });
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(30_000);
    rig.assert_seamless();
    assert!(rig.fatal().is_none());
    assert_eq!(rig.errors().len(), 0, "{:?}", rig.errors());
    rig.close();
}

#[test]
fn a_hint_that_is_replaced_is_let_go_of() {
    let mut source = Origin::new(Packager::low_latency());
    let mut is_first = true;
    let origin = Origin::new(Packager::low_latency()).fault(move |request, now| {
        if request.url.contains("wrong") {
            return Some(Fault::Silence);
        }
        if !request.url.contains(".m3u8") || !std::mem::take(&mut is_first) {
            return None;
        }
        let text = String::from_utf8(fetch(&mut source, MEDIA, now).to_vec()).expect("text");
        let (list, hint) = text.rsplit_once("#EXT-X-PRELOAD-HINT:").expect("a hint");
        let (_, rest) = hint.split_once('\n').unwrap_or((hint, ""));
        let other = format!("{list}#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v0/wrong.mp4\"\n{rest}");
        Some(Fault::Body(other.into()))
    });
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(20_000);
    let asked = rig.asked.iter().find(|asked| asked.request.url.contains("wrong")).expect("it was believed");
    assert!(rig.cancelled.contains(&asked.id));
    assert_eq!(rig.count("wrong"), 1);
    assert_eq!(rig.errors().len(), 0, "{:?}", rig.errors());
    rig.assert_seamless();
    rig.close();
}
