//! Sample entries (ISO/IEC 14496-12, 8.5.2): which codec the samples of a track are in, and its configuration.
//!
//! **Invariant:** what is kept of an entry is a copy, capped: it does not hold the chunk that it came in.

use bytes::Bytes;

use crate::{
    demux::{CodecName, SkipReason},
    mp4::{
        boxes::{Boxes, FourCc, Inner},
        colour::ContainerColour,
        esds,
    },
    packet::{AudioParams, Codec, MediaKind, PixelShape},
    read::ByteReader,
};

/// The largest configuration taken; real ones have a few hundred bytes.
const MAX_CONFIG: usize = 64 << 10;
/// Entries of a track; more are not read.
const MAX_ENTRIES: usize = 32;

/// Of a visual sample entry, before the boxes inside it.
const VISUAL: usize = 78;
/// What QuickTime's sound descriptions of version 1 add.
const QUICKTIME_1: usize = 16;

// objectTypeIndication (the registration authority's table, mp4ra.org).
const AAC: u8 = 0x40;
const MPEG2_AAC_MAIN: u8 = 0x66;
const MPEG2_AAC_SSR: u8 = 0x68;
const MPEG2_AUDIO: u8 = 0x69;
const MPEG1_AUDIO: u8 = 0x6b;
const AC_3: u8 = 0xa5;
const EC_3: u8 = 0xa6;

/// One way in which the samples of a track are coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Or why it is not read.
    pub codec: Result<Codec, SkipReason>,
    /// The contents of the codec's own box; empty where it has none.
    pub record: Bytes,
    pub colour: ContainerColour,
    /// Where the entry says it.
    pub pixel: Option<PixelShape>,
    /// What the entry says of the sound.
    pub hint: Option<AudioParams>,
}

/// Reads a sample description box of a track of this kind.
pub(super) fn read(stsd: &Inner<'_>, kind: MediaKind) -> Vec<Entry> {
    let Some((version, _, mut r)) = stsd.full() else { return Vec::new() };
    if r.u32().is_none() {
        return Vec::new();
    }
    let boxes = Boxes::new(r.rest()).take(MAX_ENTRIES);
    boxes
        .map(|inner| match kind {
            MediaKind::Video => video(inner),
            MediaKind::Audio => audio(inner, version),
        })
        .collect()
}

fn video(entry: Inner<'_>) -> Entry {
    let boxes = Boxes::new(entry.body.get(VISUAL..).unwrap_or_default());
    let (codec, record) = match &entry.kind {
        b"avc1" | b"avc3" => (Ok(Codec::Avc), *b"avcC"),
        b"hvc1" | b"hev1" => (Ok(Codec::Hevc), *b"hvcC"),
        b"av01" => (Ok(Codec::Av1), *b"av1C"),
        b"vp09" => (Ok(Codec::Vp9), *b"vpcC"),
        b"vp08" => (Ok(Codec::Vp8), *b"vpcC"),
        b"encv" => (Err(SkipReason::Encrypted), [0; 4]),
        _ => (Err(unsupported(entry.kind)), [0; 4]),
    };
    Entry {
        codec,
        record: kept(boxes.find(record).map(|inner| inner.body)),
        colour: boxes.find(*b"colr").map(|colr| ContainerColour::read(colr.body)).unwrap_or_default(),
        pixel: boxes.find(*b"pasp").and_then(|pasp| pixel(pasp.body)),
        hint: None,
    }
}

/// Of `pasp` (ISO/IEC 14496-12, 12.1.4).
fn pixel(pasp: &[u8]) -> Option<PixelShape> {
    let mut r = ByteReader::new(pasp);
    Some(PixelShape::new(r.u32()?, r.u32()?))
}

fn audio(entry: Inner<'_>, stsd_version: u8) -> Entry {
    let Some((hint, boxes)) = sound_description(entry.body, stsd_version) else {
        return Entry::of(Err(SkipReason::BadConfig), &[], None);
    };
    let contents = |kind: FourCc| boxes.find(kind).map(|inner| inner.body).unwrap_or_default();
    let (codec, record) = match &entry.kind {
        b"mp4a" => mpeg4(boxes),
        b"Opus" => (Ok(Codec::Opus), contents(*b"dOps")),
        b"fLaC" => (Ok(Codec::Flac), contents(*b"dfLa")),
        b"ac-3" => (Ok(Codec::Ac3), [].as_slice()),
        b"ec-3" => (Ok(Codec::Eac3), [].as_slice()),
        b".mp3" | b"ms\0\x55" => (Ok(Codec::Mp3), [].as_slice()),
        b"alaw" => (Ok(Codec::G711A), [].as_slice()),
        b"ulaw" => (Ok(Codec::G711U), [].as_slice()),
        b"enca" => (Err(SkipReason::Encrypted), [].as_slice()),
        _ => (Err(unsupported(entry.kind)), [].as_slice()),
    };
    Entry::of(codec, record, hint)
}

impl Entry {
    fn of(codec: Result<Codec, SkipReason>, record: &[u8], hint: Option<AudioParams>) -> Self {
        Self { codec, record: kept(Some(record)), colour: ContainerColour::default(), pixel: None, hint }
    }
}

/// What `mp4a` stands for is told by its `esds`, which QuickTime puts into a `wave`.
fn mpeg4(boxes: Boxes<'_>) -> (Result<Codec, SkipReason>, &[u8]) {
    let esds = boxes.find(*b"esds").or_else(|| boxes.find(*b"wave")?.children().find(*b"esds"));
    let stream = esds.and_then(|esds| esds::read(esds.body.get(4..)?));
    let Some(stream) = stream else { return (Err(SkipReason::BadConfig), &[]) };
    match stream.object_type {
        AAC | MPEG2_AAC_MAIN..=MPEG2_AAC_SSR => (Ok(Codec::Aac), stream.specific),
        MPEG1_AUDIO | MPEG2_AUDIO => (Ok(Codec::Mp3), &[]),
        AC_3 => (Ok(Codec::Ac3), &[]),
        EC_3 => (Ok(Codec::Eac3), &[]),
        other => (Err(SkipReason::UnsupportedCodec(CodecName::Number(other))), &[]),
    }
}

/// Rate and channels of an audio sample entry, and the boxes behind its fields.
fn sound_description(body: &[u8], stsd_version: u8) -> Option<(Option<AudioParams>, Boxes<'_>)> {
    let mut r = ByteReader::new(body);
    r.bytes(8)?; // reserved, data_reference_index
    let version = r.u16()?;
    r.bytes(6)?;
    let mut channels = u32::from(r.u16()?);
    r.bytes(6)?; // sample size, and what QuickTime has there
    let mut rate = r.u32()? >> 16;
    match version {
        // An entry of version 1 in a description of version 1 is ISO's, which has no more fields.
        1 if stsd_version == 0 => {
            r.bytes(QUICKTIME_1)?;
        }
        2 => {
            r.u32()?;
            rate = r.f64()? as u32;
            channels = r.u32()?;
            r.bytes(20)?;
        }
        _ => {}
    }
    let channels = u8::try_from(channels).ok().filter(|channels| *channels > 0);
    let hint = channels.map(|channels| AudioParams { sample_rate: rate, channels });
    Some((hint.filter(|hint| hint.sample_rate > 0), Boxes::new(r.rest())))
}

fn kept(record: Option<&[u8]>) -> Bytes {
    record.filter(|record| record.len() <= MAX_CONFIG).map(Bytes::copy_from_slice).unwrap_or_default()
}

fn unsupported(kind: FourCc) -> SkipReason {
    SkipReason::UnsupportedCodec(CodecName::FourCc(kind))
}
