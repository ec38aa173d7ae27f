//! To another place of a recording: which picture is shown, how soon, and what the viewer sees and hears on the way.

use sailcast_engine::{DecoderChoice, Event, Input, Instant, Load, State};
use sailcast_media::{MediaKind, MediaTime, Micros};
use sailcast_sim::{Sim, choosing, feed, files::FileServer, load, recording::Recording};

const MS: fn(i64) -> Micros = Micros::from_millis;
const AT: fn(i64) -> MediaTime = MediaTime::from_millis;

/// 5 minutes with a keyframe each 2 s.
fn film() -> FileServer {
    FileServer::new(Recording { seconds: 300, ..Recording::default() }.flv())
}

/// 6 seconds, all of which come in one piece.
fn short_film() -> FileServer {
    FileServer::new(feed::fixture("whole-first.mp4"))
}

fn playing(server: FileServer) -> Sim {
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), server);
    sim.input(load("http://vod/film.mp4"));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(3_000);
    sim
}

fn seek(sim: &mut Sim, to_ms: i64) -> Instant {
    sim.input(Input::Seek { to: AT(to_ms), exact: true });
    sim.now
}

fn seeked(sim: &Sim) -> Vec<MediaTime> {
    sim.events.iter().filter_map(|(_, e)| if let Event::Seeked(at) = e { Some(*at) } else { None }).collect()
}

fn shown_after(sim: &Sim, from: Instant) -> Vec<(Instant, MediaTime)> {
    sim.shown.iter().copied().filter(|(at, _)| *at > from).collect()
}

#[test]
fn the_picture_of_the_place_comes_at_once_and_none_before_it() {
    for to in [121_000, 60_500, 200_030, 1_000] {
        let mut sim = playing(film());
        let from = seek(&mut sim, to);
        sim.run_ms(1_500);
        let shown = shown_after(&sim, from);
        assert_eq!(shown[0].1, AT(to / 40 * 40), "the last picture at or before {to}");
        assert!(shown[0].0 - from < MS(500), "{to}: {:?}", shown[0].0 - from);
        assert!(shown.windows(2).all(|w| w[1].1 - w[0].1 <= MS(40)), "{to}: nothing is left out behind it");
        assert_eq!(seeked(&sim), [AT(to)]);
        assert_eq!((sim.state(), sim.stats().stalls), (State::Playing, 0), "{to}");
        let worst = sim.av_offsets_ms(from + MS(900)).into_iter().map(f64::abs).fold(0.0, f64::max);
        assert!(worst < 40.0, "{to}: {worst} ms apart");
        let heard: Vec<MediaTime> =
            sim.heard.iter().filter(|(at, _)| *at > from + MS(60)).filter_map(|(_, m)| *m).collect();
        // The very first samples are faded in, and tell no time.
        let first = heard[2];
        assert!(first >= AT(to) - MS(30) && first < AT(to) + MS(400), "{to}: {first:?} is heard first");
    }
}

