//! Frames of sound in an elementary stream: where each begins and ends, by sync words and lengths.
//!
//! **Invariant:** behind a frame that was given out the next one is believed by its header alone; anywhere else only when another
//! header stands behind its end, or the stream ends there. What lies between is told as skipped, to the byte. Every verdict is a
//! function of the bytes and of where segments end.

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    codec::{
        aac, ac3,
        adts::{self, Extent},
        mp3, opus,
    },
    id3,
    packet::Codec,
    read::ByteReader,
};

/// How frames of a stream are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// AAC behind ADTS headers (ISO/IEC 14496-3, 1.A.2.2).
    Adts,
    /// AAC in LOAS, an AudioMuxElement each (1.7.2).
    Loas,
    /// MPEG-1 and MPEG-2 audio.
    Mpeg,
    /// AC-3 and E-AC-3.
    Ac3,
    /// Opus behind its control header of MPEG-TS (ETSI TS 103 491).
    Opus,
}

impl Syntax {
    /// Those that packed audio of HLS may have.
    pub const PACKED: [Self; 3] = [Self::Adts, Self::Mpeg, Self::Ac3];
}

/// A frame as its codec's reader takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Offset of its first byte in the elementary stream.
    pub at: u64,
    pub data: Bytes,
    pub samples: u32,
    /// In Hz; 0 where only the contents tell.
    pub rate: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Frame(Frame),
    /// A whole ID3 tag between frames.
    Tag {
        at: u64,
        data: Bytes,
    },
    Skipped {
        at: u64,
        len: u64,
    },
}

/// What is behind a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    No,
    NeedMore,
    Frame { syntax: Syntax, head: usize, len: usize, samples: u32, rate: u32 },
    Tag { len: usize },
}

/// The dependent substreams that stay with an E-AC-3 frame: eight programmes of eight more (E.1.3.1.2).
const MAX_SUBSTREAMS: usize = 72;
/// syncword of AudioSyncStream, over a length of 13 bits.
const LOAS: u32 = 0x2b7;
const LOAS_HEADER: usize = 3;
/// control_header_prefix of Opus, above five bits of flags and reserve.
const OPUS_PREFIX: u16 = 0x3ff;
const OPUS_START_TRIM: u16 = 0x10;
const OPUS_END_TRIM: u16 = 0x08;
const OPUS_EXTENSION: u16 = 0x04;
/// Of an Opus packet: 120 ms at the highest rate, some 200 KB, of 255 streams; those in use have a few hundred bytes.
const MAX_OPUS: usize = 64 << 10;

/// With a cover picture. Of a longer one is taken no more than of other damage.
const MAX_TAG: usize = 1 << 20;
/// Without one frame in so many bytes from the start, a stream of any codec has none.
const MAX_SEARCH_AT_START: u64 = 64 << 10;

/// Cuts an elementary stream into frames.
#[derive(Debug)]
pub(crate) struct Frames {
    /// Those that may still be meant: the first frame leaves one.
    syntaxes: Vec<Syntax>,
    /// ID3 tags may stand between frames.
    tagged: bool,
    held: BytesMut,
    /// Offset of the first byte held.
    start: u64,
    /// The place is right behind a frame.
    in_step: bool,
    /// Bytes before `start` that were left out and not yet told.
    skipped: u64,
}

impl Frames {
    pub fn new(syntax: Syntax) -> Self {
        Self { tagged: false, ..Self::of(&[syntax]) }
    }

    /// Of packed audio.
    pub fn packed() -> Self {
        Self::of(&Syntax::PACKED)
    }

    fn of(syntaxes: &[Syntax]) -> Self {
        let syntaxes = syntaxes.to_vec();
        Self { syntaxes, tagged: true, held: BytesMut::new(), start: 0, in_step: false, skipped: 0 }
    }

    /// Once the first frame was found.
    pub fn syntax(&self) -> Option<Syntax> {
        if let [syntax] = self.syntaxes[..] { Some(syntax) } else { None }
    }

    pub fn push(&mut self, data: &[u8]) {
        self.held.extend_from_slice(data);
    }

