//! What a stream is called.
//!
//! **Invariant:** two short plain words, so that a name needs no escaping anywhere: address, log, report, RTMP.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The longest application or stream name: keeps log lines and the health report readable.
const MAX_NAME: usize = 64;

/// `APP/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a stream is named /APP/NAME, each of 1 to {MAX_NAME} letters, digits, '-' or '_'")]
pub struct BadName;

impl StreamName {
    pub fn new(app: &str, name: &str) -> Result<Self, BadName> {
        let good = |part: &str| {
            (1..=MAX_NAME).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if good(app) && good(name) { Ok(Self(format!("{app}/{name}"))) } else { Err(BadName) }
    }

    pub fn app(&self) -> &str {
        self.0.split_once('/').map_or("", |(app, _)| app)
    }

    /// Without its application.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, name)| name)
    }
}

impl FromStr for StreamName {
    type Err = BadName;

    fn from_str(s: &str) -> Result<Self, BadName> {
        let (app, name) = s.split_once('/').ok_or(BadName)?;
        Self::new(app, name)
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_two_plain_words() {
        assert_eq!("live/a-B_9".parse::<StreamName>().map(|n| n.to_string()), Ok("live/a-B_9".into()));
        for bad in ["live", "live/", "/a", "live/a/b", "live/a.b", "live/ä", "live/%41", "l ve/a"] {
            assert_eq!(bad.parse::<StreamName>(), Err(BadName), "{bad}");
        }
        assert!(StreamName::new("live", &"x".repeat(MAX_NAME)).is_ok());
        assert!(StreamName::new("live", &"x".repeat(MAX_NAME + 1)).is_err());
    }
}
