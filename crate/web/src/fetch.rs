//! One streaming GET. Dropping it aborts the request; what was under way then comes to nothing.
//!
//! Every chunk of the body is copied once, from the browser's buffer into wasm memory. There is no back-pressure:
//! the engine bounds what it keeps, and a live stream must be read as it comes.

use std::rc::Rc;

use bytes::Bytes;
use js_sys::{Promise, Uint8Array, futures::spawn_local};
use sailcast_engine::{IoError, IoEvent, Response as Head};
use sailcast_media::hls::ByteRange;
use sailcast_web_base::js::Plain;
use wasm_bindgen::prelude::*;
use web_sys::{
    AbortController, AbortSignal, ReadableStream, ReadableStreamDefaultReader, ReadableStreamReadResult,
    RequestCache, RequestInit, Response,
};

use crate::early::EarlyRequest;

/// What a segment or its key is named like, in lower case. It does not change, so that the browser may have it already.
const SEGMENTS: &[&str] =
    &["ts", "m4s", "mp4", "m4v", "m4a", "cmfv", "cmfa", "aac", "mp3", "ac3", "ec3", "key"];

#[wasm_bindgen]
extern "C" {
    /// The global of the worker; web-sys has it as a method of the scope.
    #[wasm_bindgen(js_name = fetch)]
    fn global_fetch(url: &str, init: &RequestInit) -> Promise;
}

pub struct Fetch {
    abort: AbortController,
}

impl Fetch {
    /// Sends the request. `fresh`: not to the browser's cache. `deliver` is never called before this returns.
    pub fn open(
        url: &str,
        range: Option<ByteRange>,
        fresh: bool,
        deliver: Rc<dyn Fn(IoEvent)>,
    ) -> Result<Self, JsValue> {
        let abort = AbortController::new()?;
        let init = RequestInit::new();
        init.set_signal(Some(&abort.signal()));
        let keeps = range.is_some() || is_segment(url);
        init.set_cache(match (keeps, fresh) {
            (true, false) => RequestCache::Default,
            (true, true) => RequestCache::Reload,
            (false, _) => RequestCache::NoStore,
        });
        if let Some(range) = range {
            init.set_headers(&Plain::empty().with("Range", range_header(range)));
        }
        Ok(Self::follow(abort, global_fetch(url, &init), u64::MAX, deliver))
    }

    /// Goes on with a request that was sent before, up to the end of `range`.
    pub fn adopt(early: &EarlyRequest, range: Option<ByteRange>, deliver: Rc<dyn Fn(IoEvent)>) -> Self {
        let wanted = range.map_or(u64::MAX, |range| range.length);
        Self::follow(early.abort(), early.response(), wanted, deliver)
    }

