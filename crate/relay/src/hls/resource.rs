//! The addresses of a packaged stream.
//!
//! ```text
//! /APP/NAME.m3u8               multivariant, fragmented MP4 and LL-HLS     /APP/NAME.ts.m3u8     the same of MPEG-TS
//! /APP/NAME/ll.m3u8            its segments and parts                      /APP/NAME/ts.m3u8
//! /APP/NAME/EPOCH/init0.mp4    /APP/NAME/EPOCH/1.m4s   .../part7.m4s       /APP/NAME/EPOCH/1.ts
//! ```
//!
//! **Invariant:** an address below EPOCH means the same bytes for ever, so caches may keep them.

use std::fmt;

use crate::{muxer::Format, name::StreamName};

const SUFFIX: &str = ".m3u8";
const TS_SUFFIX: &str = ".ts.m3u8";

/// Displayed as its address below the stream's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    Multivariant(Format),
    Media(Format),
    Init { epoch: u64, number: u64 },
    Segment { format: Format, epoch: u64, sequence: u64 },
    Part { epoch: u64, number: u64 },
}

impl Resource {
    /// `path`: without the slash in front.
    pub fn of(path: &str) -> Option<(StreamName, Self)> {
        let (app, rest) = path.split_once('/')?;
        let Some((name, inner)) = rest.split_once('/') else {
            let ts = rest.strip_suffix(TS_SUFFIX).map(|name| (name, Format::Ts));
            let (name, format) = ts.or_else(|| Some((rest.strip_suffix(SUFFIX)?, Format::Fmp4)))?;
            return Some((StreamName::new(app, name).ok()?, Self::Multivariant(format)));
        };
        Some((StreamName::new(app, name).ok()?, Self::below(inner)?))
    }

    fn below(inner: &str) -> Option<Self> {
        match inner {
            "ll.m3u8" => return Some(Self::Media(Format::Fmp4)),
            "ts.m3u8" => return Some(Self::Media(Format::Ts)),
            _ => {}
        }
        let (epoch, file) = inner.split_once('/')?;
        let (stem, extension) = file.split_once('.')?;
        let epoch = number(epoch)?;
        match extension {
            "mp4" => Some(Self::Init { epoch, number: number(stem.strip_prefix("init")?)? }),
            "ts" => Some(Self::Segment { format: Format::Ts, epoch, sequence: number(stem)? }),
            "m4s" => Some(match stem.strip_prefix("part") {
                Some(part) => Self::Part { epoch, number: number(part)? },
                None => Self::Segment { format: Format::Fmp4, epoch, sequence: number(stem)? },
            }),
            _ => None,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Multivariant(Format::Fmp4) => f.write_str(SUFFIX),
            Self::Multivariant(Format::Ts) => f.write_str(TS_SUFFIX),
            Self::Media(Format::Fmp4) => f.write_str("ll.m3u8"),
            Self::Media(Format::Ts) => f.write_str("ts.m3u8"),
            Self::Init { epoch, number } => write!(f, "{epoch}/init{number}.mp4"),
            Self::Segment { format: Format::Fmp4, epoch, sequence } => write!(f, "{epoch}/{sequence}.m4s"),
            Self::Segment { format: Format::Ts, epoch, sequence } => write!(f, "{epoch}/{sequence}.ts"),
            Self::Part { epoch, number } => write!(f, "{epoch}/part{number}.m4s"),
        }
    }
}

/// Digits and nothing else: one number has one address.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_means_one_thing() {
        let (epoch, format) = (17, Format::Ts);
        for resource in [
            Resource::Media(Format::Fmp4),
            Resource::Media(Format::Ts),
            Resource::Init { epoch, number: 0 },
            Resource::Segment { format, epoch, sequence: 9 },
            Resource::Segment { format: Format::Fmp4, epoch, sequence: 10 },
            Resource::Part { epoch, number: 3 },
        ] {
            let read = Resource::of(&format!("live/a/{resource}"));
            assert_eq!(read, Some(("live/a".parse().unwrap(), resource)), "{resource}");
        }
        for format in [Format::Fmp4, Format::Ts] {
            let resource = Resource::Multivariant(format);
            let read = Resource::of(&format!("live/a{resource}"));
            assert_eq!(read, Some(("live/a".parse().unwrap(), resource)), "{resource}");
        }
    }

    #[test]
    fn what_is_no_address_is_left_to_others() {
        for path in [
            "a.m3u8",
            "live/.m3u8",
            "live/a.b.m3u8",
            "live/a/index.m3u8",
            "live/a/1/01.m4s",
            "live/a/+1/1.m4s",
            "live/a/1/part.m4s",
            "live/a/1/init0.m4s",
            "live/a/1/2/3.m4s",
            "live/a/99999999999999999999/1.ts",
        ] {
            assert_eq!(Resource::of(path), None, "{path}");
        }
    }
}