    /// Offset behind the last byte pushed.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.held.len() as u64)
    }

    pub fn buffered_bytes(&self) -> usize {
        self.held.len()
    }

    /// Bytes passed in search of the first frame, where that was given up.
    pub fn gave_up(&self) -> Option<u64> {
        let is_too_long = self.syntaxes.len() > 1 && self.skipped >= MAX_SEARCH_AT_START;
        is_too_long.then_some(self.skipped)
    }

    /// The next frame that is whole. `ended`: a segment ends with what was pushed.
    pub fn next(&mut self, ended: bool) -> Option<Cut> {
        while !self.held.is_empty() && self.gave_up().is_none() {
            match self.judge(&self.held, self.in_step, ended) {
                Header::NeedMore if !ended => break,
                Header::NeedMore => match self.hidden() {
                    Some(at) => self.pass(at),
                    None => break,
                },
                Header::No => self.step_over(),
                _ if self.skipped > 0 => return self.told(),
                Header::Frame { syntax, head, len, samples, rate } => {
                    let (at, mut data) = self.take(len);
                    data.advance(head.min(data.len()));
                    self.in_step = true;
                    self.syntaxes.retain(|known| *known == syntax);
                    return Some(Cut::Frame(Frame { at, data, samples, rate }));
                }
                Header::Tag { len } => {
                    let (at, data) = self.take(len);
                    return Some(Cut::Tag { at, data });
                }
            }
        }
        if ended { self.told() } else { None }
    }

    /// A segment ended: what is held may go on in the next one, which must then prove it.
    pub fn part(&mut self) {
        self.in_step = false;
    }

    /// Drops what is held; how many bytes that were.
    pub fn forget(&mut self) -> u64 {
        let (_, dropped) = self.take(self.held.len());
        self.in_step = false;
        std::mem::take(&mut self.skipped).saturating_add(dropped.len() as u64)
    }

    fn told(&mut self) -> Option<Cut> {
        let len = std::mem::take(&mut self.skipped);
        (len > 0).then(|| Cut::Skipped { at: self.start.saturating_sub(len), len })
    }

    fn take(&mut self, len: usize) -> (u64, Bytes) {
        let at = self.start;
        let data = self.held.split_to(len.min(self.held.len())).freeze();
        self.start = at.saturating_add(data.len() as u64);
        (at, data)
    }

    /// Drops the first byte, and those behind it that begin nothing.
    fn step_over(&mut self) {
        let next =
            self.held.iter().skip(1).position(may_begin).map_or(self.held.len(), |n| n.saturating_add(1));
        // To the byte, however they were pushed.
        let most = MAX_SEARCH_AT_START.saturating_sub(self.skipped);
        let next =
            if self.syntaxes.len() > 1 { next.min(usize::try_from(most).unwrap_or(next)) } else { next };
        self.pass(next);
    }

    fn pass(&mut self, count: usize) {
        let (_, passed) = self.take(count);
        self.skipped = self.skipped.saturating_add(passed.len() as u64);
        self.in_step = false;
    }

    /// A frame behind what is not whole at a segment's end, which then was none: its length, damaged, hides good frames.
    fn hidden(&self) -> Option<usize> {
        let is_frame = |at: &usize| {
            let bytes = self.held.get(*at..).unwrap_or_default();
            matches!(self.judge(bytes, false, true), Header::Frame { .. })
        };
        (1..self.held.len()).find(is_frame)
    }

    /// What is at the front of these bytes, and whether that can be believed.
    fn judge(&self, bytes: &[u8], in_step: bool, ended: bool) -> Header {
        if !bytes.first().is_some_and(may_begin) {
            return Header::No;
        }
        if self.tagged {
            match tag(bytes) {
                Header::Tag { len } if bytes.len() < len => return Header::NeedMore,
                Header::No => {}
                found => return found,
            }
        }
        let judged = self.syntaxes.iter().map(|syntax| self.judge_as(*syntax, bytes, in_step, ended));
        judged.into_iter().find(|found| *found != Header::No).unwrap_or(Header::No)
    }

    fn judge_as(&self, syntax: Syntax, bytes: &[u8], in_step: bool, ended: bool) -> Header {
        let found = whole_header(syntax, bytes, ended);
        let Header::Frame { len, .. } = found else { return found };
        let Some(behind) = bytes.get(len..) else { return Header::NeedMore };
        let follows = match header(syntax, behind) {
            Header::Frame { .. } => true,
            Header::NeedMore if ended => behind.is_empty(),
            Header::NeedMore if !in_step => return Header::NeedMore,
            _ => self.tagged && !behind.is_empty() && id3::may_begin(behind),
        };
        if in_step || follows { found } else { Header::No }
    }
}

