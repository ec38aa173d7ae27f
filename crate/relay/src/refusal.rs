//! Why a client is not served, or no longer, in one list: for people, by HTTP, by WebSocket, and for counting.
//!
//! **Invariant:** a close frame's code is 4000 plus the HTTP status that says the same; only the relay's own end has
//! WebSocket's own code for it.

use hyper::StatusCode;
use thiserror::Error;

use crate::{
    hls::BadDirective,
    intake::BadStream,
    name::{BadName, StreamName},
};

const GOING_AWAY: u16 = 1001;
const OWN_CODES: u16 = 4000;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error(transparent)]
    BadName(#[from] BadName),
    #[error("nothing here takes this method")]
    Method,
    #[error("a connection plays one stream")]
    SecondStream,
    #[error("pages of {0} may not use this relay")]
    Origin(String),
    #[error("this address must be signed: it carries neither secret nor sign")]
    Unsigned,
    #[error("the secret or the signature is not right")]
    BadSignature,
    #[error("the signature is over since {0}, in seconds since 1970")]
    Expired(u64),
    #[error("{0} is not live")]
    NotLive(StreamName),
    #[error("{0} already has a publisher")]
    Taken(StreamName),
    #[error("the relay holds {0} streams, its limit")]
    Streams(usize),
    #[error("the relay has {0} players, its limit")]
    Players(usize),
    #[error("more than {0} bit/s, the limit of a stream")]
    BitRate(u64),
    #[error("a tag of {len} bytes, over the limit of {max}")]
    TagSize { len: usize, max: usize },
    #[error("no tag for {0} s")]
    Silent(u64),
    #[error(transparent)]
    BadStream(#[from] BadStream),
    #[error("the relay is going down")]
    Shutdown,
    #[error("nothing is at this address, or not any more")]
    Gone,
    #[error(transparent)]
    Directive(#[from] BadDirective),
    #[error("not there after {0} s")]
    NotYet(u64),
    #[error("nothing of this stream can be told in {0}")]
    Codecs(&'static str),
}

/// All that [`Refusal::label`] may say.
pub const LABELS: [&str; 20] = [
    "bad_name",
    "method",
    "second_stream",
    "origin",
    "unsigned",
    "bad_signature",
    "expired",
    "not_live",
    "taken",
    "streams",
    "players",
    "bit_rate",
    "tag_size",
    "silent",
    "bad_stream",
    "shutdown",
    "gone",
    "directive",
    "not_yet",
    "codecs",
];

impl Refusal {
    /// The place in [`LABELS`].
    pub fn index(&self) -> usize {
        match self {
            Self::BadName(_) => 0,
            Self::Method => 1,
            Self::SecondStream => 2,
            Self::Origin(_) => 3,
            Self::Unsigned => 4,
            Self::BadSignature => 5,
            Self::Expired(_) => 6,
            Self::NotLive(_) => 7,
            Self::Taken(_) => 8,
            Self::Streams(_) => 9,
            Self::Players(_) => 10,
            Self::BitRate(_) => 11,
            Self::TagSize { .. } => 12,
            Self::Silent(_) => 13,
            Self::BadStream(_) => 14,
            Self::Shutdown => 15,
            Self::Gone => 16,
            Self::Directive(_) => 17,
            Self::NotYet(_) => 18,
            Self::Codecs(_) => 19,
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadName(_) | Self::SecondStream | Self::BadStream(_) | Self::Directive(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::Origin(_) | Self::BadSignature | Self::Expired(_) => StatusCode::FORBIDDEN,
            Self::NotLive(_) | Self::Gone | Self::Codecs(_) => StatusCode::NOT_FOUND,
            Self::Silent(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Taken(_) => StatusCode::CONFLICT,
            Self::TagSize { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BitRate(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Streams(_) | Self::Players(_) | Self::Shutdown | Self::NotYet(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    pub fn close_code(&self) -> u16 {
        match self {
            Self::Shutdown => GOING_AWAY,
            other => OWN_CODES + other.status().as_u16(),
        }
    }

    /// Where the bad bytes start, if bytes are what is bad.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::BadStream(bad) => bad.offset(),
            _ => None,
        }
    }
}
