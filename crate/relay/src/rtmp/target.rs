//! An RTMP application of another server, as the operator names it.

use std::{fmt, str::FromStr};

use thiserror::Error;

const SCHEME: &str = "rtmp://";
const DEFAULT_PORT: u16 = 1935;

/// `rtmp://HOST[:PORT]/APP[?QUERY]`. The query is taken for a secret: [`fmt::Display`] leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: u16,
    app: String,
    query: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadTarget {
    #[error("expected rtmp://HOST[:PORT]/APP[?QUERY]")]
    Form,
    #[error(
        "rtmps is not spoken here: let stunnel or nginx's stream module speak TLS, and name it with rtmp://"
    )]
    Tls,
    #[error("no user and password in the address: servers take a secret in its query")]
    User,
}

impl Target {
    /// For connecting; an IPv6 address is without its brackets.
    pub fn host(&self) -> (&str, u16) {
        (self.host.trim_start_matches('[').trim_end_matches(']'), self.port)
    }

    pub fn app(&self) -> &str {
        &self.app
    }

    /// The address of the application, which a server with several names looks at.
    pub fn tc_url(&self) -> String {
        match self.port {
            DEFAULT_PORT => format!("{SCHEME}{}/{}", self.host, self.app),
            port => format!("{SCHEME}{}:{port}/{}", self.host, self.app),
        }
    }

    /// What is published: servers look for a secret behind the stream's name.
    pub fn play_path(&self, name: &str) -> String {
        match &self.query {
            Some(query) => format!("{name}?{query}"),
            None => name.to_owned(),
        }
    }
}

impl FromStr for Target {
    type Err = BadTarget;

    fn from_str(s: &str) -> Result<Self, BadTarget> {
        if s.starts_with("rtmps://") {
            return Err(BadTarget::Tls);
        }
        let (place, query) = match s.split_once('?') {
            Some((place, query)) => (place, Some(query.to_owned())),
            None => (s, None),
        };
        let (authority, app) =
            place.strip_prefix(SCHEME).and_then(|s| s.split_once('/')).ok_or(BadTarget::Form)?;
        if authority.contains('@') {
            return Err(BadTarget::User);
        }
        // A colon within brackets belongs to an IPv6 address.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| BadTarget::Form)?),
            _ => (authority, DEFAULT_PORT),
        };
        let app = app.trim_end_matches('/');
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_graphic());
        if !plain(host) || !plain(app) || query.as_deref().is_some_and(|query| !plain(query)) {
            return Err(BadTarget::Form);
        }
        Ok(Self { host: host.to_owned(), port, app: app.to_owned(), query })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tc_url())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(s: &str) -> Target {
        s.parse().unwrap()
    }

    #[test]
    fn an_address_is_taken_apart() {
        let plain = target("rtmp://example.org/live");
        assert_eq!((plain.host(), plain.app()), (("example.org", 1935), "live"));
        assert_eq!(plain.tc_url(), "rtmp://example.org/live");
        assert_eq!(plain.play_path("a"), "a");
        let full = target("rtmp://[::1]:1936/live/inst/?key=a/b:c");
        assert_eq!((full.host(), full.app()), (("::1", 1936), "live/inst"));
        assert_eq!(full.tc_url(), "rtmp://[::1]:1936/live/inst");
        assert_eq!(full.play_path("a"), "a?key=a/b:c");
        assert_eq!(target("rtmp://[::1]/live").host(), ("::1", 1935));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let target = target("rtmp://example.org/live?key=hidden");
        assert!(!format!("{target} {target:?}").contains("hidden"));
    }

    #[test]
    fn mistakes_are_told() {
        let bad = |s: &str| s.parse::<Target>().err();
        for form in
            ["", "live", "http://a/b", "rtmp://a", "rtmp://a/", "rtmp:///b", "rtmp://a:x/b", "rtmp://a/b c"]
        {
            assert_eq!(bad(form), Some(BadTarget::Form), "{form}");
        }
        assert_eq!(bad("rtmps://a/b"), Some(BadTarget::Tls));
        assert_eq!(bad("rtmp://me:pass@a/b"), Some(BadTarget::User));
    }
}
