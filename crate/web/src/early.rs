//! What `worker.ts` asked for while the wasm was on its way, for the engine's first request.

use js_sys::Promise;
use sailcast_media::hls::ByteRange;
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, WebSocket};

#[wasm_bindgen]
extern "C" {
    /// That of `www/src/internal/early.ts`.
    pub type EarlyRequest;

    #[wasm_bindgen(method, getter)]
    pub fn abort(this: &EarlyRequest) -> AbortController;

    #[wasm_bindgen(method, getter)]
    fn url(this: &EarlyRequest) -> String;

    #[wasm_bindgen(method, getter)]
    pub fn response(this: &EarlyRequest) -> Promise;

    #[wasm_bindgen(method, getter)]
    fn bytes(this: &EarlyRequest) -> f64;

    /// In place of a response. When the engine has its load, it says again what it said before.
    #[wasm_bindgen(method, getter)]
    pub fn socket(this: &EarlyRequest) -> Option<WebSocket>;
}

impl EarlyRequest {
    /// Whether its answer is that to a request for `range`, or begins with it.
    pub fn serves(&self, url: &str, range: Option<ByteRange>) -> bool {
        let asked = self.bytes() as u64;
        self.url() == url
            && match range {
                None => asked == 0,
                Some(range) => range.offset == 0 && range.length <= asked,
            }
    }
}
