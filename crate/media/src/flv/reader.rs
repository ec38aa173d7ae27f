//! Cuts a stream of bytes into tags.
//!
//! **Invariant:** a tag is given out only when what follows it agrees: the right PreviousTagSize, or, as some
//! servers write a wrong one, a plausible next tag header. Where neither holds, the reader has lost sync and
//! searches on byte by byte, then reports what it left out as one [`TagEvent::Skipped`]. Every verdict is a function
//! of the stream's bytes alone, never of how they were split. Waiting costs no time where PreviousTagSize is right,
//! as it comes with its tag; where it is wrong, a tag comes when the next one begins.
//!
//! StreamID is "always 0"; some writers put another number there, and then the same in every tag: that of the first tag is borne,
//! if its PreviousTagSize is right.

use bytes::Bytes;

use crate::{
    demux::{DemuxError, SkipReason},
    flv::tag::{
        FILE_HEADER_LEN, HAS_AUDIO, HAS_VIDEO, MAX_TAG_BODY, SIGNATURE, TAG_HEADER_LEN, TRAILER_LEN, Tag,
        TagEvent, TagKind, tag_len, unit_len,
    },
    queue::ByteQueue,
};

/// The largest file header skipped; only 9 bytes were ever specified. Keeps a hostile DataOffset from swallowing
/// the stream.
const MAX_FILE_HEADER: usize = 4096;
/// Without one valid tag in this many bytes from the start, the stream is not FLV for all its signature says.
const MAX_SEARCH_AT_START: u64 = 256 << 10;
/// The longest search for the next tag after sync is lost in mid-stream: room for a lost tag of any size before
/// a good one.
const MAX_SEARCH: u64 = 2 * MAX_TAG_BODY as u64;

/// Cuts an FLV stream into tags. Push bytes, poll until `Ok(None)`; an error is final and comes again when asked.
#[derive(Debug, Default)]
pub struct TagReader {
    queue: ByteQueue,
    state: State,
    ended: bool,
    seen_tag: bool,
    /// Borne beside 0.
    stream_id: [u8; 3],
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    FileHeader,
    /// Between the file header's nine bytes and its end, `left` bytes on.
    HeaderRest {
        left: usize,
    },
    /// At PreviousTagSize0.
    FirstTrailer,
    InSync,
    /// Searching since stream offset `at`.
    Lost {
        at: u64,
        why: SkipReason,
    },
    Failed(DemuxError),
}

/// What the bytes at the queue's front are.
enum Verdict {
    Tag(TagHeader),
    /// A whole tag of a type that FLV does not know.
    UnknownTag {
        body_len: usize,
    },
    NoTag,
    /// A plausible tag, but the stream ended inside it.
    CutShort,
    NeedMore,
}

#[derive(Clone, Copy)]
struct TagHeader {
    type_byte: u8,
    body_len: usize,
    timestamp: u32,
    stream_id: [u8; 3],
}

impl TagHeader {
    fn parse(bytes: [u8; TAG_HEADER_LEN]) -> Option<Self> {
        let [type_byte, s2, s1, s0, t2, t1, t0, t3, stream_id @ ..] = bytes;
        let body_len = u32::from_be_bytes([0, s2, s1, s0]) as usize;
        let timestamp = u32::from_be_bytes([t3, t2, t1, t0]);
        (body_len <= MAX_TAG_BODY).then_some(Self { type_byte, body_len, timestamp, stream_id })
    }

    fn kind(&self) -> Option<TagKind> {
        TagKind::from_byte(self.type_byte)
    }
}

impl TagReader {
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on in the middle of a stream, at offset `at` or wherever the next tag begins, and says what lies between as
    /// [`TagEvent::Skipped`].
    pub(super) fn moved_to(&self, at: u64) -> Self {
        Self {
            queue: ByteQueue::starting_at(at),
            state: State::Lost { at, why: SkipReason::LostSync },
            ended: false,
            seen_tag: self.seen_tag,
            stream_id: self.stream_id,
        }
    }

    /// Offset of the byte that is pushed next.
    pub(super) fn end(&self) -> u64 {
        self.queue.end()
    }

    pub fn push(&mut self, data: Bytes) {
        if !self.ended && !matches!(self.state, State::Failed(_)) {
            self.queue.push(data);
        }
    }

    /// No more bytes will come. Poll on until `Ok(None)`.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// Bytes pushed and not yet given out or dropped. Once polled to `Ok(None)` it is less than one tag with the
    /// header behind it.
    pub fn buffered_bytes(&self) -> usize {
        self.queue.len()
    }

