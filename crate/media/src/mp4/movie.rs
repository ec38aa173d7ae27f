//! `moov` (ISO/IEC 14496-12, 8.2): the tracks of a file, and what every one of them begins with.
//!
//! **Invariant:** tracks that are neither picture nor sound, or that cannot be read, are left out. The others are numbered by kind:
//! those that can be played come first, and of these the enabled ones.

use crate::{
    mp4::{
        boxes::{Boxes, Inner},
        edits::{Clock, Edits},
        entry::{self, Entry},
        matrix,
        table::Table,
    },
    packet::{MediaKind, TrackId, Turn},
    read::ByteReader,
    time::{MediaTime, Micros},
};

/// Tracks read of a file.
const MAX_TRACKS: usize = 64;
/// What fragments leave out of their tracks: also of those that are not played.
const MAX_DEFAULTS: usize = 256;
const TRACK_ENABLED: u32 = 1;

#[derive(Debug, Default)]
pub(super) struct Movie {
    /// As the file says.
    pub duration: Option<Micros>,
    /// Fragments may follow.
    pub is_fragmented: bool,
    pub tracks: Vec<MovieTrack>,
    pub defaults: Vec<Defaults>,
}

#[derive(Debug)]
pub(super) struct MovieTrack {
    /// track_ID.
    pub number: u32,
    pub id: TrackId,
    pub clock: Clock,
    pub entries: Vec<Entry>,
    pub turn: Turn,
    pub table: Table,
    is_enabled: bool,
    /// Of its box in the contents of `moov`.
    pub at: usize,
    pub len: usize,
}

/// `trex`: what the fragments of a track leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Defaults {
    pub number: u32,
    pub entry: u32,
    pub duration: u32,
    pub size: u32,
    pub flags: u32,
}

impl MovieTrack {
    pub fn is_playable(&self) -> bool {
        self.entries.iter().any(|entry| entry.codec.is_ok())
    }
}

impl Movie {
    /// Reads the contents of a `moov` box; `None` where it has no header.
    pub fn read(moov: &[u8]) -> Option<Self> {
        let boxes = Boxes::new(moov);
        let mvhd = boxes.find(*b"mvhd")?;
        let (timescale, duration) = header(&mvhd)?;
        let turn = movie_turn(&mvhd).unwrap_or_default();
        let mut movie = Self { duration: span(duration, timescale), ..Self::default() };
        let traks = boxes.filter(|inner| inner.kind == *b"trak");
        movie.tracks = traks.filter_map(|trak| track(&trak, timescale, turn)).take(MAX_TRACKS).collect();
        movie.number_tracks();
        if let Some(mvex) = boxes.find(*b"mvex") {
            movie.is_fragmented = true;
            movie.defaults = mvex.children().filter_map(|b| defaults(&b)).take(MAX_DEFAULTS).collect();
            let mehd = mvex.children().find(*b"mehd").and_then(|mehd| fragment_duration(&mehd));
            movie.duration = mehd.and_then(|ticks| span(ticks, timescale)).or(movie.duration);
        }
        Some(movie)
    }

    fn number_tracks(&mut self) {
        self.tracks.sort_by_key(|track| (!track.is_playable(), !track.is_enabled));
        let (mut videos, mut audios) = (0u8, 0u8);
        for track in &mut self.tracks {
            let next = match track.id.kind {
                MediaKind::Video => &mut videos,
                MediaKind::Audio => &mut audios,
            };
            track.id.number = *next;
            *next = next.saturating_add(1);
        }
    }
}

fn track(trak: &Inner<'_>, movie_timescale: u32, movie_turn: Turn) -> Option<MovieTrack> {
    let (version, flags, mut r) = trak.children().find(*b"tkhd")?.full()?;
    r.bytes(if version == 0 { 8 } else { 16 })?; // when it was made and changed
    let number = r.u32()?;
    let turn = track_turn(r, version).unwrap_or_default().then(movie_turn);
    let mdia = trak.children().find(*b"mdia")?;
    let (timescale, _) = header(&mdia.children().find(*b"mdhd")?)?;
    let (_, _, mut handler) = mdia.children().find(*b"hdlr")?.full()?;
    handler.u32()?;
    let id = match &handler.array()? {
        b"vide" => TrackId::video(0),
        b"soun" => TrackId::audio(0),
        _ => return None,
    };
    let stbl = mdia.children().find(*b"minf")?.children().find(*b"stbl")?;
    let entries = entry::read(&stbl.children().find(*b"stsd")?, id.kind);
    let elst = trak.children().find(*b"edts").and_then(|edts| edts.children().find(*b"elst"));
    let edits = elst.map(|elst| Edits::read(&elst)).unwrap_or_default();
    Some(MovieTrack {
        number,
        id,
        clock: Clock { timescale, movie_timescale, edits },
        entries,
        turn,
        table: Table::read(stbl.children()),
        is_enabled: flags & TRACK_ENABLED != 0,
        at: trak.at,
        len: trak.len,
    })
}

/// Of a `tkhd`, behind track_ID.
fn track_turn(mut r: ByteReader<'_>, version: u8) -> Option<Turn> {
    r.bytes(if version == 0 { 8 } else { 12 })?; // reserved, and the duration
    r.bytes(16)?; // reserved, layer, alternate_group, volume
    matrix::read(&mut r)
}

fn movie_turn(mvhd: &Inner<'_>) -> Option<Turn> {
    let (version, _, mut r) = mvhd.full()?;
    r.bytes(if version == 0 { 16 } else { 28 })?; // times, timescale and duration
    r.bytes(16)?; // rate, volume, reserved
    matrix::read(&mut r)
}

/// Timescale and duration of an `mvhd` or `mdhd`.
fn header(inner: &Inner<'_>) -> Option<(u32, u64)> {
    let (version, _, mut r) = inner.full()?;
    match version {
        0 => {
            r.u64()?; // when it was made and changed
            let (timescale, duration) = (r.u32()?, r.u32()?);
            Some((timescale, if duration == u32::MAX { 0 } else { duration.into() }))
        }
        _ => {
            r.bytes(16)?;
            let (timescale, duration) = (r.u32()?, r.u64()?);
            Some((timescale, if duration == u64::MAX { 0 } else { duration }))
        }
    }
}

fn fragment_duration(mehd: &Inner<'_>) -> Option<u64> {
    let (version, _, mut r) = mehd.full()?;
    if version == 0 { r.u32().map(u64::from) } else { r.u64() }
}

fn defaults(trex: &Inner<'_>) -> Option<Defaults> {
    if trex.kind != *b"trex" {
        return None;
    }
    let (_, _, mut r) = trex.full()?;
    let [number, entry, duration, size, flags] = [r.u32()?, r.u32()?, r.u32()?, r.u32()?, r.u32()?];
    Some(Defaults { number, entry, duration, size, flags })
}

/// 0 stands for unknown.
fn span(ticks: u64, timescale: u32) -> Option<Micros> {
    let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
    (ticks > 0).then(|| MediaTime::from_ticks(ticks, timescale) - MediaTime::default())
}
