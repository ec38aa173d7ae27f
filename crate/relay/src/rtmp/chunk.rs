//! RTMP's chunks: messages cut into pieces, and put together again.
//!
//! **Invariant:** reading holds at most [`MAX_CHUNK_STREAMS`] messages of [`MAX_MESSAGE`] bytes and one chunk.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;

/// The chunks that are sent; a peer expects [`DEFAULT_CHUNK`] until it is told so.
pub const CHUNK: usize = 4096;
const DEFAULT_CHUNK: usize = 128;
/// The longest message taken from a server. It has commands to send, and those have a few hundred bytes.
pub const MAX_MESSAGE: usize = 64 << 10;
/// The most chunk streams of a server; real ones use three or four.
const MAX_CHUNK_STREAMS: usize = 16;
/// From here on a time stamp stands in a field of its own (5.3.1.3).
const EXTENDED: u32 = 0xff_ffff;

/// The first bits of a chunk: all fields follow, or none since they are those of the chunk before.
const FULL: u8 = 0;
const CONTINUED: u8 = 3;

/// A server's bytes are no RTMP, or more than is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChunkError {
    #[error("a message of {0} bytes, over the limit of {MAX_MESSAGE}")]
    TooLong(usize),
    #[error("more than {MAX_CHUNK_STREAMS} chunk streams")]
    TooMany,
    #[error("a chunk refers to one before it, and there is none")]
    NoHeader,
    #[error("a message begins inside another")]
    Unfinished,
    #[error("a chunk size of {0}")]
    ChunkSize(u32),
}

/// Where a message goes: the chunk stream that carries it, and the stream that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    pub chunk_stream: u8,
    pub stream: u32,
}

/// Writes one message. `chunk`: what the peer expects of sizes.
pub fn write(out: &mut BytesMut, lane: Lane, kind: u8, timestamp: u32, body: &[u8], chunk: usize) {
    let extended = (timestamp >= EXTENDED).then(|| timestamp.to_be_bytes());
    let extended = extended.as_ref().map_or(&[][..], |bytes| bytes);
    out.put_u8(FULL << 6 | lane.chunk_stream);
    out.put_uint(timestamp.min(EXTENDED).into(), 3);
    // No tag is longer than this field can say: their reader sees to it.
    out.put_uint(body.len() as u64, 3);
    out.put_u8(kind);
    out.put_u32_le(lane.stream);
    out.put_slice(extended);
    for (n, piece) in body.chunks(chunk.max(1)).enumerate() {
        if n > 0 {
            out.put_u8(CONTINUED << 6 | lane.chunk_stream);
            out.put_slice(extended);
        }
        out.put_slice(piece);
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub kind: u8,
    pub body: Bytes,
}

/// What the chunks of one chunk stream have in common.
#[derive(Clone, Copy, Debug, Default)]
struct Header {
    len: usize,
    kind: u8,
    extended: bool,
}

#[derive(Debug)]
struct ChunkStream {
    id: u32,
    header: Header,
    /// Of the message under way.
    partial: BytesMut,
}

#[derive(Debug)]
pub struct ChunkReader {
    buffer: BytesMut,
    chunk: usize,
    streams: Vec<ChunkStream>,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self { buffer: BytesMut::new(), chunk: DEFAULT_CHUNK, streams: Vec::new() }
    }
}

impl ChunkReader {
    pub fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// What the peer says of the chunks that follow.
    pub fn set_chunk_size(&mut self, size: u32) -> Result<(), ChunkError> {
        // The first bit is no part of it (5.4.1), and no chunk is longer than its message.
        match usize::try_from(size) {
            Ok(size) if (1..1 << 31).contains(&size) => self.chunk = size.min(MAX_MESSAGE),
            _ => return Err(ChunkError::ChunkSize(size)),
        }
        Ok(())
    }

    /// Lets go of a message under way.
    pub fn abort(&mut self, id: u32) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) {
            stream.partial.clear();
        }
    }

    /// The next whole message.
    pub fn poll(&mut self) -> Result<Option<Message>, ChunkError> {
        loop {
            let Some((id, format, header, header_len)) = self.header()? else { return Ok(None) };
            let index = match self.streams.iter().position(|stream| stream.id == id) {
                Some(index) => index,
                None if self.streams.len() == MAX_CHUNK_STREAMS => return Err(ChunkError::TooMany),
                None => {
                    self.streams.push(ChunkStream { id, header, partial: BytesMut::new() });
                    self.streams.len() - 1
                }
            };
            let stream = &mut self.streams[index];
            if format != CONTINUED && !stream.partial.is_empty() {
                return Err(ChunkError::Unfinished);
            }
            let piece = self.chunk.min(header.len.saturating_sub(stream.partial.len()));
            if self.buffer.len() < header_len + piece {
                return Ok(None);
            }
            stream.header = header;
            self.buffer.advance(header_len);
            stream.partial.extend_from_slice(&self.buffer.split_to(piece));
            if stream.partial.len() == header.len {
                let body = std::mem::take(&mut stream.partial).freeze();
                return Ok(Some(Message { kind: header.kind, body }));
            }
        }
    }

    /// The header that the buffer begins with, once it is there: chunk stream, format, fields, length.
    fn header(&self) -> Result<Option<(u32, u8, Header, usize)>, ChunkError> {
        let mut rest = &self.buffer[..];
        let Some((format, id)) = basic_header(&mut rest) else { return Ok(None) };
        let known = self.streams.iter().find(|stream| stream.id == id).map(|stream| stream.header);
        let mut header = match known {
            Some(header) => header,
            None if format == FULL => Header::default(),
            None => return Err(ChunkError::NoHeader),
        };
        if fields(&mut rest, format, &mut header).is_none() {
            return Ok(None);
        }
        if header.len > MAX_MESSAGE {
            return Err(ChunkError::TooLong(header.len));
        }
        Ok(Some((id, format, header, self.buffer.len() - rest.len())))
    }
}

