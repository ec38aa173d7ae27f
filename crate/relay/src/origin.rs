//! Which pages may use the relay from within a browser.
//!
//! **Invariant:** what names no origin is no page and passes. Where only some origins are allowed, no other may
//! publish or play by WebSocket, publish by POST, or read an answer (CORS); the relay's own address is one like any
//! other, since whoever points a name of theirs at this machine has it too.

use axum::response::Response;
use hyper::{HeaderMap, header, header::HeaderValue};

use crate::refusal::Refusal;

/// The longest origin that is repeated in a reason.
const MAX_SHOWN: usize = 64;

/// Any, if none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(pub Vec<String>);

impl Origins {
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match headers.get(header::ORIGIN) {
            Some(origin) if !self.allows(origin) => {
                let shown = origin.to_str().unwrap_or("another origin");
                Err(Refusal::Origin(shown.chars().take(MAX_SHOWN).collect()))
            }
            _ => Ok(()),
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let same = |allowed: &String| allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
        self.0.is_empty() || self.0.iter().any(same)
    }

    /// Says which pages may read the answer to a request of that origin.
    pub fn mark(&self, response: &mut Response, origin: Option<&HeaderValue>) {
        let any = HeaderValue::from_static("*");
        let readable = match origin {
            _ if self.0.is_empty() => Some(any.clone()),
            origin => origin.filter(|origin| self.allows(origin)).cloned(),
        };
        let headers = response.headers_mut();
        if !self.0.is_empty() {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        let Some(readable) = readable else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, readable);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, any.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, any);
        let methods = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn from(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static(origin))])
    }

    #[test]
    fn any_page_may_unless_some_are_named() {
        assert_eq!(Origins::default().check(&from("https://any.example")), Ok(()));
        let some = Origins(vec!["https://app.example".into(), "http://localhost:8080".into()]);
        for good in ["https://app.example", "HTTPS://app.example", "http://localhost:8080"] {
            assert_eq!(some.check(&from(good)), Ok(()), "{good}");
        }
        assert_eq!(some.check(&HeaderMap::new()), Ok(()));
        for bad in ["http://app.example", "https://app.example.evil", "http://localhost", "null", ""] {
            assert_eq!(some.check(&from(bad)), Err(Refusal::Origin(bad.into())), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_readable_by_whom_it_names() {
        let readable = |origins: &Origins, origin| {
            let mut response = Response::new(Body::empty());
            origins.mark(&mut response, Some(&HeaderValue::from_static(origin)));
            response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).cloned()
        };
        assert_eq!(readable(&Origins::default(), "https://a.example").unwrap(), "*");
        let some = Origins(vec!["https://a.example".into()]);
        assert_eq!(readable(&some, "https://a.example").unwrap(), "https://a.example");
        assert_eq!(readable(&some, "https://b.example"), None);
    }
}
