//! Several sounds beside one picture, as HLS has them: one is heard, and another one soon after it is chosen.

use sailcast_engine::{
    Container as FileContainer, ErrorCode, Event, Input, Instant, LatencyTarget, SoundInfo, State,
};
use sailcast_media::{DemuxEvent, Demuxer, MediaKind, MediaTime, Micros, Mp4Demuxer, TrackId};
use sailcast_sim::{
    Sim, Trouble, config, load,
    origin::{BASE, Container, Fault, Origin, Packager, Sound, voice_of},
};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn with_dubs(packager: Packager) -> Packager {
    Packager { dubs: vec!["fr", "de"], ..packager }
}

/// Every way in which the sounds may come, live and recorded.
fn all() -> impl Iterator<Item = Packager> {
    let sounds = [
        (Container::Ts, Sound::Muxed),
        (Container::Mp4, Sound::Muxed),
        (Container::Ts, Sound::Apart),
        (Container::Mp4, Sound::Apart),
        (Container::Ts, Sound::Packed),
    ];
    let bases = [Packager::live(), Packager::vod(60), Packager::low_latency()];
    bases.into_iter().flat_map(move |base| {
        sounds
            .into_iter()
            .map(move |(container, sound)| with_dubs(Packager { container, sound, ..base.clone() }))
    })
}

fn name(packager: &Packager) -> String {
    let Packager { container, sound, part, total, .. } = packager;
    format!("{container:?}, sound {sound:?}, parts {part:?} of {total:?}")
}

