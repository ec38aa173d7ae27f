//! The tracks of a stream: what is known of each, and what their parts become.
//!
//! **Invariant:** a packet of a track comes only behind the [`TrackInfo`] that decodes it. Tracks are kept by number and by
//! codec: a track whose codec changes, or seems to in one damaged tag, finds its configuration again when it changes back.

use bytes::Bytes;

use crate::{
    codec::{Damage, Facts, TrackState},
    demux::SkipReason,
    flv::{colour::ColourInfo, raw_aac::RawAac},
    packet::{AudioParams, Codec, CodecParams, Colour, DecoderConfig, TrackId, TrackInfo},
    read::ByteReader,
    time::MediaTime,
};

/// Tracks kept, a codec each; keeps ever new track ids from growing the list.
const MAX_TRACKS: usize = 64;
/// The largest configuration taken. Real ones have a few hundred bytes; each track keeps its own.
const MAX_CONFIG: usize = 64 << 10;

const OPUS_RATE: u32 = 48_000;
const OPUS_HEAD: &[u8] = b"OpusHead";
/// AudioChannelOrder.Custom: a map with a byte for each channel follows.
const ORDER_CUSTOM: u8 = 2;

#[derive(Debug, Default)]
pub(super) struct Tracks {
    tracks: Vec<Track>,
    /// That there are too many has been said.
    told_full: bool,
}

impl Tracks {
    /// The track of this number and codec; `None` of one too many, an error of the first such.
    pub fn get(&mut self, id: TrackId, codec: Codec) -> Result<Option<&mut Track>, SkipReason> {
        let found = self.tracks.iter().position(|track| track.id == id && track.state.codec() == codec);
        let index = match found {
            Some(index) => index,
            None if self.tracks.len() < MAX_TRACKS => {
                self.tracks.push(Track::new(id, codec));
                self.tracks.len().saturating_sub(1)
            }
            None if self.told_full => return Ok(None),
            None => {
                self.told_full = true;
                return Err(SkipReason::TooManyTracks);
            }
        };
        Ok(self.tracks.get_mut(index))
    }

    /// The codec that the packets of a track are decoded with.
    pub fn is_active(&self, id: TrackId) -> bool {
        self.tracks.iter().any(|track| track.id == id && track.active)
    }

    /// A track was told of: the packets of its number are of this codec from here on.
    pub fn activate(&mut self, id: TrackId, codec: Codec) {
        for track in self.tracks.iter_mut().filter(|track| track.id == id) {
            track.active = track.state.codec() == codec;
        }
    }
}

/// A track in one codec.
#[derive(Debug)]
pub(super) struct Track {
    id: TrackId,
    state: TrackState,
    /// By the bitstream.
    config: Option<DecoderConfig>,
    /// The configuration was told of, and no other codec's since.
    active: bool,
    colour: ColourInfo,
    /// The colours that the track was told of with.
    told_colour: Option<Colour>,
    /// Packets were given out since the track was told of.
    begun: bool,
    flags: Option<AudioParams>,
    /// Legacy Opus with a packet type before each packet, as AAC has it.
    typed_opus: bool,
    raw_aac: RawAac,
}

/// What coded frames become.
#[derive(Debug)]
pub(super) struct Decodable {
    /// To be told before the packets.
    pub info: Option<TrackInfo>,
    pub facts: Facts,
}

impl Track {
    fn new(id: TrackId, codec: Codec) -> Self {
        Self {
            id,
            state: TrackState::new(codec),
            config: None,
            active: false,
            colour: ColourInfo::default(),
            told_colour: None,
            begun: false,
            flags: None,
            typed_opus: false,
            raw_aac: RawAac::default(),
        }
    }

    /// Takes a configuration; gives the track where it changed by that.
    pub fn configure(&mut self, record: &[u8]) -> Result<Option<TrackInfo>, SkipReason> {
        if record.is_empty() {
            return match self.state.codec() {
                Codec::Avc | Codec::Hevc | Codec::Aac => Err(SkipReason::TooShort),
                // An empty first sequence start: the packets tell.
                _ => Ok(None),
            };
        }
        if record.len() > MAX_CONFIG {
            return Err(SkipReason::BadConfig);
        }
        // A copy: a slice would keep the whole chunk that it came in.
        let record = Bytes::copy_from_slice(record);
        let config = self.state.configure(record).map_err(|_| SkipReason::BadConfig)?;
        Ok(config.and_then(|config| self.tell(Some(config))))
    }

