//! JSON text to structs and back.
//!
//! In WebAssembly the platform's own `JSON` does the parsing, which keeps
//! 27 KB (brotli) of parser out of the module.

use serde::{Serialize, de::DeserializeOwned};

/// Reads `text`; `None` when it is no JSON or of another shape.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn from_str<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Writes `value`.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn to_string<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain structs have a JSON form")
}

/// Reads `text`; `None` when it is no JSON or of another shape.
#[cfg(target_arch = "wasm32")]
pub(crate) fn from_str<T: DeserializeOwned>(text: &str) -> Option<T> {
    let value = js_sys::JSON::parse(text).ok()?;
    serde_wasm_bindgen::from_value(value).ok()
}

/// Writes `value`.
#[cfg(target_arch = "wasm32")]
pub(crate) fn to_string<T: Serialize>(value: &T) -> String {
    let value = serde_wasm_bindgen::to_value(value).expect("plain structs have a JS form");
    js_sys::JSON::stringify(&value).expect("plain objects have a JSON form").into()
}
