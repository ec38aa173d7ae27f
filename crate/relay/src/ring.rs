//! What a stream remembers for its players: one bounded ring of serialised tags that all of them share, and the
//! cursor each of them reads it with.
//!
//! **Invariant:** the bytes a cursor gives out are a decodable FLV stream: a picture follows only the keyframe it
//! needs without a gap, and any tag only the sequence headers in force at its place. What a player costs does not
//! depend on how slowly it reads.
//!
//! No sockets, no clock: time is an argument.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use sailcast_media::flv::{Tag, TagClass, tag::write_header};

use crate::tags::{body, is_metadata, restamped, serialised};

/// The hard cap of one ring: 5 s of 25 Mbit/s. The newest group of pictures stays as long as it fits.
pub const MAX_RING_BYTES: usize = 16 << 20;
/// What a tag costs beside its bytes (its entry, its allocation), so that empty tags count too.
const TAG_OVERHEAD: usize = 128;
/// A player further behind the newest tag than this loses what lies between, up to the newest keyframe.
pub const MAX_LAG: Duration = Duration::from_secs(5);
/// Where a player of a stream without keyframes starts: this far, in milliseconds, before its newest tag.
pub const AUDIO_CACHE_MS: u32 = 1000;
/// The largest body of a tag that late players get again. Real ones have a few hundred bytes; a recording's metadata
/// with an index of its keyframes has more, and is of no use in a live stream.
pub const MAX_HEADER_BODY: usize = 64 << 10;
/// A kind of media that the publisher's FLV header promises and has not sent is believed in for so long.
const PROMISE: Duration = Duration::from_secs(1);

/// Why a stream is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its publisher left, or was sent away.
    Publisher,
    /// The relay is going down.
    Shutdown,
}

/// The tags a decoder needs before any frame, each known by the sequence number of the tag that brought it.
#[derive(Clone, Debug, Default)]
struct Headers {
    slots: [Option<(u64, Bytes)>; HEADER_SLOTS],
}

/// Tracks of a kind whose configurations late players get.
const MAX_TRACKS: usize = 8;
const HEADER_SLOTS: usize = 1 + 2 * MAX_TRACKS;

/// The slot of a tag that late comers need: script metadata, then the tracks' video, then their audio configurations.
fn header_slot(class: TagClass, tag: &Tag) -> Option<usize> {
    let of_track =
        |first| Some(usize::from(tag.track())).filter(|track| *track < MAX_TRACKS).map(|track| first + track);
    match class {
        TagClass::Script if is_metadata(&tag.body) => Some(0),
        TagClass::VideoConfig => of_track(1),
        TagClass::AudioConfig => of_track(1 + MAX_TRACKS),
        _ => None,
    }
}

#[derive(Debug)]
struct Entry {
    bytes: Bytes,
    class: TagClass,
    /// Which header slot this tag fills, if any.
    slot: Option<usize>,
    timestamp: u32,
    arrived: Instant,
    /// In force at this tag, itself included.
    headers: Arc<Headers>,
}

impl Entry {
    fn cost(&self) -> usize {
        self.bytes.len() + TAG_OVERHEAD
    }
}

/// The recent tags of one stream, numbered from 0 in the order they came.
#[derive(Debug)]
pub struct Ring {
    entries: VecDeque<Entry>,
    /// The number of the front entry.
    first: u64,
    cost: usize,
    max_cost: usize,
    headers: Arc<Headers>,
    /// Where the groups of pictures start whose start is in the ring.
    groups: VecDeque<u64>,
    newest_picture: Option<Instant>,
    /// The lowest number of a video track with a keyframe: the one that players show.
    lead: Option<u8>,
    /// Where the sound of the last [`AUDIO_CACHE_MS`] starts.
    recent: u64,
    has_video: bool,
    has_audio: bool,
    promised_video: bool,
    promised_audio: bool,
    first_frame_at: Option<Instant>,
    ended: Option<Ended>,
}

impl Default for Ring {
    fn default() -> Self {
        Self::with_limit(MAX_RING_BYTES)
    }
}

