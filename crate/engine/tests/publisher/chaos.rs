//! A day on which everything happens, in any order: what each server gets can be decoded, and some seconds after the last trouble
//! the stream is as good as ever.

use proptest::prelude::*;
use sailcast_engine::publisher::{Input, Settings, SourceState, State, VideoSettings};
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::{self, Camera, Fate, Microphone, Server, Studio};

use crate::got::{AGAIN_AT, Got, URL};

#[derive(Clone, Debug)]
enum Trouble {
    Cut,
    Network(f64),
    Online(bool),
    NetworkChanged,
    /// The driver gets no time.
    Stall(i64),
    Sleep(i64),
    Source(MediaKind, SourceState),
    Camera(u32, u32, i64),
    Microphone(u32, i64),
    Bitrate(u32),
    Side(u32),
    Encoder(Fate),
    EncodeDelay(i64),
    Record(bool),
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let state = prop::sample::select(vec![SourceState::Live, SourceState::Muted, SourceState::Lost]);
    let kind = prop::sample::select(vec![MediaKind::Video, MediaKind::Audio]);
    let fate = prop_oneof![
        (1u64..100).prop_map(Fate::Dies),
        (1u64..100).prop_map(Fate::Hangs),
        (1u64..100).prop_map(Fate::IsReclaimed),
        Just(Fate::Refuses),
    ];
    prop_oneof![
        Just(Trouble::Cut),
        (100e3..5e6).prop_map(Trouble::Network),
        any::<bool>().prop_map(Trouble::Online),
        Just(Trouble::NetworkChanged),
        (10i64..3000).prop_map(Trouble::Stall),
        (10i64..100_000).prop_map(Trouble::Sleep),
        (kind, state).prop_map(|(kind, state)| Trouble::Source(kind, state)),
        (100u32..1300, 100u32..1300, -1_000_000_000i64..1_000_000_000)
            .prop_map(|(width, height, clock)| Trouble::Camera(width, height, clock)),
        (prop::sample::select(vec![16_000u32, 44_100, 48_000]), 5i64..60)
            .prop_map(|(rate, delay)| Trouble::Microphone(rate, delay)),
        (200_000u32..1_000_000).prop_map(Trouble::Bitrate),
        prop::sample::select(vec![360u32, 504, 720]).prop_map(Trouble::Side),
        fate.prop_map(Trouble::Encoder),
        (5i64..800).prop_map(Trouble::EncodeDelay),
        any::<bool>().prop_map(Trouble::Record),
    ]
}

fn happen(studio: &mut Studio, trouble: Trouble) {
    let settings = studio::settings();
    let video = |video: VideoSettings| Input::Settings(Settings { video, ..settings });
    match trouble {
        Trouble::Cut => studio.cut(1006),
        Trouble::Network(rate) => {
            studio.servers.insert(URL.to_owned(), Server { rate, acks: true, ..Server::default() });
        }
        Trouble::Online(online) => studio.send(Input::Online(online)),
        Trouble::NetworkChanged => studio.send(Input::NetworkChanged),
        Trouble::Stall(ms) => {
            studio.asleep = true;
            studio.run(Micros::from_millis(ms));
            studio.asleep = false;
        }
        Trouble::Sleep(ms) => studio.sleep(Micros::from_millis(ms)),
        Trouble::Source(MediaKind::Video, state) => {
            studio.camera = (state == SourceState::Live).then(Camera::default);
            studio.send(Input::Source(MediaKind::Video, Some(state)));
        }
        Trouble::Source(MediaKind::Audio, SourceState::Live) => studio.plug_in(Microphone::default()),
        Trouble::Source(MediaKind::Audio, state) => {
            studio.microphone = None;
            studio.send(Input::Source(MediaKind::Audio, Some(state)));
        }
        Trouble::Camera(width, height, clock) => {
            studio.camera = Some(Camera { width, height, clock, ..Camera::default() });
            studio.send(Input::Source(MediaKind::Video, Some(SourceState::Live)));
        }
        Trouble::Microphone(sample_rate, delay) => {
            let delay = Micros::from_millis(delay);
            studio.plug_in(Microphone { sample_rate, delay, drift: 100e-6 });
        }
        Trouble::Bitrate(bitrate) => studio.send(video(VideoSettings { bitrate, ..settings.video })),
        Trouble::Side(side) => studio.send(video(VideoSettings { side, ..settings.video })),
        Trouble::Encoder(fate) => {
            let mut fate = Some(fate);
            studio.fates = Some(Box::new(move |_| fate.take().unwrap_or_default()));
        }
        Trouble::EncodeDelay(ms) => studio.encode_delay = Micros::from_millis(ms),
        Trouble::Record(on) => {
            studio.recorded.clear();
            studio.send(Input::Record(false));
            studio.send(Input::Record(on));
        }
    }
}

/// Nothing is the matter any more.
fn mend(studio: &mut Studio) {
    studio.servers.clear();
    studio.fates = None;
    studio.encode_delay = Micros::from_millis(20);
    studio.camera = Some(Camera::default());
    studio.send(Input::Settings(studio::settings()));
    studio.send(Input::Source(MediaKind::Video, Some(SourceState::Live)));
    studio.plug_in(Microphone::default());
    studio.send(Input::Online(true));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_it_comes_back(
        troubles in prop::collection::vec((trouble(), 0i64..4000), 0..12),
    ) {
        let mut studio = Studio::default();
        studio.start(&[URL]);
        studio.run(Micros::from_secs(1));
        for (trouble, then) in troubles {
            happen(&mut studio, trouble);
            studio.run(Micros::from_millis(then));
        }
        mend(&mut studio);
        studio.run(Micros::from_secs(20));
        let mended = studio.now;
        studio.run(Micros::from_secs(5));
        prop_assert_eq!(studio.stats().state, State::Publishing);
        for (_, connection) in &studio.connections {
            let got = Got::read(&connection.bytes);
            prop_assert!(got.packets.first().is_none_or(|packet| packet.dts <= AGAIN_AT));
        }
        Got::read(&studio.recorded);
        let mut last = Got::read(&studio.connection().bytes);
        let of_late = |packet: &sailcast_media::Packet| studio::captured(&packet.data).is_some_and(|at| at > mended);
        last.packets.retain(of_late);
        prop_assert!(last.longest_gap(MediaKind::Audio) < Micros::from_millis(25), "{:?}", last.longest_gap(MediaKind::Audio));
        prop_assert!(last.longest_gap(MediaKind::Video) < Micros::from_millis(300), "{:?}", last.longest_gap(MediaKind::Video));
        let apart = last.sync().into_iter().map(|(_, apart)| apart.abs()).max();
        prop_assert!(apart.is_some_and(|apart| apart < Micros::from_millis(40)), "{:?}", last.sync());
        studio.send(Input::Close);
        prop_assert_eq!((studio.held(), studio.open_encoders()), (0, 0));
    }
}
