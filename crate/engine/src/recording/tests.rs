//! What a file is made of where the source is no live stream of both kinds in order.

use bytes::Bytes;
use sailcast_media::{
    AudioParams, Codec, CodecParams, DecoderConfig, DemuxEvent, Demuxer, FlvDemuxer, MediaKind, MediaTime,
    Micros, Packet, TrackId, TrackInfo, VideoParams,
};

use super::{Recorder, Recording};
use crate::{
    feed::CutReason,
    io::{Container, Instant, Output},
    outbox::Outbox,
};

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);
const GOP: i64 = 1000;

/// When in the source and when in the file, in ms.
type Times = Vec<(i64, i64)>;

fn config(id: TrackId) -> TrackInfo {
    let (codec, params) = match id.kind {
        MediaKind::Video => (Codec::Vp8, CodecParams::Video(VideoParams::of_size(16, 16))),
        MediaKind::Audio => {
            (Codec::G711A, CodecParams::Audio(AudioParams { sample_rate: 8000, channels: 1 }))
        }
    };
    let codec_string = codec.name().to_owned();
    TrackInfo { id, config: DecoderConfig { codec, codec_string, description: Bytes::new(), params } }
}

/// A picture each 40 ms with a keyframe each second; each packet of sound says which it is.
fn packet(id: TrackId, ms: i64) -> Packet {
    let at = MediaTime::from_millis(ms);
    let keyframe = id == AUDIO || ms % GOP == 0;
    let size = [0x10, 0, 0x10, 0];
    let data = match (id == AUDIO, keyframe) {
        (true, _) => ms.to_be_bytes().to_vec(),
        (false, true) => [&[0x10, 0, 0, 0x9d, 1, 0x2a], &size[..], &ms.to_be_bytes()].concat(),
        (false, false) => [&[0x11, 0, 0][..], &ms.to_be_bytes()].concat(),
    };
    Packet { track: id, dts: at, pts: at, duration: None, keyframe, disposable: false, data: data.into() }
}

fn both(from_ms: i64, to_ms: i64) -> Vec<Packet> {
    let times = (from_ms..to_ms).step_by(40);
    times.flat_map(|ms| [packet(VIDEO, ms), packet(AUDIO, ms)]).collect()
}

struct Tap {
    recording: Recording,
    out: Outbox,
    now: Instant,
}

impl Tap {
    fn new() -> Self {
        let mut tap = Self { recording: Recording::default(), out: Outbox::default(), now: Instant(0) };
        tap.recording.config(&config(VIDEO));
        tap.recording.config(&config(AUDIO));
        tap.recording.want(Some(Container::Flv), tap.now, &mut tap.out);
        tap
    }

    fn take(mut self, packets: &[Packet]) -> Self {
        packets.iter().for_each(|packet| self.recording.take(packet, None, self.now, &mut self.out));
        self
    }

    fn cut(mut self, why: CutReason) -> Self {
        self.recording.cut(MediaTime(0), why, self.now, &mut self.out);
        self
    }

    /// All is here at once, and the playhead goes through it.
    fn play(mut self, packets: &[Packet], from_ms: i64, to_ms: i64) -> Self {
        let from = MediaTime::from_millis(from_ms);
        packets.iter().for_each(|packet| {
            self.recording.take(packet, Some(from), self.now, &mut self.out);
        });
        self.go_on(from_ms, to_ms)
    }

    fn go_on(mut self, from_ms: i64, to_ms: i64) -> Self {
        for ms in from_ms..=to_ms {
            self.recording.follow(MediaTime::from_millis(ms), self.now, &mut self.out);
        }
        self
    }

    fn wait(mut self, ms: i64) -> Self {
        self.now = self.now + Micros::from_millis(ms);
        self
    }

    /// Of the picture, and of the sound.
    fn file(mut self) -> (Times, Times) {
        self.recording.want(None, self.now, &mut self.out);
        let mut demuxer = FlvDemuxer::new();
        for output in self.out.queue {
            let Output::Recorded(piece) = output else { panic!("{output:?}") };
            demuxer.push(piece);
        }
        demuxer.finish();
        let (mut video, mut audio) = (Vec::new(), Vec::new());
        while let Some(event) = demuxer.poll().expect("an FLV file") {
            let DemuxEvent::Packet(packet) = event else { continue };
            let said = i64::from_be_bytes(packet.data[packet.data.len() - 8..].try_into().unwrap());
            let kind = if packet.track == VIDEO { &mut video } else { &mut audio };
            kind.push((said, packet.dts.0 / 1000));
        }
        (video, audio)
    }
}

/// Where two differ first.
fn same(seen: &Times, expected: &Times) {
    let differ = seen.iter().zip(expected).find(|(a, b)| a != b);
    assert_eq!((differ, seen.last()), (None, expected.last()));
}

