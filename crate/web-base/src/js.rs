//! The few globals and shapes of JavaScript that several modules need and web-sys lacks or makes heavy.

use js_sys::Object;
use sailcast_engine::Instant;
use sailcast_media::Micros;
use wasm_bindgen::prelude::*;
use web_sys::DomException;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(thread_local_v2, js_namespace = performance, js_name = timeOrigin)]
    static TIME_ORIGIN: f64;

    /// `String(value)`: for an exception its name and message.
    #[wasm_bindgen(js_name = String)]
    pub fn text(value: &JsValue) -> String;

    /// A plain object, written key by key.
    #[wasm_bindgen(extends = Object, js_name = Object)]
    pub type Plain;

    #[wasm_bindgen(constructor)]
    fn new() -> Plain;

    #[wasm_bindgen(method, structural, indexing_setter)]
    pub fn put(this: &Plain, key: &str, value: &JsValue);
}

impl Plain {
    pub fn empty() -> Self {
        Self::new()
    }

    /// Keys are ours, never from the wire: assigning `__proto__` would do more than set a property.
    pub fn with(self, key: &str, value: impl Into<JsValue>) -> Self {
        self.put(key, &value.into());
        self
    }
}

/// As the page's types have what is not known.
pub fn or_null(value: Option<impl Into<JsValue>>) -> JsValue {
    value.map_or(JsValue::NULL, Into::into)
}

/// The worker's monotonic clock.
pub fn now() -> Instant {
    Instant((performance_now() * 1000.0) as u64)
}

/// Of [`now`], in milliseconds since 1970.
pub fn epoch(at: Instant) -> f64 {
    TIME_ORIGIN.with(|origin| *origin) + at.0 as f64 / 1000.0
}

/// Seconds of the page to the engine's microseconds; what is not a number counts as 0.
pub fn micros(seconds: f64) -> Micros {
    Micros((seconds * 1e6) as i64)
}

/// Whether an error of a codec says that the browser has taken it away: WebCodecs does so with those of hidden pages first, and
/// would give another one.
pub fn is_reclaimed(error: &JsValue) -> bool {
    error.dyn_ref::<DomException>().is_some_and(|error| error.name() == "QuotaExceededError")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_that_are_no_number_are_zero() {
        assert_eq!(micros(0.4), Micros(400_000));
        assert_eq!(micros(f64::NAN), Micros::ZERO);
    }
}
