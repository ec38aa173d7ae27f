//! AES-128 by the browser's own cryptography, which pages of plain `http:` do not have.

use bytes::Bytes;
use js_sys::{Array, ArrayBuffer, Promise, Uint8Array};
use sailcast_engine::Decryption;
use sailcast_web_base::js::{Plain, text};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `SubtleCrypto`.
    #[derive(Clone)]
    type Subtle;

    #[wasm_bindgen(thread_local_v2, js_namespace = crypto, js_name = subtle)]
    static SUBTLE: Option<Subtle>;

    #[wasm_bindgen(method, js_name = importKey)]
    fn import_key(
        this: &Subtle,
        format: &str,
        key: &Uint8Array,
        algorithm: &str,
        extractable: bool,
        usages: &Array,
    ) -> Promise;

    #[wasm_bindgen(method)]
    fn decrypt(this: &Subtle, algorithm: &Plain, key: &JsValue, data: &Uint8Array) -> Promise;
}

const ALGORITHM: &str = "AES-CBC";

/// The clear bytes, or why there are none, in words for a person.
pub async fn decrypt(task: Decryption) -> Result<Bytes, String> {
    let subtle =
        SUBTLE.with(Clone::clone).ok_or("the browser decrypts on pages of https: and localhost only")?;
    clear(&subtle, &task).await.map_err(|error| text(&error))
}

async fn clear(subtle: &Subtle, Decryption { key, iv, data }: &Decryption) -> Result<Bytes, JsValue> {
    let usages = Array::of1(&"decrypt".into());
    let key = subtle.import_key("raw", &Uint8Array::from(&key[..]), ALGORITHM, false, &usages).await?;
    let algorithm = Plain::empty().with("name", ALGORITHM).with("iv", Uint8Array::from(&iv[..]));
    let clear = subtle.decrypt(&algorithm, &key, &Uint8Array::from(&data[..])).await?;
    Ok(Bytes::from(Uint8Array::new(clear.unchecked_ref::<ArrayBuffer>()).to_vec()))
}