    fn follow(abort: AbortController, response: Promise, wanted: u64, deliver: Rc<dyn Fn(IoEvent)>) -> Self {
        let signal = abort.signal();
        spawn_local(async move {
            if let Some(last) = run(response, &signal, wanted, &*deliver).await
                && !signal.aborted()
            {
                deliver(last);
            }
        });
        Self { abort }
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// The request from beginning to end, or to the first `wanted` bytes of it. Returns how it ended; None when the engine was told
/// all it needs.
async fn run(
    response: Promise,
    signal: &AbortSignal,
    wanted: u64,
    deliver: &dyn Fn(IoEvent),
) -> Option<IoEvent> {
    let response: Response = match response.await {
        Ok(response) => response.unchecked_into(),
        Err(error) => return Some(failed(signal, &error, IoError::Connect)),
    };
    let body = response.body();
    deliver(IoEvent::Opened(head(&response)));
    if !response.ok() {
        if let Some(body) = body {
            discard(&body).await;
        }
        return None;
    }
    let Some(body) = body else { return Some(IoEvent::End) };
    match read(&body, signal, wanted, deliver).await {
        Ok(()) => Some(IoEvent::End),
        Err(error) => Some(failed(signal, &error, IoError::Lost)),
    }
}

fn head(response: &Response) -> Head {
    // Of what is read across origins, CORS lets Content-Length through, and Content-Range where the server exposes it.
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let length = header("content-length");
    let len = match response.status() {
        206 => header("content-range").and_then(|range| whole_length(&range)),
        // The bytes on the wire of a body that comes packed are not those that are read.
        200 if header("content-encoding").is_none() => length.as_deref().and_then(|n| n.parse().ok()),
        _ => None,
    };
    Head {
        status: response.status(),
        finite: length.is_some(),
        len,
        url: response.redirected().then(|| response.url()),
    }
}

/// Reads to the end of the body, to so many bytes, or until the request is dropped.
async fn read(
    body: &ReadableStream,
    signal: &AbortSignal,
    mut wanted: u64,
    deliver: &dyn Fn(IoEvent),
) -> Result<(), JsValue> {
    let reader = ReadableStreamDefaultReader::new(body)?;
    while wanted > 0 && !signal.aborted() {
        let result: ReadableStreamReadResult = reader.read().await?.unchecked_into();
        if result.get_done().unwrap_or(false) {
            break;
        }
        let chunk: Uint8Array = result.get_value().unchecked_into();
        let taken = u32::try_from(wanted).unwrap_or(u32::MAX).min(chunk.length());
        wanted -= u64::from(taken);
        if !signal.aborted() {
            deliver(IoEvent::Bytes(Bytes::from(chunk.subarray(0, taken).to_vec())));
        }
    }
    Ok(())
}

/// Frees the connection of a response nobody will read.
async fn discard(body: &ReadableStream) {
    if let Err(error) = body.cancel().await {
        log::debug!("cancel of a refused body: {}", sailcast_web_base::js::text(&error));
    }
}

fn failed(signal: &AbortSignal, error: &JsValue, as_what: IoError) -> IoEvent {
    if !signal.aborted() {
        log::info!("fetch: {}", sailcast_web_base::js::text(error));
    }
    IoEvent::Failed(as_what)
}

/// RFC 9110, 14.2. A range that reaches beyond any file is open.
fn range_header(ByteRange { offset, length }: ByteRange) -> String {
    match offset.checked_add(length) {
        Some(end) if length > 0 && length < u64::MAX => format!("bytes={offset}-{}", end - 1),
        _ => format!("bytes={offset}-"),
    }
}

/// Of all, as a Content-Range says (RFC 9110, 14.4); `*`: not known.
fn whole_length(content_range: &str) -> Option<u64> {
    content_range.rsplit_once('/')?.1.trim().parse().ok()
}

fn is_segment(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    SEGMENTS.iter().any(|segment| ending.eq_ignore_ascii_case(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_names_its_last_byte() {
        assert_eq!(range_header(ByteRange { offset: 0, length: 100 }), "bytes=0-99");
        assert_eq!(range_header(ByteRange { offset: 100, length: u64::MAX }), "bytes=100-");
        assert_eq!(range_header(ByteRange { offset: 0, length: u64::MAX }), "bytes=0-");
    }

    #[test]
    fn the_length_of_all_is_read_where_it_is_known() {
        assert_eq!(whole_length("bytes 0-99/1234"), Some(1234));
        assert_eq!(whole_length("bytes 0-99/*"), None);
        assert_eq!(whole_length(""), None);
    }

    #[test]
    fn segments_may_come_from_the_browsers_cache_and_streams_and_playlists_not() {
        for url in ["https://a.b/seg-1.ts", "https://a.b/x/seg.M4S?token=a.m3u8", "https://a.b/key.key#x"] {
            assert!(is_segment(url), "{url}");
        }
        for url in ["https://a.b/live.flv", "https://a.b/index.m3u8?a=b.ts", "https://a.ts/live", "x"] {
            assert!(!is_segment(url), "{url}");
        }
    }
}
