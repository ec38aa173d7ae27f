//! Which decoder plays: the browser's own where it works, software where it does not, and the way from one to the other.

use bytes::Bytes;
use sailcast_engine::{
    DecoderChoice, DecoderPath, ErrorCode, Event, Input, Instant, PathReason, PlayerConfig, State, WebCodecs,
};
use sailcast_media::{Codec, DecoderConfig, MediaKind, Micros, Packet, TrackInfo};
use sailcast_sim::{
    Sim, Trouble, choosing,
    feed::{self, Network},
    synth::{self, Synth},
};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn stream() -> Network {
    feed::live_tags(&feed::looped("counter-av.flv", 16_000, 3), 1_500, 20)
}

fn playing(config: PlayerConfig, network: Network) -> Sim {
    let mut sim = Sim::playing_with(config, network);
    sim.sound_on(48_000, 20);
    sim
}

fn auto() -> PlayerConfig {
    choosing(DecoderChoice::Auto, 400)
}

type Change = (MediaKind, Option<DecoderPath>, DecoderPath, PathReason);

fn changes(sim: &Sim) -> Vec<Change> {
    let change = |(_, e): &(Instant, Event)| match e {
        Event::DecoderChange { kind, from, to, reason } => Some((*kind, *from, *to, *reason)),
        _ => None,
    };
    sim.events.iter().filter_map(change).collect()
}

fn down(kind: MediaKind, reason: PathReason) -> Change {
    (kind, Some(DecoderPath::WebCodecs), DecoderPath::Wasm, reason)
}

fn paths(sim: &Sim) -> (Option<DecoderPath>, Option<DecoderPath>) {
    (sim.stats().video_decoder, sim.stats().audio_decoder)
}

/// Longest time for which a picture stood that was shown after `from`, or was there then.
fn longest_hold(sim: &Sim, from: Instant) -> Micros {
    let first = sim.shown.iter().rposition(|(at, _)| *at <= from).unwrap_or(0);
    let shown: Vec<Instant> = sim.shown[first..].iter().map(|(at, _)| *at).chain([sim.now]).collect();
    shown.windows(2).map(|w| w[1] - w[0]).max().expect("pictures")
}

fn silent(sim: &Sim, from: Instant) -> usize {
    sim.heard.iter().filter(|(at, media)| *at > from && *at < sim.now && media.is_none()).count()
}

fn assert_plays_pictures(sim: &Sim) {
    assert!(sim.shown.len() > 50 && sim.errors().is_empty(), "{}: {:?}", sim.shown.len(), sim.errors());
}

/// Picture and sound go on, and nothing was stopped for it.
fn assert_plays(sim: &mut Sim) {
    let (from, shown) = (sim.now, sim.shown.len());
    sim.run_ms(2_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.shown.len() - shown > 50, "{} pictures in 2 s", sim.shown.len() - shown);
    assert_eq!(silent(sim, from), 0);
    assert_eq!(sim.stats().stalls, 0);
    assert!(sim.stats().latency < MS(500), "{:?}", sim.stats().latency);
}

#[test]
fn the_browsers_own_decoders_play_and_nothing_is_told() {
    let mut sim = playing(auto(), stream());
    sim.run_ms(2_000);
    assert_plays(&mut sim);
    assert_eq!(changes(&sim), []);
    assert_eq!(paths(&sim), (Some(DecoderPath::WebCodecs), Some(DecoderPath::WebCodecs)));
}

#[test]
fn a_configuration_that_the_browser_refuses_plays_in_software_at_once() {
    let mut sim = playing(auto(), stream());
    sim.break_path(MediaKind::Video, DecoderPath::WebCodecs);
    sim.run_ms(450);
    assert_eq!(changes(&sim), [down(MediaKind::Video, PathReason::Unsupported)]);
    assert!(!sim.shown.is_empty(), "the first picture is there");
    sim.run_ms(1_500);
    assert_plays(&mut sim);
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
    assert_eq!(paths(&sim), (Some(DecoderPath::Wasm), Some(DecoderPath::WebCodecs)));
}

#[test]
fn a_decoder_that_gives_no_first_picture_in_its_time_is_left_and_its_picture_decoded_by_the_next() {
    let mut sim = playing(auto(), stream());
    sim.decoders_are.trouble = Box::new(|asked| match (asked.kind, asked.path) {
        (MediaKind::Video, DecoderPath::WebCodecs) => Trouble::Swallow,
        _ => Trouble::None,
    });
    sim.run_ms(2_900);
    assert_eq!(changes(&sim), [], "hardware may take its time");
    sim.run_ms(400);
    assert_eq!(changes(&sim), [down(MediaKind::Video, PathReason::NoOutput)]);
    assert!(!sim.shown.is_empty());
    sim.run_ms(2_000);
    assert_plays(&mut sim);
}

