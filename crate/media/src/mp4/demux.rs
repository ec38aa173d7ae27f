//! MP4 as a stream of boxes: what HLS and DASH bring, segment behind segment, and a file from its beginning.

use bytes::Bytes;

use crate::{
    demux::{DemuxError, DemuxEvent, Demuxer},
    mp4::reader::Reader,
};

/// Turns boxes into events. A file's samples come if its `moov` stands before them; [`crate::Mp4File`] reads the others.
#[derive(Debug, Default)]
pub struct Mp4Demuxer {
    reader: Reader,
}

impl Mp4Demuxer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes pushed and not yet turned into events or dropped.
    pub fn buffered_bytes(&self) -> usize {
        self.reader.buffered_bytes()
    }
}

impl Demuxer for Mp4Demuxer {
    fn push(&mut self, data: Bytes) {
        self.reader.push(data);
    }

    fn poll(&mut self) -> Result<Option<DemuxEvent>, DemuxError> {
        self.reader.poll()
    }

    fn flush(&mut self) {
        self.reader.flush();
    }

    fn finish(&mut self) {
        self.reader.finish();
    }
}