impl Ring {
    fn with_limit(max_cost: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            cost: 0,
            max_cost,
            headers: Arc::default(),
            groups: VecDeque::new(),
            newest_picture: None,
            lead: None,
            recent: 0,
            has_video: false,
            has_audio: false,
            promised_video: false,
            promised_audio: false,
            first_frame_at: None,
            ended: None,
        }
    }

    /// What the publisher's FLV header says it will send.
    pub fn promise(&mut self, has_audio: bool, has_video: bool) {
        (self.promised_audio, self.promised_video) = (has_audio, has_video);
    }

    pub fn push(&mut self, tag: &Tag, now: Instant) {
        let class = self.class_of(tag);
        let bytes = serialised(tag);
        let seq = self.end();
        let slot = header_slot(class, tag);
        if let Some(slot) = slot {
            self.set_header(slot, seq, &bytes);
        }
        match class {
            TagClass::VideoConfig | TagClass::Keyframe | TagClass::VideoFrame => self.has_video = true,
            TagClass::AudioConfig | TagClass::Audio => self.has_audio = true,
            TagClass::Script | TagClass::Other => {}
        }
        if matches!(class, TagClass::Keyframe | TagClass::VideoFrame | TagClass::Audio) {
            self.first_frame_at.get_or_insert(now);
        }
        self.note_picture(class, now);
        let entry = Entry {
            bytes,
            class,
            slot,
            timestamp: tag.timestamp,
            arrived: now,
            headers: self.headers.clone(),
        };
        self.cost += entry.cost();
        self.entries.push_back(entry);
        self.advance_recent(tag.timestamp);
        self.evict(now);
    }

    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    pub fn end_stream(&mut self, why: Ended) {
        self.ended.get_or_insert(why);
    }

    /// Lets go of all tags of a stream that is over: who has not read them by now gets the end instead.
    pub fn forget(&mut self) {
        self.first = self.end();
        self.recent = self.first;
        self.entries = VecDeque::new();
        self.cost = 0;
        self.groups = VecDeque::new();
        self.headers = Arc::default();
    }

    #[cfg(test)]
    pub fn held_bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.bytes.len()).sum()
    }

    /// The number the next tag will get.
    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    fn get(&self, seq: u64) -> Option<&Entry> {
        let index = seq.checked_sub(self.first)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    /// A keyframe of another track than the one shown is no place to start at.
    fn class_of(&mut self, tag: &Tag) -> TagClass {
        match tag.class() {
            TagClass::Keyframe => {
                let lead = self.lead.map_or(tag.track(), |lead| lead.min(tag.track()));
                self.lead = Some(lead);
                if tag.track() > lead { TagClass::VideoFrame } else { TagClass::Keyframe }
            }
            class => class,
        }
    }

    /// A header said again in the same words is the same header: nobody needs it twice. One that is too large is not
    /// remembered, and those before it are not in force any more.
    fn set_header(&mut self, slot: usize, seq: u64, bytes: &Bytes) {
        if body(bytes).len() > MAX_HEADER_BODY {
            Arc::make_mut(&mut self.headers).slots[slot] = None;
            return;
        }
        let known = self.headers.slots[slot].as_ref();
        if known.is_none_or(|(_, known)| body(known) != body(bytes)) {
            Arc::make_mut(&mut self.headers).slots[slot] = Some((seq, bytes.clone()));
        }
    }

    /// A keyframe opens a group. Once pictures have stopped for longer than a player may lag and other tags go on,
    /// no group is a place to start at: a late player would get all the sound since in one burst.
    fn note_picture(&mut self, class: TagClass, now: Instant) {
        match class {
            TagClass::Keyframe => {
                self.groups.push_back(self.group_start());
                self.newest_picture = Some(now);
            }
            TagClass::VideoFrame => self.newest_picture = Some(now),
            _ if self.newest_picture.is_some_and(|at| now.saturating_duration_since(at) > MAX_LAG) => {
                self.groups.clear();
            }
            _ => {}
        }
    }

    /// The start of the group whose keyframe comes next: messages right before a keyframe belong to it.
    fn group_start(&self) -> u64 {
        let messages = self.entries.iter().rev();
        let count = messages.take_while(|e| e.class == TagClass::Script && e.slot.is_none()).count();
        self.end() - count as u64
    }

    fn advance_recent(&mut self, newest: u32) {
        while let Some(entry) = self.get(self.recent) {
            let distance = newest.wrapping_sub(entry.timestamp).cast_signed().unsigned_abs();
            if distance <= AUDIO_CACHE_MS {
                break;
            }
            self.recent += 1;
        }
    }

    /// Where a player starts, or goes on after a loss. Without a group to start at it gets the recent sound, and
    /// the pictures once a keyframe comes.
    fn start(&self) -> u64 {
        self.groups.back().copied().unwrap_or(self.recent)
    }

    /// Where a reader starts that wants all there is.
    fn oldest_start(&self) -> u64 {
        self.groups.front().copied().unwrap_or(self.recent)
    }

    /// A group goes once the one behind it is older than any player may lag; the newest goes for the cap alone.
    fn evict(&mut self, now: Instant) {
        while self.cost > self.max_cost || self.front_is_stale(now) {
            let Some(front) = self.entries.pop_front() else { break };
            self.cost -= front.cost();
            self.first += 1;
            if self.groups.front().is_some_and(|group| *group < self.first) {
                self.groups.pop_front();
            }
        }
        self.recent = self.recent.max(self.first);
    }

    fn front_is_stale(&self, now: Instant) -> bool {
        let old = |seq| self.get(seq).is_some_and(|e| now.saturating_duration_since(e.arrived) > MAX_LAG);
        match self.groups.iter().take(2).find(|group| **group > self.first) {
            Some(next_group) => old(*next_group),
            None => self.groups.is_empty() && self.first < self.recent && old(self.first),
        }
    }

    /// The FLV header that tells the truth; none before the first frame.
    fn file_header(&self, now: Instant) -> Option<Bytes> {
        let age = now.saturating_duration_since(self.first_frame_at?);
        let trusted = age < PROMISE;
        let mut out = BytesMut::new();
        write_header(
            &mut out,
            self.has_audio || trusted && self.promised_audio,
            self.has_video || trusted && self.promised_video,
        );
        Some(out.freeze())
    }
}

