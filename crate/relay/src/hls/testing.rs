//! A publisher in virtual time, for the tests of what is pure here.

use bytes::Bytes;
use sailcast_media::{
    AudioParams, Codec, CodecParams, DecoderConfig, DemuxEvent, MediaKind, MediaTime, Micros, Packet,
    TrackId, TrackInfo, VideoParams,
};

use super::{
    muxer::Format,
    packager::{Packager, Wanted},
    window::Bounds,
};

pub const EPOCH: u64 = 1_800_000_000;
pub const NOON: Micros = Micros::from_secs(EPOCH as i64);

/// H.264, 320x180, and its record.
const AVCC: &[u8] =
    b"\x01\x42\xc0\x0d\xff\xe1\x00\x17\x67\x42\xc0\x0d\xd9\x01\x41\xfa\x10\x00\x00\x03\x00\x10\x00\
    \x00\x03\x03\x20\xf1\x42\xa4\x80\x01\x00\x05\x68\xcb\x83\xcb\x20";
const KEYFRAME: &[u8] = b"\0\0\0\x03\x65\x88\x84";
const PICTURE: &[u8] = b"\0\0\0\x03\x41\x9a\x38";
const SOUND: &[u8] = b"\x21\x6c\xd6\x02";

pub fn ms(ms: i64) -> Micros {
    Micros::from_millis(ms)
}

pub fn video() -> TrackInfo {
    let params = CodecParams::Video(VideoParams::of_size(320, 180));
    track(MediaKind::Video, Codec::Avc, "avc1.42c00d", AVCC, params)
}

pub fn audio(sample_rate: u32) -> TrackInfo {
    let config: &[u8] = if sample_rate == 44_100 { b"\x12\x10" } else { b"\x11\x90" };
    let params = CodecParams::Audio(AudioParams { sample_rate, channels: 2 });
    track(MediaKind::Audio, Codec::Aac, "mp4a.40.2", config, params)
}

fn track(
    kind: MediaKind,
    codec: Codec,
    string: &str,
    description: &'static [u8],
    params: CodecParams,
) -> TrackInfo {
    let description = Bytes::from_static(description);
    let config = DecoderConfig { codec, codec_string: string.into(), description, params };
    TrackInfo { id: TrackId { kind, number: 0 }, config }
}

pub fn picture(at: Micros, keyframe: bool) -> Packet {
    let data = Bytes::from_static(if keyframe { KEYFRAME } else { PICTURE });
    packet(TrackId::video(0), at, None, keyframe, data)
}

pub fn sound(at: Micros) -> Packet {
    packet(TrackId::audio(0), at, Some(Micros(21_333)), true, Bytes::from_static(SOUND))
}

fn packet(track: TrackId, at: Micros, duration: Option<Micros>, keyframe: bool, data: Bytes) -> Packet {
    let dts = MediaTime(0) + at;
    Packet { track, dts, pts: dts, duration, keyframe, disposable: false, data }
}

/// Publishes into a packager, each packet 20 ms after its time.
pub struct Studio {
    pub packager: Packager,
    pub fps: i64,
    pub group: Micros,
    pub has_pictures: bool,
    pub has_sound: bool,
    /// Of the stream, and what the clock is ahead of it.
    pub at: Micros,
    pub ahead: Micros,
}

impl Studio {
    /// 30 pictures a second in groups of 2 s, and sound.
    pub fn new(format: Format) -> Self {
        Self::with(format, Bounds { listed: Micros::from_secs(60), bytes: usize::MAX })
    }

    pub fn with(format: Format, bounds: Bounds) -> Self {
        let wanted = Wanted { segment: Micros::from_secs(2), part: ms(333) };
        let mut studio = Self {
            packager: Packager::new(format, wanted, bounds, Some(Micros::from_secs(2)), EPOCH),
            fps: 30,
            group: Micros::from_secs(2),
            has_pictures: true,
            has_sound: true,
            at: Micros::ZERO,
            ahead: NOON + ms(20),
        };
        studio.configure(video());
        studio.configure(audio(48_000));
        studio
    }

    pub fn configure(&mut self, track: TrackInfo) {
        self.packager.push(vec![DemuxEvent::Track(track)], self.now());
    }

    pub fn send(&mut self, packet: Packet) {
        self.packager.push(vec![DemuxEvent::Packet(packet)], self.now());
    }

    pub fn now(&self) -> Micros {
        self.at + self.ahead
    }

    /// Goes on for so long, with time stamps of whole milliseconds as FLV has them; each group begins with its keyframe.
    pub fn run(&mut self, duration: Micros) {
        let end = self.at + duration;
        let whole = |at: i64| ms((at as f64 / 1000.0).round() as i64);
        let mut due: Vec<(Micros, Packet)> = Vec::new();
        if self.has_pictures {
            for n in 0.. {
                let at = n * 1_000_000 / self.fps;
                let time = whole(at);
                if time >= end {
                    break;
                }
                due.push((time, picture(time, at % self.group.0 < 1_000_000 / self.fps)));
            }
        }
        if self.has_sound {
            let times = (0..).map(|n| whole(n * 1024 * 1_000_000 / 48_000)).take_while(|time| *time < end);
            due.extend(times.map(|time| (time, sound(time))));
        }
        due.retain(|(time, _)| *time >= self.at);
        due.sort_by_key(|(time, _)| *time);
        for (time, packet) in due {
            self.at = time;
            self.send(packet);
        }
        self.at = end;
    }
}
