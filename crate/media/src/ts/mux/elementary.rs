//! What an elementary stream is called, and how its packets become the payload of a PES packet.
//!
//! **Invariant:** a payload can be read without what came before a keyframe: pictures have start codes, a delimiter and at keyframes
//! their parameter sets; each frame of sound has its own header.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    codec::{
        aac, adts, avc, avc_record, hevc, hevc_record,
        nal::{LENGTH_SIZE, Nals},
        sets::ParameterSets,
    },
    packet::{Codec, CodecParams, DecoderConfig, Packet},
};

const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// Access unit delimiters that allow every slice type.
const AVC_DELIMITER: &[u8] = &[0x09, 0xf0];
const HEVC_DELIMITER: &[u8] = &[0x46, 0x01, 0x50];
const AVC_NAL_DELIMITER: u8 = 9;
const HEVC_NAL_DELIMITER: u8 = 35;

const TAG_REGISTRATION: u8 = 0x05;
const TAG_EXTENSION: u8 = 0x7f;
/// Opus in the extension descriptor ("Encapsulation of Opus in MPEG-TS", ETSI draft 0.1.3, 4.3).
const OPUS_EXTENSION: u8 = 0x80;
/// control_header_prefix, and no flag (4.4).
const OPUS_CONTROL: [u8; 2] = [0x7f, 0xe0];
/// Where OpusHead has the channel mapping family, and the channels.
const OPUS_FAMILY_AT: usize = 18;

const VIDEO_STREAM: u8 = 0xe0;
const AUDIO_STREAM: u8 = 0xc0;
const PRIVATE_STREAM: u8 = 0xbd;
/// The lowest sample rate of MPEG-1.
const MPEG1_RATE: u32 = 32_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elementary {
    /// With the parameter sets behind start codes.
    Avc(Bytes),
    Hevc(Bytes),
    Aac(adts::Header),
    MpegAudio {
        is_mpeg1: bool,
    },
    Ac3,
    Eac3,
    /// With its channel_config_code.
    Opus(u8),
}

/// Why a configuration makes no elementary stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Codec,
    Config,
}

impl Elementary {
    pub fn of(config: &DecoderConfig) -> Result<Self, Refused> {
        let CodecParams::Audio(params) = config.params else { return Self::picture(config) };
        match config.codec {
            Codec::Aac => aac::adts_header(&config.description).map(Self::Aac).ok_or(Refused::Config),
            Codec::Mp3 => Ok(Self::MpegAudio { is_mpeg1: params.sample_rate >= MPEG1_RATE }),
            Codec::Ac3 => Ok(Self::Ac3),
            Codec::Eac3 => Ok(Self::Eac3),
            Codec::Opus => {
                let family = config.description.get(OPUS_FAMILY_AT).copied().unwrap_or_default();
                let code = match (family, params.channels) {
                    (0, 1 | 2) | (1, 1..=8) => params.channels,
                    _ => return Err(Refused::Config),
                };
                Ok(Self::Opus(code))
            }
            _ => Err(Refused::Codec),
        }
    }

    fn picture(config: &DecoderConfig) -> Result<Self, Refused> {
        let sets = |sets: ParameterSets, kinds: &[u8]| {
            let mut out = BytesMut::new();
            for set in kinds.iter().flat_map(|kind| sets.of_kind(*kind)) {
                put_nal(&mut out, &set.nal);
            }
            out.freeze()
        };
        let record = &config.description;
        match config.codec {
            Codec::Avc => avc_record::Record::parse(record)
                .map(|record| Self::Avc(sets(record.sets, &[avc::NAL_SPS, avc::NAL_PPS]))),
            Codec::Hevc => hevc_record::Record::parse(record)
                .map(|record| Self::Hevc(sets(record.sets, &[hevc::NAL_VPS, hevc::NAL_SPS, hevc::NAL_PPS]))),
            _ => return Err(Refused::Codec),
        }
        .map_err(|_| Refused::Config)
    }

