//! Whatever comes in, in whatever order: no panic, no livelock, no frame lost or finished twice, no growth without bound.

use std::collections::HashSet;

use bytes::Bytes;
use proptest::prelude::*;
use sailcast_engine::{
    AudioOutput, Container, DecoderChoice, DecoderId, Definition, FrameId, FrameInfo, Input, Instant,
    IoError, IoEvent, LatencyTarget, Load, Output, PcmBlock, Player, PlayerConfig, RequestId, Response,
    WebCodecs,
};
use sailcast_media::{MediaKind, MediaTime, Micros, TrackId, Turn, hls::ByteRange};
use sailcast_sim::{choosing, load};

/// A step of a session that no browser would have.
#[derive(Clone, Debug)]
enum Op {
    Input(Box<Input>),
    /// The next slice of what was asked for, perhaps with a byte changed.
    Stream {
        length: usize,
        damage: Option<(usize, u8)>,
    },
    /// The request that is open is answered in good order: its head, and in the end its end.
    Answer {
        whole: bool,
    },
    End,
    /// The decoder that was made last gives a picture of what it was asked for last.
    Decoded,
    Wait(u64),
}

fn time() -> impl Strategy<Value = MediaTime> {
    prop_oneof![
        (0i64..20_000_000).prop_map(MediaTime),
        any::<i64>().prop_map(MediaTime),
        Just(MediaTime(i64::MIN)),
        Just(MediaTime(i64::MAX)),
    ]
}

/// Two definitions of a stream, with two addresses each.
fn load_definitions() -> Input {
    let definition = |name: &str, bitrate| Definition {
        name: name.to_owned(),
        lines: vec![format!("http://a/{name}.flv"), format!("ws://b/{name}.flv")],
        bitrate: Some(bitrate),
        ..Definition::default()
    };
    let definitions = vec![definition("low", 500_000), definition("high", 2_000_000)];
    Input::Load(Load { definitions, ..Load::default() })
}

