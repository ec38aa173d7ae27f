//! What an encoder is asked for, the best first, and the way down when it cannot.
//!
//! **Invariant:** the ladder only goes down, and each failure takes at most one rung. What has once worked gets a second try where
//! it stands: encoders are taken away for reasons that pass.

use sailcast_media::{Codec, Micros};

use crate::{
    io::Instant,
    publisher::io::{AudioEncoding, EncoderPath, VideoEncoding},
};

/// A second failure within this time is no accident.
const FORGIVEN_AFTER: Micros = Micros::from_secs(10);
/// Two temporal layers: each other picture is referred to by none, and can be dropped alone.
const LAYERS: &str = "L1T2";

/// One way to ask for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct VideoRung {
    codec: Codec,
    /// H.264 only: the more demanding profile.
    high: bool,
    layers: bool,
    software: bool,
}

const AVC: [VideoRung; 6] = [
    VideoRung { codec: Codec::Avc, high: true, layers: true, software: false },
    VideoRung { codec: Codec::Avc, high: true, layers: false, software: false },
    VideoRung { codec: Codec::Avc, high: false, layers: true, software: false },
    VideoRung { codec: Codec::Avc, high: false, layers: false, software: false },
    VideoRung { codec: Codec::Avc, high: false, layers: true, software: true },
    VideoRung { codec: Codec::Avc, high: false, layers: false, software: true },
];

/// Where a ladder stands.
#[derive(Debug)]
pub struct Ladder<R> {
    rungs: Vec<R>,
    at: usize,
    /// The present rung has given something.
    worked: bool,
    failed: Option<Instant>,
}

impl<R: Copy> Ladder<R> {
    fn new(rungs: Vec<R>) -> Self {
        Self { rungs, at: 0, worked: false, failed: None }
    }

    /// `None` where all has been tried.
    pub fn rung(&self) -> Option<R> {
        self.rungs.get(self.at).copied()
    }

    pub fn works(&mut self) {
        self.worked = true;
    }

    /// The present rung failed.
    pub fn fail(&mut self, now: Instant) {
        let again = self.failed.is_some_and(|at| now - at < FORGIVEN_AFTER);
        self.failed = Some(now);
        if self.worked && !again {
            self.worked = false;
            return;
        }
        self.give_up();
    }

    /// It gives what cannot be used.
    pub fn give_up(&mut self) {
        self.at = self.at.saturating_add(1);
        self.worked = false;
    }
}

pub type VideoLadder = Ladder<VideoWay>;
pub type AudioLadder = Ladder<AudioWay>;

/// A rung of pictures; opaque to all but this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoWay(VideoRung);

/// A rung of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioWay {
    codec: Codec,
    path: EncoderPath,
}

/// Of the codec that was asked for, and of H.264 after it: everybody plays that.
pub fn video(codec: Codec) -> VideoLadder {
    let rung = |layers, software| VideoRung { codec, high: false, layers, software };
    let asked = match codec {
        Codec::Avc => Vec::new(),
        _ => vec![rung(true, false), rung(false, false), rung(false, true)],
    };
    Ladder::new(asked.into_iter().chain(AVC).map(VideoWay).collect())
}

/// Of the codec that was asked for, and of AAC after it. `few`: with [`few_bits`], for which browsers' AAC is not made.
pub fn audio(codec: Codec, few: bool) -> AudioLadder {
    let way = |codec, path| AudioWay { codec, path };
    let asked = (codec == Codec::Opus).then_some(way(Codec::Opus, EncoderPath::WebCodecs));
    let browser = (!few).then_some(way(Codec::Aac, EncoderPath::WebCodecs));
    let ways = asked.into_iter().chain(browser);
    Ladder::new(ways.chain([way(Codec::Aac, EncoderPath::Wasm)]).collect())
}

/// Our module goes to one channel and fewer samples there; browsers' encoders refuse, or make more than they are asked for.
pub fn few_bits(bitrate: u32) -> bool {
    bitrate < 32_000
}

impl VideoWay {
    /// `most_fps`: the most that the settings allow, so that another rate is no other level.
    pub fn encoding(self, width: u32, height: u32, bitrate: u32, fps: f64, most_fps: f64) -> VideoEncoding {
        let Self(rung) = self;
        VideoEncoding {
            codec: rung.codec,
            codec_string: rung.codec_string(width, height, most_fps),
            width,
            height,
            bitrate,
            fps,
            scalability: rung.layers.then_some(LAYERS),
            software: rung.software,
        }
    }
}

impl AudioWay {
    pub fn codec(self) -> Codec {
        self.codec
    }

    pub fn encoding(self, sample_rate: u32, channels: u8, bitrate: u32) -> AudioEncoding {
        let codec_string = if self.codec == Codec::Opus { "opus" } else { "mp4a.40.2" };
        AudioEncoding {
            path: self.path,
            codec: self.codec,
            codec_string: codec_string.to_owned(),
            sample_rate,
            channels,
            bitrate,
        }
    }
}

impl VideoRung {
    fn codec_string(self, width: u32, height: u32, fps: f64) -> String {
        match self.codec {
            Codec::Hevc => format!("hvc1.1.6.L{}.B0", hevc_level(width, height, fps)),
            Codec::Av1 => format!("av01.0.{:02}M.08", av1_level(width, height, fps)),
            Codec::Vp9 => format!("vp09.00.{:02}.08", vp9_level(width, height, fps)),
            // Constrained baseline, of which constraint_set1 is a part.
            _ if !self.high => format!("avc1.42E0{:02X}", avc_level(width, height, fps)),
            _ => format!("avc1.6400{:02X}", avc_level(width, height, fps)),
        }
    }
}