    pub fn poll(&mut self) -> Result<Option<TagEvent>, DemuxError> {
        // Each turn consumes bytes, changes to a later state, or returns.
        loop {
            let step = match self.state {
                State::FileHeader => self.file_header(),
                State::HeaderRest { left } => self.header_rest(left),
                State::FirstTrailer => self.first_trailer(),
                State::InSync => self.in_sync(),
                State::Lost { at, why } => self.search(at, why),
                State::Failed(error) => return Err(error),
            };
            match step {
                Step::Again => {}
                Step::Event(event) => return Ok(Some(event)),
                Step::Wait => return Ok(None),
                Step::Fail(error) => {
                    self.queue = ByteQueue::default();
                    self.state = State::Failed(error);
                }
            }
        }
    }

    fn file_header(&mut self) -> Step {
        let not_flv = Step::Fail(DemuxError::NotFlv { at: 0 });
        for (i, expected) in SIGNATURE.iter().enumerate() {
            match self.queue.peek(i) {
                Some([byte]) if byte == *expected => {}
                None if !self.ended => return Step::Wait,
                _ => return not_flv,
            }
        }
        let Some([_, _, _, _version, flags, o3, o2, o1, o0]) = self.queue.peek::<FILE_HEADER_LEN>(0) else {
            return if self.ended { not_flv } else { Step::Wait };
        };
        self.queue.skip(FILE_HEADER_LEN);
        let claimed = u32::from_be_bytes([o3, o2, o1, o0]) as usize;
        // An offset that cannot be is taken for the only one ever specified; the search finds the tags if not.
        let left = if claimed <= MAX_FILE_HEADER { claimed.saturating_sub(FILE_HEADER_LEN) } else { 0 };
        self.state = State::HeaderRest { left };
        Step::Event(TagEvent::Header { has_audio: flags & HAS_AUDIO != 0, has_video: flags & HAS_VIDEO != 0 })
    }

    fn header_rest(&mut self, left: usize) -> Step {
        let now = left.min(self.queue.len());
        self.queue.skip(now);
        match left.saturating_sub(now) {
            0 => self.state = State::FirstTrailer,
            _ if self.ended => return Step::Wait,
            left => self.state = State::HeaderRest { left },
        }
        if now < left { Step::Wait } else { Step::Again }
    }

    fn first_trailer(&mut self) -> Step {
        match self.queue.peek::<TRAILER_LEN>(0) {
            Some([0, 0, 0, 0]) => self.queue.skip(TRAILER_LEN),
            // Some writers leave PreviousTagSize0 out, others write a number: whichever gives a tag.
            Some(_) => match self.known_header(0) {
                None if !self.ended && self.queue.len() < TAG_HEADER_LEN => return Step::Wait,
                None => self.queue.skip(TRAILER_LEN),
                Some(_) => {}
            },
            None if !self.ended => return Step::Wait,
            None if self.queue.is_empty() => return Step::Wait,
            None => return self.rest_skipped(self.queue.start(), SkipReason::Truncated),
        }
        self.state = State::InSync;
        Step::Again
    }

    fn in_sync(&mut self) -> Step {
        let at = self.queue.start();
        match self.judge_in_sync() {
            Verdict::Tag(header) => self.give_tag(header),
            Verdict::UnknownTag { body_len } => {
                self.queue.skip(unit_len(body_len));
                let len = tag_len(body_len) as u64;
                Step::Event(TagEvent::Skipped { at, len, why: SkipReason::UnknownTag })
            }
            Verdict::NoTag => self.lose(SkipReason::LostSync),
            Verdict::CutShort if self.queue.is_empty() => Step::Wait,
            // A damaged length may have hidden good tags behind it: search before giving up.
            Verdict::CutShort => self.lose(SkipReason::Truncated),
            Verdict::NeedMore => Step::Wait,
        }
    }

    fn give_tag(&mut self, header: TagHeader) -> Step {
        let offset = self.queue.start();
        let Some(kind) = header.kind() else { return self.lose(SkipReason::LostSync) };
        self.queue.skip(TAG_HEADER_LEN);
        let Some(body) = self.queue.take(header.body_len) else { return Step::Wait };
        self.queue.skip(TRAILER_LEN);
        if !self.seen_tag {
            (self.seen_tag, self.stream_id) = (true, header.stream_id);
        }
        Step::Event(TagEvent::Tag(Tag { offset, kind, timestamp: header.timestamp, body }))
    }

    fn lose(&mut self, why: SkipReason) -> Step {
        self.state = State::Lost { at: self.queue.start(), why };
        self.queue.skip(1);
        Step::Again
    }