#[test]
fn no_deadline_runs_while_the_page_is_hidden() {
    let config = PlayerConfig { background: sailcast_engine::Background::Keep, ..auto() };
    let mut sim = playing(config, stream());
    sim.decoders_are.trouble = Box::new(|asked| match (asked.kind, asked.path) {
        (MediaKind::Video, DecoderPath::WebCodecs) => Trouble::Swallow,
        _ => Trouble::None,
    });
    sim.run_ms(1_000);
    sim.input(Input::Visible(false));
    sim.run_ms(8_000);
    assert_eq!(changes(&sim), []);
    sim.input(Input::Visible(true));
    sim.run_ms(3_300);
    assert_eq!(changes(&sim), [down(MediaKind::Video, PathReason::NoOutput)]);
}

#[test]
fn a_module_that_takes_long_to_come_does_not_hold_the_sound_nor_is_it_given_up() {
    let mut sim = playing(choosing(DecoderChoice::Wasm, 400), stream());
    sim.decoders_are.fetch_time = MS(5_000);
    sim.decoders_are.trouble = Box::new(|_| Trouble::None);
    sim.run_ms(8_000);
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
    assert_plays(&mut sim);
    let forced = |kind| (kind, None, DecoderPath::Wasm, PathReason::Forced);
    assert_eq!(changes(&sim), [forced(MediaKind::Video), forced(MediaKind::Audio)]);
}

#[test]
fn failing_in_mid_play_it_steps_down_within_a_second_with_the_last_picture_kept() {
    // Anywhere in a GOP, on a machine that decodes 720p in high profile at 70 a second.
    for after in [1_600, 2_000, 2_400, 2_900] {
        let mut sim = playing(auto(), stream());
        sim.decoders_are.software_decode_time = MS(14);
        sim.run_ms(after);
        let from = sim.now;
        sim.break_path(MediaKind::Video, DecoderPath::WebCodecs);
        sim.run_ms(1_000);
        assert_eq!(changes(&sim), [down(MediaKind::Video, PathReason::Failed)]);
        let held = longest_hold(&sim, from);
        assert!(held < MS(750), "{after}: {held:?}");
        // The simulator has seen that no picture was shown again, and none out of order.
        sim.run_ms(1_500);
        assert_plays(&mut sim);
        assert_eq!(silent(&sim, from), 0);
        assert!(sim.outstanding_frames() <= 8, "{} frames are held", sim.outstanding_frames());
    }
}

#[test]
fn one_failure_costs_no_picture_and_no_step() {
    let mut sim = playing(auto(), stream());
    sim.run_ms(2_900);
    let (from, decoders) = (sim.now, sim.decoders_made());
    sim.fail_decoder(MediaKind::Video);
    sim.run_ms(1_000);
    assert_eq!(changes(&sim), []);
    assert_eq!(sim.decoders_made(), decoders + 1);
    assert!(longest_hold(&sim, from) < MS(350), "{:?}", longest_hold(&sim, from));
    assert_plays(&mut sim);
}

#[test]
fn pictures_that_no_decoder_bears_are_left_out_and_the_browsers_goes_on_behind_them() {
    let mut sim = playing(auto(), stream());
    sim.run_ms(2_100);
    let bad = sim.shown.last().expect("pictures").1 + MS(600);
    sim.decoders_are.trouble = Box::new(move |asked| match asked.packet {
        Some(packet) if asked.kind == MediaKind::Video && (packet.pts - bad).abs() < MS(17) => {
            Trouble::Fail("EncodingError: Decoding error.")
        }
        _ => Trouble::None,
    });
    sim.run_ms(3_500);
    assert_eq!(changes(&sim), [], "{:?}", sim.decoders_are.asked);
    assert!(sim.errors().iter().all(|e| e.code == ErrorCode::DataDamaged && !e.fatal), "{:?}", sim.errors());
    assert_plays(&mut sim);
}

#[test]
fn a_stream_that_spoils_gop_after_gop_is_given_to_software() {
    let mut sim = playing(auto(), stream());
    let count = std::cell::Cell::new(0);
    sim.decoders_are.trouble = Box::new(move |asked| {
        count.set(if asked.fresh { 0 } else { count.get() + 1 });
        match (asked.kind, asked.path, count.get()) {
            (MediaKind::Video, DecoderPath::WebCodecs, 20..) => Trouble::Fail("EncodingError"),
            _ => Trouble::None,
        }
    });
    sim.run_ms(12_000);
    assert_eq!(changes(&sim), [down(MediaKind::Video, PathReason::Failed)]);
    assert_plays(&mut sim);
}

