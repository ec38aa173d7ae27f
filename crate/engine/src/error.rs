//! The errors a user can meet, with their codes and advice. `docs/api.md` lists them with those of the page.

use std::fmt;

/// `type`, `details` and `code` of an error. Codes never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    HttpStatus,
    ConnectionFailed,
    ConnectionLost,
    Timeout,
    StreamTruncated,
    SocketClosed,
    UrlUnresolved,
    PlaylistStale,
    KeyUnavailable,
    SegmentUnavailable,
    RangeUnsupported,
    LowLatencyLost,
    TrackUnavailable,
    FormatUnrecognised,
    NoKeyframe,
    DataDamaged,
    CodecUnsupported,
    NoMedia,
    PlaylistInvalid,
    DecryptFailed,
    EncryptionUnsupported,
    VideoDecoderFailed,
    AudioDecoderFailed,
    UrlUnsupported,
    IngestFailed,
    IngestLost,
    IngestRefused,
    IngestUrlUnsupported,
    NothingToPublish,
    VideoEncoderFailed,
    AudioEncoderFailed,
}

impl ErrorCode {
    pub const ALL: [Self; 31] = [
        Self::HttpStatus,
        Self::ConnectionFailed,
        Self::ConnectionLost,
        Self::Timeout,
        Self::StreamTruncated,
        Self::SocketClosed,
        Self::UrlUnresolved,
        Self::PlaylistStale,
        Self::KeyUnavailable,
        Self::SegmentUnavailable,
        Self::RangeUnsupported,
        Self::LowLatencyLost,
        Self::TrackUnavailable,
        Self::FormatUnrecognised,
        Self::NoKeyframe,
        Self::DataDamaged,
        Self::CodecUnsupported,
        Self::NoMedia,
        Self::PlaylistInvalid,
        Self::DecryptFailed,
        Self::EncryptionUnsupported,
        Self::VideoDecoderFailed,
        Self::AudioDecoderFailed,
        Self::UrlUnsupported,
        Self::IngestFailed,
        Self::IngestLost,
        Self::IngestRefused,
        Self::IngestUrlUnsupported,
        Self::NothingToPublish,
        Self::VideoEncoderFailed,
        Self::AudioEncoderFailed,
    ];

    /// 1xxx network, 2xxx media, 3xxx decode, 6xxx encode; 4xxx (browser) and 5xxx (usage) are raised by the page, except
    /// 5001, 5101 and 5102. In each, those of the publisher begin at 100.
    pub fn code(self) -> u16 {
        match self {
            Self::HttpStatus => 1001,
            Self::ConnectionFailed => 1002,
            Self::ConnectionLost => 1003,
            Self::Timeout => 1004,
            Self::StreamTruncated => 1005,
            Self::SocketClosed => 1006,
            Self::UrlUnresolved => 1007,
            Self::PlaylistStale => 1008,
            Self::KeyUnavailable => 1009,
            Self::SegmentUnavailable => 1010,
            Self::RangeUnsupported => 1011,
            Self::LowLatencyLost => 1012,
            Self::TrackUnavailable => 1013,
            Self::FormatUnrecognised => 2001,
            Self::NoKeyframe => 2002,
            Self::DataDamaged => 2003,
            Self::CodecUnsupported => 2004,
            Self::NoMedia => 2005,
            Self::PlaylistInvalid => 2006,
            Self::DecryptFailed => 2007,
            Self::EncryptionUnsupported => 2008,
            Self::VideoDecoderFailed => 3001,
            Self::AudioDecoderFailed => 3002,
            Self::UrlUnsupported => 5001,
            Self::IngestFailed => 1101,
            Self::IngestLost => 1102,
            Self::IngestRefused => 1103,
            Self::IngestUrlUnsupported => 5101,
            Self::NothingToPublish => 5102,
            Self::VideoEncoderFailed => 6001,
            Self::AudioEncoderFailed => 6002,
        }
    }

