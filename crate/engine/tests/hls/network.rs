use sailcast_engine::{ErrorCode, Event, feed::Paced};
use sailcast_media::Micros;
use sailcast_sim::origin::{Fault, Origin, Packager, Sound};

use crate::{MASTER, MEDIA, rig::Rig};

fn outage(
    from_s: u64,
    to_s: u64,
    fault: Fault,
) -> impl FnMut(&sailcast_engine::IoRequest, sailcast_engine::Instant) -> Option<Fault> {
    move |_, now| (now.0 > from_s * 1_000_000 && now.0 < to_s * 1_000_000).then(|| fault.clone())
}

#[test]
fn a_network_that_is_gone_for_a_while_costs_nothing_but_the_wait() {
    for fault in [Fault::Refused, Fault::LostAfter(1000), Fault::Silence] {
        for packager in [Packager::live(), Packager::vod(60), Packager::low_latency()] {
            let packager = Packager { window: packager.window.map(|_| 20), sound: Sound::Apart, ..packager };
            let origin = Origin::new(packager.clone()).fault(outage(20, 26, fault.clone()));
            let mut rig = Rig::new(origin, MASTER);
            rig.run(70_000);
            assert!(rig.fatal().is_none(), "{fault:?} {:?}", rig.hls.error());
            rig.assert_seamless();
            let lost = rig.told.iter().filter(|(_, e)| matches!(e, Event::Reconnecting { .. })).count();
            let back = rig.told.iter().filter(|(_, e)| matches!(e, Event::Reconnected { .. })).count();
            assert!(lost >= back, "{fault:?}: {lost} {back}");
            assert!(lost == 0 || back >= 1, "{fault:?}: {lost} {back}");
            assert!(rig.stalled < Micros::from_secs(16), "{fault:?} {:?}", rig.stalled);
            rig.close();
        }
    }
}

#[test]
fn a_network_that_stays_away_is_an_error() {
    let origin = Origin::new(Packager::live()).fault(outage(10, 10_000, Fault::Refused));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(300_000);
    assert_eq!(rig.fatal(), Some(ErrorCode::ConnectionFailed));
    assert!(rig.hls.deadline(rig.now).is_none());
    rig.close();
}

#[test]
fn requests_of_another_network_are_not_waited_for() {
    let origin = Origin::new(Packager::low_latency());
    let origin = origin.fault(|_, now| (now.0 > 9_900_000 && now.0 < 10_900_000).then_some(Fault::Silence));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(10_000);
    rig.act(|hls, now, _| hls.suspect(now));
    rig.run(4000);
    assert!(rig.buffered_until() > rig.playhead, "what was held back was asked for again");
    rig.run(20_000);
    assert!(rig.fatal().is_none() && rig.warnings().is_empty(), "{:?}", rig.errors());
    rig.assert_seamless();
    rig.close();
}

#[test]
fn without_a_network_nothing_is_asked_for_and_with_it_at_once() {
    let mut rig = Rig::new(Origin::new(Packager::live()), MEDIA);
    rig.run(10_000);
    rig.act(|hls, now, out| hls.set_online(false, now, out));
    rig.run(1000);
    let asked = rig.asked.len();
    rig.run(5000);
    assert_eq!(rig.asked.len(), asked);
    rig.act(|hls, now, out| hls.set_online(true, now, out));
    rig.run(100);
    assert!(rig.asked.len() > asked);
    rig.run(20_000);
    rig.assert_seamless();
    rig.close();
}