#[test]
fn sound_steps_down_alike_and_the_picture_does_not_mind() {
    let mut sim = playing(auto(), stream());
    sim.run_ms(2_900);
    let from = sim.now;
    sim.break_path(MediaKind::Audio, DecoderPath::WebCodecs);
    sim.run_ms(1_000);
    assert_eq!(changes(&sim), [down(MediaKind::Audio, PathReason::Failed)]);
    assert!(longest_hold(&sim, from) < MS(100), "{:?}", longest_hold(&sim, from));
    let gap = silent(&sim, from);
    assert!(gap < 40, "{gap} quanta of silence");
    assert_plays(&mut sim);
}

#[test]
fn a_page_without_webcodecs_plays_in_software() {
    let mut sim = playing(PlayerConfig { webcodecs: WebCodecs::NONE, ..auto() }, stream());
    sim.run_ms(2_000);
    assert_plays(&mut sim);
    let unavailable = |kind| (kind, None, DecoderPath::Wasm, PathReason::Unavailable);
    assert_eq!(changes(&sim), [unavailable(MediaKind::Video), unavailable(MediaKind::Audio)]);
}

#[test]
fn forced_webcodecs_never_steps_down() {
    let mut sim = playing(choosing(DecoderChoice::WebCodecs, 400), stream());
    sim.break_path(MediaKind::Video, DecoderPath::WebCodecs);
    sim.run_ms(4_000);
    assert_eq!(changes(&sim), []);
    let errors: Vec<_> = sim.errors().iter().map(|e| (e.code, e.fatal)).collect();
    assert_eq!(errors, [(ErrorCode::VideoDecoderFailed, false)], "one error, and the sound goes on");
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.heard.iter().rev().take(50).all(|(_, media)| media.is_some()));
}

#[test]
fn what_nothing_decodes_is_one_error_and_the_other_track_goes_on() {
    for kind in [MediaKind::Video, MediaKind::Audio] {
        let mut sim = playing(auto(), stream());
        sim.break_path(kind, DecoderPath::WebCodecs);
        sim.break_path(kind, DecoderPath::Wasm);
        sim.run_ms(5_000);
        let fatal: Vec<_> = sim.errors().iter().map(|e| (e.code, e.fatal)).collect();
        let code = match kind {
            MediaKind::Video => ErrorCode::VideoDecoderFailed,
            MediaKind::Audio => ErrorCode::AudioDecoderFailed,
        };
        assert_eq!(fatal, [(code, false)]);
        assert_eq!(sim.state(), State::Playing);
        match kind {
            MediaKind::Video => assert!(sim.heard.iter().rev().take(100).all(|(_, m)| m.is_some())),
            MediaKind::Audio => assert!(longest_hold(&sim, sim.now) < MS(100) && sim.shown.len() > 100),
        }
    }
}

#[test]
fn neither_of_two_tracks_can_be_decoded() {
    let mut sim = playing(auto(), stream());
    for kind in [MediaKind::Video, MediaKind::Audio] {
        sim.break_path(kind, DecoderPath::WebCodecs);
        sim.break_path(kind, DecoderPath::Wasm);
    }
    sim.run_ms(8_000);
    assert_eq!(sim.errors().iter().filter(|e| e.fatal).count(), 1, "{:?}", sim.errors());
    assert_eq!(sim.state(), State::Failed);
    assert_eq!((sim.open_decoders(), sim.outstanding_frames()), (0, 0));
}

#[test]
fn a_codec_without_software_is_one_error_where_there_is_no_webcodecs() {
    let vp8 = TrackInfo {
        config: DecoderConfig { codec: Codec::Vp8, ..synth::avc(0, 640, 480).config },
        ..synth::avc(0, 640, 480)
    };
    // A key frame's header (RFC 6386, 9.1): 640 by 480.
    let keyframe = Bytes::from_static(&[0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1, 0, 0, 0, 0]);
    let pictures: Vec<_> =
        synth::pictures(0, 0, 8_000, 1).into_iter().map(|p| Packet { data: keyframe.clone(), ..p }).collect();
    let video = Synth::default().track(0, vp8).packets(pictures);
    let both = video.clone().track(0, synth::aac(0, 48_000, 2)).packets(synth::sound(
        0,
        0,
        8_000,
        1024.0 / 0.048,
        &[0x21; 100],
    ));
    let none = PlayerConfig { webcodecs: WebCodecs::NONE, ..auto() };
    for (synth, fatal) in [(both.clone(), false), (video, true)] {
        let mut sim = playing(none, synth.live(500));
        sim.run_ms(5_000);
        let errors: Vec<_> = sim.errors().iter().map(|e| (e.code, e.fatal)).collect();
        assert_eq!(errors, [(ErrorCode::CodecUnsupported, fatal)]);
        assert_eq!(sim.state(), if fatal { State::Failed } else { State::Playing });
    }
    let mut sim = playing(auto(), both.live(500));
    sim.run_ms(3_000);
    assert_plays_pictures(&sim);
}