fn input() -> impl Strategy<Value = Input> {
    let id = 0u32..4;
    let decoder = (0u32..4).prop_map(DecoderId);
    let io = prop_oneof![
        (any::<u16>(), any::<bool>())
            .prop_map(|(status, finite)| IoEvent::Opened(Response::new(status, finite))),
        Just(IoEvent::Opened(Response::new(200, true))),
        prop::collection::vec(any::<u8>(), 0..64).prop_map(|b| IoEvent::Bytes(Bytes::from(b))),
        Just(IoEvent::End),
        Just(IoEvent::Failed(IoError::Lost)),
    ];
    let samples = (1u8..8, 0usize..2048, any::<u32>()).prop_map(|(channels, frames, sample_rate)| PcmBlock {
        sample_rate,
        channels,
        data: vec![0.5; frames * usize::from(channels)],
    });
    prop_oneof![
        Just(load("http://a/b.flv")),
        Just(load_definitions()),
        (
            prop::sample::select(vec!["http://a/b", "http://a/b.mp4", "http://a/b.m3u8"]),
            prop::option::of(time())
        )
            .prop_map(|(url, start)| Input::Load(Load {
                lines: vec![url.into()],
                start,
                ..Load::default()
            })),
        (time(), any::<bool>()).prop_map(|(to, exact)| Input::Seek { to, exact }),
        (0i64..10_000_000, any::<bool>()).prop_map(|(to, exact)| Input::Seek { to: MediaTime(to), exact }),
        Just(Input::SeekLive),
        prop_oneof![0.3f64..4.0, any::<f64>()].prop_map(Input::Rate),
        any::<bool>().prop_map(Input::Loop),
        prop::option::of(0u32..4).prop_map(Input::SelectRendition),
        (any::<u32>(), any::<u32>()).prop_map(|(width, height)| Input::Viewport { width, height }),
        (0u32..4, any::<bool>()).prop_map(|(id, ok)| Input::Decrypted(
            RequestId(id),
            if ok { Ok(Bytes::from_static(b"clear")) } else { Err("no".into()) }
        )),
        Just(Input::Play),
        Just(Input::Pause),
        (any::<i64>(), any::<i64>(), any::<i64>()).prop_map(|(start, min, max)| Input::Latency(
            LatencyTarget { start: Micros(start), min: Micros(min), max: Micros(max) }
        )),
        any::<bool>().prop_map(Input::Visible),
        any::<bool>().prop_map(Input::Online),
        (any::<bool>(), 0u8..3).prop_map(|(video, number)| {
            Input::SelectTrack(if video { TrackId::video(number) } else { TrackId::audio(number) })
        }),
        prop::sample::select(vec![Some(Container::Mp4), Some(Container::Flv), None]).prop_map(Input::Record),
        Just(Input::NetworkChanged),
        Just(Input::Suspend),
        Just(Input::Wake),
        (0u32..4, any::<bool>()).prop_map(|(id, ok)| Input::Resolved(
            RequestId(id),
            if ok { Ok("http://a/c.flv".into()) } else { Err("no".into()) }
        )),
        (id, io).prop_map(|(id, event)| Input::Io(RequestId(id), event)),
        (decoder.clone(), time(), any::<u32>(), any::<u32>()).prop_map(|(d, pts, width, height)| {
            Input::FrameDecoded(d, FrameInfo { id: FrameId(0), pts, width, height, turn: Turn::NONE })
        }),
        (decoder.clone(), time(), samples).prop_map(|(d, pts, block)| Input::SamplesDecoded(d, pts, block)),
        decoder.clone().prop_map(Input::Flushed),
        decoder.clone().prop_map(|d| Input::DecoderFailed(d, "because".into())),
        decoder.prop_map(Input::DecoderReclaimed),
        (any::<u32>(), any::<i32>()).prop_map(|(sample_rate, latency)| {
            Input::AudioOutput(AudioOutput::Running { sample_rate, latency: Micros(latency.into()) })
        }),
        Just(Input::AudioOutput(AudioOutput::Running { sample_rate: 48_000, latency: Micros(20_000) })),
        Just(Input::AudioOutput(AudioOutput::Off)),
        any::<u64>().prop_map(|frames| Input::AudioPlayed { frames }),
        Just(Input::Timeout),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => input().prop_map(|i| Op::Input(Box::new(i))),
        3 => (1usize..60_000, prop::option::of((any::<usize>(), any::<u8>())))
            .prop_map(|(length, damage)| Op::Stream { length, damage }),
        2 => any::<bool>().prop_map(|whole| Op::Answer { whole }),
        1 => Just(Op::End),
        2 => Just(Op::Decoded),
        2 => (0u64..3_000_000).prop_map(Op::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_inputs_breaks_the_laws(
        choice in prop::sample::select(vec![DecoderChoice::Auto, DecoderChoice::WebCodecs, DecoderChoice::Wasm]),
        webcodecs in (any::<bool>(), any::<bool>()),
        file in 0usize..3,
        begin in prop::option::of(prop::sample::select(
            vec![load("http://a/b"), load("http://a/b.mp4"), load("http://a/b.m3u8"), load_definitions()]
        )),
        ops in prop::collection::vec(op(), 1..60),
    ) {
        let fixtures = ["counter-av.flv", "whole-last.mp4", "fragments.mp4"];
        let fixture = sailcast_sim::feed::fixture(fixtures[file]);
        let webcodecs = WebCodecs { video: webcodecs.0, audio: webcodecs.1 };
        let mut player = Player::new(PlayerConfig { webcodecs, ..choosing(choice, 400) });
        let mut now = Instant(0);
        let (mut request, mut position, mut next_frame) = (RequestId(0), 0, 0u64);
        let mut range: Option<ByteRange> = None;
        let mut asked: Option<(DecoderId, MediaTime)> = None;
        let mut alive = HashSet::new();
        let mut closed = false;
        let begin = begin.map(|load| [Op::Input(Box::new(load)), Op::Answer { whole: false }]);
        for op in begin.into_iter().flatten().chain(ops).chain([Op::Input(Box::new(Input::Close))]) {
            let input = match op {
                Op::Wait(us) => {
                    now = Instant(now.0 + us);
                    Input::Timeout
                }
                Op::Stream { length, damage } => {
                    let most = range.map_or(fixture.len(), |range| (range.offset + range.length) as usize);
                    let end = (position + length).min(fixture.len()).min(most).max(position);
                    let mut slice = fixture.slice(position..end).to_vec();
                    position = end;
                    if let (Some((at, value)), false) = (damage, slice.is_empty()) {
                        let at = at % slice.len();
                        slice[at] = value;
                    }
                    Input::Io(request, IoEvent::Bytes(Bytes::from(slice)))
                }
                Op::Answer { whole } => {
                    let len = Some(fixture.len() as u64);
                    let status = if range.is_some() && !whole { 206 } else { 200 };
                    if status == 200 {
                        (position, range) = (0, None);
                    }
                    Input::Io(request, IoEvent::Opened(Response { len, ..Response::new(status, true) }))
                }
                Op::End => Input::Io(request, IoEvent::End),
                Op::Decoded => match asked {
                    Some((decoder, pts)) => {
                        Input::FrameDecoded(decoder, FrameInfo { id: FrameId(0), pts, width: 2, height: 2, turn: Turn::NONE })
                    }
                    None => Input::Timeout,
                },
                Op::Input(input) => *input,
            };
            let input = match input {
                Input::FrameDecoded(decoder, mut frame) => {
                    next_frame += 1;
                    frame.id = FrameId(next_frame);
                    alive.insert(frame.id);
                    Input::FrameDecoded(decoder, frame)
                }
                input => input,
            };
            closed |= matches!(input, Input::Close);
            player.handle(input, now);
            let mut turns = 0;
            loop {
                turns += 1;
                prop_assert!(turns < 100_000, "livelock");
                match player.poll_output() {
                    Output::Wait(at) => {
                        prop_assert!(at.is_none() || !closed);
                        break;
                    }
                    Output::Open(id, asked) => {
                        request = id;
                        range = asked.range;
                        position = range.map_or(0, |range| range.offset as usize).min(fixture.len());
                    }
                    Output::Decode(id, packet) if packet.track.kind == MediaKind::Video => {
                        asked = Some((id, packet.pts));
                    }
                    Output::Render(id) | Output::Release(id) => prop_assert!(alive.remove(&id), "{id:?} finished twice"),
                    Output::Pcm(block) => prop_assert!(block.data.len() < 2_000_000),
                    _ => {}
                }
            }
            let _ = player.stats(now);
        }
        prop_assert!(alive.is_empty(), "{alive:?} never finished");
    }
}
