//! Whatever the viewer and the network do, in whatever order: at the end what was asked for last is played, by one connection.

use sailcast_engine::{Input, LatencyTarget};
use sailcast_sim::{Chance, LinkModel, Stop, Stops, StreamConfig, config};

use crate::world::*;

#[test]
fn no_session_ends_with_another_picture_than_the_one_asked_for() {
    for seed in 0..20 {
        let chance = Chance(seed);
        let stops = Stops {
            every: S(5),
            chance: 0.5,
            shortest: MS(100),
            longest: MS(2_500),
            within: (MS(0), S(2)),
            what: Stop::Link,
        };
        let rate = chance.of(1).between(0, 2.2e6, 8e6);
        let link = LinkModel { rate, stops: vec![stops], ..LinkModel::default() };
        let own_clock = |id: u32, stream: &mut StreamConfig| {
            stream.first_stamp_ms += if chance.of(2).unit(id.into()) < 0.3 { 77_000 } else { 0 };
            stream.b_frames = chance.of(3).unit(id.into()) < 0.5;
        };
        let site = Site::new(link, 60, own_clock);
        let mut sim = watching(site, config(LatencyTarget::AUTO), None);
        for turn in 0..60 {
            let pick = chance.of(4).unit(turn);
            let on = chance.of(5).unit(turn) < 0.5;
            let id = (chance.of(5).unit(turn) * 4.0) as u32;
            match (pick * 10.0) as u32 {
                0..5 => sim.input(Input::SelectRendition(Some(id).filter(|id| *id <= HIGH))),
                5 => sim.input(Input::Visible(on)),
                6 => sim.input(Input::Online(on)),
                7 => sim.input(if on { Input::Pause } else { Input::Play }),
                8 => sim.input(if on { Input::Suspend } else { Input::Wake }),
                _ => sim.input(Input::NetworkChanged),
            }
            sim.run_ms((chance.of(6).unit(turn) * 3_000.0) as i64);
        }
        for input in [Input::Visible(true), Input::Online(true), Input::Wake, Input::Play] {
            sim.input(input);
        }
        sim.input(Input::SelectRendition(Some(LOW)));
        sim.run_ms(40_000);
        assert_eq!(sim.stats().rendition, Some(LOW), "{seed}");
        assert_eq!(size(&sim), Some((640, 352)), "{seed}");
        let last = sim.shown.last().map(|(at, _)| sim.now - *at).expect("pictures");
        assert!(last < S(4), "{seed}: the picture stands for {last:?}");
        assert!(sim.errors().iter().all(|error| !error.fatal), "{seed}: {:?}", sim.errors());
    }
}