    /// Takes an AV1VideoDescriptor ("Carriage of AV1 in MPEG-2 TS", 2.2): av1C's four bytes behind a tag and a length, but for
    /// two bits of HDR.
    pub fn configure_from_ts(&mut self, descriptor: &[u8]) -> Result<Option<TrackInfo>, SkipReason> {
        match (self.state.codec(), descriptor) {
            (Codec::Av1, [0x80, 4, version, profile, format, delay, ..]) => {
                self.configure(&[*version, *profile, *format, delay & 0x1f])
            }
            _ => Err(SkipReason::BadConfig),
        }
    }

    /// Takes a MultichannelConfig. Opus alone needs it: the other codecs' own headers have the channels.
    pub fn channels(&mut self, body: &[u8]) -> Result<(), SkipReason> {
        let mut r = ByteReader::new(body);
        let [order, channels] = r.array().ok_or(SkipReason::TooShort)?;
        if order == ORDER_CUSTOM {
            r.bytes(usize::from(channels)).ok_or(SkipReason::TooShort)?;
        }
        if channels == 0 {
            return Err(SkipReason::BadConfig);
        }
        if self.state.codec() == Codec::Opus {
            self.state.hint(AudioParams { sample_rate: OPUS_RATE, channels });
        }
        Ok(())
    }

    /// Takes new colours; gives the track where it changed by that. They count from the next keyframe on, as a decoder cannot be
    /// configured between. Most say what the bitstream says.
    pub fn recolour(&mut self, colour: ColourInfo) -> Option<TrackInfo> {
        self.colour = colour;
        if self.is_recoloured() && self.active && !self.begun { self.tell(None) } else { None }
    }

    fn is_recoloured(&self) -> bool {
        let bitstream = self.config.as_ref().and_then(|config| match config.params {
            CodecParams::Video(video) => Some(video.colour),
            CodecParams::Audio(_) => None,
        });
        bitstream.map(|colour| self.colour.over(colour)) != self.told_colour
    }

    /// Takes coded frames and the flags of their legacy header.
    pub fn frames(
        &mut self,
        mut data: Bytes,
        flags: Option<AudioParams>,
        at: MediaTime,
    ) -> Result<Decodable, SkipReason> {
        if let Some(params) = flags.filter(|_| self.flags != flags) {
            self.flags = flags;
            self.state.hint(params);
        }
        if flags.is_some() && self.state.codec() == Codec::Opus {
            match self.legacy_opus(data)? {
                LegacyOpus::Head(info) => return Ok(Decodable { info, facts: Facts::default() }),
                LegacyOpus::Packet(packet) => data = packet,
            }
        }
        let mut found = None;
        let facts = match self.state.packet(data.clone()) {
            Err(Damage::NoConfig) if self.state.codec() == Codec::Aac => {
                let asc = self.raw_aac.note(at, &data).ok_or(SkipReason::NoConfig)?;
                let asc = Bytes::copy_from_slice(&asc);
                found = self.state.configure(asc).map_err(|_| SkipReason::NoConfig)?;
                self.state.packet(data)
            }
            read => read,
        };
        let facts = facts.map_err(|damage| match damage {
            Damage::NoConfig => SkipReason::NoConfig,
            Damage::Invalid(_) => SkipReason::BadPacket,
        })?;
        let config = facts.config.clone().or(found);
        let recolours = self.is_recoloured() && facts.units.iter().any(|unit| unit.keyframe);
        let reappears = !self.active && !facts.units.is_empty();
        let info = if config.is_some() || recolours || reappears { self.tell(config) } else { None };
        if !self.active && info.is_none() && !facts.units.is_empty() {
            return Err(SkipReason::NoConfig);
        }
        self.begun |= !facts.units.is_empty();
        Ok(Decodable { info, facts })
    }

    fn legacy_opus(&mut self, data: Bytes) -> Result<LegacyOpus, SkipReason> {
        let head = data.strip_prefix(&[0]).unwrap_or(&data);
        if head.starts_with(OPUS_HEAD) {
            self.typed_opus = head.len() < data.len();
            return self.configure(head).map(LegacyOpus::Head);
        }
        match (self.typed_opus, data.split_first()) {
            (true, Some((1, []))) => Err(SkipReason::TooShort),
            (true, Some((1, packet))) => Ok(LegacyOpus::Packet(data.slice_ref(packet))),
            _ => Ok(LegacyOpus::Packet(data)),
        }
    }

    /// The track as it is from here on, with a new configuration or the one there is.
    fn tell(&mut self, config: Option<DecoderConfig>) -> Option<TrackInfo> {
        self.config = config.or(self.config.take());
        let mut config = self.config.clone()?;
        if let CodecParams::Video(video) = &mut config.params {
            video.colour = self.colour.over(video.colour);
            self.told_colour = Some(video.colour);
        }
        self.begun = false;
        Some(TrackInfo { id: self.id, config })
    }
}

enum LegacyOpus {
    /// A configuration, and the track where it changed by that.
    Head(Option<TrackInfo>),
    Packet(Bytes),
}
