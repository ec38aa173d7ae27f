//! What one version of a media playlist says to another.

use sailcast_media::hls::{MediaPlaylist, Segment};

use super::segment::Cursor;

/// The segment of this number.
pub fn numbered(list: &MediaPlaylist, sequence: u64) -> Option<&Segment> {
    let index = usize::try_from(sequence.checked_sub(list.media_sequence)?).ok()?;
    list.segments.get(index)
}

/// Its address without a query.
fn name(segment: &Segment) -> Option<&str> {
    segment.uri.as_ref()?.split('?').next()
}

/// What the next version must have.
pub fn wanted(list: &MediaPlaylist, parts: bool) -> Cursor {
    match list.segments.last() {
        Some(last) if last.uri.is_none() => {
            Cursor { sequence: last.sequence, part: if parts { last.parts.len() } else { 0 } }
        }
        _ => Cursor::segment(list.media_sequence.saturating_add(list.segments.len() as u64)),
    }
}

pub fn has(list: &MediaPlaylist, wants: Cursor) -> bool {
    list.ended
        || list.segments.last().is_some_and(|last| {
            last.sequence > wants.sequence
                || last.sequence == wants.sequence && (last.uri.is_some() || last.parts.len() > wants.part)
        })
}

pub fn last(list: &MediaPlaylist) -> u64 {
    list.media_sequence.saturating_add(list.segments.len() as u64)
}

pub fn is_same(a: &MediaPlaylist, b: &MediaPlaylist) -> bool {
    let newest = |list: &MediaPlaylist| list.segments.last().map(|s| (s.parts.len(), s.uri.is_some()));
    (a.media_sequence, a.ended, a.segments.len()) == (b.media_sequence, b.ended, b.segments.len())
        && newest(a) == newest(b)
}

/// The same segments under the same numbers: an older version, not another stream. Signatures in addresses change.
pub fn is_older(newer: &MediaPlaylist, older: &MediaPlaylist) -> bool {
    older
        .segments
        .iter()
        .any(|segment| numbered(newer, segment.sequence).is_some_and(|known| name(known) == name(segment)))
}

/// Some servers take discontinuities out of the window without counting them (4.4.3.3): a segment keeps its number.
pub fn mend_discontinuities(old: &MediaPlaylist, new: &mut MediaPlaylist) {
    let Some(first) = new.segments.first() else { return };
    let known = numbered(old, first.sequence);
    let Some(missing) = known.and_then(|known| known.discontinuity.checked_sub(first.discontinuity)) else {
        return;
    };
    for segment in &mut new.segments {
        segment.discontinuity = segment.discontinuity.saturating_add(missing);
    }
}