    /// `network`, `media`, `decode`, `encode` or `usage`.
    pub fn kind(self) -> &'static str {
        match self.code() / 1000 {
            1 => "network",
            2 => "media",
            3 => "decode",
            6 => "encode",
            _ => "usage",
        }
    }

    /// The name in camelCase.
    pub fn details(self) -> &'static str {
        match self {
            Self::HttpStatus => "httpStatus",
            Self::ConnectionFailed => "connectionFailed",
            Self::ConnectionLost => "connectionLost",
            Self::Timeout => "timeout",
            Self::StreamTruncated => "streamTruncated",
            Self::SocketClosed => "socketClosed",
            Self::UrlUnresolved => "urlUnresolved",
            Self::PlaylistStale => "playlistStale",
            Self::KeyUnavailable => "keyUnavailable",
            Self::SegmentUnavailable => "segmentUnavailable",
            Self::RangeUnsupported => "rangeUnsupported",
            Self::LowLatencyLost => "lowLatencyLost",
            Self::TrackUnavailable => "trackUnavailable",
            Self::FormatUnrecognised => "formatUnrecognised",
            Self::NoKeyframe => "noKeyframe",
            Self::DataDamaged => "dataDamaged",
            Self::CodecUnsupported => "codecUnsupported",
            Self::NoMedia => "noMedia",
            Self::PlaylistInvalid => "playlistInvalid",
            Self::DecryptFailed => "decryptFailed",
            Self::EncryptionUnsupported => "encryptionUnsupported",
            Self::VideoDecoderFailed => "videoDecoderFailed",
            Self::AudioDecoderFailed => "audioDecoderFailed",
            Self::UrlUnsupported => "urlUnsupported",
            Self::IngestFailed => "ingestFailed",
            Self::IngestLost => "ingestLost",
            Self::IngestRefused => "ingestRefused",
            Self::IngestUrlUnsupported => "ingestUrlUnsupported",
            Self::NothingToPublish => "nothingToPublish",
            Self::VideoEncoderFailed => "videoEncoderFailed",
            Self::AudioEncoderFailed => "audioEncoderFailed",
        }
    }

    /// What the user can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::HttpStatus => "Check that the stream is live and the URL, with its signature, is right.",
            Self::ConnectionFailed => {
                "Check the network, the host name and certificate; an HTTP server must also send CORS headers for this page."
            }
            Self::ConnectionLost => "Check the network, then call load() again.",
            Self::Timeout => "Check that the publisher is sending, then call load() again.",
            Self::StreamTruncated => {
                "The server stopped in the middle of a frame; call load() again when the stream is back."
            }
            Self::SocketClosed => "See the close code and reason from the server, then call load() again.",
            Self::UrlUnresolved => "See what resolveUrl() threw, or why its promise did not settle.",
            Self::PlaylistStale => {
                "Check that the packager still writes the playlist, and that no cache serves an old one."
            }
            Self::KeyUnavailable => {
                "Check that the key's address answers this page, with CORS headers and, where it needs them, credentials in the URL."
            }
            Self::SegmentUnavailable => {
                "Check that the server still has the segments that its playlist names."
            }
            Self::RangeUnsupported => {
                "Serve the file from a server that answers Range requests, and allow them across origins."
            }
            Self::LowLatencyLost => {
                "Check blocking reload and parts of the packager, and that no cache in between holds playlists."
            }
            Self::TrackUnavailable => {
                "Another one goes on; check what the playlist names for it, and choose it again to try once more."
            }
            Self::FormatUnrecognised => "Check that the URL is an FLV stream and not a web page.",
            Self::NoKeyframe => "Set the encoder to send a keyframe at least every few seconds.",
            Self::DataDamaged => {
                "Playback goes on; if it keeps coming, look for a proxy or encoder that damages the stream."
            }
            Self::CodecUnsupported => "Publish H.264 video and AAC sound.",
            Self::NoMedia => {
                "Check that the publisher sends H.264 video or AAC sound, each with its sequence header."
            }
            Self::PlaylistInvalid => "Check the playlist at the line that is named.",
            Self::DecryptFailed => {
                "Check that key and IV belong to the segment; decrypting needs a page of https: or localhost."
            }
            Self::EncryptionUnsupported => "Serve the stream in the clear or encrypted with AES-128.",
            Self::VideoDecoderFailed => "Try another browser, or publish H.264 in a common profile and size.",
            Self::AudioDecoderFailed => "Publish AAC-LC; a picture goes on without its sound.",
            Self::UrlUnsupported => "Give an http:, https:, ws: or wss: URL.",
            Self::IngestFailed => {
                "Check the network and the address of the ingest server, then call start() again."
            }
            Self::IngestLost => "Check the network, then call start() again.",
            Self::IngestRefused => {
                "See the server's reason: a signature that has expired, or a stream that it does not take."
            }
            Self::IngestUrlUnsupported => "Give a ws: or wss: URL of a server that takes FLV over WebSocket.",
            Self::NothingToPublish => "Give a camera, a microphone or another source before start().",
            Self::VideoEncoderFailed => {
                "Try another codec or a smaller size; sound goes on without its picture."
            }
            Self::AudioEncoderFailed => "The picture goes on without its sound; try another browser.",
        }
    }
}

/// An error as the page sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SailcastError {
    pub code: ErrorCode,
    /// Playback of this load is over; `load()` starts anew.
    pub fatal: bool,
    /// What happened, in one sentence without the advice.
    pub what: String,
}

impl fmt::Display for SailcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.code.advice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_in_the_documented_list() {
        let docs = include_str!("../../../docs/api.md");
        for code in ErrorCode::ALL {
            let row = format!("| {} | `{}` |", code.code(), code.details());
            assert!(docs.contains(&row), "docs/api.md has no row {row}");
        }
    }

    #[test]
    fn every_error_says_what_to_do() {
        for code in ErrorCode::ALL {
            assert!(code.advice().ends_with('.'), "{code:?}");
        }
    }
}