/// The first byte of a sync word, or of an ID3 tag.
fn may_begin(byte: &u8) -> bool {
    matches!(byte, 0xff | 0x56 | 0x0b | 0x7f | b'I')
}

fn tag(bytes: &[u8]) -> Header {
    match id3::tag_len(bytes).filter(|len| *len <= MAX_TAG) {
        Some(len) => Header::Tag { len },
        None if id3::may_begin(bytes) && bytes.len() < id3::HEADER_LEN => Header::NeedMore,
        None => Header::No,
    }
}

/// A frame's header, and the extent of what belongs to it: dependent substreams are known by what stands behind.
fn whole_header(syntax: Syntax, bytes: &[u8], ended: bool) -> Header {
    let found = header(syntax, bytes);
    let (Syntax::Ac3, Header::Frame { syntax, head, len, samples, rate }) = (syntax, found) else {
        return found;
    };
    if !ac3::Syncframe::parse(bytes).is_some_and(|frame| frame.codec == Codec::Eac3) {
        return found;
    }
    let mut len = len;
    for _ in 0..MAX_SUBSTREAMS {
        let behind = bytes.get(len..).unwrap_or_default();
        match ac3::Syncframe::parse(behind) {
            Some(frame) if !frame.is_first => len = len.saturating_add(frame.len),
            None if behind.len() < ac3::HEADER_LEN && !ended => return Header::NeedMore,
            _ => break,
        }
    }
    Header::Frame { syntax, head, len, samples, rate }
}

fn header(syntax: Syntax, bytes: &[u8]) -> Header {
    let found = match syntax {
        Syntax::Adts => bytes.first_chunk().map(adts_header),
        Syntax::Loas => bytes.first_chunk().map(loas_header),
        Syntax::Mpeg => bytes.get(..mp3::HEADER_LEN).map(mpeg_header),
        Syntax::Ac3 => bytes.get(..ac3::HEADER_LEN).map(ac3_header),
        Syntax::Opus => opus_header(bytes),
    };
    found.map_or(Header::NeedMore, |header| header.unwrap_or(Header::No))
}

fn adts_header(bytes: &[u8; adts::MIN_HEADER]) -> Option<Header> {
    let Extent { len, rate, blocks } = Extent::parse(bytes)?;
    let samples = u32::from(blocks).saturating_mul(1024);
    Some(Header::Frame { syntax: Syntax::Adts, head: 0, len, samples, rate: *aac::RATES.get(rate)? })
}

fn loas_header(bytes: &[u8; LOAS_HEADER]) -> Option<Header> {
    let [a, b, c] = *bytes;
    let bits = u32::from_be_bytes([0, a, b, c]);
    let len = (bits & 0x1fff) as usize;
    (bits >> 13 == LOAS && len > 0).then(|| Header::Frame {
        syntax: Syntax::Loas,
        head: LOAS_HEADER,
        len: len.saturating_add(LOAS_HEADER),
        samples: 0,
        rate: 0,
    })
}

fn mpeg_header(bytes: &[u8]) -> Option<Header> {
    let header = mp3::Header::parse(bytes)?;
    Some(Header::Frame {
        syntax: Syntax::Mpeg,
        head: 0,
        len: header.len?,
        samples: header.samples,
        rate: header.rate,
    })
}

fn ac3_header(bytes: &[u8]) -> Option<Header> {
    let frame = ac3::Syncframe::parse(bytes)?;
    let begins = frame.is_first && frame.len >= ac3::HEADER_LEN;
    begins.then_some(())?;
    Some(Header::Frame {
        syntax: Syntax::Ac3,
        head: 0,
        len: frame.len,
        samples: frame.samples(),
        rate: frame.rate,
    })
}