/// What a player gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// These bytes.
    Send(Bytes),
    /// Nothing until the ring changes.
    Wait,
    /// Nothing any more.
    End(Ended),
}

/// One player's place in a ring.
#[derive(Debug)]
pub struct Cursor {
    /// `None` before the stream's first frame came.
    next: Option<u64>,
    /// When the player began at a group's start: from there it may take a while to catch up.
    started: Instant,
    /// The numbers of the headers it has.
    known: [Option<u64>; HEADER_SLOTS],
    /// It holds no picture that the next one could refer to.
    needs_keyframe: bool,
    /// It begins with the oldest group, not the newest.
    wants_history: bool,
    /// Ready to be given out before anything else.
    pending: VecDeque<Bytes>,
    skips: u64,
    skipped_tags: u64,
}

impl Cursor {
    pub fn new(now: Instant) -> Self {
        Self {
            next: None,
            started: now,
            known: [None; HEADER_SLOTS],
            needs_keyframe: true,
            wants_history: false,
            pending: VecDeque::new(),
            skips: 0,
            skipped_tags: 0,
        }
    }

    /// One that begins with all groups of pictures that are there.
    pub fn with_history(now: Instant) -> Self {
        Self { wants_history: true, ..Self::new(now) }
    }

    /// How many tags it lost by that.
    pub fn skipped_tags(&self) -> u64 {
        self.skipped_tags
    }

    /// How often it lost frames because its player was too slow.
    pub fn skips(&self) -> u64 {
        self.skips
    }

    pub fn step(&mut self, ring: &Ring, now: Instant) -> Step {
        if let Some(bytes) = self.pending.pop_front() {
            return Step::Send(bytes);
        }
        let mut next = match self.next {
            Some(next) if !self.is_behind(next, ring, now) => next,
            Some(next) => {
                let start = self.restart(ring, now);
                self.skips += 1;
                self.skipped_tags += start.saturating_sub(next);
                start
            }
            None => match ring.file_header(now) {
                Some(header) => {
                    self.next = Some(self.restart(ring, now));
                    return Step::Send(header);
                }
                None => return ring.ended.map_or(Step::Wait, Step::End),
            },
        };
        let step = loop {
            let Some(entry) = ring.get(next) else {
                break ring.ended.map_or(Step::Wait, Step::End);
            };
            next += 1;
            match entry.class {
                TagClass::VideoFrame if self.needs_keyframe => continue,
                TagClass::Keyframe => self.needs_keyframe = false,
                _ => {}
            }
            break Step::Send(self.with_headers(entry));
        };
        self.next = Some(next);
        step
    }

    fn is_behind(&self, next: u64, ring: &Ring, now: Instant) -> bool {
        if next < ring.first {
            return true;
        }
        let lags = |since: Instant| now.saturating_duration_since(since) > MAX_LAG;
        // A player that has just got a long group in one burst is not slow, and a jump that would lead nowhere
        // newer helps nobody.
        lags(self.started) && ring.get(next).is_some_and(|entry| lags(entry.arrived)) && ring.start() > next
    }

    fn restart(&mut self, ring: &Ring, now: Instant) -> u64 {
        self.started = now;
        self.needs_keyframe = true;
        if std::mem::take(&mut self.wants_history) { ring.oldest_start() } else { ring.start() }
    }

    /// The entry's bytes, or, when headers in force there are not known to the player, the first of them with its
    /// own time stamp; the others and the entry become pending.
    fn with_headers(&mut self, entry: &Entry) -> Bytes {
        for (slot, header) in entry.headers.slots.iter().enumerate() {
            let Some((seq, bytes)) = header else { continue };
            if self.known[slot] == Some(*seq) {
                continue;
            }
            self.known[slot] = Some(*seq);
            if entry.slot != Some(slot) {
                self.pending.extend(restamped(bytes, entry.timestamp));
            }
        }
        self.pending.push_back(entry.bytes.clone());
        self.pending.pop_front().unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
