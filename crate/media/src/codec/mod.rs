//! Codec headers: what a decoder's configuration and an access unit say of themselves.
//!
//! A container makes one [`TrackState`] a track, gives it what it found, and gets back packets as a decoder wants them. One
//! flat file a codec. Nothing here decodes, and nothing knows a container or the time.
//!
//! **Invariant:** what is told of a packet is read from its own bytes and from the configuration in force, which follows
//! the bitstream where the container's is missing, damaged or stale.

pub mod aac;
mod ac3;
pub(crate) mod access_units;
pub(crate) mod adts;
mod av1;
pub mod av1_headers;
pub mod avc;
mod avc_fields;
pub(crate) mod avc_record;
pub mod avc_sps;
mod flac;
pub(crate) mod frames;
mod g711;
pub(crate) mod hevc;
pub(crate) mod hevc_record;
pub mod hevc_sps;
pub(crate) mod latm;
mod mp3;
pub(crate) mod nal;
mod opus;
pub(crate) mod records;
mod sei;
pub(crate) mod sets;
mod vp8;
mod vp9;
mod vui;

use bytes::Bytes;
use thiserror::Error;

use crate::{
    packet::{AudioParams, Codec, DecoderConfig},
    time::Micros,
};

/// Units taken of a packet: some seconds of sound. Keeps a tag of nothing but frame headers from becoming thirty times its size.
const MAX_UNITS: usize = 256;

/// A decoder configuration that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    #[error("configuration ends too early")]
    Short,
    #[error("configuration has a value out of its range: {0}")]
    Invalid(&'static str),
}

/// Why a packet has nothing for a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Damage {
    /// No configuration came yet, neither from the container nor in the packets.
    #[error("packet before its codec configuration")]
    NoConfig,
    #[error("packet's contents are damaged: {0}")]
    Invalid(&'static str),
}

/// What a packet of the container holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The configuration from this packet on, where it is another than before.
    pub config: Option<DecoderConfig>,
    /// In the order of the bitstream; they belong to the first unit.
    pub sei: Vec<Sei>,
    /// What goes to the decoder: none where the packet had only parameter sets or messages, several where frames of sound came
    /// bundled.
    pub units: Vec<AccessUnit>,
}

/// One SEI message (ITU-T H.264 and H.265, 7.3.2.3), emulation prevention taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sei {
    pub payload_type: u32,
    pub payload: Bytes,
}

/// What a decoder takes at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    pub data: Bytes,
    /// After the time of the container's packet.
    pub offset: Micros,
    /// Where the bitstream says it.
    pub duration: Option<Micros>,
    /// Decoding can start here.
    pub keyframe: bool,
    /// No other unit refers to it.
    pub disposable: bool,
}

impl AccessUnit {
    /// A whole packet of sound.
    fn sound(data: Bytes) -> Self {
        Self { data, offset: Micros::ZERO, duration: None, keyframe: true, disposable: false }
    }

    /// Sound that begins `before` samples after the packet's time.
    fn samples(data: Bytes, before: u32, samples: u32, rate: u32) -> Self {
        let span = |n: u32| {
            let us = u64::from(n).saturating_mul(1_000_000).checked_div(rate.into()).unwrap_or_default();
            Micros(i64::try_from(us).unwrap_or(i64::MAX))
        };
        Self { offset: span(before), duration: Some(span(samples)), ..Self::sound(data) }
    }

    fn picture(data: Bytes, keyframe: bool, disposable: bool) -> Self {
        Self { data, offset: Micros::ZERO, duration: None, keyframe, disposable }
    }
}

impl From<AccessUnit> for Facts {
    fn from(unit: AccessUnit) -> Self {
        Self { units: vec![unit], ..Self::default() }
    }
}

/// What is known of one track's bitstream.
#[derive(Debug)]
pub struct TrackState {
    codec: Codec,
    hint: Option<AudioParams>,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    Avc(avc::Avc),
    Hevc(hevc::Hevc),
    Av1(av1::Av1),
    Vp9(vp9::Vp9),
    Vp8(vp8::Vp8),
    Aac(aac::Aac),
    Mp3(mp3::Mp3),
    G711(g711::G711),
    Opus(opus::Opus),
    Flac(flac::Flac),
    Ac3(ac3::Ac3),
}

impl TrackState {
    /// Before any configuration.
    pub fn new(codec: Codec) -> Self {
        let reader = match codec {
            Codec::Avc => Reader::Avc(avc::Avc::default()),
            Codec::Hevc => Reader::Hevc(hevc::Hevc::default()),
            Codec::Av1 => Reader::Av1(av1::Av1::default()),
            Codec::Vp9 => Reader::Vp9(vp9::Vp9::default()),
            Codec::Vp8 => Reader::Vp8(vp8::Vp8::default()),
            Codec::Aac => Reader::Aac(aac::Aac::default()),
            Codec::Mp3 => Reader::Mp3(mp3::Mp3::default()),
            Codec::G711A | Codec::G711U => Reader::G711(g711::G711::new(codec)),
            Codec::Opus => Reader::Opus(opus::Opus::default()),
            Codec::Flac => Reader::Flac(flac::Flac::default()),
            Codec::Ac3 | Codec::Eac3 => Reader::Ac3(ac3::Ac3::default()),
        };
        Self { codec, hint: None, reader }
    }

    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// What the container says of the sound; it counts where the bitstream and its configuration do not tell.
    pub fn hint(&mut self, params: AudioParams) {
        self.hint = Some(params);
    }

    /// Takes the container's configuration record, sequence header or codec private data. `None` where nothing changes by it:
    /// it came before, or the packets must tell the rest.
    pub fn configure(&mut self, description: Bytes) -> Result<Option<DecoderConfig>, ConfigError> {
        match &mut self.reader {
            Reader::Avc(avc) => avc.configure(description),
            Reader::Hevc(hevc) => hevc.configure(description),
            Reader::Av1(av1) => av1.configure(description),
            Reader::Vp9(vp9) => vp9.configure(description),
            Reader::Aac(aac) => aac.configure(description),
            Reader::Opus(opus) => opus.configure(description),
            Reader::Flac(flac) => flac.configure(description),
            // All is in their packets.
            Reader::Vp8(_) | Reader::Mp3(_) | Reader::G711(_) | Reader::Ac3(_) => Ok(None),
        }
    }

    /// Takes one packet of the container, never empty.
    pub fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        match &mut self.reader {
            Reader::Avc(avc) => avc.packet(data),
            Reader::Hevc(hevc) => hevc.packet(data),
            Reader::Av1(av1) => av1.packet(data),
            Reader::Vp9(vp9) => vp9.packet(data),
            Reader::Vp8(vp8) => vp8.packet(data),
            Reader::Aac(aac) => aac.packet(data),
            Reader::Mp3(mp3) => mp3.packet(data),
            Reader::G711(g711) => Ok(g711.packet(data, self.hint)),
            Reader::Opus(opus) => opus.packet(data, self.hint),
            Reader::Flac(flac) => flac.packet(data),
            Reader::Ac3(ac3) => ac3.packet(data),
        }
    }
}

#[cfg(test)]
mod properties;
