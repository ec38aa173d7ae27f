use sailcast_engine::{ErrorCode, Event, Load};
use sailcast_media::Micros;
use sailcast_sim::origin::{Fault, Origin, Packager};

use crate::rig::Rig;

fn two_lines() -> Load {
    let line = |query: &str| format!("http://origin/v0.m3u8?line={query}");
    Load { lines: vec![line("a"), line("b")], ..Load::default() }
}

#[test]
fn the_second_address_is_taken_when_the_first_does_not_have_it() {
    let origin = Origin::new(Packager::live());
    let origin = origin.fault(|request, _| request.url.contains("line=a").then_some(Fault::Status(404)));
    let mut rig = Rig::with(origin, two_lines());
    rig.run(10_000);
    rig.assert_seamless();
    assert_eq!(rig.count("line=a"), 1);
    rig.close();
}

#[test]
fn a_line_that_is_lost_in_mid_play_is_left_for_the_other() {
    let origin = Origin::new(Packager::live());
    let origin = origin.fault(|request, now| {
        (request.url.contains("line=a") && now.0 > 11_000_000).then_some(Fault::Status(404))
    });
    let mut rig = Rig::with(origin, two_lines());
    rig.run(40_000);
    rig.assert_seamless();
    assert!(rig.stalled < Micros::from_secs(1), "{:?}", rig.stalled);
    assert!(rig.told.iter().any(|(_, event)| matches!(event, Event::Reconnected { .. })));
    rig.close();
}

#[test]
fn the_page_is_asked_for_the_address_of_another_try() {
    let origin = Origin::new(Packager::live());
    let origin = origin.fault(|request, now| {
        let is_old = !request.url.contains("signed=") && now.0 > 11_000_000;
        (request.url.contains(".m3u8") && is_old).then_some(Fault::Status(403))
    });
    let lines = vec!["http://origin/v0.m3u8".to_owned()];
    let mut rig = Rig::with(origin, Load { lines, resolve: true, ..Load::default() });
    rig.run(40_000);
    rig.assert_seamless();
    assert!(rig.count("signed=1") > 5, "the new address is loaded again and again");
    rig.close();
}

#[test]
fn an_address_that_nobody_answers_is_an_error() {
    let origin = Origin::new(Packager::live()).fault(|_, _| Some(Fault::Refused));
    let mut rig = Rig::with(origin, two_lines());
    rig.run(60_000);
    assert_eq!(rig.fatal(), Some(ErrorCode::ConnectionFailed));
    rig.close();
}
