//! AV1: what its configuration and its temporal units say.
//!
//! **Invariant:** size, profile and colours come from the sequence header, keyframes from the frame headers; the container is
//! not asked. Each unit that comes out is of OBUs with sizes, without temporal delimiters and padding, and a keyframe has its
//! sequence header in it: WebCodecs takes no description (AV1 WebCodecs registration, 3).

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    codec::{
        AccessUnit, ConfigError, Damage, Facts,
        av1_headers::{Frame, Sequence},
    },
    packet::{Codec, CodecParams, DecoderConfig, VideoParams},
    read::ByteReader,
};

/// marker and version of an AV1CodecConfigurationRecord.
const RECORD: u8 = 0x81;

// obu_type (6.2.2).
const OBU_SEQUENCE_HEADER: u8 = 1;
const OBU_TEMPORAL_DELIMITER: u8 = 2;
const OBU_FRAME_HEADER: u8 = 3;
const OBU_FRAME: u8 = 6;
const OBU_TILE_LIST: u8 = 8;
const OBU_PADDING: u8 = 15;

const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

/// A sequence header has some 10 to 30 bytes; with 32 operating points less than this.
const MAX_SEQUENCE_HEADER: usize = 1024;

/// A track of AV1.
#[derive(Debug, Default)]
pub struct Av1 {
    /// The last sequence header's payload, and what it says.
    header: Bytes,
    sequence: Option<Sequence>,
    config: Option<DecoderConfig>,
}

impl Av1 {
    /// Takes an AV1CodecConfigurationRecord ("AV1 Codec ISO Media File Format Binding", 2.3), or OBUs alone.
    pub(super) fn configure(&mut self, bytes: Bytes) -> Result<Option<DecoderConfig>, ConfigError> {
        let mut r = ByteReader::new(&bytes);
        match bytes.first() {
            None => return Ok(None),
            Some(&RECORD) => {
                r.bytes(4).ok_or(ConfigError::Short)?;
            }
            Some(first) if first & 0x80 != 0 => return Err(ConfigError::Invalid("av1C version")),
            Some(_) => {}
        }
        let mut found = false;
        for obu in (Obus { rest: r }) {
            let obu = obu.ok_or(ConfigError::Short)?;
            if obu.kind == OBU_SEQUENCE_HEADER {
                found = true;
                self.take_sequence(obu.payload)?;
            }
        }
        Ok(if found { self.refresh() } else { None })
    }

    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        let mut unit = Unit { is_clean: true, ..Unit::default() };
        for obu in (Obus { rest: ByteReader::new(&data) }) {
            let obu = obu.ok_or(Damage::Invalid("OBU size"))?;
            unit.is_clean &= obu.has_size && !obu.is_left_out();
            match obu.kind {
                OBU_SEQUENCE_HEADER => {
                    let read = self.take_sequence(obu.payload);
                    read.map_err(|_| Damage::Invalid("sequence header"))?;
                    unit.has_sequence = true;
                }
                OBU_FRAME_HEADER | OBU_FRAME => {
                    let sequence = self.sequence.as_ref().ok_or(Damage::NoConfig)?;
                    let frame = Frame::parse(obu.payload, sequence, obu.temporal_id, obu.spatial_id);
                    let frame = frame.ok_or(Damage::Invalid("frame header"))?;
                    unit.is_key |= unit.frames == 0 && frame.is_key;
                    unit.is_reference |= frame.is_reference;
                    unit.frames = unit.frames.saturating_add(1);
                }
                _ => {}
            }
        }
        let config = if unit.is_key { self.refresh() } else { None };
        if unit.frames == 0 {
            return Ok(Facts::default());
        }
        if self.config.is_none() {
            return Err(Damage::NoConfig);
        }
        let needs_sequence = unit.is_key && !unit.has_sequence;
        let data =
            if unit.is_clean && !needs_sequence { data } else { self.rewritten(&data, needs_sequence) };
        let units = vec![AccessUnit::picture(data, unit.is_key, !unit.is_reference)];
        Ok(Facts { config, sei: Vec::new(), units })
    }

    fn take_sequence(&mut self, payload: &[u8]) -> Result<(), ConfigError> {
        if self.header == payload {
            return Ok(());
        }
        if payload.len() > MAX_SEQUENCE_HEADER {
            return Err(ConfigError::Invalid("sequence header size"));
        }
        self.sequence = Some(Sequence::parse(payload)?);
        self.header = Bytes::copy_from_slice(payload);
        Ok(())
    }

    /// The configuration that the sequence header makes, where it is another than before.
    fn refresh(&mut self) -> Option<DecoderConfig> {
        let sequence = self.sequence.as_ref()?;
        let config = DecoderConfig {
            codec: Codec::Av1,
            codec_string: sequence.codec_string(),
            description: Bytes::new(),
            params: CodecParams::Video(VideoParams {
                bit_depth: sequence.bit_depth,
                colour: sequence.colour,
                ..VideoParams::of_size(sequence.width, sequence.height)
            }),
        };
        if self.config.as_ref() == Some(&config) {
            return None;
        }
        self.config = Some(config);
        self.config.clone()
    }

    fn rewritten(&self, data: &Bytes, with_sequence: bool) -> Bytes {
        let is_delimiter = |obu: &Obu<'_>| obu.kind == OBU_TEMPORAL_DELIMITER;
        let mut obus = Obus { rest: ByteReader::new(data) };
        // A delimiter in front is all that most units need to lose.
        if !with_sequence && obus.next().flatten().is_some_and(|obu| is_delimiter(&obu)) {
            let rest = obus.rest.rest();
            if obus.all(|obu| obu.is_some_and(|obu| obu.has_size && !obu.is_left_out())) {
                return data.slice_ref(rest);
            }
        }
        let mut out =
            BytesMut::with_capacity(data.len().saturating_add(self.header.len()).saturating_add(16));
        if with_sequence {
            put_obu(&mut out, OBU_SEQUENCE_HEADER << 3, None, &self.header);
        }
        for obu in (Obus { rest: ByteReader::new(data) }).flatten().filter(|obu| !obu.is_left_out()) {
            put_obu(&mut out, obu.header, obu.extension, obu.payload);
        }
        out.freeze()
    }
}

