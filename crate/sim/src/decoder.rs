//! The virtual decoders: the browser's and software ones, with their pace and their troubles.
//!
//! A software decoder is ready only when its module has been fetched; one of either kind takes its time for each packet, one
//! after the other, and gives pictures in the order of their times. What goes wrong is said by [`Sim::trouble`].

use std::collections::HashSet;

use sailcast_engine::{DecoderId, DecoderMode, DecoderPath, FrameId, FrameInfo, Input, Instant, PcmBlock};
use sailcast_media::{
    AudioParams, Codec, CodecParams, DecoderConfig, MediaKind, MediaTime, Micros, Packet, Turn,
};

use crate::{
    browser::{Happening, Sim},
    card::sample_of,
    origin::{self, voice_of},
    stream,
};

const SOUND_DECODE_TIME: Micros = Micros(300);
const FLUSH_TIME: Micros = Micros(1000);
/// From a failure to the page's knowing of it.
const FAILURE_TIME: Micros = Micros(500);

pub struct Decoder {
    pub config: DecoderConfig,
    pub path: DecoderPath,
    fresh: bool,
    reorder: Vec<Picture>,
    busy_until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Picture {
    pub pts: MediaTime,
    pub number: Option<u64>,
}

/// What a decoder is asked: to take its configuration, or a packet.
pub struct Asked<'a> {
    pub kind: MediaKind,
    pub path: DecoderPath,
    pub config: &'a DecoderConfig,
    pub packet: Option<&'a Packet>,
    /// The packet is the first one after the configuration or a flush.
    pub fresh: bool,
}

/// What it does with that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// It closes itself with this error.
    Fail(&'static str),
    /// It takes it and gives nothing.
    Swallow,
    /// The packet comes to nothing, and the decoder says so.
    LeaveOut,
}

/// How decoders behave.
pub struct Decoders {
    pub(crate) modules: HashSet<Codec>,
    /// From a software decoder's configuration to its being ready, the first time for a codec.
    pub fetch_time: Micros,
    pub software_decode_time: Micros,
    pub trouble: Box<dyn Fn(&Asked<'_>) -> Trouble>,
    /// Each that was asked for.
    pub asked: Vec<(Instant, MediaKind, DecoderPath)>,
}

impl Default for Decoders {
    fn default() -> Self {
        Self {
            modules: HashSet::new(),
            fetch_time: Micros::from_millis(150),
            software_decode_time: Micros::from_millis(8),
            trouble: Box::new(|_| Trouble::None),
            asked: Vec::new(),
        }
    }
}

impl Sim {
    /// Decoders of that kind on that path fail from now on, whatever they are given.
    pub fn break_path(&mut self, kind: MediaKind, path: DecoderPath) {
        let before = std::mem::replace(&mut self.decoders_are.trouble, Box::new(|_| Trouble::None));
        self.decoders_are.trouble = Box::new(move |asked| match asked.kind == kind && asked.path == path {
            true => Trouble::Fail("EncodingError: Decoding error."),
            false => before(asked),
        });
    }

    pub(crate) fn configure(&mut self, id: DecoderId, config: DecoderConfig, mode: DecoderMode) {
        self.decoders_made += 1;
        let (kind, path) = (config.kind(), mode.path);
        self.decoders_are.asked.push((self.now, kind, path));
        let asked = Asked { kind, path, config: &config, packet: None, fresh: true };
        if let Trouble::Fail(why) = (self.decoders_are.trouble)(&asked) {
            self.fails(id, why);
            return;
        }
        let is_new = path == DecoderPath::Wasm && self.decoders_are.modules.insert(config.codec);
        let busy_until = if is_new { self.now + self.decoders_are.fetch_time } else { self.now };
        let decoder = Decoder { config, path, fresh: true, reorder: Vec::new(), busy_until };
        assert!(self.decoders.insert(id, decoder).is_none(), "decoder id used twice");
    }

    fn fails(&mut self, id: DecoderId, why: &str) {
        self.decoders.remove(&id);
        self.schedule(FAILURE_TIME, Happening::Input(Input::DecoderFailed(id, why.into())));
    }