/// Format and chunk stream (5.3.1.1).
fn basic_header(rest: &mut &[u8]) -> Option<(u8, u32)> {
    let first = rest.try_get_u8().ok()?;
    let id = match first & 0x3f {
        0 => 64 + u32::from(rest.try_get_u8().ok()?),
        1 => 64 + u32::from(rest.try_get_u16_le().ok()?),
        id => id.into(),
    };
    Some((first >> 6, id))
}

/// The fields that the format says follow; time stamps of a server say nothing to a publisher.
fn fields(rest: &mut &[u8], format: u8, header: &mut Header) -> Option<()> {
    if format < CONTINUED {
        header.extended = rest.try_get_uint(3).ok()? == u64::from(EXTENDED);
    }
    if format <= 1 {
        header.len = usize::try_from(rest.try_get_uint(3).ok()?).ok()?;
        header.kind = rest.try_get_u8().ok()?;
    }
    if format == FULL {
        rest.try_get_u32_le().ok()?;
    }
    if header.extended {
        rest.try_get_u32().ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LANE: Lane = Lane { chunk_stream: 3, stream: 1 };

    fn read(bytes: &[u8], step: usize) -> Result<Vec<Message>, ChunkError> {
        let mut reader = ChunkReader::default();
        let mut got = Vec::new();
        for piece in bytes.chunks(step) {
            reader.push(piece);
            while let Some(message) = reader.poll()? {
                got.push(message);
            }
        }
        Ok(got)
    }

    #[test]
    fn what_is_written_is_read_in_any_pieces() {
        let bodies: Vec<Vec<u8>> = [0, 1, 127, 128, 129, 5000].map(|len| vec![len as u8; len]).into();
        for timestamp in [0, EXTENDED - 1, EXTENDED, u32::MAX] {
            let mut bytes = BytesMut::new();
            bodies.iter().for_each(|body| write(&mut bytes, LANE, 20, timestamp, body, DEFAULT_CHUNK));
            for step in [1, 7, 4096] {
                let got = read(&bytes, step).unwrap();
                assert!(got.iter().map(|m| &m.body[..]).eq(bodies.iter().map(|b| &b[..])), "{step}");
            }
        }
    }

    #[test]
    fn messages_of_two_chunk_streams_may_be_interleaved() {
        let long = |stream: u8| [&[stream, 0, 0, 0, 0, 0, 200, 20, 0, 0, 0, 0][..], &[stream; 128]].concat();
        let rest = |stream: u8| [&[0xc0 | stream][..], &[stream; 72]].concat();
        let bytes = [long(3), long(4), rest(3), rest(4)].concat();
        let got = read(&bytes, 1000).unwrap();
        assert_eq!(got.iter().map(|m| m.body[199]).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn long_basic_headers_name_high_chunk_streams() {
        let mut reader = ChunkReader::default();
        reader.push(&[0, 10, 0, 0, 0, 0, 0, 1, 20, 0, 0, 0, 0, b'a']);
        reader.push(&[1, 10, 1, 0, 0, 0, 0, 0, 1, 20, 0, 0, 0, 0, b'b']);
        assert_eq!(reader.poll().unwrap().unwrap().body, "a");
        assert_eq!(reader.poll().unwrap().unwrap().body, "b");
        assert_eq!(reader.streams.iter().map(|s| s.id).collect::<Vec<_>>(), [74, 330]);
    }

    #[test]
    fn what_is_over_a_cap_is_an_error() {
        let too_long = [3, 0, 0, 0, 1, 0, 1, 20, 0, 0, 0, 0];
        assert_eq!(read(&too_long, 100), Err(ChunkError::TooLong(MAX_MESSAGE + 1)));
        assert_eq!(read(&[0xc3], 1), Err(ChunkError::NoHeader));
        let many: Vec<u8> = (2..40).flat_map(|id| [id, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0]).collect();
        assert_eq!(read(&many, 100), Err(ChunkError::TooMany));
        let mut reader = ChunkReader::default();
        for bad in [0, 1 << 31, u32::MAX] {
            assert_eq!(reader.set_chunk_size(bad), Err(ChunkError::ChunkSize(bad)));
        }
        assert_eq!(reader.set_chunk_size(i32::MAX as u32), Ok(()));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_no_harm(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..50),
            size in any::<u32>(),
        ) {
            let mut reader = ChunkReader::default();
            let _ = reader.set_chunk_size(size);
            for piece in pieces {
                reader.push(&piece);
                loop {
                    match reader.poll() {
                        Ok(Some(message)) => prop_assert!(message.body.len() <= MAX_MESSAGE),
                        Ok(None) => break,
                        Err(_) => return Ok(()),
                    }
                }
                let held: usize = reader.streams.iter().map(|s| s.partial.len()).sum();
                prop_assert!(held + reader.buffer.len() <= MAX_CHUNK_STREAMS * MAX_MESSAGE + MAX_MESSAGE + 32);
            }
        }
    }
}
