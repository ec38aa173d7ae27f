//! Streams written piece by piece, for what no fixture has: several tracks, other codecs, messages, changes in mid-stream.
//!
//! They are real FLV, as our muxer writes it; pictures and sound are empty but for their times.

use bytes::{BufMut, Bytes, BytesMut};
use sailcast_engine::{IoEvent, Response};
use sailcast_media::{
    AudioParams, Codec, CodecParams, DecoderConfig, MediaTime, Metadata, Micros, Packet, TrackId, TrackInfo,
    VideoParams, flv::FlvMuxer,
};

use crate::{feed::Network, sps, stream};

const NAL_IDR: u8 = 0x65;
const NAL_REFERENCE: u8 = 0x41;
const NAL_SEI: u8 = 0x06;
/// A recovery point (ITU-T H.264, D.1.8) at this picture.
const RECOVERY_POINT: [u8; 3] = [6, 1, 0xc4];
const PICTURE: usize = 200;

#[derive(Clone, Debug)]
pub enum Piece {
    Track(TrackInfo),
    Packet(Packet),
    Message(Metadata),
}

impl Piece {
    fn at(&self) -> MediaTime {
        match self {
            Self::Track(_) => MediaTime(i64::MIN),
            Self::Packet(packet) => packet.dts,
            Self::Message(message) => message.time,
        }
    }

    fn write(&self, muxer: &mut FlvMuxer, out: &mut BytesMut) {
        let written = match self {
            Self::Track(track) => muxer.config(out, track),
            Self::Packet(packet) => muxer.packet(out, packet),
            Self::Message(message) => muxer.metadata(out, message),
        };
        written.unwrap_or_else(|error| panic!("{self:?}, {:?}: {error}", self.at()));
    }
}

/// Pieces by their times; those of one time as they were.
#[derive(Clone, Debug, Default)]
pub struct Synth {
    pieces: Vec<(MediaTime, Piece)>,
}

impl Synth {
    /// A configuration that comes before everything of that time.
    pub fn track(mut self, at_ms: i64, track: TrackInfo) -> Self {
        self.pieces.push((MediaTime::from_millis(at_ms), Piece::Track(track)));
        self
    }

    pub fn packets(mut self, packets: impl IntoIterator<Item = Packet>) -> Self {
        self.pieces.extend(packets.into_iter().map(|p| (p.dts, Piece::Packet(p))));
        self
    }

    pub fn message(mut self, message: Metadata) -> Self {
        self.pieces.push((message.time, Piece::Message(message)));
        self
    }

    /// As a recording of FLV, without any metadata but what is among the pieces.
    pub fn recording(mut self) -> Bytes {
        self.sort();
        let mut muxer = FlvMuxer::new(true, true);
        let mut out = BytesMut::new();
        for (_, piece) in &self.pieces {
            piece.write(&mut muxer, &mut out);
        }
        out.freeze()
    }

    fn sort(&mut self) {
        self.pieces.sort_by_key(|(at, piece)| (*at, !matches!(piece, Piece::Track(_))));
    }

    /// A viewer joins at `join_ms`: what was before comes at once.
    pub fn live(mut self, join_ms: i64) -> Network {
        self.sort();
        let mut muxer = FlvMuxer::new(true, true);
        let begin = Micros::from_millis(20);
        let mut deliveries = vec![(begin, IoEvent::Opened(Response::new(200, true)))];
        let mut burst = BytesMut::new();
        for (at, piece) in self.pieces {
            let mut out = BytesMut::new();
            piece.write(&mut muxer, &mut out);
            let late = (at - MediaTime::from_millis(join_ms)).max(Micros::ZERO);
            if late == Micros::ZERO {
                burst.extend_from_slice(&out);
                continue;
            }
            if !burst.is_empty() {
                deliveries.push((begin, IoEvent::Bytes(burst.split().freeze())));
            }
            deliveries.push((begin + late, IoEvent::Bytes(out.freeze())));
        }
        Network { deliveries }.then(IoEvent::End)
    }
}

