//! What `tests/js/web_host.js` offers, and uploads in it.

use js_sys::Promise;
use vodupload::wasm::{self, Host};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/tests/js/web_host.js")]
extern "C" {
    #[derive(Clone)]
    pub(crate) type World;

    #[wasm_bindgen(constructor)]
    pub(crate) fn new() -> World;
    #[wasm_bindgen(method)]
    pub(crate) fn fault(this: &World, operation: &str, faults: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn until(this: &World, what: &str, count: u32) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn story(this: &World) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn operations(this: &World) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn shape(this: &World, event: &str) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn event(this: &World, event: &str) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn request(this: &World, index: u32) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn dates(this: &World) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn record(this: &World, key: &str) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn readings(this: &World) -> String;
    #[wasm_bindgen(method, js_name = tellCrc)]
    pub(crate) fn tell_crc(this: &World, part: u32, crc: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn reload(this: &World) -> World;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn aborted(this: &World) -> u32;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn traps(this: &World) -> u32;
    #[wasm_bindgen(method, setter, js_name = emitThrows)]
    pub(crate) fn set_emit_throws(this: &World, throws: bool);

    #[wasm_bindgen(js_name = setClock)]
    pub(crate) fn set_clock(offset: f64);
    pub(crate) fn object(json: &str) -> JsValue;
    pub(crate) fn auth() -> String;
    pub(crate) fn address() -> String;
}

// What `tell` takes.
pub(crate) const START: u32 = 0;
pub(crate) const STOP: u32 = 1;
pub(crate) const CANCEL: u32 = 2;
pub(crate) const RESUME: u32 = 3;
pub(crate) const REMOVE: u32 = 4;
pub(crate) const ONLINE: u32 = 5;
pub(crate) const OFFLINE: u32 = 6;

pub(crate) const PART: u64 = 102_400;
pub(crate) const OPTIONS: &str =
    r#"{"partSize":102400,"retryDuration":20,"userId":"7","requests":6}"#;

/// The options with more of them.
pub(crate) fn options(more: &str) -> String {
    OPTIONS.replace('}', &format!(",{more}}}"))
}

pub(crate) fn source(size: u64) -> JsValue {
    object(&format!(
        r#"{{"name":"a.mp4","size":{size},"lastModified":1700000000000,"contentType":"video/mp4","fingerprint":"F"}}"#
    ))
}

/// An address and its credential.
pub(crate) fn permit() -> JsValue {
    object(&format!(r#"{{"uploadAuth":"{}","uploadAddress":"{}"}}"#, auth(), address()))
}

/// A credential for the same address.
pub(crate) fn renewal() -> JsValue {
    object(&format!(r#"{{"uploadAuth":"{}"}}"#, auth()))
}

/// A queue, as `js/core.js` calls it.
pub(crate) struct Queue(u32);

impl Queue {
    pub(crate) fn new(host: Host, options: JsValue, seed: f64) -> Self {
        Self(wasm::create(host, options, seed))
    }

    pub(crate) fn add(&self, file: u32, source: JsValue, overrides: JsValue) {
        wasm::add(self.0, file, source, overrides);
    }

    pub(crate) fn tell(&self, input: u32, file: u32) {
        wasm::tell(self.0, input, file);
    }

    pub(crate) fn authorize(&self, file: Option<u32>, given: JsValue) -> Option<bool> {
        wasm::authorize(self.0, file, given)
    }
}

pub(crate) fn uploader(world: &World, options: &str) -> Queue {
    let host: Host = world.clone().unchecked_into();
    Queue::new(host, object(options), 0.5)
}

/// Starts file 1, which asks for its credential.
pub(crate) async fn ask(world: &World, options: &str, source: JsValue) -> Queue {
    let uploader = uploader(world, options);
    uploader.add(1, source, JsValue::UNDEFINED);
    uploader.tell(START, 0);
    wait(world, "started", 1).await;
    uploader
}

/// Starts file 1 and gives it its credential.
pub(crate) async fn begin(world: &World, options: &str, size: u64) -> Queue {
    let uploader = ask(world, options, source(size)).await;
    let (auth, address) = (auth(), address());
    let json = format!(r#"{{"uploadAuth":"{auth}","uploadAddress":"{address}","videoId":"VID"}}"#);
    assert_eq!(uploader.authorize(Some(1), object(&json)), Some(true));
    uploader
}

pub(crate) async fn wait(world: &World, what: &str, count: u32) {
    if let Err(error) = JsFuture::from(world.until(what, count)).await {
        wasm_bindgen::throw_val(error);
    }
}
