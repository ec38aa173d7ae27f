//! Sample entries: what `stsd` says of a track's codec.
//!
//! **Invariant:** an entry is a decoder's configuration and nothing else: with equal entries and turns two need no new `moov`.
//!
//! H.264 and H.265 are `avc1` and `hvc1`, which all players take; parameter sets that also come in packets are left there. Of AC-3
//! and E-AC-3 the boxes tell what a configuration does, rate and channels: their bit rate is a usual one or unsaid.

use bytes::{BufMut, Bytes, BytesMut};

use super::boxes::{put, put_full};
use crate::{
    codec::records,
    packet::{AudioParams, Codec, CodecParams, Colour, DecoderConfig, PixelShape, VideoParams},
    read::ByteReader,
};

const OPUS_HEAD: &[u8] = b"OpusHead";
const FLAC_MAGIC: &[u8] = b"fLaC";
/// Before STREAMINFO's bits of rate, channels and depth: the magic, the block's header, and sizes of blocks and frames.
const FLAC_FORMAT_AT: usize = 18;
/// 72 dpi in 16.16.
const RESOLUTION: u32 = 0x0048_0000;
const COLOUR_DEPTH_24: u16 = 0x18;

// objectTypeIndication (mp4ra.org).
const OBJECT_AAC: u8 = 0x40;
const OBJECT_MPEG1_AUDIO: u8 = 0x6b;
const OBJECT_MPEG2_AUDIO: u8 = 0x69;
/// streamType 5, audio, and the reserved bit.
const AUDIO_STREAM: u8 = 0x15;

/// fscod of AC-3.
const AC3_RATES: [u32; 3] = [48_000, 44_100, 32_000];
/// fscod of the halves of them.
const AC3_REDUCED_RATE: u8 = 3;
const AC3_BSID: u8 = 8;
const EAC3_BSID: u8 = 16;
/// 192 and 448 kbit/s, as frmsizecod counts them.
const AC3_STEREO_BITRATE: u8 = 10;
const AC3_SURROUND_BITRATE: u8 = 15;

/// The entry of a configuration; `None` where it lacks what the entry needs.
pub fn entry(config: &DecoderConfig) -> Option<Bytes> {
    let record = records::record(config)?;
    let mut out = BytesMut::new();
    match config.params {
        CodecParams::Video(params) => video(&mut out, config.codec, params, &record)?,
        CodecParams::Audio(params) => audio(&mut out, config.codec, params, &record)?,
    }
    Some(out.freeze())
}

/// VisualSampleEntry.
fn video(out: &mut BytesMut, codec: Codec, params: VideoParams, record: &[u8]) -> Option<()> {
    let (entry, config) = match codec {
        Codec::Avc => (b"avc1", b"avcC"),
        Codec::Hevc => (b"hvc1", b"hvcC"),
        Codec::Av1 => (b"av01", b"av1C"),
        Codec::Vp9 => (b"vp09", b"vpcC"),
        Codec::Vp8 => (b"vp08", b"vpcC"),
        _ => return None,
    };
    put(out, entry, |out| {
        entry_head(out);
        out.put_bytes(0, 16);
        for side in [params.width, params.height] {
            out.put_u16(u16::try_from(side).unwrap_or(u16::MAX));
        }
        out.put_u32(RESOLUTION);
        out.put_u32(RESOLUTION);
        out.put_u32(0);
        out.put_u16(1); // frame_count
        out.put_bytes(0, 32); // compressorname
        out.put_u16(COLOUR_DEPTH_24);
        out.put_i16(-1);
        match codec {
            Codec::Vp9 | Codec::Vp8 => put_full(out, config, 1, 0, |out| out.put_slice(record)),
            _ => put(out, config, |out| out.put_slice(record)),
        }
        colour(out, params.colour);
        pixel(out, params.pixel);
    });
    Some(())
}

/// `colr`, where anything is known.
fn colour(out: &mut BytesMut, colour: Colour) {
    if colour == Colour::UNSPECIFIED {
        return;
    }
    put(out, b"colr", |out| {
        out.put_slice(b"nclx");
        for point in [colour.primaries, colour.transfer, colour.matrix] {
            out.put_u16(point.into());
        }
        out.put_u8(u8::from(colour.full_range) << 7);
    });
}

/// `pasp`, where it is not square.
fn pixel(out: &mut BytesMut, pixel: PixelShape) {
    if pixel != PixelShape::SQUARE {
        let (width, height) = pixel.parts();
        put(out, b"pasp", |out| [width, height].into_iter().for_each(|side| out.put_u32(side)));
    }
}

