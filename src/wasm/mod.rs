//! The class that JavaScript drives: one screen of coarse calls.
//!
//! No 64-bit integer crosses the boundary, because old engines have no
//! `BigInt`: times, sizes and counts are numbers.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::id::FileId;
use crate::io::Input;
use crate::protocol::oss::Oss;
use crate::service::aliyun::Vod;
use crate::uploader::Uploader;

mod convert;
mod driver;
mod host;

use driver::Driver;
pub use host::Host;

#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

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
        let uploader = Uploader::new(convert::config(options), &Oss, &Vod, seed.to_bits());
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

    /// Anything that needs no more words than the file's id: see the
    /// constants of `js/core.js`. One method, since each costs glue on both sides.
    pub fn tell(&self, input: u32, file: u32) {
        let file = FileId(file);
        self.driver.feed(match input {
            0 => Input::Start,
            1 => Input::Stop,
            2 => Input::Cancel(file),
            3 => Input::Resume(file),
            4 => Input::Remove(file),
            5 => Input::Online,
            _ => Input::Offline,
        });
    }

    /// Takes a credential, see [`convert::grant`], for a file that waits for
    /// one; without a file, for the one whose last one is over. `undefined`
    /// when none waits, and `false` when the credential cannot be used.
    pub fn authorize(&self, file: Option<u32>, given: JsValue) -> Option<bool> {
        let file = {
            let core = self.driver.core();
            file.map_or_else(|| core.awaiting_renewal(), |file| Some(FileId(file)))
                .filter(|file| core.awaits_credential(*file))
        };
        let file = file?;
        let grant = convert::grant(given, self.driver.now());
        let accepted = grant.is_ok();
        self.driver.feed(Input::Authorize { file, grant });
        Some(accepted)
    }
}
