use sailcast_engine::{
    Event, Reason,
    feed::{CutReason, Paced},
};
use sailcast_media::Micros;
use sailcast_sim::origin::{Origin, Packager};

use crate::{MEDIA, rig::Rig};

#[test]
fn who_pauses_past_the_window_goes_on_where_it_begins() {
    let mut rig = Rig::new(Origin::new(Packager::live()), MEDIA);
    rig.run(10_000);
    rig.paused = true;
    rig.run(120_000);
    rig.paused = false;
    rig.run(60_000);
    assert!(rig.cuts.iter().any(|(_, _, why)| *why == CutReason::Gap));
    rig.assert_on_one_timeline();
    assert!(rig.fatal().is_none());
    rig.twice.clear();
    rig.close();
}

#[test]
fn a_page_that_was_put_away_goes_on() {
    let mut rig = Rig::new(Origin::new(Packager::live()), MEDIA);
    rig.run(10_000);
    rig.act(|hls, _, out| hls.suspend(out));
    assert_eq!(rig.open.len(), 0, "it lets go of everything");
    rig.paused = true;
    let asked = rig.asked.len();
    rig.run(4000);
    assert_eq!(rig.asked.len(), asked);
    rig.paused = false;
    rig.act(|hls, now, out| hls.wake(now, out));
    rig.run(20_000);
    rig.assert_seamless();
    let told: Vec<&Event> = rig.told.iter().map(|(_, event)| event).collect();
    assert!(
        matches!(told[..], [Event::Reconnecting { reason: Reason::Wake, .. }, Event::Reconnected { .. },]),
        "{told:?}"
    );
    rig.close();
}

#[test]
fn a_page_that_was_put_away_for_long_goes_on_in_the_window() {
    let mut rig = Rig::new(Origin::new(Packager::live()), MEDIA);
    rig.run(10_000);
    rig.act(|hls, _, out| hls.suspend(out));
    rig.paused = true;
    rig.run(100_000);
    rig.paused = false;
    rig.act(|hls, now, out| hls.wake(now, out));
    rig.run(20_000);
    rig.assert_on_one_timeline();
    let newest = (rig.now.0 + 100_000_000) / 40_000;
    let last = *rig.numbers().last().expect("pictures");
    assert!(newest - last < 100, "{} behind", Micros((newest - last) as i64 * 40_000).as_secs_f64());
    rig.close();
}
