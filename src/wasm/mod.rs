//! The class that JavaScript drives: one screen of coarse calls.
//!
//! No 64-bit integer crosses the boundary, because old engines have no
//! `BigInt`: times, sizes and counts are numbers.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::id::FileId;
use crate::io::Input;
use crate::protocol::oss::Oss;
use crate::service::aliyun;
use crate::uploader::Uploader;

mod convert;
mod driver;
mod host;

use driver::Driver;
pub use host::Host;

/// A queue of files that are uploaded to Aliyun VOD.
#[wasm_bindgen(js_name = Uploader)]
pub struct JsUploader {
    driver: Rc<Driver>,
}

#[wasm_bindgen(js_class = Uploader)]
impl JsUploader {
    /// An empty queue on `host`, with the `Options` of `js/core.js`. `seed`
    /// decides about all chance.
    #[wasm_bindgen(constructor)]
    pub fn new(host: Host, options: JsValue, seed: f64) -> JsUploader {
        #[cfg(debug_assertions)]
        console_error_panic_hook::set_once();
        let uploader = Uploader::new(convert::config(options), &Oss, seed.to_bits());
        Self { driver: Driver::new(host, uploader) }
    }

    /// Queues a file, a `Source` of `js/core.js`, under an id that is new.
    pub fn add(&self, file: u32, source: JsValue, overrides: JsValue) {
        self.driver.feed(Input::Add {
            file: FileId(file),
            info: convert::file_info(source),
            overrides: convert::overrides(overrides),
        });
    }

    /// Runs the queue.
    pub fn start(&self) {
        self.driver.feed(Input::Start);
    }

    /// Stops the queue.
    pub fn stop(&self) {
        self.driver.feed(Input::Stop);
    }

    /// Gives a file up.
    pub fn cancel(&self, file: u32) {
        self.driver.feed(Input::Cancel(FileId(file)));
    }

    /// Queues a cancelled file again.
    pub fn resume(&self, file: u32) {
        self.driver.feed(Input::Resume(FileId(file)));
    }

    /// Forgets a file.
    pub fn remove(&self, file: u32) {
        self.driver.feed(Input::Remove(FileId(file)));
    }

    /// Whether the host has a network.
    pub fn network(&self, online: bool) {
        self.driver.feed(if online { Input::Online } else { Input::Offline });
    }

    /// Takes an upload address and credential for a file that waits for them.
    /// Answers with the target; `undefined` when the file does not wait, or
    /// fails because they cannot be used.
    pub fn authorize(
        &self,
        file: u32,
        auth: &str,
        address: &str,
        video_id: Option<String>,
    ) -> Option<js_sys::Object> {
        let file = FileId(file);
        if !self.driver.core().awaits_credential(file) {
            return None;
        }
        let grant = aliyun::grant(auth, address, self.driver.now());
        let accepted = grant.is_ok();
        let video_id = video_id.filter(|id| !id.is_empty());
        self.driver.feed(Input::Authorize { file, grant, video_id });
        let core = self.driver.core();
        core.target(file).filter(|_| accepted).map(convert::target)
    }

    /// Takes a new credential for the file whose last one is over. `false`
    /// when there is none, or it fails because the credential cannot be used.
    pub fn renew(&self, auth: &str) -> bool {
        let Some(file) = self.driver.core().awaiting_renewal() else { return false };
        let grant = aliyun::renewal(auth, self.driver.now());
        let accepted = grant.is_ok();
        self.driver.feed(Input::Authorize { file, grant, video_id: None });
        accepted
    }
}