#[test]
fn what_waits_here_needs_no_network() {
    let server = film();
    let requests = server.asked.clone();
    let mut sim = playing(server);
    sim.run_ms(3_000);
    let from = seek(&mut sim, 15_020);
    sim.run_ms(300);
    let asked = requests.borrow().clone();
    assert!(asked.windows(2).all(|w| w[1].offset == w[0].offset + w[0].length), "it reads on as it did");
    let shown = shown_after(&sim, from);
    assert_eq!(shown[0].1, AT(15_000));
    assert!(shown[0].0 - from < MS(150), "{:?}", shown[0].0 - from);
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn the_nearest_keyframe_is_quicker() {
    let listed = Recording { seconds: 300, ..Recording::default() };
    let mut sim = playing(FileServer::new(listed.flv()));
    for (to, keyframe) in [(15_100, 16_000), (13_000, 12_000), (120_900, 120_000)] {
        sim.input(Input::Seek { to: AT(to), exact: false });
        let from = sim.now;
        sim.run_ms(600);
        assert_eq!(shown_after(&sim, from)[0].1, AT(keyframe), "{to}");
        assert_eq!(seeked(&sim).last(), Some(&AT(keyframe)));
        assert!(sim.stats().position >= AT(keyframe));
    }
}

#[test]
fn while_paused_the_picture_is_shown_and_nothing_moves() {
    let mut sim = playing(film());
    sim.input(Input::Pause);
    for to in [100_000, 4_000, 250_015] {
        let from = seek(&mut sim, to);
        sim.run_ms(2_000);
        let shown = shown_after(&sim, from);
        assert_eq!(shown.iter().map(|s| s.1).collect::<Vec<_>>(), [AT(to / 40 * 40)]);
        assert_eq!((sim.state(), sim.stats().position), (State::Paused, AT(to)));
        assert_eq!(seeked(&sim).last(), Some(&AT(to)));
    }
    let heard = sim.heard.len();
    sim.run_ms(500);
    assert!(sim.heard[heard..].iter().all(|(_, media)| media.is_none()), "silence");
    let from = sim.now;
    sim.input(Input::Play);
    sim.run_ms(1_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(shown_after(&sim, from)[0].0 - from < MS(60), "all of it was here");
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn who_drags_along_the_timeline_sees_where_he_is_and_ends_where_he_lets_go() {
    let mut sim = playing(film());
    let begin = sim.now;
    for i in 0..60i64 {
        seek(&mut sim, 20_000 + i * 4_000);
        sim.run_ms(33);
    }
    let places: Vec<MediaTime> = shown_after(&sim, begin).iter().map(|s| s.1).collect();
    assert!(places.len() >= 6, "{} pictures in two seconds", places.len());
    sim.run_ms(1_000);
    let last = 20_000 + 59 * 4_000;
    assert_eq!(seeked(&sim).last(), Some(&AT(last)));
    assert!(seeked(&sim).len() < 20, "nobody is told of what was passed over");
    assert_eq!(sim.count(|e| matches!(e, Event::Seeking(_))), 60);
    let position = sim.stats().position - AT(last);
    assert!(position > MS(300) && position < MS(1_100), "{position:?} behind it");
}

#[test]
fn on_a_slow_network_a_new_place_does_not_wait_for_the_one_before() {
    let server = FileServer { rtt: MS(800), ..film() };
    let mut sim = playing(server);
    sim.run_ms(4_000);
    seek(&mut sim, 100_000);
    sim.run_ms(50);
    let from = seek(&mut sim, 200_000);
    sim.run_ms(6_000);
    let first = shown_after(&sim, from)[0];
    assert_eq!(first.1, AT(200_000));
    assert_eq!(seeked(&sim), [AT(200_000)]);
}

#[test]
fn beyond_the_ends_it_goes_to_the_ends() {
    let mut sim = playing(film());
    seek(&mut sim, -5_000);
    sim.run_ms(600);
    assert_eq!(seeked(&sim), [AT(0)]);
    seek(&mut sim, 900_000);
    sim.run_ms(3_000);
    assert_eq!(sim.state(), State::Ended);
    assert_eq!(sim.shown.last().map(|s| s.1), Some(AT(299_960)), "the last picture");
}

#[test]
fn after_the_end_it_goes_on_where_one_wants() {
    let mut sim = playing(film());
    seek(&mut sim, 298_000);
    sim.run_ms(4_000);
    assert_eq!(sim.state(), State::Ended);
    seek(&mut sim, 50_000);
    sim.run_ms(1_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.shown.last().expect("pictures").1 > AT(50_300));
    seek(&mut sim, 299_000);
    sim.run_ms(3_000);
    assert_eq!((sim.state(), sim.count(|e| matches!(e, Event::Ended))), (State::Ended, 2));
    sim.input(Input::Play);
    sim.run_ms(1_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.stats().position < AT(1_100), "from the beginning: {:?}", sim.stats().position);
}

#[test]
fn before_anything_is_known_the_place_is_kept_for_later() {
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), film());
    sim.input(load("http://vod/film.mp4"));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.input(Input::Seek { to: AT(80_000), exact: true });
    sim.run_ms(1_500);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.shown.first().map(|s| s.1), Some(AT(80_000)));
}

#[test]
fn a_load_may_begin_anywhere() {
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), film());
    let lines = vec!["http://vod/film.mp4".to_owned()];
    sim.input(Input::Load(Load { lines, start: Some(AT(100_700)), ..Load::default() }));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(1_500);
    assert_eq!(sim.shown.first().map(|s| s.1), Some(AT(100_680)));
    assert_eq!((sim.state(), sim.stats().stalls), (State::Playing, 0));
    let position = sim.stats().position - AT(100_700);
    assert!(position > MS(600) && position < MS(1_500), "{position:?}");
}

#[test]
fn during_a_stall_it_goes_on_elsewhere() {
    let server = FileServer { rate: 90_000, ..film() };
    let mut sim = playing(server);
    sim.run_ms(30_000);
    assert!(sim.stats().stalls > 0);
    let from = seek(&mut sim, 200_000);
    sim.run_ms(9_000);
    assert_eq!(shown_after(&sim, from)[0].1, AT(200_000));
    assert_eq!(seeked(&sim), [AT(200_000)]);
}

