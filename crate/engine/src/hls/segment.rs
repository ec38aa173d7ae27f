//! What of a playlist comes next.
//!
//! Pure: a playlist and a place in it, and what is to be fetched for it.

use std::sync::Arc;

use sailcast_media::{
    Micros,
    hls::{ByteRange, Key, Map, MediaPlaylist, Part, PreloadKind, Segment},
};

use super::{fetch::TO_THE_END, versions::numbered};

/// A place between two pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub sequence: u64,
    /// Parts of it that lie before.
    pub part: usize,
}

impl Cursor {
    pub const fn segment(sequence: u64) -> Self {
        Self { sequence, part: 0 }
    }

    pub fn next_segment(self) -> Self {
        Self::segment(self.sequence.saturating_add(1))
    }

    pub fn next_part(self) -> Self {
        Self { part: self.part.saturating_add(1), ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    Segment,
    Part,
    /// A part that the server will have: it answers when there is something of it.
    Hint,
}

/// What is fetched at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    pub kind: PieceKind,
    pub at: Cursor,
    pub after: Cursor,
    pub uri: String,
    pub range: Option<ByteRange>,
    pub duration: Micros,
    pub discontinuity: u64,
    pub map: Option<Arc<Map>>,
    pub keys: Vec<Arc<Key>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    Piece(Piece),
    /// It is not there yet.
    Wait,
    /// Nothing more will come.
    End,
    /// Something that is not to be had lies before this place.
    Hole(Cursor),
    /// The playlist has it, and what is behind it begins here.
    Passed(Cursor),
    /// It is no longer in the playlist.
    Gone,
}

/// What is fetched at `at`. `parts`: parts and hints are used; without, segments are waited for until they are whole.
pub fn next(list: &MediaPlaylist, at: Cursor, parts: bool, hints: bool) -> Next {
    if at.sequence < list.media_sequence {
        return Next::Gone;
    }
    let Some(segment) = numbered(list, at.sequence) else { return behind(list, at, parts && hints) };
    if segment.gap {
        return Next::Hole(at.next_segment());
    }
    match (&segment.uri, segment.parts.get(at.part)) {
        (_, Some(part)) if parts && (at.part > 0 || segment.uri.is_none()) => {
            if part.gap {
                Next::Hole(at.next_part())
            } else {
                Next::Piece(of_part(segment, part, at))
            }
        }
        (Some(_), None) if at.part > 0 && parts && !segment.parts.is_empty() => {
            Next::Passed(at.next_segment())
        }
        // Its parts are not listed any more, or not used: what is here of it already is passed over when it comes.
        (Some(uri), _) => Next::Piece(whole(segment, uri)),
        // The hint is of the part behind the last one that is listed.
        (None, None) if parts && hints && at.part == segment.parts.len() => hinted(list, at),
        (None, _) => Next::Wait,
    }
}

/// Nothing of the segment is listed yet.
fn behind(list: &MediaPlaylist, at: Cursor, hints: bool) -> Next {
    if list.ended {
        return Next::End;
    }
    let is_next = list.segments.len() as u64 == at.sequence.saturating_sub(list.media_sequence);
    let last_is_whole = list.segments.last().is_none_or(|last| last.uri.is_some());
    if hints && is_next && last_is_whole && at.part == 0 { hinted(list, at) } else { Next::Wait }
}

fn hinted(list: &MediaPlaylist, at: Cursor) -> Next {
    let Some(hint) = list.preload_hints.iter().find(|hint| hint.kind == PreloadKind::Part) else {
        return Next::Wait;
    };
    let Some(last) = list.segments.last() else { return Next::Wait };
    let range = (hint.start > 0 || hint.length.is_some())
        .then(|| ByteRange { offset: hint.start, length: hint.length.unwrap_or(TO_THE_END) });
    Next::Piece(Piece {
        kind: PieceKind::Hint,
        at,
        after: at.next_part(),
        uri: hint.uri.clone(),
        range,
        duration: list.part_target.unwrap_or(list.target_duration),
        discontinuity: last.discontinuity,
        map: last.map.clone(),
        keys: last.keys.clone(),
    })
}

fn of_part(segment: &Segment, part: &Part, at: Cursor) -> Piece {
    Piece {
        kind: PieceKind::Part,
        at,
        after: at.next_part(),
        uri: part.uri.clone(),
        range: part.range,
        duration: part.duration,
        discontinuity: segment.discontinuity,
        map: segment.map.clone(),
        keys: segment.keys.clone(),
    }
}

fn whole(segment: &Segment, uri: &str) -> Piece {
    let at = Cursor::segment(segment.sequence);
    Piece {
        kind: PieceKind::Segment,
        at,
        after: at.next_segment(),
        uri: uri.to_owned(),
        range: segment.range,
        duration: segment.duration,
        discontinuity: segment.discontinuity,
        map: segment.map.clone(),
        keys: segment.keys.clone(),
    }
}

/// The place behind a piece that is known by its address alone.
pub fn behind_piece(list: &MediaPlaylist, piece: &Piece) -> Option<Cursor> {
    let is_it = |uri: &str, range: Option<ByteRange>| {
        uri == piece.uri && range.map(|range| range.offset) == piece.range.map(|range| range.offset)
    };
    list.segments.iter().find_map(|segment| {
        let at = Cursor::segment(segment.sequence);
        if segment.uri.as_ref().is_some_and(|uri| is_it(uri, segment.range)) {
            return Some(at.next_segment());
        }
        let part = segment.parts.iter().position(|part| is_it(&part.uri, part.range))?;
        Some(Cursor { part: part.saturating_add(1), ..at })
    })
}

/// The last place at or before `ahead` into this segment from which decoding can begin.
pub fn entry(segment: &Segment, ahead: Micros, parts: bool) -> Cursor {
    let start = Cursor::segment(segment.sequence);
    if !parts {
        return start;
    }
    let mut at = Micros::ZERO;
    let mut best = start;
    for (i, part) in segment.parts.iter().enumerate() {
        if at > ahead {
            break;
        }
        if part.independent && !part.gap {
            best = Cursor { part: i, ..start };
        }
        at += part.duration;
    }
    best
}
