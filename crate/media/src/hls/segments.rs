//! Media segment tags (4.4.4): what applies to the segment that comes, and what stays until it is changed.

use std::sync::Arc;

use super::{
    ByteRange, Key, KeyMethod, Map, Part, PlaylistError, Segment,
    attributes::Attributes,
    caps::{MAX_KEYS, MAX_PARTS, MAX_SEGMENTS},
    date,
    scope::Scope,
    value,
};
use crate::time::Micros;

const IDENTITY: &str = "identity";

/// The segments so far. Their sequence numbers count from 0 until the playlist's own are known.
#[derive(Default)]
pub(super) struct Segments {
    pub done: Vec<Segment>,
    /// Those of `done` whose duration is not said.
    pub lengthless: Vec<usize>,
    /// Before which of `done` METHOD=NONE stands first.
    pub keys_end: Option<usize>,
    /// The playlist is a delta update, and leaves out those before.
    pub follow_others: bool,
    next: Next,
    discontinuities: u64,
    keys: Vec<Arc<Key>>,
    map: Option<Arc<Map>>,
    /// METHOD=NONE stands behind `map`: said again, it has other keys where those left out had some.
    map_is_old: bool,
    bitrate: Option<u64>,
    parts: usize,
}

/// What is said of the segment whose URI is still to come.
#[derive(Default)]
struct Next {
    duration: Option<Micros>,
    title: String,
    range: Option<(u64, Option<u64>)>,
    program_date_time: Option<Micros>,
    gap: bool,
    parts: Vec<Part>,
}