    fn search(&mut self, at: u64, why: SkipReason) -> Step {
        loop {
            let passed = self.queue.count_until(|byte| TagKind::from_byte(byte).is_some());
            self.queue.skip(passed);
            let searched = self.queue.start().saturating_sub(at);
            let limit = if self.seen_tag { MAX_SEARCH } else { MAX_SEARCH_AT_START };
            if searched > limit {
                return Step::Fail(DemuxError::NoTags { at, searched: limit });
            }
            if self.queue.is_empty() {
                return match self.ended {
                    true => self.rest_skipped(at, why),
                    false => Step::Wait,
                };
            }
            match self.judge_lost() {
                Verdict::Tag(_) => {
                    self.state = State::InSync;
                    return Step::Event(TagEvent::Skipped { at, len: searched, why: SkipReason::LostSync });
                }
                Verdict::NeedMore => return Step::Wait,
                Verdict::NoTag | Verdict::CutShort | Verdict::UnknownTag { .. } => self.queue.skip(1),
            }
        }
    }

    /// The stream ended with nothing but unreadable bytes since `at`.
    fn rest_skipped(&mut self, at: u64, why: SkipReason) -> Step {
        self.queue.skip(self.queue.len());
        let len = self.queue.start().saturating_sub(at);
        if !self.seen_tag && why == SkipReason::LostSync {
            return Step::Fail(DemuxError::NoTags { at, searched: len });
        }
        self.state = State::InSync;
        Step::Event(TagEvent::Skipped { at, len, why })
    }

    /// In sync a tag is believed unless both its PreviousTagSize and the header behind it speak against it.
    fn judge_in_sync(&self) -> Verdict {
        let short = if self.ended { Verdict::CutShort } else { Verdict::NeedMore };
        let Some(bytes) = self.queue.peek::<TAG_HEADER_LEN>(0) else { return short };
        let Some(header) = TagHeader::parse(bytes) else { return Verdict::NoTag };
        let trailer_at = tag_len(header.body_len);
        let trailer = self.queue.peek::<TRAILER_LEN>(trailer_at).map(u32::from_be_bytes);
        let trailer_right = trailer.map(|size| size as usize == trailer_at);
        if !self.is_in_stream(&header) {
            return match trailer_right {
                _ if self.seen_tag || header.kind().is_none() => Verdict::NoTag,
                Some(true) => Verdict::Tag(header),
                None if !self.ended => Verdict::NeedMore,
                _ => Verdict::NoTag,
            };
        }
        if header.kind().is_none() {
            return match trailer_right {
                Some(true) => Verdict::UnknownTag { body_len: header.body_len },
                None if !self.ended => Verdict::NeedMore,
                _ => Verdict::NoTag,
            };
        }
        match trailer_right {
            Some(true) => Verdict::Tag(header),
            Some(false) if self.queue.len() >= unit_len(header.body_len).saturating_add(TAG_HEADER_LEN) => {
                match self.known_header(unit_len(header.body_len)) {
                    Some(_) => Verdict::Tag(header),
                    None => Verdict::NoTag,
                }
            }
            // The last tag may lack its PreviousTagSize, or the header behind it.
            _ if self.ended && self.queue.len() >= trailer_at => Verdict::Tag(header),
            _ => short,
        }
    }

    /// While lost, a tag is believed only when its PreviousTagSize or the header behind it speaks for it.
    fn judge_lost(&self) -> Verdict {
        let short = if self.ended { Verdict::NoTag } else { Verdict::NeedMore };
        let Some(bytes) = self.queue.peek::<TAG_HEADER_LEN>(0) else { return short };
        let Some(header) = self.known(bytes) else { return Verdict::NoTag };
        let trailer_at = tag_len(header.body_len);
        let Some(trailer) = self.queue.peek::<TRAILER_LEN>(trailer_at) else { return short };
        if u32::from_be_bytes(trailer) as usize == trailer_at {
            return Verdict::Tag(header);
        }
        let next_at = unit_len(header.body_len);
        match self.known_header(next_at) {
            Some(_) => Verdict::Tag(header),
            None if self.queue.len() < next_at.saturating_add(TAG_HEADER_LEN) => short,
            None => Verdict::NoTag,
        }
    }

    /// A plausible header of an audio, video or script tag at `skip`.
    fn known_header(&self, skip: usize) -> Option<TagHeader> {
        self.queue.peek(skip).and_then(|bytes| self.known(bytes))
    }

    fn known(&self, bytes: [u8; TAG_HEADER_LEN]) -> Option<TagHeader> {
        TagHeader::parse(bytes).filter(|header| header.kind().is_some() && self.is_in_stream(header))
    }

    fn is_in_stream(&self, header: &TagHeader) -> bool {
        [[0; 3], self.stream_id].contains(&header.stream_id)
    }
}

enum Step {
    Again,
    Event(TagEvent),
    Wait,
    Fail(DemuxError),
}
