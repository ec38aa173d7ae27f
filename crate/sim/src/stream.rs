//! A synthetic live encoder: real FLV bytes, made when they are asked for, so that a day of stream takes no memory.
//!
//! Every unit is a function of its number and the seed: a viewer may join anywhere. The pictures carry their number
//! and are otherwise empty; sizes, times and reference structure are those of a real stream.

use bytes::{BufMut, Bytes, BytesMut};
use sailcast_media::{
    AudioParams, Codec, CodecParams, DecoderConfig, MediaTime, Micros, Packet, TrackId, TrackInfo,
    VideoParams, flv::FlvMuxer,
};

use crate::{chance::Chance, sps};

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);
const AAC_SAMPLES: i64 = 1024;
/// What a picture begins with, behind its NAL header; the number follows in eight bytes.
const MARK: [u8; 4] = *b"sail";
const NAL_IDR: u8 = 0x65;
const NAL_REFERENCE: u8 = 0x41;
const NAL_DISPOSABLE: u8 = 0x01;
const SMALLEST_PICTURE: usize = 64;

#[derive(Clone, Copy, Debug)]
pub struct StreamConfig {
    /// Of whole macroblocks.
    pub size: (u32, u32),
    pub fps: i64,
    /// Pictures from keyframe to keyframe.
    pub gop: i64,
    /// Of the pictures, in bits a second.
    pub bitrate: f64,
    /// How many times the size of another picture a keyframe has.
    pub keyframe_ratio: f64,
    /// Every second picture is a B-frame that nothing refers to.
    pub b_frames: bool,
    /// In Hz; none: no sound.
    pub sound: Option<u32>,
    pub sound_bitrate: f64,
    /// The encoder's clock runs so much too fast.
    pub clock_ppm: f64,
    /// The stamp of the first picture, in ms: near 2^32 it wraps.
    pub first_stamp_ms: i64,
}

impl Default for StreamConfig {
    /// 720p30 at 2 Mbit/s with a keyframe each 2 s, as in the project's bench.
    fn default() -> Self {
        Self {
            size: (1280, 720),
            fps: 30,
            gop: 60,
            bitrate: 2e6,
            keyframe_ratio: 5.0,
            b_frames: false,
            sound: Some(48_000),
            sound_bitrate: 128e3,
            clock_ppm: 0.0,
            first_stamp_ms: 10_000,
        }
    }
}

impl StreamConfig {
    pub fn total_bitrate(&self) -> f64 {
        self.bitrate + self.sound.map_or(0.0, |_| self.sound_bitrate)
    }

    /// When picture `number` was captured, on the world's clock, whose zero is picture 0.
    pub fn captured(&self, number: u64) -> Micros {
        Micros(number as i64 * 1_000_000 / self.fps)
    }

    fn stamp(&self, captured: Micros) -> MediaTime {
        let run = captured.0 as f64 * (1.0 + self.clock_ppm / 1e6);
        MediaTime::from_millis(self.first_stamp_ms) + Micros(run as i64)
    }

    /// How far stamps are behind the time of capture, at this time.
    pub fn capture_of_stamp(&self, stamp: MediaTime) -> Micros {
        let run = (stamp - MediaTime::from_millis(self.first_stamp_ms)).0 as f64;
        Micros((run / (1.0 + self.clock_ppm / 1e6)) as i64)
    }
}

/// A piece of the stream as the server gets it.
pub struct Unit {
    /// When it is complete at the server: capture, with neither encoding nor upload.
    pub at: Micros,
    pub bytes: Bytes,
    pub keyframe: bool,
    pub picture: bool,
}

/// The stream from some keyframe on.
pub struct Encoder {
    config: StreamConfig,
    chance: Chance,
    muxer: FlvMuxer,
    /// The next picture in coding order, and the next access unit of sound.
    picture: i64,
    sound: i64,
    header: Option<Bytes>,
}