impl Segments {
    /// Whether the tag was one of a segment's.
    pub fn tag(
        &mut self,
        line: usize,
        name: &str,
        value: &str,
        scope: &mut Scope,
    ) -> Result<bool, PlaylistError> {
        match name {
            "EXTINF" => {
                let (duration, title) = value.split_once(',').unwrap_or((value, ""));
                self.next.duration = value::leading_seconds(duration);
                self.next.title = title.trim().to_owned();
            }
            "EXT-X-BYTERANGE" => {
                let range = value::byte_range(value);
                self.next.range =
                    Some(range.ok_or(PlaylistError::BadTag { line, what: "a bad byte range" })?);
            }
            "EXT-X-DISCONTINUITY" => self.discontinuities = self.discontinuities.saturating_add(1),
            "EXT-X-KEY" => self.key(&Attributes::parse(line, value)?, scope)?,
            "EXT-X-MAP" => self.map(&Attributes::parse(line, value)?, scope)?,
            "EXT-X-PROGRAM-DATE-TIME" => self.next.program_date_time = date::parse(value),
            "EXT-X-GAP" => self.next.gap = true,
            "EXT-X-BITRATE" => {
                let bitrate = value::number(value).and_then(|kilobits| kilobits.checked_mul(1000));
                self.bitrate = bitrate.or(self.bitrate);
            }
            "EXT-X-PART" => self.part(&Attributes::parse(line, value)?, scope)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The URI line that ends a segment.
    pub fn uri(&mut self, line: usize, uri: &str, scope: &mut Scope) -> Result<(), PlaylistError> {
        let uri = scope.uri(line, uri)?;
        let next = std::mem::take(&mut self.next);
        let range = next.range.map(|range| self.range(line, &uri, range)).transpose()?;
        if next.duration.is_none() {
            self.lengthless.push(self.done.len());
        }
        self.push(Some(uri), range, next)
    }

    /// All of them, the incomplete one too.
    pub fn finish(&mut self) -> Result<(), PlaylistError> {
        let next = std::mem::take(&mut self.next);
        if next.parts.is_empty() {
            return Ok(());
        }
        let duration = next.parts.iter().fold(Micros::ZERO, |sum, part| sum + part.duration);
        self.push(None, None, Next { duration: Some(duration), title: String::new(), ..next })
    }

    fn push(
        &mut self,
        uri: Option<String>,
        range: Option<ByteRange>,
        next: Next,
    ) -> Result<(), PlaylistError> {
        if self.done.len() >= MAX_SEGMENTS {
            return Err(PlaylistError::TooMany { what: "segments", most: MAX_SEGMENTS });
        }
        self.done.push(Segment {
            sequence: self.done.len() as u64,
            discontinuity: self.discontinuities,
            uri,
            range,
            duration: next.duration.unwrap_or_default(),
            title: next.title,
            map: self.map.clone(),
            keys: self.keys.clone(),
            program_date_time: next.program_date_time,
            gap: next.gap,
            // It is of whole resources (4.4.4.8).
            bitrate: self.bitrate.filter(|_| range.is_none()),
            parts: next.parts,
        });
        Ok(())
    }

    /// 4.4.4.2: a range without an offset begins where the segment before ended, if that is of the same resource; else at its beginning.
    fn range(
        &self,
        line: usize,
        uri: &str,
        (length, offset): (u64, Option<u64>),
    ) -> Result<ByteRange, PlaylistError> {
        let before = self.done.last();
        if offset.is_none() && before.is_none() && self.follow_others {
            let what = "a byte range that goes on where one left out ended";
            return Err(PlaylistError::BadTag { line, what });
        }
        let before = before.filter(|before| before.uri.as_deref() == Some(uri));
        let offset = offset.or_else(|| before?.range.map(end)).unwrap_or_default();
        value::range(offset, length).ok_or(PlaylistError::BadTag { line, what: "a bad byte range" })
    }

    fn part(&mut self, attributes: &Attributes, scope: &mut Scope) -> Result<(), PlaylistError> {
        if self.parts >= MAX_PARTS {
            return Err(PlaylistError::TooMany { what: "parts", most: MAX_PARTS });
        }
        let uri = attributes.uri("URI", scope)?.ok_or(attributes.bad("a part without URI"))?;
        let duration = attributes.seconds("DURATION").ok_or(attributes.bad("a part without DURATION"))?;
        let range = match attributes.text("BYTERANGE", scope)? {
            Some(range) => {
                let range = value::byte_range(&range).and_then(|(length, offset)| {
                    value::range(offset.unwrap_or_else(|| self.end_of_parts(&uri)), length)
                });
                Some(range.ok_or(attributes.bad("a bad byte range"))?)
            }
            None => None,
        };
        self.parts = self.parts.saturating_add(1);
        self.next.parts.push(Part {
            uri,
            range,
            duration,
            independent: attributes.yes("INDEPENDENT"),
            gap: attributes.yes("GAP"),
        });
        Ok(())
    }

    /// Where the part before ended, if it is of the same resource.
    fn end_of_parts(&self, uri: &str) -> u64 {
        let in_segment = self.next.parts.last();
        let before = in_segment.or_else(|| self.done.last()?.parts.last());
        before.filter(|before| before.uri == uri).and_then(|before| before.range).map(end).unwrap_or_default()
    }

    fn key(&mut self, attributes: &Attributes, scope: &mut Scope) -> Result<(), PlaylistError> {
        let method = match attributes.raw("METHOD").ok_or(attributes.bad("a key without METHOD"))? {
            "NONE" => {
                self.keys.clear();
                self.keys_end.get_or_insert(self.done.len());
                self.map_is_old = true;
                return Ok(());
            }
            "AES-128" => KeyMethod::Aes128,
            other => KeyMethod::Other(other.to_owned()),
        };
        let iv = attributes.text("IV", scope)?;
        let key = Key {
            uri: attributes.uri("URI", scope)?.ok_or(attributes.bad("a key without URI"))?,
            iv: match iv.as_deref().map(value::iv) {
                Some(None) => return Err(attributes.bad("an IV that is no number of 128 bits")),
                iv => iv.flatten(),
            },
            format: attributes.text("KEYFORMAT", scope)?.unwrap_or_else(|| IDENTITY.to_owned()),
            method,
        };
        put_key(&mut self.keys, Arc::new(key))
    }

    fn map(&mut self, attributes: &Attributes, scope: &mut Scope) -> Result<(), PlaylistError> {
        let uri = attributes.uri("URI", scope)?.ok_or(attributes.bad("a map without URI"))?;
        let range = attributes.text("BYTERANGE", scope)?;
        let range = match range.as_deref().map(value::byte_range) {
            None => None,
            Some(range) => {
                let range = range.and_then(|(length, offset)| value::range(offset.unwrap_or(0), length));
                Some(range.ok_or(attributes.bad("a bad byte range"))?)
            }
        };
        let map = Map { uri, range, keys: self.keys.clone() };
        // Said again before each segment, it is still one.
        if self.map_is_old || self.map.as_deref() != Some(&map) {
            self.map = Some(Arc::new(map));
            self.map_is_old = false;
        }
        Ok(())
    }
}

/// A key takes the place of the one of its format (4.4.4.4).
pub(super) fn put_key(keys: &mut Vec<Arc<Key>>, key: Arc<Key>) -> Result<(), PlaylistError> {
    if let Some(known) = keys.iter_mut().find(|known| known.format == key.format) {
        *known = key;
    } else if keys.len() < MAX_KEYS {
        keys.push(key);
    } else {
        return Err(PlaylistError::TooMany { what: "key formats", most: MAX_KEYS });
    }
    Ok(())
}

fn end(range: ByteRange) -> u64 {
    range.offset.saturating_add(range.length)
}