/// Each packet from `from_ms` to `to_ms` of the source, with the file's 0 at `zero_ms`.
fn run(from_ms: i64, to_ms: i64, zero_ms: i64) -> Times {
    (from_ms..to_ms).step_by(40).map(|ms| (ms, ms - zero_ms)).collect()
}

#[test]
fn sound_that_comes_seconds_before_its_picture_is_put_in_order() {
    let (sound, picture): (Vec<_>, Vec<_>) = both(960, 4_000).into_iter().partition(|p| p.track == AUDIO);
    let (video, audio) = Tap::new().take(&sound).take(&picture).file();
    same(&video, &run(1_000, 4_000, 1_000));
    same(&audio, &run(1_000, 4_000, 1_000));
}

#[test]
fn after_a_seek_the_file_goes_on_with_what_is_there() {
    for to in [20_000, 40] {
        let tap = Tap::new().take(&both(10_000, 12_000)).cut(CutReason::Seek).take(&both(to, to + 3_000));
        let (video, audio) = tap.file();
        // From the keyframe on that comes first, 2 s into the file.
        let begin = (to + GOP - 1) / GOP * GOP;
        let expected = [run(10_000, 12_000, 10_000), run(begin, to + 3_000, begin - 2_000)].concat();
        same(&video, &expected);
        same(&audio, &expected);
    }
}

#[test]
fn what_a_source_repeats_behind_a_break_is_not_written_again() {
    let (video, audio) =
        Tap::new().take(&both(0, 2_520)).cut(CutReason::Gap).take(&both(2_000, 4_000)).file();
    same(&video, &run(0, 4_000, 0));
    same(&audio, &run(0, 4_000, 0));
}

#[test]
fn a_picture_that_does_not_come_back_holds_no_sound_and_needs_a_keyframe() {
    let sound: Vec<_> = (10_000..12_000).step_by(40).map(|ms| packet(AUDIO, ms)).collect();
    let tap = Tap::new().take(&both(0, 2_000)).cut(CutReason::Gap).wait(11_000).take(&sound);
    let (video, audio) = tap.take(&both(12_040, 13_040)).file();
    // 8 s are missing.
    same(&audio, &[run(0, 2_000, 0), run(10_000, 12_000, 8_000), run(12_040, 13_040, 8_000)].concat());
    same(&video, &[run(0, 2_000, 0), run(13_000, 13_040, 8_000)].concat());
}

#[test]
fn what_is_here_and_not_played_is_not_in_the_file() {
    let (video, audio) = Tap::new().play(&both(0, 60_000), 0, 2_500).file();
    same(&video, &run(0, 2_520, 0));
    same(&audio, &run(0, 2_520, 0));
}

#[test]
fn a_seek_among_what_is_here_leaves_out_what_is_passed_over() {
    let mut tap = Tap::new().play(&both(0, 60_000), 0, 2_000);
    tap.recording.skip_to(MediaTime::from_millis(30_500), tap.now);
    let (video, audio) = tap.go_on(30_500, 31_000).file();
    let expected = [run(0, 2_040, 0), run(30_000, 31_040, 27_960)].concat();
    same(&video, &expected);
    same(&audio, &expected);
}

#[test]
fn after_a_seek_away_what_was_here_is_not_in_the_file() {
    let tap = Tap::new().play(&both(0, 60_000), 0, 2_000).cut(CutReason::Seek);
    let (video, audio) = tap.play(&both(80_000, 90_000), 80_500, 81_000).file();
    let expected = [run(0, 2_040, 0), run(80_000, 81_040, 77_960)].concat();
    same(&video, &expected);
    same(&audio, &expected);
}

#[test]
fn another_rendition_goes_on_where_it_is_cut() {
    let mut tap = Tap::new().play(&both(0, 10_000), 0, 2_000);
    let at = MediaTime::from_millis(4_000);
    tap.recording.cut(at, CutReason::Rendition, tap.now, &mut tap.out);
    tap.recording.config(&config(VIDEO));
    let pictures: Vec<_> = both(4_000, 10_000).into_iter().filter(|packet| packet.track == VIDEO).collect();
    let (video, audio) = tap.play(&pictures, 2_000, 6_000).file();
    same(&video, &run(0, 6_040, 0));
    same(&audio, &run(0, 6_040, 0));
}

#[test]
fn a_recording_of_what_is_here_begins_at_the_next_keyframe_and_not_behind_all_of_it() {
    let mut tap = Tap::new();
    tap.recording.want(None, tap.now, &mut tap.out);
    tap.out = Outbox::default();
    let mut tap = tap.play(&both(0, 60_000), 0, 2_500);
    tap.recording.want(Some(Container::Flv), tap.now, &mut tap.out);
    let (video, audio) = tap.go_on(2_500, 5_000).file();
    same(&video, &run(3_000, 5_040, 3_000));
    same(&audio, &run(3_000, 5_040, 3_000));
}