/// AudioSampleEntry.
fn audio(out: &mut BytesMut, codec: Codec, params: AudioParams, record: &[u8]) -> Option<()> {
    let mut config = BytesMut::new();
    let (name, depth) = match codec {
        Codec::Aac => {
            esds(&mut config, OBJECT_AAC, record);
            (b"mp4a", 16)
        }
        Codec::Mp3 => {
            let is_mpeg1 = params.sample_rate > 24_000;
            esds(&mut config, if is_mpeg1 { OBJECT_MPEG1_AUDIO } else { OBJECT_MPEG2_AUDIO }, &[]);
            (b"mp4a", 16)
        }
        Codec::Opus => {
            let dops = dops(params, record)?;
            put(&mut config, b"dOps", |out| out.put_slice(&dops));
            (b"Opus", 16)
        }
        Codec::Flac => {
            let blocks = record.strip_prefix(FLAC_MAGIC)?;
            put_full(&mut config, b"dfLa", 0, 0, |out| out.put_slice(blocks));
            (b"fLaC", flac_depth(record)?)
        }
        Codec::Ac3 => {
            put(&mut config, b"dac3", |out| dac3(out, params));
            (b"ac-3", 16)
        }
        Codec::Eac3 => {
            put(&mut config, b"dec3", |out| dec3(out, params));
            (b"ec-3", 16)
        }
        // As QuickTime has them.
        Codec::G711A => (b"alaw", 16),
        Codec::G711U => (b"ulaw", 16),
        Codec::Avc | Codec::Hevc | Codec::Av1 | Codec::Vp9 | Codec::Vp8 => return None,
    };
    put(out, name, |out| {
        entry_head(out);
        out.put_u64(0);
        out.put_u16(params.channels.into());
        out.put_u16(depth);
        out.put_u32(0);
        out.put_u16(rate_field(params.sample_rate));
        out.put_u16(0);
        out.put_slice(&config);
    });
    Some(())
}

/// SampleEntry: reserved bytes and data_reference_index.
fn entry_head(out: &mut BytesMut) {
    out.put_bytes(0, 6);
    out.put_u16(1);
}

/// The greatest division by two that 16 bits hold (FLAC in ISOBMFF, 3.3.2); readers have the rate from the configuration.
fn rate_field(rate: u32) -> u16 {
    std::iter::successors(Some(rate), |rate| Some(rate >> 1))
        .find_map(|rate| u16::try_from(rate).ok())
        .unwrap_or_default()
}

/// ES_Descriptor (ISO/IEC 14496-1, 7.2.6.5) with one DecoderConfigDescriptor.
fn esds(out: &mut BytesMut, object_type: u8, specific: &[u8]) {
    put_full(out, b"esds", 0, 0, |out| {
        let mut config = BytesMut::new();
        config.put_u8(object_type);
        config.put_u8(AUDIO_STREAM);
        config.put_bytes(0, 11); // bufferSizeDB, maxBitrate, avgBitrate: not known
        if !specific.is_empty() {
            descriptor(&mut config, 5, specific);
        }
        let mut stream = BytesMut::new();
        stream.put_bytes(0, 3); // ES_ID and flags
        descriptor(&mut stream, 4, &config);
        descriptor(&mut stream, 6, &[2]); // SLConfigDescriptor: reserved for MP4
        descriptor(out, 3, &stream);
    });
}

/// A descriptor with its size in four bytes of seven bits.
fn descriptor(out: &mut BytesMut, tag: u8, body: &[u8]) {
    out.put_u8(tag);
    let size = u32::try_from(body.len()).unwrap_or(u32::MAX);
    for shift in [21, 14, 7, 0] {
        let more = if shift > 0 { 0x80 } else { 0 };
        out.put_u8(more | u8::try_from(size >> shift & 0x7f).unwrap_or_default());
    }
    out.put_slice(body);
}

/// OpusSpecificBox of an OpusHead, whose numbers are little-endian. Without one, one or two channels are of one stream.
fn dops(params: AudioParams, head: &[u8]) -> Option<Vec<u8>> {
    if head.is_empty() {
        let [r3, r2, r1, r0] = params.sample_rate.to_be_bytes();
        let plain = vec![0, params.channels, 0, 0, r3, r2, r1, r0, 0, 0, 0];
        return Some(plain).filter(|_| matches!(params.channels, 1 | 2));
    }
    let mut r = ByteReader::new(head.strip_prefix(OPUS_HEAD)?);
    let [_version, channels, skip0, skip1, r0, r1, r2, r3, gain0, gain1] = r.array()?;
    let mut out = vec![0, channels, skip1, skip0, r3, r2, r1, r0, gain1, gain0];
    out.extend_from_slice(r.rest());
    Some(out)
}

/// Bits a sample, from STREAMINFO: 20 bits of rate, 3 of channels, 5 of depth less 1.
fn flac_depth(record: &[u8]) -> Option<u16> {
    let [_, _, high, low] = ByteReader::new(record.get(FLAC_FORMAT_AT..)?).array()?;
    Some(u16::from((high & 1) << 4 | low >> 4).saturating_add(1))
}

/// acmod and lfeon of so many channels.
fn ac3_channels(channels: u8) -> (u8, u8) {
    match channels {
        0 | 1 => (1, 0),
        2 => (2, 0),
        3 => (3, 0),
        4 => (6, 0),
        5 => (7, 0),
        _ => (7, 1),
    }
}

