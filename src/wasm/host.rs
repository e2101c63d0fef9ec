//! The JS host as Rust sees it. `js/core.js` implements it on top of what a
//! platform offers; none of its methods throws.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// A platform.
    pub type Host;

    /// Begins to send; `sent` hears of the bytes that left so far.
    #[wasm_bindgen(method)]
    pub fn send(this: &Host, request: &JsValue, sent: &Closure<dyn FnMut(f64)>) -> Sending;

    /// Reads bytes of a file: resolves with an `ArrayBuffer`, rejects with
    /// `{ code, message }`.
    #[wasm_bindgen(method)]
    pub fn read(this: &Host, file: u32, start: f64, end: f64) -> js_sys::Promise;

    /// Reads the checkpoint of a file: resolves with a text or `undefined`.
    #[wasm_bindgen(method)]
    pub fn load(this: &Host, file: u32, key: &str) -> js_sys::Promise;

    /// Keeps a checkpoint, or erases it when it cannot be kept.
    #[wasm_bindgen(method)]
    pub fn store(this: &Host, key: &str, text: &str);

    /// Erases a checkpoint.
    #[wasm_bindgen(method)]
    pub fn erase(this: &Host, key: &str);

    /// Tells the application.
    #[wasm_bindgen(method)]
    pub fn emit(this: &Host, event: &JsValue);

    /// Calls `enter` and takes note of a trap in it, after which this module
    /// must not be called again.
    #[wasm_bindgen(method)]
    pub fn guard(this: &Host, enter: &mut dyn FnMut());

    /// A request under way.
    pub type Sending;

    /// Resolves with any answer; rejects with `{ code, message }` when there
    /// is none.
    #[wasm_bindgen(method, getter)]
    pub fn done(this: &Sending) -> js_sys::Promise;

    /// Ends the request.
    #[wasm_bindgen(method)]
    pub fn abort(this: &Sending);
}
