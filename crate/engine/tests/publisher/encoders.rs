//! Encoders that refuse, die, hang, reorder and are taken away: the next way is tried, and the stream goes on.

use sailcast_engine::{
    ErrorCode,
    publisher::{EncoderPath, Event, Input, Settings, State, VideoEncoding},
};
use sailcast_media::{Codec, MediaKind, Micros};
use sailcast_sim::studio::{self, Fate, Studio};

use crate::got::{URL, got};

fn of(fates: impl FnMut(&VideoEncoding) -> Fate + 'static) -> Studio {
    let mut studio = Studio::default();
    studio.fates = Some(Box::new(fates));
    studio.start(&[URL]);
    studio
}

/// The first encoder has this fate, those after it work.
fn first(fate: Fate) -> Studio {
    let mut fate = Some(fate);
    of(move |_| fate.take().unwrap_or_default())
}

#[test]
fn what_is_refused_is_followed_by_what_asks_for_less() {
    let mut studio = of(|encoding| match encoding.software {
        true => Fate::Works,
        false => Fate::Refuses,
    });
    studio.run(Micros::from_secs(3));
    let asked: Vec<(String, bool)> =
        studio.encodings.iter().map(|e| (e.codec_string[..9].to_owned(), e.software)).collect();
    assert!(asked[0] == ("avc1.6400".to_owned(), false) && asked.last().unwrap().1, "{asked:?}");
    assert!(got(&studio).packets[0].keyframe);
    let told = studio
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Encoder { kind: MediaKind::Video, .. }));
    assert_eq!(told.count(), 1);
}

#[test]
fn one_that_dies_is_replaced_and_the_next_begins_with_a_keyframe() {
    let mut studio = first(Fate::Dies(30));
    studio.run(Micros::from_secs(6));
    let got = got(&studio);
    assert_eq!(studio.encodings.len(), 2);
    assert_eq!(
        studio.encodings[0].scalability, studio.encodings[1].scalability,
        "it worked once: the same again"
    );
    assert!(
        got.longest_gap(MediaKind::Video) < Micros::from_millis(300),
        "{:?}",
        got.longest_gap(MediaKind::Video)
    );
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert_eq!(studio.connections.len(), 1);
}

#[test]
fn one_that_dies_again_and_again_is_left() {
    let mut studio = of(|encoding| match encoding.scalability {
        Some(_) => Fate::Dies(5),
        None => Fate::Works,
    });
    studio.run(Micros::from_secs(6));
    assert_eq!(studio.encodings.len(), 3);
    got(&studio);
}

#[test]
fn one_that_hangs_is_left_after_five_seconds() {
    let mut studio = first(Fate::Hangs(30));
    studio.run(Micros::from_secs(12));
    let got = got(&studio);
    let gap = got.longest_gap(MediaKind::Video);
    assert!(gap > Micros::from_secs(4) && gap < Micros::from_secs(6), "{gap:?}");
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
}

#[test]
fn one_that_reorders_is_left() {
    let mut studio = first(Fate::Reorders);
    studio.encode_delay = Micros::from_millis(150);
    studio.run(Micros::from_secs(3));
    assert!(studio.encodings.len() == 2 && studio.encodings[0] != studio.encodings[1]);
    assert!(got(&studio).longest_gap(MediaKind::Video) < Micros::from_millis(300));
}

#[test]
fn one_that_is_taken_away_is_had_again() {
    let mut studio = first(Fate::IsReclaimed(30));
    studio.run(Micros::from_secs(6));
    assert_eq!(studio.encodings.len(), 2);
    assert_eq!(studio.encodings[0].scalability, studio.encodings[1].scalability);
    assert!(got(&studio).longest_gap(MediaKind::Video) < Micros::from_millis(300));
}

#[test]
fn one_that_leaves_pictures_out_is_not_taken_for_a_slow_one() {
    let mut studio = of(|_| Fate::Skips(6));
    studio.run(Micros::from_secs(20));
    assert_eq!(studio.encodings.len(), 1);
    let got = studio::Connection::is_open(studio.connection());
    assert!(got && studio.stats().frames_encoded > 40, "{:?}", studio.stats());
}

#[test]
fn another_codec_that_nobody_encodes_is_h264_and_that_is_said() {
    let mut studio = Studio::default();
    let settings = studio::settings();
    let video = sailcast_engine::publisher::VideoSettings { codec: Codec::Hevc, ..settings.video };
    studio.send(Input::Settings(Settings { video, ..settings }));
    studio.fates = Some(Box::new(|encoding| match encoding.codec {
        Codec::Avc => Fate::Works,
        _ => Fate::Refuses,
    }));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(3));
    assert_eq!(got(&studio).configs(MediaKind::Video)[0].config.codec, Codec::Avc);
    assert_eq!(studio.named(|event| matches!(event, Event::Degraded { what: "videoCodec", .. })).len(), 1);
}

#[test]
fn when_nothing_encodes_pictures_sound_goes_on() {
    let mut studio = of(|_| Fate::Refuses);
    studio.run(Micros::from_secs(5));
    let errors: Vec<(ErrorCode, bool)> = studio
        .events
        .iter()
        .filter_map(
            |(_, event)| if let Event::Error(error) = event { Some((error.code, error.fatal)) } else { None },
        )
        .collect();
    assert_eq!(errors, [(ErrorCode::VideoEncoderFailed, false)]);
    let got = got(&studio);
    assert!(got.video().is_empty() && got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert_eq!(studio.stats().state, State::Publishing);
}

#[test]
fn when_nothing_encodes_anything_it_is_over() {
    let mut studio = Studio::default();
    studio.send(Input::Source(MediaKind::Audio, None));
    studio.fates = Some(Box::new(|_| Fate::Refuses));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(1));
    assert_eq!(studio.stats().state, State::Failed);
    assert_eq!(studio.named(|event| matches!(event, Event::Error(error) if error.fatal)).len(), 1);
}

#[test]
fn sound_that_the_browser_does_not_encode_is_encoded_by_the_module() {
    let mut studio = of(|_| Fate::Works);
    studio.run(Micros::from_secs(3));
    let paths: Vec<EncoderPath> = studio.sounds.iter().map(|encoding| encoding.path).collect();
    assert_eq!(paths, [EncoderPath::WebCodecs, EncoderPath::Wasm]);
    let told = |event: &Event| {
        matches!(event, Event::Encoder { kind: MediaKind::Audio, path: EncoderPath::Wasm, .. })
    };
    assert_eq!(studio.named(told).len(), 1);
}

#[test]
fn an_encoder_of_sound_that_gives_nothing_is_left() {
    let mut studio = of(|_| Fate::Works);
    studio.aac_in_browser = Fate::Hangs(0);
    studio.run(Micros::from_secs(12));
    assert_eq!(studio.sounds.len(), 2);
    let got = got(&studio);
    assert!(got.audio().len() > 200, "{}", got.audio().len());
    // What waited for sound comes at once, and some of that is given up.
    assert!(got.longest_gap(MediaKind::Video) < Micros::from_millis(140));
    assert!(got.apart(8) < Micros::from_millis(30), "{:?}", got.sync());
}