fn ac3_rate(rate: u32) -> u8 {
    let code = AC3_RATES.iter().position(|known| *known == rate);
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(AC3_REDUCED_RATE)
}

/// AC3SpecificBox (ETSI TS 102 366, F.4).
fn dac3(out: &mut BytesMut, params: AudioParams) {
    let (acmod, lfeon) = ac3_channels(params.channels);
    let bitrate = if params.channels > 2 { AC3_SURROUND_BITRATE } else { AC3_STEREO_BITRATE };
    let fields = u32::from(ac3_rate(params.sample_rate)) << 22
        | u32::from(AC3_BSID) << 17
        | u32::from(acmod) << 11
        | u32::from(lfeon) << 10
        | u32::from(bitrate) << 5;
    out.put_uint(fields.into(), 3);
}

/// EC3SpecificBox (F.6) of one independent substream; a data_rate of 0.
fn dec3(out: &mut BytesMut, params: AudioParams) {
    let (acmod, lfeon) = ac3_channels(params.channels);
    let fields = u32::from(ac3_rate(params.sample_rate)) << 22
        | u32::from(EAC3_BSID) << 17
        | u32::from(acmod) << 9
        | u32::from(lfeon) << 8;
    out.put_u16(0);
    out.put_uint(fields.into(), 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(codec: Codec, description: &'static [u8], params: CodecParams) -> DecoderConfig {
        DecoderConfig {
            codec,
            codec_string: String::new(),
            description: Bytes::from_static(description),
            params,
        }
    }

    fn sound(sample_rate: u32, channels: u8) -> CodecParams {
        CodecParams::Audio(AudioParams { sample_rate, channels })
    }

    fn box_of(entry: &Bytes, name: &[u8]) -> Vec<u8> {
        let at = entry.windows(4).position(|window| window == name).unwrap();
        let size = u32::from_be_bytes(entry[at - 4..at].try_into().unwrap()) as usize;
        entry[at + 4..at - 4 + size].to_vec()
    }

    #[test]
    fn opus_numbers_turn_round() {
        let head = b"OpusHead\x01\x06\x38\x01\x80\xbb\0\0\x02\x01\x01\x04\x02\0\x04\x01\x02\x03\x05";
        let entry = entry(&config(Codec::Opus, head, sound(48_000, 6))).unwrap();
        let expected = [0, 6, 1, 0x38, 0, 0, 0xbb, 0x80, 1, 2, 1, 4, 2, 0, 4, 1, 2, 3, 5];
        assert_eq!(box_of(&entry, b"dOps"), expected);
    }

    #[test]
    fn opus_without_a_header_is_one_stream_of_at_most_two_channels() {
        let plain = entry(&config(Codec::Opus, b"", sound(48_000, 2))).unwrap();
        assert_eq!(box_of(&plain, b"dOps"), [0, 2, 0, 0, 0, 0, 0xbb, 0x80, 0, 0, 0]);
        assert_eq!(entry(&config(Codec::Opus, b"", sound(48_000, 6))), None);
    }

    #[test]
    fn surround_of_ac3_has_its_mode_and_rate() {
        let ac3 = entry(&config(Codec::Ac3, b"", sound(48_000, 6))).unwrap();
        assert_eq!(box_of(&ac3, b"dac3"), [0x10, 0x3d, 0xe0]);
        let eac3 = entry(&config(Codec::Eac3, b"", sound(44_100, 2))).unwrap();
        assert_eq!(box_of(&eac3, b"dec3"), [0, 0, 0x60, 0x04, 0]);
    }

    #[test]
    fn colours_stand_in_the_entry_only_where_known() {
        let bt2020 = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: true };
        let of = |colour| {
            let params = CodecParams::Video(VideoParams { colour, ..VideoParams::of_size(2, 2) });
            entry(&config(Codec::Avc, b"\x01", params)).unwrap()
        };
        assert_eq!(box_of(&of(bt2020), b"colr"), *b"nclx\0\x09\0\x10\0\x09\x80");
        assert!(!of(Colour::UNSPECIFIED).windows(4).any(|window| window == b"colr"));
    }

    #[test]
    fn the_shape_of_a_pixel_stands_there_where_it_is_not_square() {
        let of = |pixel| {
            let params = CodecParams::Video(VideoParams { pixel, ..VideoParams::of_size(2, 2) });
            entry(&config(Codec::Avc, b"\x01", params)).unwrap()
        };
        assert_eq!(box_of(&of(PixelShape::new(4, 3)), b"pasp"), [0, 0, 0, 4, 0, 0, 0, 3]);
        assert!(!of(PixelShape::SQUARE).windows(4).any(|window| window == b"pasp"));
    }

    #[test]
    fn a_rate_that_16_bits_do_not_hold_is_halved() {
        assert_eq!([rate_field(44_100), rate_field(96_000), rate_field(192_000)], [44_100, 48_000, 48_000]);
    }
}