impl Encoder {
    /// What a GOP-caching server has for a viewer who comes at `now`: from its newest keyframe on.
    pub fn joined(config: StreamConfig, chance: Chance, now: Micros) -> Self {
        let newest = now.0.max(0) * config.fps / 1_000_000;
        let picture = newest - newest % config.gop;
        let from = config.captured(picture as u64);
        let rate = i64::from(config.sound.unwrap_or(1));
        let sound = from.0 * rate / (AAC_SAMPLES * 1_000_000);
        let mut muxer = FlvMuxer::new(config.sound.is_some(), true);
        let mut header = BytesMut::new();
        for track in tracks(&config) {
            muxer.config(&mut header, &track).expect("two tracks, one of each kind");
        }
        Self { config, chance, muxer, picture, sound, header: Some(header.freeze()) }
    }

    /// Display number and kind of the `n`th picture in coding order.
    fn structure(&self, n: i64) -> (i64, u8) {
        let within = n % self.config.gop;
        match within {
            0 => (n, NAL_IDR),
            // The last of an even GOP has no partner: it is a P-frame.
            _ if !self.config.b_frames || within == self.config.gop - 1 && within % 2 == 1 => {
                (n, NAL_REFERENCE)
            }
            // I P b P b: each B-frame comes after the P-frame that follows it.
            _ if within % 2 == 1 => (n + 1, NAL_REFERENCE),
            _ => (n - 1, NAL_DISPOSABLE),
        }
    }

    fn picture_at(&self) -> Micros {
        let (number, kind) = self.structure(self.picture);
        // A B-frame is coded right after the picture it waited for.
        let waited = if kind == NAL_DISPOSABLE { number + 1 } else { number };
        self.config.captured(waited as u64)
    }

    fn sound_at(&self) -> Option<Micros> {
        let rate = i64::from(self.config.sound?);
        Some(Micros((self.sound + 1) * AAC_SAMPLES * 1_000_000 / rate))
    }

    fn next_picture(&mut self) -> Unit {
        let at = self.picture_at();
        let (number, kind) = self.structure(self.picture);
        let delay = if self.config.b_frames { 1 } else { 0 };
        let dts = self.config.stamp(self.config.captured(self.picture as u64));
        let pts = self.config.stamp(self.config.captured((number + delay) as u64));
        let packet = Packet {
            track: VIDEO,
            dts,
            pts,
            duration: None,
            keyframe: kind == NAL_IDR,
            disposable: kind == NAL_DISPOSABLE,
            data: self.access_unit(number as u64, kind),
        };
        self.picture += 1;
        self.unit(at, &packet)
    }

    fn next_sound(&mut self, at: Micros) -> Unit {
        let rate = i64::from(self.config.sound.unwrap_or(1));
        let begin = Micros(self.sound * AAC_SAMPLES * 1_000_000 / rate);
        let size = (self.config.sound_bitrate / 8.0 * AAC_SAMPLES as f64 / rate as f64) as usize;
        let stamp = self.config.stamp(begin);
        let packet = Packet {
            track: AUDIO,
            dts: stamp,
            pts: stamp,
            duration: None,
            keyframe: true,
            disposable: false,
            data: Bytes::from(vec![0x21; size.max(1)]),
        };
        self.sound += 1;
        Unit { picture: false, ..self.unit(at, &packet) }
    }

    fn unit(&mut self, at: Micros, packet: &Packet) -> Unit {
        let mut bytes = BytesMut::from(self.header.take().unwrap_or_default());
        self.muxer.packet(&mut bytes, packet).expect("small packets of known tracks");
        Unit { at, bytes: bytes.freeze(), keyframe: packet.keyframe, picture: true }
    }

    fn access_unit(&self, number: u64, kind: u8) -> Bytes {
        let c = &self.config;
        let of_gop = c.bitrate / 8.0 * c.gop as f64 / c.fps as f64;
        let mean = of_gop / (c.keyframe_ratio + c.gop as f64 - 1.0);
        let share = match kind {
            NAL_IDR => c.keyframe_ratio,
            NAL_DISPOSABLE => 0.6,
            _ if c.b_frames => 1.4,
            _ => 1.0,
        };
        let varied = mean * share * self.chance.between(number, 0.7, 1.3);
        let size = (varied as usize).max(SMALLEST_PICTURE);
        unit(kind, number, size)
    }
}

impl Iterator for Encoder {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        match self.sound_at() {
            Some(at) if at < self.picture_at() => Some(self.next_sound(at)),
            _ => Some(self.next_picture()),
        }
    }
}