/// The first level whose picture and rate hold these; the last one where none does.
fn level<T: Copy>(table: &[(T, u64, u64)], fallback: T, size: u64, fps: f64) -> T {
    let rate = (size as f64 * fps).ceil() as u64;
    let fits = |(_, most, most_rate): &&(T, u64, u64)| size <= *most && rate <= *most_rate;
    table.iter().find(fits).map_or(fallback, |(level, _, _)| *level)
}

/// ITU-T H.264, table A-1: macroblocks a picture and a second. None below 3.0: the bit rates there are too narrow.
fn avc_level(width: u32, height: u32, fps: f64) -> u8 {
    const LEVELS: [(u8, u64, u64); 6] = [
        (30, 1620, 40_500),
        (31, 3600, 108_000),
        (32, 5120, 216_000),
        (40, 8192, 245_760),
        (42, 8704, 522_240),
        (51, 36_864, 983_040),
    ];
    let blocks = |side: u32| u64::from(side.div_ceil(16));
    level(&LEVELS, 52, blocks(width).saturating_mul(blocks(height)), fps)
}

/// ITU-T H.265, table A.8: luma samples; general_level_idc is 30 times the level.
fn hevc_level(width: u32, height: u32, fps: f64) -> u8 {
    const LEVELS: [(u8, u64, u64); 5] = [
        (90, 552_960, 16_588_800),
        (93, 983_040, 33_177_600),
        (120, 2_228_224, 66_846_720),
        (123, 2_228_224, 133_693_440),
        (150, 8_912_896, 267_386_880),
    ];
    level(&LEVELS, 153, u64::from(width).saturating_mul(height.into()), fps)
}

/// AV1, annex A.3: seq_level_idx.
fn av1_level(width: u32, height: u32, fps: f64) -> u8 {
    const LEVELS: [(u8, u64, u64); 5] = [
        (4, 665_856, 19_975_680),
        (5, 1_065_024, 31_950_720),
        (8, 2_359_296, 70_778_880),
        (9, 2_359_296, 141_557_760),
        (12, 8_912_896, 267_386_880),
    ];
    level(&LEVELS, 13, u64::from(width).saturating_mul(height.into()), fps)
}

/// "VP9 levels" of the WebM project.
fn vp9_level(width: u32, height: u32, fps: f64) -> u8 {
    const LEVELS: [(u8, u64, u64); 5] = [
        (30, 552_960, 20_736_000),
        (31, 983_040, 36_864_000),
        (40, 2_228_224, 83_558_400),
        (41, 2_228_224, 160_432_128),
        (50, 8_912_896, 311_951_360),
    ];
    level(&LEVELS, 51, u64::from(width).saturating_mul(height.into()), fps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(codec: Codec, width: u32, height: u32, fps: f64) -> String {
        let ladder = video(codec);
        ladder.rung().unwrap().encoding(width, height, 800_000, fps, fps).codec_string
    }

    #[test]
    fn the_level_holds_the_picture_and_its_rate() {
        assert_eq!(string(Codec::Avc, 640, 360, 15.0), "avc1.64001E");
        assert_eq!(string(Codec::Avc, 896, 504, 15.0), "avc1.64001F");
        assert_eq!(string(Codec::Avc, 1280, 720, 30.0), "avc1.64001F");
        assert_eq!(string(Codec::Avc, 1280, 720, 60.0), "avc1.640020");
        assert_eq!(string(Codec::Avc, 1920, 1080, 30.0), "avc1.640028");
        assert_eq!(string(Codec::Hevc, 1280, 720, 30.0), "hvc1.1.6.L93.B0");
        assert_eq!(string(Codec::Av1, 1280, 720, 30.0), "av01.0.05M.08");
        assert_eq!(string(Codec::Vp9, 1280, 720, 30.0), "vp09.00.31.08");
        assert_eq!(string(Codec::Avc, 20_000, 20_000, 60.0), "avc1.640034");
    }

    #[test]
    fn another_codec_ends_in_h264() {
        let mut ladder = video(Codec::Hevc);
        let mut codecs = Vec::new();
        while let Some(way) = ladder.rung() {
            codecs.push(way.0.codec);
            ladder.fail(Instant(0));
        }
        assert_eq!(codecs[..3], [Codec::Hevc; 3]);
        assert_eq!(codecs[3..], [Codec::Avc; 6]);
        assert!(audio(Codec::Opus, false).rungs.len() > audio(Codec::Aac, false).rungs.len());
    }

    #[test]
    fn what_has_worked_gets_a_second_try_and_no_third_at_once() {
        let mut ladder = video(Codec::Avc);
        let first = ladder.rung();
        ladder.works();
        ladder.fail(Instant(1_000_000));
        assert_eq!(ladder.rung(), first);
        ladder.works();
        ladder.fail(Instant(2_000_000));
        assert_ne!(ladder.rung(), first);
        ladder.works();
        let second = ladder.rung();
        ladder.fail(Instant(60_000_000));
        assert_eq!(ladder.rung(), second);
    }

    #[test]
    fn what_never_worked_is_left_at_once() {
        let mut ladder = audio(Codec::Aac, false);
        assert_eq!(ladder.rung().map(|way| way.path), Some(EncoderPath::WebCodecs));
        ladder.fail(Instant(0));
        assert_eq!(ladder.rung().map(|way| way.path), Some(EncoderPath::Wasm));
    }
}