#[test]
fn sound_alone_and_pictures_alone_are_gone_to_as_well() {
    for (pictures, sound) in [(false, true), (true, false)] {
        let server =
            FileServer::new(Recording { seconds: 120, pictures, sound, ..Recording::default() }.flv());
        let mut sim = playing(server);
        assert_eq!(sim.state(), State::Playing);
        seek(&mut sim, 70_000);
        sim.run_ms(1_500);
        assert_eq!(sim.state(), State::Playing);
        assert_eq!(seeked(&sim), [AT(70_000)]);
        if sound {
            let heard = sim.heard.iter().rev().find_map(|(_, m)| *m).expect("sound");
            assert!(heard > AT(70_300) && heard < AT(72_000), "{heard:?}");
        }
    }
}

#[test]
fn of_a_seek_nothing_clicks() {
    let mut sim = playing(film());
    sim.record_sound();
    seek(&mut sim, 14_000);
    sim.run_ms(1_000);
    seek(&mut sim, 140_000);
    sim.run_ms(1_500);
    // What the ring lets go of when it is cleared is the worklet's to fade: here it is cut, and only the beginnings count.
    let sound = sim.recorded_sound();
    let rises = sound.windows(2).filter(|w| w[0] == 0.0 && w[1] > 0.01).count();
    assert_eq!(rises, 0, "sound begins softly");
}

#[test]
fn a_stream_goes_nowhere() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 2_000, 20));
    sim.run_ms(2_000);
    let position = sim.stats().position;
    sim.input(Input::Seek { to: AT(100), exact: true });
    sim.input(Input::SeekLive);
    sim.run_ms(500);
    assert!(sim.stats().position > position);
    assert_eq!(sim.count(|e| matches!(e, Event::Seeking(_) | Event::Seeked(_))), 0);
}

#[test]
fn a_decoder_that_fails_on_the_way_does_not_end_the_seek() {
    let mut sim = playing(film());
    sim.input(Input::Pause);
    seek(&mut sim, 101_900);
    sim.run_ms(90);
    sim.fail_decoder(MediaKind::Video);
    sim.run_ms(2_000);
    assert_eq!(seeked(&sim), [AT(101_900)]);
    assert_eq!(sim.shown.last().map(|s| s.1), Some(AT(101_880)));
}

#[test]
fn it_is_no_stall_in_the_statistics() {
    let mut sim = playing(FileServer { rtt: MS(400), ..film() });
    for to in [100_000, 20_000, 200_000] {
        seek(&mut sim, to);
        sim.run_ms(3_000);
    }
    let quality = sim.player.quality(sim.now).expect("a load");
    assert_eq!((quality.stalls.count, sim.stats().stalls), (0, 0));
    assert_eq!(sim.stats().stalled, Micros::ZERO);
}

#[test]
fn a_place_wanted_before_the_bytes_tell_that_it_is_a_file_is_kept_for_them() {
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), film());
    sim.input(load("http://vod/watch?v=1"));
    sim.input(Input::Seek { to: AT(80_000), exact: true });
    sim.input(Input::Play);
    sim.run_ms(1_500);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!((sim.shown.first().map(|s| s.1), seeked(&sim)), (Some(AT(80_000)), vec![AT(80_000)]));
}

#[test]
fn out_of_sight_the_sound_goes_there_and_the_picture_when_it_is_seen() {
    let mut sim = playing(film());
    sim.input(Input::Visible(false));
    sim.run_ms(500);
    seek(&mut sim, 100_000);
    sim.run_ms(3_000);
    assert_eq!((sim.state(), seeked(&sim)), (State::Playing, vec![AT(100_000)]));
    let shown = sim.shown.len();
    sim.input(Input::Visible(true));
    let from = sim.now;
    sim.run_ms(400);
    let (at, pts) = sim.shown[shown];
    assert!(at - from < MS(200), "{:?}", at - from);
    assert!((sim.stats().position - (sim.now - at) - pts).abs() < MS(80), "{pts:?}");
}

#[test]
fn paused_out_of_sight_the_picture_of_the_place_is_shown_when_it_is_seen() {
    let mut sim = playing(film());
    sim.input(Input::Visible(false));
    sim.run_ms(20_000);
    sim.input(Input::Pause);
    sim.run_ms(500);
    sim.input(Input::Visible(true));
    sim.run_ms(1_000);
    let (position, shown) = (sim.stats().position, sim.shown.last().expect("a picture").1);
    assert!(position - shown >= MS(0) && position - shown < MS(60), "{shown:?} at {position:?}");
}

