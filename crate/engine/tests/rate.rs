//! Faster and slower than it was recorded: the time it takes, picture and sound together, and no seam where it changes.

use sailcast_engine::{DecoderChoice, Event, Input, State};
use sailcast_media::{MediaTime, Micros};
use sailcast_sim::{Sim, choosing, feed, files::FileServer, load, recording::Recording};

const MS: fn(i64) -> Micros = Micros::from_millis;
const AT: fn(i64) -> MediaTime = MediaTime::from_millis;

fn playing(rate: f64) -> Sim {
    let server = FileServer::new(Recording { seconds: 300, ..Recording::default() }.flv());
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), server);
    sim.input(Input::Rate(rate));
    sim.input(load("http://vod/film.mp4"));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    sim
}

#[test]
fn it_takes_as_much_less_time_with_picture_and_sound_together() {
    for rate in [0.5, 0.75, 1.25, 1.5, 2.0, 3.0] {
        let mut sim = playing(rate);
        let (begin, from) = (sim.stats().position, sim.now);
        sim.run_ms(20_000);
        let gone = (sim.stats().position - begin).as_secs_f64();
        assert!((gone / 20.0 / rate - 1.0).abs() < 0.005, "{rate}: {gone} s in 20");
        // What is heard with each picture, as the time in the samples has it.
        let mut worst = 0.0f64;
        for (at, pts) in sim.shown.iter().filter(|(at, _)| *at > from) {
            let Some((t, Some(media))) = sim.heard.iter().rev().find(|(t, _)| t <= at) else { continue };
            let heard = *media + (*at - *t).scale(rate);
            worst = worst.max((*pts - heard).as_secs_f64().abs() / rate.max(1.0));
        }
        assert!(worst < 0.045, "{rate}: {worst} s apart");
        let stats = sim.stats();
        assert_eq!((stats.stalls, stats.sound.underruns), (0, 0), "{rate}");
        assert_eq!(stats.sound.cut, Micros::ZERO, "{rate}: no sound is left out");
        assert_eq!(stats.rate, rate);
        assert_eq!(sim.count(|e| matches!(e, Event::Degraded)), 0, "{rate}");
    }
}

#[test]
fn a_change_is_heard_soon_and_nothing_is_left_out_for_it() {
    let mut sim = playing(1.0);
    let mut before = 1.0f64;
    for rate in [2.0, 0.5, 3.0, 1.0] {
        sim.input(Input::Rate(rate));
        let from = sim.now;
        sim.run_ms(3_000);
        let changed =
            sim.first(|e| matches!(e, Event::RateChange { rate: told } if *told == rate)).expect("told");
        assert!(changed - from < MS(250), "{rate}: {:?}", changed - from);
        let silent = sim.heard.iter().filter(|(at, media)| *at > from && media.is_none()).count();
        assert_eq!(silent, 0, "{rate}: the sound has no gap");
        let offsets: Vec<f64> = sim
            .shown
            .iter()
            .filter(|(at, _)| *at > from)
            .filter_map(|(at, pts)| {
                let (t, media) = sim.heard.iter().rev().find(|(t, _)| t <= at)?;
                Some((*pts - ((*media)? + (*at - *t).scale(rate))).as_secs_f64())
            })
            .collect();
        let worst = offsets.iter().fold(0.0f64, |worst, off| worst.max(off.abs()));
        assert!(worst < 0.045 * rate.max(before).max(1.0), "{rate}: {worst} s apart at the change");
        before = rate;
    }
    let stats = sim.stats();
    assert_eq!((stats.sound.underruns, stats.sound.cut, stats.stalls), (0, Micros::ZERO, 0));
}

#[test]
fn what_is_out_of_reach_is_the_fastest_and_the_slowest_and_nonsense_is_nothing() {
    let mut sim = playing(1.0);
    for (asked, rate) in [(9.0, 3.0), (0.01, 0.5), (f64::NAN, 0.5), (-2.0, 0.5), (1.0, 1.0)] {
        sim.input(Input::Rate(asked));
        sim.run_ms(1_000);
        assert_eq!(sim.stats().rate, rate, "{asked}");
    }
}

#[test]
fn it_is_kept_through_seeks_pauses_and_loads() {
    let mut sim = playing(2.0);
    sim.input(Input::Seek { to: AT(100_000), exact: true });
    sim.run_ms(1_000);
    assert_eq!(sim.stats().rate, 2.0);
    sim.input(Input::Pause);
    sim.run_ms(500);
    sim.input(Input::Play);
    sim.run_ms(500);
    assert_eq!((sim.stats().rate, sim.state()), (2.0, State::Playing));
    sim.input(load("http://vod/film.mp4"));
    sim.run_ms(2_000);
    assert_eq!(sim.stats().rate, 2.0);
    assert!(sim.stats().position > AT(3_000));
}

#[test]
fn a_stream_plays_at_its_own_rate() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 1_000, 20));
    sim.sound_on(48_000, 20);
    sim.input(Input::Rate(2.0));
    sim.run_ms(5_000);
    assert_eq!(sim.stats().rate, 1.0);
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn without_sound_the_picture_alone_keeps_the_rate() {
    let server = FileServer::new(Recording { seconds: 120, sound: false, ..Recording::default() }.flv());
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), server);
    sim.input(load("http://vod/film.mp4"));
    sim.input(Input::Play);
    sim.run_ms(2_000);
    sim.input(Input::Rate(3.0));
    let begin = sim.stats().position;
    sim.run_ms(10_000);
    let gone = (sim.stats().position - begin).as_secs_f64();
    assert!((gone - 30.0).abs() < 0.2, "{gone}");
    let last = sim.shown.last().expect("pictures").1;
    assert!((sim.stats().position - last).abs() < MS(150));
}

#[test]
fn a_decoder_too_slow_for_the_rate_leaves_pictures_out_and_the_sound_goes_on() {
    let mut sim = playing(1.0);
    sim.video_decode_time = MS(20);
    sim.input(Input::Rate(3.0));
    sim.run_ms(20_000);
    let behind = sim.stats().position - sim.shown.last().expect("pictures").1;
    assert!(behind < MS(2_600), "a GOP and a little at worst: {behind:?}");
    assert_eq!(sim.stats().sound.underruns, 0);
    assert!(sim.shown.len() > 200, "{}", sim.shown.len());
}