    pub fn stream_type(&self) -> u8 {
        match self {
            Self::Avc(_) => 0x1b,
            Self::Hevc(_) => 0x24,
            Self::Aac(_) => 0x0f,
            Self::MpegAudio { is_mpeg1: true } => 0x03,
            Self::MpegAudio { is_mpeg1: false } => 0x04,
            // As HLS has them.
            Self::Ac3 => 0x81,
            Self::Eac3 => 0x87,
            Self::Opus(_) => 0x06,
        }
    }

    pub fn descriptors(&self) -> Vec<u8> {
        let registration = |name: &[u8; 4]| [&[TAG_REGISTRATION, 4], &name[..]].concat();
        match self {
            Self::Avc(_) | Self::Aac(_) | Self::MpegAudio { .. } => Vec::new(),
            Self::Hevc(_) => registration(b"HEVC"),
            Self::Ac3 => registration(b"AC-3"),
            Self::Eac3 => registration(b"EAC3"),
            Self::Opus(code) => {
                [&registration(b"Opus")[..], &[TAG_EXTENSION, 2, OPUS_EXTENSION, *code]].concat()
            }
        }
    }

    /// Of the track with this number.
    pub fn stream_id(&self, number: u8) -> u8 {
        match self {
            Self::Avc(_) | Self::Hevc(_) => VIDEO_STREAM | number & 0x0f,
            Self::Aac(_) | Self::MpegAudio { .. } => AUDIO_STREAM | number & 0x1f,
            Self::Ac3 | Self::Eac3 | Self::Opus(_) => PRIVATE_STREAM,
        }
    }

    /// The payload of one packet; `None` where its header cannot tell its length.
    pub fn payload(&self, out: &mut BytesMut, packet: &Packet) -> Option<()> {
        match self {
            Self::Avc(sets) => {
                let kind = |nal: &[u8]| avc::nal_type(nal);
                pictures(out, packet, sets, [AVC_NAL_DELIMITER, avc::NAL_SPS], AVC_DELIMITER, kind);
                return Some(());
            }
            Self::Hevc(sets) => {
                let kind = |nal: &[u8]| hevc::nal_type(nal);
                pictures(out, packet, sets, [HEVC_NAL_DELIMITER, hevc::NAL_SPS], HEVC_DELIMITER, kind);
                return Some(());
            }
            Self::Aac(header) => out.put_slice(&header.of(packet.data.len())?),
            Self::Opus(_) => {
                out.put_slice(&OPUS_CONTROL);
                // au_size: bytes of 255 and a last one that is less.
                let len = packet.data.len();
                out.put_bytes(0xff, len / 255);
                out.put_u8(u8::try_from(len % 255).ok()?);
            }
            Self::MpegAudio { .. } | Self::Ac3 | Self::Eac3 => {}
        }
        out.put_slice(&packet.data);
        Some(())
    }
}

/// An access unit of annex B: a delimiter, the sets where a keyframe lacks them, and the rest as it is.
fn pictures(
    out: &mut BytesMut,
    packet: &Packet,
    sets: &[u8],
    [delimiter_kind, sps_kind]: [u8; 2],
    delimiter: &[u8],
    kind: fn(&[u8]) -> Option<u8>,
) {
    let nals = || Nals::new(&packet.data, LENGTH_SIZE).flatten().filter(|nal| !nal.is_empty());
    let is_delimiter = |nal: &&[u8]| kind(nal) == Some(delimiter_kind);
    put_nal(out, nals().next().filter(is_delimiter).unwrap_or(delimiter));
    if packet.keyframe && !nals().any(|nal| kind(nal) == Some(sps_kind)) {
        out.put_slice(sets);
    }
    nals().filter(|nal| !is_delimiter(nal)).for_each(|nal| put_nal(out, nal));
}

fn put_nal(out: &mut BytesMut, nal: &[u8]) {
    out.put_slice(&START_CODE);
    out.put_slice(nal);
}