#[test]
fn pictures_that_are_reordered_are_gone_to_as_exactly() {
    for name in ["counter-bframes.flv", "whole-first.mp4", "fragments.mp4"] {
        let mut sim = playing(FileServer::new(feed::fixture(name)));
        sim.input(Input::Pause);
        let length = sim.stats().duration.expect("known").0 / 1000;
        for to in [length / 2, length / 3 + 7, 333, length - 200] {
            let before = sim.shown.len();
            seek(&mut sim, to);
            sim.run_ms(1_500);
            let shown = &sim.shown[before..];
            assert_eq!(shown.len(), 1, "{name}, {to}: {shown:?}");
            let behind = AT(to) - shown[0].1;
            assert!(behind >= Micros::ZERO && behind < MS(45), "{name}, {to}: {behind:?} before it");
        }
    }
}

#[test]
fn picture_by_picture_each_is_shown_once() {
    let mut sim = playing(film());
    sim.input(Input::Pause);
    seek(&mut sim, 10_000);
    sim.run_ms(500);
    for ms in (10_010..10_400).step_by(10) {
        seek(&mut sim, ms);
        sim.run_ms(300);
        assert_eq!(sim.shown.last().map(|s| s.1), Some(AT(ms / 40 * 40)), "{ms}");
        assert_eq!(seeked(&sim).last(), Some(&AT(ms)));
    }
    let pictures = sim.shown.iter().filter(|(_, pts)| *pts >= AT(10_000)).count();
    assert_eq!(pictures, 10);
}

#[test]
fn of_two_places_wanted_while_paused_the_second_is_asked_for_behind_the_picture_of_the_first() {
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), short_film());
    sim.input(load("http://vod/film.mp4"));
    seek(&mut sim, 5_961);
    seek(&mut sim, 120);
    sim.run_ms(4_000);
    assert_eq!((sim.shown.last().map(|s| s.1), seeked(&sim)), (Some(AT(120)), vec![AT(120)]));
}

#[test]
fn a_page_that_wakes_and_goes_elsewhere_does_not_see_the_old_place_again() {
    let mut sim = playing(film());
    sim.input(Input::Pause);
    sim.input(Input::Suspend);
    sim.run_ms(60_000);
    sim.input(Input::Wake);
    let from = seek(&mut sim, 100_000);
    sim.run_ms(2_000);
    assert_eq!(shown_after(&sim, from).iter().map(|s| s.1).collect::<Vec<_>>(), [AT(100_000)]);
    assert_eq!(seeked(&sim), [AT(100_000)]);
}

#[test]
fn a_page_seen_again_on_the_way_to_the_end_sees_the_last_picture() {
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), short_film());
    sim.input(load("http://vod/film.mp4"));
    seek(&mut sim, 6_095);
    sim.input(Input::Visible(false));
    sim.input(Input::Visible(true));
    sim.run_ms(4_000);
    assert_eq!(sim.shown.last().map(|s| s.1), Some(AT(5_960)));
    // Beyond the end is at the end, once that is known.
    assert_eq!((sim.state(), seeked(&sim)), (State::Paused, vec![AT(6_000)]));
}

#[test]
fn what_waited_while_the_page_was_put_away_does_not_come_after_what_was_wanted_last() {
    let mut sim = playing(film());
    seek(&mut sim, 299);
    seek(&mut sim, 0);
    sim.input(Input::Suspend);
    sim.input(Input::Wake);
    sim.input(Input::Pause);
    seek(&mut sim, 120);
    sim.run_ms(4_000);
    assert_eq!((sim.shown.last().map(|s| s.1), seeked(&sim).last()), (Some(AT(120)), Some(&AT(120))));
}

#[test]
fn a_page_that_comes_back_hears_that_the_place_it_wanted_is_there() {
    let mut sim = playing(film());
    sim.input(Input::Pause);
    seek(&mut sim, 100_000);
    sim.input(Input::Suspend);
    sim.run_ms(5_000);
    sim.input(Input::Wake);
    sim.run_ms(2_000);
    assert_eq!(seeked(&sim), [AT(100_000)]);
}

#[test]
fn a_live_stream_knows_nothing_of_a_place_that_was_wanted_before_it_came() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 2_000, 20));
    seek(&mut sim, 3_600_000);
    sim.run_ms(2_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.stats().position < AT(60_000), "{:?}", sim.stats().position);
}