/// A picture of that number, as one NAL unit with its length before it.
pub fn unit(kind: u8, number: u64, size: usize) -> Bytes {
    let mut unit = BytesMut::with_capacity(size);
    unit.put_u32(size as u32 - 4);
    unit.put_u8(kind);
    unit.put_slice(&MARK);
    unit.put_u64(number);
    unit.resize(size, 0xff);
    unit.freeze()
}

/// Which picture of a synthetic stream this access unit is.
pub fn number_of(access_unit: &[u8]) -> Option<u64> {
    let (mark, rest) = access_unit.get(5..)?.split_first_chunk::<4>()?;
    let (number, _) = rest.split_first_chunk::<8>()?;
    (*mark == MARK).then(|| u64::from_be_bytes(*number))
}

fn tracks(config: &StreamConfig) -> Vec<TrackInfo> {
    let reorder_depth = u8::from(config.b_frames);
    let (width, height) = config.size;
    let video = DecoderConfig {
        codec: Codec::Avc,
        codec_string: String::new(),
        description: sps::avcc(width, height, reorder_depth),
        params: CodecParams::Video(VideoParams { reorder_depth, ..VideoParams::of_size(width, height) }),
    };
    let sound = config.sound.map(|sample_rate| DecoderConfig {
        codec: Codec::Aac,
        codec_string: String::new(),
        // AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): AAC-LC, two channels, 44.1 or 48 kHz.
        description: Bytes::from_static(if sample_rate == 44_100 { &[0x12, 0x10] } else { &[0x11, 0x90] }),
        params: CodecParams::Audio(AudioParams { sample_rate, channels: 2 }),
    });
    let mut tracks = vec![TrackInfo { id: VIDEO, config: video }];
    tracks.extend(sound.map(|config| TrackInfo { id: AUDIO, config }));
    tracks
}

#[cfg(test)]
mod tests {
    use super::*;
    use sailcast_media::{DemuxEvent, Demuxer, flv::FlvDemuxer};

    fn packets(config: StreamConfig, from: Micros, n: usize) -> (Vec<Packet>, Vec<DecoderConfig>) {
        let mut demuxer = FlvDemuxer::new();
        let (mut packets, mut configs) = (Vec::new(), Vec::new());
        for unit in Encoder::joined(config, Chance(1), from).take(n) {
            demuxer.push(unit.bytes);
            while let Some(event) = demuxer.poll().expect("a good stream") {
                match event {
                    DemuxEvent::Packet(p) => packets.push(p),
                    DemuxEvent::Track(t) => configs.push(t.config),
                    other => panic!("{other:?}"),
                }
            }
        }
        (packets, configs)
    }

    #[test]
    fn the_demuxer_reads_what_the_encoder_meant() {
        let config = StreamConfig { b_frames: true, ..StreamConfig::default() };
        let (packets, configs) = packets(config, Micros::from_secs(7), 600);
        assert_eq!(configs.len(), 2);
        let CodecParams::Video(video) = configs[0].params else { panic!("video first") };
        assert_eq!((video.width, video.height, video.reorder_depth), (1280, 720, 1));
        let video: Vec<&Packet> = packets.iter().filter(|p| number_of(&p.data).is_some()).collect();
        assert!(video[0].keyframe && number_of(&video[0].data) == Some(180));
        assert!(video.iter().filter(|p| p.keyframe).count() >= 3);
        let disposable = video.iter().filter(|p| p.disposable).count() as f64 / video.len() as f64;
        assert!((0.4..0.5).contains(&disposable), "{disposable}");
        let mut shown: Vec<_> = video.iter().map(|p| (p.pts, number_of(&p.data))).collect();
        shown.sort();
        assert!(shown.windows(2).all(|w| w[0].1 < w[1].1), "numbers are in display order");
        assert!(video.iter().all(|p| p.pts >= p.dts));
    }

    #[test]
    fn the_bitrate_is_what_was_asked_for() {
        let (packets, _) = packets(StreamConfig::default(), Micros::ZERO, 77 * 60);
        let bytes: usize = packets.iter().map(|p| p.data.len()).sum();
        let seconds = packets.last().expect("packets").dts.as_secs_f64() - 10.0;
        let rate = bytes as f64 * 8.0 / seconds;
        assert!((rate / 2.128e6 - 1.0).abs() < 0.05, "{rate}");
    }
}