fn begun(origin: Origin) -> Sim {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), origin);
    sim.input(load(&format!("{BASE}master.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim
}

fn playing(packager: Packager) -> Sim {
    let mut sim = begun(Origin::new(packager));
    sim.run_ms(8_000);
    assert_eq!(sim.state(), State::Playing, "{:?}", sim.errors());
    sim
}

fn select(sim: &mut Sim, number: u8) {
    sim.input(Input::SelectTrack(TrackId::audio(number)));
}

fn selected(sim: &Sim) -> Vec<u8> {
    let number = |(_, event): &(Instant, Event)| match event {
        Event::TrackSelected(track) if track.id == TrackId::audio(track.id.number) => Some(track.id.number),
        _ => None,
    };
    sim.events.iter().filter_map(number).collect()
}

/// How long after `from` this sound was heard first. One turn alone may be a seam.
fn heard_after(sim: &Sim, from: Instant, voice: u8) -> Option<Micros> {
    let heard: Vec<_> = sim.heard.iter().zip(&sim.heard_voices).collect();
    let is_it = |((_, media), of): &(&(Instant, Option<MediaTime>), &u8)| media.is_some() && **of == voice;
    let mut turns = heard.windows(2).filter(|pair| pair[0].0.0 > from && pair.iter().all(is_it));
    turns.next().map(|pair| pair[0].0.0 - from)
}

fn hears(sim: &Sim, voice: u8) -> bool {
    let last = sim.heard.iter().zip(&sim.heard_voices).rev().take(20);
    last.clone().all(|((_, media), of)| media.is_some() && *of == voice)
}

/// The picture goes on as if nothing had happened, and the sound is beside it.
fn assert_steady(sim: &Sim, from: Instant, what: &str) {
    let longest = sim.longest_still(from);
    assert!(longest < MS(70), "{what}: a picture stood for {longest:?}");
    let missing = sim.longest_step(from);
    assert!(missing <= MS(41), "{what}: pictures are missing for {missing:?}");
    let silent = sim.heard.iter().filter(|(at, media)| *at > from && media.is_none()).count();
    assert!(silent <= 2, "{what}: {silent} turns of the sound card are silent");
    // A sample of a seam is of no time.
    let offsets = sim.av_offsets_ms(from).into_iter().map(f64::abs);
    let worst = offsets.filter(|offset| *offset < 1000.0).fold(0.0, f64::max);
    assert!(worst < 45.0, "{what}: {worst} ms apart");
    assert_eq!(sim.stats().stalls, 0, "{what}");
}

fn steepest(sim: &Sim) -> f32 {
    sim.recorded_sound().windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
}

#[test]
fn all_are_told_before_anything_of_them_is_fetched() {
    let sim = playing(with_dubs(Packager { sound: Sound::Apart, ..Packager::live() }));
    let told = sim.events.iter().filter_map(|(_, event)| match event {
        Event::Sound(SoundInfo { number, label, language, codecs }) => {
            Some((*number, label.as_str(), language.as_deref(), codecs.as_str()))
        }
        _ => None,
    });
    let expected = [
        (0, "Main", None, "mp4a.40.2"),
        (1, "In fr", Some("fr"), "mp4a.40.2"),
        (2, "In de", Some("de"), "mp4a.40.2"),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert_eq!(selected(&sim), [0]);
    assert!(sim.requests.iter().all(|(_, url)| !url.contains("a1") && !url.contains("a2")));
}

#[test]
fn another_one_is_heard_soon_and_the_picture_goes_on() {
    for packager in all() {
        let what = name(&packager);
        let mut sim = playing(packager);
        let begin = sim.now;
        sim.record_sound();
        for voice in [1, 2, 0, 1, 0] {
            let from = sim.now;
            select(&mut sim, voice);
            sim.run_ms(4_000);
            let after =
                heard_after(&sim, from, voice).unwrap_or_else(|| panic!("{what}: {voice} is not heard"));
            assert!(after < MS(900), "{what}: {voice} is heard after {after:?}");
            assert!(hears(&sim, voice), "{what}: {voice} stays");
        }
        assert_eq!(selected(&sim), [0, 1, 2, 0, 1, 0], "{what}");
        assert_steady(&sim, begin, &what);
        assert!(steepest(&sim) < 0.02, "{what}: a click of {}", steepest(&sim));
        assert_eq!(sim.errors().len(), 0, "{what}: {:?}", sim.errors());
    }
}

#[test]
fn one_that_is_chosen_while_paused_is_heard_after_play() {
    for packager in all().filter(|packager| packager.total.is_some()) {
        let what = name(&packager);
        let mut sim = playing(packager);
        sim.input(Input::Pause);
        sim.run_ms(2_000);
        select(&mut sim, 1);
        sim.run_ms(3_000);
        let from = sim.now;
        sim.input(Input::Play);
        sim.run_ms(2_000);
        assert_eq!(heard_after(&sim, from, 0), None, "{what}: the one before is heard");
        let after = heard_after(&sim, from, 1).unwrap_or_else(|| panic!("{what}: it is not heard"));
        assert!(after < MS(200), "{what}: {after:?}");
        assert!(hears(&sim, 1), "{what}");
    }
}

#[test]
fn one_that_is_chosen_before_anything_is_here_is_the_only_one_that_is_fetched() {
    for packager in all().filter(|packager| packager.sound != Sound::Muxed) {
        let what = name(&packager);
        let mut sim = Sim::with(config(LatencyTarget::AUTO), Origin::new(packager));
        sim.input(load(&format!("{BASE}master.m3u8")));
        select(&mut sim, 2);
        sim.input(Input::Play);
        sim.sound_on(48_000, 20);
        sim.run_ms(6_000);
        assert_eq!(selected(&sim), [2], "{what}");
        assert!(hears(&sim, 2), "{what}");
        assert!(sim.requests.iter().all(|(_, url)| !url.contains("/a.") && !url.contains("/a/")), "{what}");
    }
}

#[test]
fn a_seek_just_before_or_after_takes_the_choice_with_it() {
    let seek = |sim: &mut Sim| sim.input(Input::Seek { to: MediaTime::from_millis(61_300), exact: true });
    for packager in all().filter(|packager| packager.total.is_some()) {
        let what = name(&packager);
        for between in [0, 20, 60, 100, 250] {
            for seeks_first in [true, false] {
                let mut sim = playing(packager.clone());
                if seeks_first {
                    seek(&mut sim);
                    sim.run_ms(between);
                    select(&mut sim, 1);
                } else {
                    select(&mut sim, 1);
                    sim.run_ms(between);
                    seek(&mut sim);
                }
                sim.run_ms(3_000);
                assert!(hears(&sim, 1), "{what}: {between} ms, seek first: {seeks_first}");
                let gone = sim.stats().position - MediaTime::from_millis(61_300);
                assert!(gone > MS(2_000), "{what}: {between} ms, seek first: {seeks_first}: {gone:?}");
                assert_eq!(sim.errors().len(), 0, "{what}: {:?}", sim.errors());
            }
        }
    }
}

#[test]
fn the_choice_holds_when_another_rendition_of_the_picture_has_playlists_of_its_own_for_it() {
    for packager in all() {
        let what = name(&packager);
        let mut sim = playing(Packager { groups: true, ..packager.with_qualities() });
        select(&mut sim, 1);
        sim.run_ms(3_000);
        let from = sim.now;
        for rendition in [0, 2, 1] {
            sim.input(Input::SelectRendition(Some(rendition)));
            sim.run_ms(9_000);
            assert_eq!(sim.stats().rendition, Some(rendition), "{what}");
            let of_group = format!("g{rendition}a1");
            assert!(sim.requests.iter().any(|(_, url)| url.contains(&of_group)), "{what}: {of_group}");
        }
        assert_eq!(heard_after(&sim, from, 0), None, "{what}: the default one comes back");
        assert_eq!(selected(&sim), [0, 1], "{what}");
        assert_steady(&sim, from, &what);
    }
}

#[test]
fn sound_in_the_segments_of_the_picture_is_not_fetched_twice_for_long() {
    for packager in all().filter(|packager| packager.sound == Sound::Muxed) {
        let what = name(&packager);
        let mut sim = playing(packager.clone());
        select(&mut sim, 1);
        sim.run_ms(5_000);
        select(&mut sim, 0);
        sim.run_ms(12_000);
        let before = sim.requests.len();
        sim.run_ms(10_000);
        let mut pieces: Vec<&str> = sim.requests[before..]
            .iter()
            .map(|(_, url)| url.as_str())
            .filter(|url| url.contains("/s"))
            .collect();
        assert!(pieces.len() >= 4, "{what}: {pieces:?}");
        pieces.sort_unstable();
        pieces.dedup();
        let all = sim.requests[before..].iter().filter(|(_, url)| url.contains("/s")).count();
        assert_eq!(pieces.len(), all, "{what}: {pieces:?}");
        assert!(hears(&sim, 0), "{what}");
    }
}

/// What goes wrong with what the address of the French sound has in it.
fn failing(packager: Packager, fault: impl Fn(&str, Instant) -> Option<Fault> + 'static) -> Sim {
    let origin = Origin::new(packager);
    let mut sim = begun(origin.fault(move |request, now| {
        let is_it = request.url.contains("/a1") || request.url.contains("of=a1");
        if is_it { fault(&request.url, now) } else { None }
    }));
    sim.run_ms(8_000);
    sim
}

#[test]
fn one_that_cannot_be_had_is_told_and_the_one_before_goes_on() {
    type Faulty = fn(&str, Instant) -> Option<Fault>;
    let faults: [(&str, Faulty); 6] = [
        ("no playlist", |url, _| url.contains(".m3u8").then_some(Fault::Status(404))),
        ("a web page", |url, _| url.contains(".m3u8").then(|| Fault::Body("<html>".into()))),
        ("no segments", |url, _| url.contains("/s").then_some(Fault::Status(404))),
        ("something else", |url, _| {
            url.contains("/s").then(|| Fault::Body("<!doctype html>".repeat(400).into()))
        }),
        ("no answer", |_, _| Some(Fault::Silence)),
        ("no key", |url, _| url.contains("key").then_some(Fault::Status(404))),
    ];
    for (why, fault) in faults {
        for packager in [Packager::live(), Packager::vod(60), Packager::low_latency()] {
            let key_every = (why == "no key").then_some(3);
            let packager = with_dubs(Packager { sound: Sound::Apart, key_every, ..packager });
            let what = format!("{why}: {}", name(&packager));
            let mut sim = failing(packager, fault);
            let from = sim.now;
            select(&mut sim, 1);
            sim.run_ms(60_000);
            let errors = sim.errors();
            let told: Vec<(ErrorCode, bool)> = errors.iter().map(|error| (error.code, error.fatal)).collect();
            assert_eq!(told, [(ErrorCode::TrackUnavailable, false)], "{what}: {errors:?}");
            assert_eq!(selected(&sim), [0], "{what}");
            assert!(hears(&sim, 0), "{what}");
            assert_steady(&sim, from, &what);
            select(&mut sim, 2);
            sim.run_ms(3_000);
            assert!(hears(&sim, 2), "{what}: another one can be chosen");
        }
    }
}

#[test]
fn one_that_breaks_off_later_gives_way_to_the_default_one() {
    for (why, part) in [("segments", "/s"), ("all of it", "a1")] {
        for packager in [Packager::live(), Packager::vod(60), Packager::low_latency()] {
            let packager = with_dubs(Packager { sound: Sound::Apart, ..packager });
            let what = format!("{why}: {}", name(&packager));
            let mut sim = failing(packager, move |url, now| {
                (now > Instant(20_000_000) && url.contains(part)).then_some(Fault::Status(404))
            });
            select(&mut sim, 1);
            sim.run_ms(5_000);
            assert!(hears(&sim, 1), "{what}");
            sim.run_ms(90_000);
            assert_eq!(sim.state(), State::Playing, "{what}: {:?}", sim.errors());
            assert!(sim.errors().iter().any(|error| error.code == ErrorCode::TrackUnavailable), "{what}");
            assert!(sim.errors().iter().all(|error| !error.fatal), "{what}: {:?}", sim.errors());
            assert_eq!(selected(&sim), [0, 1, 0], "{what}");
            assert!(hears(&sim, 0), "{what}");
            assert!(sim.stats().stalled < MS(4_000), "{what}: {:?}", sim.stats().stalled);
        }
    }
}

#[test]
fn one_that_no_decoder_takes_gives_way_and_can_be_tried_again() {
    let packager = with_dubs(Packager { sound: Sound::Apart, ..Packager::vod(60) });
    let mut sim = playing(packager);
    sim.decoders_are.trouble = Box::new(|asked| match asked.packet {
        Some(packet) if voice_of(&packet.data) == 1 => Trouble::Fail("EncodingError"),
        _ => Trouble::None,
    });
    let from = sim.now;
    for _ in 0..2 {
        select(&mut sim, 1);
        sim.run_ms(12_000);
        assert_eq!(sim.state(), State::Playing);
        assert!(hears(&sim, 0), "{:?}", sim.errors());
    }
    assert!(sim.errors().iter().all(|error| !error.fatal), "{:?}", sim.errors());
    let shown: Vec<Instant> = sim.shown.iter().map(|(at, _)| *at).filter(|at| *at > from).collect();
    assert!(shown.windows(2).all(|pair| pair[1] - pair[0] < MS(90)), "the picture goes on");
    sim.decoders_are.trouble = Box::new(|_| Trouble::None);
    select(&mut sim, 1);
    sim.run_ms(5_000);
    assert!(hears(&sim, 1));
}

#[test]
fn the_choice_holds_over_a_network_that_is_gone_for_a_while() {
    for packager in [Packager::live(), Packager::low_latency()] {
        let packager = with_dubs(Packager { sound: Sound::Apart, ..packager });
        let what = name(&packager);
        let origin = Origin::new(packager);
        let mut sim = begun(origin.fault(|_, now| {
            (now > Instant(15_000_000) && now < Instant(30_000_000)).then_some(Fault::Refused)
        }));
        sim.run_ms(8_000);
        select(&mut sim, 1);
        sim.run_ms(60_000);
        assert_eq!(sim.state(), State::Playing, "{what}: {:?}", sim.errors());
        assert!(hears(&sim, 1), "{what}");
        assert_eq!(selected(&sim), [0, 1], "{what}");
    }
}

#[test]
fn a_choice_that_is_taken_back_before_it_is_heard_changes_nothing() {
    let mut sim = playing(with_dubs(Packager { sound: Sound::Apart, ..Packager::vod(60) }));
    let from = sim.now;
    select(&mut sim, 1);
    sim.run_ms(30);
    select(&mut sim, 0);
    sim.run_ms(3_000);
    assert_eq!(selected(&sim), [0]);
    assert_eq!(heard_after(&sim, from, 1), None);
    assert_steady(&sim, from, "taken back");
}

#[test]
fn it_goes_on_through_discontinuities_and_a_packager_that_begins_anew() {
    for sound in [Sound::Muxed, Sound::Apart, Sound::Packed] {
        let changing = Packager { sound, discontinuities: vec![58, 61], ..Packager::live() };
        let restarting = Packager { sound, restart: Some(62), ..Packager::live() };
        for packager in [changing, restarting] {
            let mut sim = playing(with_dubs(packager.clone()));
            for voice in [1, 2, 0, 2, 1, 0, 1] {
                select(&mut sim, voice);
                sim.run_ms(5_000);
            }
            sim.run_ms(20_000);
            assert_eq!(sim.state(), State::Playing, "{sound:?}: {:?}", sim.errors());
            assert!(hears(&sim, 1), "{sound:?}, restart {:?}", packager.restart);
        }
    }
}

#[test]
fn one_that_there_is_not_changes_nothing() {
    let mut sim = playing(with_dubs(Packager { sound: Sound::Apart, ..Packager::live() }));
    select(&mut sim, 1);
    sim.run_ms(2_000);
    let from = sim.now;
    for number in [3, 255] {
        select(&mut sim, number);
        sim.run_ms(3_000);
    }
    assert!(hears(&sim, 1));
    assert_steady(&sim, from, "none");
    assert_eq!(sim.errors().len(), 0, "{:?}", sim.errors());
}

#[test]
fn a_recording_goes_on_with_the_other_sound() {
    for packager in [Packager::live(), Packager::vod(60)] {
        let mut sim =
            playing(with_dubs(Packager { sound: Sound::Apart, container: Container::Mp4, ..packager }));
        sim.input(Input::Record(Some(FileContainer::Mp4)));
        sim.run_ms(4_000);
        select(&mut sim, 1);
        sim.run_ms(6_000);
        sim.input(Input::Record(None));
        sim.run_ms(100);
        assert_eq!(sim.count(|event| matches!(event, Event::RecordingFailed(_))), 0);
        let file = sim.recorded.concat();
        let (mut demuxer, mut sounds) = (Mp4Demuxer::new(), Vec::new());
        demuxer.push(file.into());
        while let Ok(Some(event)) = demuxer.poll() {
            if let DemuxEvent::Packet(packet) = event
                && packet.track.kind == MediaKind::Audio
            {
                sounds.push((packet.pts, voice_of(&packet.data)));
            }
        }
        let other = sounds.iter().position(|(_, voice)| *voice == 1).expect("the other sound");
        assert!(sounds[..other].iter().all(|(_, voice)| *voice == 0));
        assert!(sounds[other..].iter().all(|(_, voice)| *voice == 1));
        let seconds = |n: usize| (n as f64) * 1024.0 / 48_000.0;
        assert!((seconds(sounds.len()) - 10.0).abs() < 2.5, "{}", seconds(sounds.len()));
        let gap = sounds.windows(2).map(|pair| pair[1].0 - pair[0].0).max().expect("sound");
        assert!(gap < MS(60), "{gap:?}");
    }
}