#[test]
fn a_stream_of_recovery_points_that_the_browser_will_not_begin_with_plays_in_software() {
    let gop = |from: i64| {
        let rest = synth::pictures(0, from + 40, from + 2_000, 1_000_000).into_iter().map(|mut p| {
            p.keyframe = false;
            p
        });
        let rest: Vec<_> = rest.enumerate().filter(|(i, _)| *i > 0).map(|(_, p)| p).collect();
        std::iter::once(synth::recovery_point(0, from)).chain(rest).collect::<Vec<_>>()
    };
    let mut synth = Synth::default().track(0, synth::avc(0, 640, 480));
    for from in (0..12_000).step_by(2_000) {
        synth = synth.packets(gop(from));
    }
    let mut sim = Sim::playing_with(auto(), synth.live(500));
    sim.decoders_are.trouble = Box::new(|asked| match (asked.path, asked.fresh, asked.packet) {
        (DecoderPath::WebCodecs, true, Some(_)) => Trouble::Fail(
            "DataError: Failed to execute 'decode' on 'VideoDecoder': A key frame is required after configure() or flush().",
        ),
        _ => Trouble::None,
    });
    sim.run_ms(3_000);
    assert_eq!(changes(&sim), [down(MediaKind::Video, PathReason::Keyframe)]);
    assert!(sim.shown.len() > 40, "{} pictures", sim.shown.len());
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
}

#[test]
fn another_codec_begins_at_the_top_again_and_one_that_failed_does_not() {
    let (small, large) = (synth::avc(0, 640, 480), synth::avc(0, 1280, 720));
    let network = Synth::default()
        .track(0, small.clone())
        .packets(synth::pictures(0, 0, 4_000, 25))
        .track(4_000, synth::aac(0, 48_000, 2))
        .track(4_000, large)
        .packets(synth::pictures(0, 4_000, 8_000, 25))
        .live(500);
    let mut sim = Sim::playing_with(auto(), network);
    sim.break_path(MediaKind::Video, DecoderPath::WebCodecs);
    sim.run_ms(7_000);
    // The same codec string: it is not asked in vain again.
    let asked = sim.decoders_are.asked.iter().map(|(_, _, path)| *path).collect::<Vec<_>>();
    assert_eq!(asked, [DecoderPath::WebCodecs, DecoderPath::Wasm, DecoderPath::Wasm]);
    assert_eq!(changes(&sim).len(), 1);
    assert!(longest_hold(&sim, sim.now) < MS(100));
}

#[test]
fn a_new_load_begins_at_the_top() {
    let mut sim = playing(auto(), stream());
    sim.break_path(MediaKind::Video, DecoderPath::WebCodecs);
    sim.run_ms(2_000);
    sim.decoders_are.trouble = Box::new(|_| Trouble::None);
    sim.input(sailcast_sim::load("http://live/again.flv"));
    sim.run_ms(2_000);
    assert_eq!(paths(&sim).0, Some(DecoderPath::WebCodecs));
    assert_eq!(changes(&sim).len(), 1);
}

#[test]
fn decoders_that_are_made_and_decode_nothing_any_more_are_not_made_without_end() {
    let mut sim = playing(choosing(DecoderChoice::WebCodecs, 400), stream());
    sim.run_ms(3_000);
    let made = sim.decoders_are.asked.len();
    sim.decoders_are.trouble =
        Box::new(|asked| match asked.kind == MediaKind::Video && asked.packet.is_some() {
            true => Trouble::Fail("EncodingError: Decoding error."),
            false => Trouble::None,
        });
    sim.run_ms(15_000);
    let made = sim.decoders_are.asked.len() - made;
    // Another connection might have brought something better. It did not, and the sound has a right to this one.
    assert_eq!(sim.requests.len(), 2);
    assert!(made < 10, "{made} decoders");
    assert_eq!(sim.errors().last().map(|e| (e.code, e.fatal)), Some((ErrorCode::VideoDecoderFailed, false)));
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.heard.iter().rev().take(200).all(|(_, media)| media.is_some()));
}