    pub(crate) fn decode(&mut self, id: DecoderId, packet: Packet) {
        // Packets already on their way to a decoder that failed come to nothing.
        let Some(decoder) = self.decoders.get_mut(&id) else { return };
        assert!(packet.keyframe || !decoder.fresh, "a delta packet first");
        let fresh = std::mem::take(&mut decoder.fresh);
        let (kind, path) = (decoder.config.kind(), decoder.path);
        let asked = Asked { kind, path, config: &decoder.config, packet: Some(&packet), fresh };
        match (self.decoders_are.trouble)(&asked) {
            Trouble::Fail(why) => return self.fails(id, why),
            Trouble::Swallow => return,
            Trouble::LeaveOut => {
                let left_out = Input::LeftOut(id, packet.pts, "damaged".into());
                self.schedule(FAILURE_TIME, Happening::Input(left_out));
                return;
            }
            Trouble::None => {}
        }
        let start = decoder.busy_until.max(self.now);
        match decoder.config.params {
            CodecParams::Video(_) if self.video_swallowed => {}
            CodecParams::Video(v) => {
                let time = match path {
                    DecoderPath::WebCodecs => self.video_decode_time,
                    DecoderPath::Wasm => self.decoders_are.software_decode_time,
                };
                let done = start + time;
                decoder.busy_until = done;
                let number = stream::number_of(&packet.data).or_else(|| origin::number_of(&packet.data));
                let picture = Picture { pts: packet.pts, number };
                decoder.reorder.push(picture);
                decoder.reorder.sort();
                if decoder.reorder.len() > usize::from(v.reorder_depth) {
                    let picture = decoder.reorder.remove(0);
                    self.emit(id, picture, (v.width, v.height), done);
                }
            }
            CodecParams::Audio(_) if self.audio_broken => self.fails(id, "no"),
            CodecParams::Audio(a) => {
                let done = start + SOUND_DECODE_TIME;
                decoder.busy_until = done;
                let samples = samples_of(decoder.config.codec);
                if let Some(card) = &mut self.card {
                    card.near = packet.pts;
                }
                let block = self.sound(packet.pts, samples, a, voice_of(&packet.data));
                let after = done - self.now;
                self.schedule(after, Happening::Input(Input::SamplesDecoded(id, packet.pts, block)));
            }
        }
    }

    fn sound(&self, pts: MediaTime, samples: u32, params: AudioParams, voice: u8) -> PcmBlock {
        let divisor = self.sound_divisor.max(1);
        let channels = usize::from(params.channels.max(1));
        let sample_rate = params.sample_rate / divisor;
        let data = (0..samples / divisor)
            .flat_map(|i| {
                let at = pts + Micros(MediaTime::from_ticks(i.into(), sample_rate).0);
                let value = sample_of(at, voice);
                std::iter::repeat_n(value, channels)
            })
            .collect();
        PcmBlock { sample_rate, channels: params.channels, data }
    }

    fn emit(&mut self, id: DecoderId, picture: Picture, (width, height): (u32, u32), at: Instant) {
        self.next_frame += 1;
        let frame =
            FrameInfo { id: FrameId(self.next_frame), pts: picture.pts, width, height, turn: Turn::NONE };
        self.frames.insert(frame.id, picture);
        self.max_outstanding = self.max_outstanding.max(self.frames.len());
        let after = at - self.now;
        self.schedule(after, Happening::Input(Input::FrameDecoded(id, frame)));
    }

    pub(crate) fn flush(&mut self, id: DecoderId) {
        let Some(decoder) = self.decoders.get_mut(&id) else { return };
        decoder.fresh = true;
        let done = decoder.busy_until.max(self.now) + FLUSH_TIME;
        let size = match decoder.config.params {
            CodecParams::Video(v) => (v.width, v.height),
            CodecParams::Audio(_) => (0, 0),
        };
        for picture in std::mem::take(&mut decoder.reorder) {
            self.emit(id, picture, size, done);
        }
        let after = done - self.now;
        self.schedule(after, Happening::Input(Input::Flushed(id)));
    }
}

/// In a packet.
fn samples_of(codec: Codec) -> u32 {
    match codec {
        Codec::Mp3 => 1152,
        Codec::Opus => 960,
        Codec::Ac3 | Codec::Eac3 => 1536,
        _ => 1024,
    }
}
