//! Folders of files, each under its prefix.
//!
//! **Invariant:** the longest prefix wins; every answer must be asked for again (`no-cache`) and may be answered by
//! "not modified". It serves files and lists none.

use std::{path::PathBuf, str::FromStr};

use axum::{body::Body, extract::Request, http::uri::PathAndQuery, response::Response};
use hyper::{StatusCode, Uri, header, header::HeaderValue};
use thiserror::Error;
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// The folder of pages that has no prefix; streams go before it.
const ROOT: &str = "/";

/// `PREFIX=DIR` of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Starts with a slash and ends without, but for [`ROOT`].
    prefix: String,
    dir: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadMount {
    #[error("expected PREFIX=DIR, for example /=www")]
    Form,
    #[error("the prefix must start with '/'")]
    Prefix,
}

impl FromStr for Mount {
    type Err = BadMount;

    fn from_str(s: &str) -> Result<Self, BadMount> {
        let (prefix, dir) = s.split_once('=').ok_or(BadMount::Form)?;
        if !prefix.starts_with('/') {
            return Err(BadMount::Prefix);
        }
        if dir.is_empty() {
            return Err(BadMount::Form);
        }
        let trimmed = prefix.trim_end_matches('/');
        let prefix = if trimmed.is_empty() { ROOT } else { trimmed };
        Ok(Self { prefix: prefix.to_owned(), dir: dir.into() })
    }
}

impl Mount {
    pub fn dir(&self) -> &std::path::Path {
        &self.dir
    }

    /// The path within the folder.
    fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        if self.prefix == ROOT {
            return Some(path);
        }
        let rest = path.strip_prefix(&self.prefix)?;
        match rest.chars().next() {
            None => Some("/"),
            Some('/') => Some(rest),
            Some(_) => None,
        }
    }
}

#[derive(Default)]
pub struct Pages {
    mounts: Vec<Mount>,
    isolate: bool,
}

impl Pages {
    pub fn new(mut mounts: Vec<Mount>, isolate: bool) -> Self {
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.prefix.len()));
        Self { mounts, isolate }
    }

    /// Whether the path lies under a prefix that keeps streams away.
    pub fn owns(&self, path: &str) -> bool {
        self.mounts.iter().any(|mount| mount.prefix != ROOT && mount.strip(path).is_some())
    }

    pub async fn answer(&self, request: Request) -> Response {
        let path = request.uri().path().to_owned();
        let found = self.mounts.iter().find_map(|mount| Some((mount, mount.strip(&path)?)));
        let mut response = match found {
            Some((mount, inner)) => serve(mount, inner, request).await,
            None => plain(StatusCode::NOT_FOUND),
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Other ports of this machine, where pages are developed, may load what is served here.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
        if self.isolate {
            headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
            headers.insert("cross-origin-embedder-policy", HeaderValue::from_static("require-corp"));
        }
        response
    }
}

async fn serve(mount: &Mount, inner: &str, mut request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    // A folder's own address needs its slash, or the page's relative links would miss it.
    if mount.prefix == path && mount.prefix != ROOT {
        return moved(&format!("{path}/{query}"));
    }
    let Ok(uri) = PathAndQuery::try_from(format!("{inner}{query}")) else {
        return plain(StatusCode::BAD_REQUEST);
    };
    *request.uri_mut() = Uri::from(uri);
    let mut response = match ServeDir::new(&mount.dir).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    };
    if response.status() == StatusCode::NOT_FOUND {
        return plain(StatusCode::NOT_FOUND);
    }
    if response.status().is_redirection() && response.headers().contains_key(header::LOCATION) {
        return moved(&format!("{path}/{query}"));
    }
    let type_ = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if let Some(type_) = type_.and_then(with_charset) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(type_));
    }
    response
}

/// Text is UTF-8 here; without saying so, a browser guesses by the reader's language.
fn with_charset(type_: &str) -> Option<&'static str> {
    match type_ {
        "text/html" => Some("text/html; charset=utf-8"),
        "text/css" => Some("text/css; charset=utf-8"),
        "text/javascript" | "application/javascript" => Some("text/javascript; charset=utf-8"),
        "text/plain" => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

fn moved(to: &str) -> Response {
    let mut response = plain(StatusCode::TEMPORARY_REDIRECT);
    // Two slashes in front would name another host.
    let to = format!("/{}", to.trim_start_matches('/'));
    match HeaderValue::try_from(to) {
        Ok(to) => response.headers_mut().insert(header::LOCATION, to),
        Err(_) => return plain(StatusCode::BAD_REQUEST),
    };
    response
}

fn plain(status: StatusCode) -> Response {
    let text = status.canonical_reason().unwrap_or_default().to_lowercase();
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(s: &str) -> Mount {
        s.parse().unwrap()
    }

    #[test]
    fn mounts_are_read_from_the_command_line() {
        assert_eq!(mount("/dist/=a=b"), Mount { prefix: "/dist".into(), dir: "a=b".into() });
        assert_eq!(mount("/=www"), Mount { prefix: "/".into(), dir: "www".into() });
        assert_eq!("www".parse::<Mount>(), Err(BadMount::Form));
        assert_eq!("/x=".parse::<Mount>(), Err(BadMount::Form));
        assert_eq!("x=www".parse::<Mount>(), Err(BadMount::Prefix));
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        let dist = mount("/dist=d");
        assert_eq!(dist.strip("/dist/a.js"), Some("/a.js"));
        assert_eq!(dist.strip("/dist"), Some("/"));
        assert_eq!(dist.strip("/distant"), None);
        assert_eq!(mount("/=w").strip("/a"), Some("/a"));
    }

    #[test]
    fn only_named_prefixes_keep_streams_away() {
        let pages = Pages::new(vec![mount("/=w"), mount("/dist=d")], false);
        assert!(pages.owns("/dist/a.flv"));
        assert!(!pages.owns("/live/a.flv"));
    }
}