pub fn avc(number: u8, width: u32, height: u32) -> TrackInfo {
    let config = DecoderConfig {
        codec: Codec::Avc,
        codec_string: String::new(),
        description: sps::avcc(width, height, 0),
        params: CodecParams::Video(VideoParams::of_size(width, height)),
    };
    TrackInfo { id: TrackId::video(number), config }
}

/// AAC-LC; 44.1 and 48 kHz.
pub fn aac(number: u8, sample_rate: u32, channels: u8) -> TrackInfo {
    // AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
    let frequency = match sample_rate {
        44_100 => 4u16,
        8000 => 11,
        _ => 3,
    };
    let bits = 2 << 11 | frequency << 7 | u16::from(channels) << 3;
    sound_track(number, Codec::Aac, Bytes::copy_from_slice(&bits.to_be_bytes()), sample_rate, channels)
}

/// 8 kHz, one channel, as FLV has it.
pub fn g711(codec: Codec) -> TrackInfo {
    sound_track(0, codec, Bytes::new(), 8_000, 1)
}

fn sound_track(number: u8, codec: Codec, description: Bytes, sample_rate: u32, channels: u8) -> TrackInfo {
    let params = CodecParams::Audio(AudioParams { sample_rate, channels });
    let config = DecoderConfig { codec, codec_string: String::new(), description, params };
    TrackInfo { id: TrackId::audio(number), config }
}

/// Pictures at 25 a second with a keyframe each `gop`, from one time up to another.
pub fn pictures(number: u8, from_ms: i64, to_ms: i64, gop: i64) -> Vec<Packet> {
    let at = (from_ms..to_ms).step_by(40).enumerate();
    at.map(|(i, ms)| picture(number, ms, i as i64 % gop == 0, &[])).collect()
}

/// One picture, which carries these messages of user data (SEI type 5).
pub fn picture(number: u8, ms: i64, keyframe: bool, messages: &[&[u8]]) -> Packet {
    let nal = if keyframe { NAL_IDR } else { NAL_REFERENCE };
    access_unit(number, ms, keyframe, nal, messages.iter().map(|m| user_data(m)).collect())
}

/// The same picture with so many bytes.
pub fn sized(packet: Packet, size: usize) -> Packet {
    let nal = if packet.keyframe { NAL_IDR } else { NAL_REFERENCE };
    let number = (packet.pts.0 / 1000) as u64;
    Packet { data: stream::unit(nal, number, size), ..packet }
}

/// One with which decoding may begin though it is no IDR picture.
pub fn recovery_point(number: u8, ms: i64) -> Packet {
    access_unit(number, ms, true, NAL_REFERENCE, vec![RECOVERY_POINT.to_vec()])
}

/// Sound in packets of `length` µs.
pub fn sound(number: u8, from_ms: i64, to_ms: i64, length: f64, data: &[u8]) -> Vec<Packet> {
    let count = ((to_ms - from_ms) as f64 * 1000.0 / length).round() as i64;
    let at = (0..count).map(|i| MediaTime::from_millis(from_ms) + Micros((i as f64 * length) as i64));
    at.map(|at| packet(TrackId::audio(number), at, true, Bytes::copy_from_slice(data))).collect()
}

pub fn packet(track: TrackId, at: MediaTime, keyframe: bool, data: Bytes) -> Packet {
    Packet { track, dts: at, pts: at, duration: None, keyframe, disposable: false, data }
}

fn access_unit(number: u8, ms: i64, keyframe: bool, nal: u8, messages: Vec<Vec<u8>>) -> Packet {
    let mut data = BytesMut::new();
    for message in messages {
        data.put_u32(message.len() as u32 + 2);
        data.put_u8(NAL_SEI);
        data.put_slice(&message);
        data.put_u8(0x80);
    }
    data.put_slice(&stream::unit(nal, ms as u64, PICTURE));
    packet(TrackId::video(number), MediaTime::from_millis(ms), keyframe, data.freeze())
}

/// user_data_unregistered (D.1.7): a UUID and the data, none of which may look like a start code.
fn user_data(data: &[u8]) -> Vec<u8> {
    let mut message = vec![5, 16 + data.len() as u8];
    message.extend([0x11; 16]);
    message.extend(data);
    message
}