/// `None` while its bytes are not all here, `Some(None)` where it is none.
fn opus_header(bytes: &[u8]) -> Option<Option<Header>> {
    let mut r = ByteReader::new(bytes);
    let flags = r.u16()?;
    if flags >> 5 != OPUS_PREFIX {
        return Some(None);
    }
    let mut size = 0usize;
    loop {
        let byte = r.u8()?;
        size = size.saturating_add(usize::from(byte));
        if size > MAX_OPUS {
            return Some(None);
        }
        if byte != 0xff {
            break;
        }
    }
    for trim in [OPUS_START_TRIM, OPUS_END_TRIM] {
        if flags & trim != 0 {
            r.u16()?;
        }
    }
    if flags & OPUS_EXTENSION != 0 {
        let len = r.u8()?;
        r.bytes(usize::from(len))?;
    }
    // The first two bytes say how long the packet lasts.
    let toc = r.rest().get(..size.min(2))?;
    let head = bytes.len().saturating_sub(r.rest().len());
    Some(opus::samples(toc).map(|samples| Header::Frame {
        syntax: Syntax::Opus,
        head,
        len: head.saturating_add(size),
        samples,
        rate: opus::RATE,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::adts::tests::adts;

    fn cuts(frames: &mut Frames, bytes: &[u8], ended: bool) -> Vec<Cut> {
        frames.push(bytes);
        std::iter::from_fn(|| frames.next(ended)).collect()
    }

    fn frame(at: u64, data: &[u8]) -> Cut {
        Cut::Frame(Frame { at, data: Bytes::copy_from_slice(data), samples: 1024, rate: 44_100 })
    }

    #[test]
    fn the_first_frame_is_believed_when_another_stands_behind_it() {
        let one = adts(&[0x21, 1]);
        let mut frames = Frames::new(Syntax::Adts);
        assert_eq!(cuts(&mut frames, &one, false), []);
        assert_eq!(cuts(&mut frames, &one, false), [frame(0, &one), frame(9, &one)]);
        assert_eq!(cuts(&mut frames, &one, false), [frame(18, &one)], "in step");
    }

    #[test]
    fn what_lies_between_frames_is_told_to_the_byte() {
        let one = adts(&[0x21, 1]);
        let bytes = [&one[..], &one, &[0xff, 0xf1, 0, 0, 7], &one, &one].concat();
        let found = cuts(&mut Frames::new(Syntax::Adts), &bytes, true);
        let skipped = Cut::Skipped { at: 18, len: 5 };
        assert_eq!(found, [frame(0, &one), frame(9, &one), skipped, frame(23, &one), frame(32, &one)]);
    }

    #[test]
    fn a_damaged_length_at_the_end_hides_no_good_frames() {
        let one = adts(&[0x21, 1]);
        let mut long = one.clone();
        long[4] = 0x7f;
        let bytes = [&one[..], &one, &long, &one, &one].concat();
        let found = cuts(&mut Frames::new(Syntax::Adts), &bytes, true);
        let skipped = Cut::Skipped { at: 18, len: 9 };
        assert_eq!(found, [frame(0, &one), frame(9, &one), skipped, frame(27, &one), frame(36, &one)]);
    }

    #[test]
    fn the_first_frame_says_what_the_others_are() {
        let one = adts(&[0x21, 1]);
        let mut frames = Frames::packed();
        assert_eq!(frames.syntax(), None);
        cuts(&mut frames, &one, true);
        assert_eq!(frames.syntax(), Some(Syntax::Adts));
    }

    #[test]
    fn a_stream_of_no_frames_is_given_up_at_the_same_byte_however_it_comes() {
        let noise = [0xff, 0x00, 0x0b, 0x01].repeat(20_000);
        for size in [1, 7, 1000, noise.len()] {
            let mut frames = Frames::packed();
            noise.chunks(size).for_each(|chunk| assert_eq!(cuts(&mut frames, chunk, false), []));
            assert_eq!(frames.gave_up(), Some(MAX_SEARCH_AT_START), "{size}");
        }
    }
}
