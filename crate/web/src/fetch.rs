//! One streaming GET. Dropping it aborts the request; what was under way then comes to nothing.
//!
//! Every chunk of the body is copied once, from the browser's buffer into wasm memory. There is no back-pressure:
//! the engine bounds what it keeps, and a live stream must be read as it comes.

use std::rc::Rc;

use bytes::Bytes;
use js_sys::{Promise, Uint8Array, futures::spawn_local};
use sailcast_engine::{IoError, IoEvent, Response as Head};
use wasm_bindgen::prelude::*;
use web_sys::{
    AbortController, AbortSignal, ReadableStream, ReadableStreamDefaultReader, ReadableStreamReadResult,
    RequestCache, RequestInit, Response,
};

#[wasm_bindgen]
extern "C" {
    /// The global of the worker; web-sys has it as a method of the scope.
    #[wasm_bindgen(js_name = fetch)]
    fn global_fetch(url: &str, init: &RequestInit) -> Promise;

    /// A request that `worker.ts` sent while the wasm was on its way.
    pub type EarlyRequest;

    #[wasm_bindgen(method, getter)]
    pub fn abort(this: &EarlyRequest) -> AbortController;

    #[wasm_bindgen(method, getter)]
    fn response(this: &EarlyRequest) -> Promise;
}

pub struct Fetch {
    abort: AbortController,
}

impl Fetch {
    /// Sends the request. `deliver` is never called before this returns.
    pub fn open(url: &str, deliver: Rc<dyn Fn(IoEvent)>) -> Result<Self, JsValue> {
        let abort = AbortController::new()?;
        let init = RequestInit::new();
        init.set_signal(Some(&abort.signal()));
        init.set_cache(RequestCache::NoStore);
        Ok(Self::follow(abort, global_fetch(url, &init), deliver))
    }

    /// Goes on with a request that was sent before.
    pub fn adopt(early: &EarlyRequest, deliver: Rc<dyn Fn(IoEvent)>) -> Self {
        Self::follow(early.abort(), early.response(), deliver)
    }

    fn follow(abort: AbortController, response: Promise, deliver: Rc<dyn Fn(IoEvent)>) -> Self {
        let signal = abort.signal();
        spawn_local(async move {
            if let Some(last) = run(response, &signal, &*deliver).await
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

/// The request from beginning to end. Returns how it ended; None when the engine was told all it needs.
async fn run(response: Promise, signal: &AbortSignal, deliver: &dyn Fn(IoEvent)) -> Option<IoEvent> {
    let response: Response = match response.await {
        Ok(response) => response.unchecked_into(),
        Err(error) => return Some(failed(signal, &error, IoError::Connect)),
    };
    let body = response.body();
    // Of what is read across origins, CORS lets this header through.
    let finite = response.headers().has("content-length").unwrap_or(false);
    deliver(IoEvent::Opened(Head::new(response.status(), finite)));
    if !response.ok() {
        if let Some(body) = body {
            discard(&body).await;
        }
        return None;
    }
    let Some(body) = body else { return Some(IoEvent::End) };
    match read(&body, signal, deliver).await {
        Ok(()) => Some(IoEvent::End),
        Err(error) => Some(failed(signal, &error, IoError::Lost)),
    }
}

/// Reads to the end of the body, or until the request is dropped.
async fn read(body: &ReadableStream, signal: &AbortSignal, deliver: &dyn Fn(IoEvent)) -> Result<(), JsValue> {
    let reader = ReadableStreamDefaultReader::new(body)?;
    while !signal.aborted() {
        let result: ReadableStreamReadResult = reader.read().await?.unchecked_into();
        if result.get_done().unwrap_or(false) {
            break;
        }
        let chunk: Uint8Array = result.get_value().unchecked_into();
        if !signal.aborted() {
            deliver(IoEvent::Bytes(Bytes::from(chunk.to_vec())));
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