fn put_obu(out: &mut BytesMut, header: u8, extension: Option<u8>, payload: &[u8]) {
    out.put_u8(header | HAS_SIZE);
    out.extend(extension);
    let mut size = payload.len();
    while size > 0x7f {
        out.put_u8(0x80 | u8::try_from(size & 0x7f).unwrap_or_default());
        size >>= 7;
    }
    out.put_u8(u8::try_from(size).unwrap_or_default());
    out.put_slice(payload);
}

/// What the OBUs of a packet say.
#[derive(Debug, Default)]
struct Unit {
    frames: u32,
    /// The first frame is a shown key frame.
    is_key: bool,
    is_reference: bool,
    has_sequence: bool,
    /// Each OBU has a size, and none is to be left out.
    is_clean: bool,
}

#[derive(Clone, Copy, Debug)]
struct Obu<'a> {
    header: u8,
    extension: Option<u8>,
    kind: u8,
    has_size: bool,
    temporal_id: u8,
    spatial_id: u8,
    payload: &'a [u8],
}

impl Obu<'_> {
    /// Sample data has none of these (binding, 2.4).
    fn is_left_out(&self) -> bool {
        matches!(self.kind, OBU_TEMPORAL_DELIMITER | OBU_TILE_LIST | OBU_PADDING)
    }
}

/// The OBUs of a packet in the low-overhead format (5.2). A size that passes the end gives one `None`, then the end.
#[derive(Clone, Debug)]
struct Obus<'a> {
    rest: ByteReader<'a>,
}

impl<'a> Iterator for Obus<'a> {
    type Item = Option<Obu<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let obu = self.read();
        if obu.is_none() {
            self.rest = ByteReader::new(&[]);
        }
        Some(obu)
    }
}

impl<'a> Obus<'a> {
    fn read(&mut self) -> Option<Obu<'a>> {
        let header = self.rest.u8().filter(|header| header & 0x80 == 0)?;
        let extension = if header & HAS_EXTENSION == 0 { None } else { Some(self.rest.u8()?) };
        let has_size = header & HAS_SIZE != 0;
        let size = if has_size { self.rest.leb128()? as usize } else { self.rest.rest().len() };
        let ids = extension.unwrap_or_default();
        Some(Obu {
            header,
            extension,
            kind: header >> 3 & 0x0f,
            has_size,
            temporal_id: ids >> 5,
            spatial_id: ids >> 3 & 3,
            payload: self.rest.bytes(size)?,
        })
    }
}

#[cfg(test)]
#[path = "av1_tests.rs"]
mod tests;
