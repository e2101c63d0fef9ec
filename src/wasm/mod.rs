//! What JavaScript drives: one screen of coarse calls.
//!
//! No 64-bit integer crosses the boundary, because old engines have no
//! `BigInt`: times, sizes and counts are numbers.

use core::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::id::FileId;
use crate::io::Input;
use crate::json::Json;
use crate::protocol::Protocol;
use crate::service::Service;
use crate::uploader::Uploader;

mod convert;
mod driver;
mod host;

use driver::Driver;
pub use host::Host;

#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

thread_local! {
    /// All queues; JavaScript calls the first one 1. None is ever dropped: a class with a destructor costs glue and code on both sides for
    /// a host that is never collected, because it knows of its queue.
    static DRIVERS: RefCell<Vec<Rc<Driver>>> = const { RefCell::new(Vec::new()) };
}

type Cloud = (&'static dyn Protocol, &'static dyn Service);

/// The cloud that the options name, of those that this build knows.
fn cloud(options: &Json) -> Cloud {
    #[cfg(feature = "server")]
    if options.flag("server") {
        return (&crate::protocol::cos::Cos, &crate::service::tencent::api::Api);
    }
    #[cfg(feature = "tencent")]
    if options.flag("tencent") || cfg!(not(feature = "aliyun")) {
        return (&crate::protocol::cos::Cos, &crate::service::tencent::Ugc);
    }
    #[cfg(feature = "aliyun")]
    return (&crate::protocol::oss::Oss, &crate::service::aliyun::Vod);
    #[cfg(not(feature = "aliyun"))]
    unreachable!("a build knows one cloud at least")
}

fn driver(uploader: u32) -> Rc<Driver> {
    DRIVERS.with_borrow(|drivers| Rc::clone(&drivers[uploader as usize - 1]))
}

/// Makes an empty queue on `host`, with the `Options` of `js/core.js`. `seed`
/// decides about all chance.
#[wasm_bindgen]
pub fn create(host: Host, options: JsValue, seed: f64) -> u32 {
    let options = Json::of(options);
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    let (protocol, service) = cloud(&options);
    let core = Uploader::new(convert::config(&options), protocol, service, seed.to_bits());
    DRIVERS.with_borrow_mut(|drivers| {
        drivers.push(Driver::new(host, core));
        u32::try_from(drivers.len()).unwrap_or(u32::MAX)
    })
}

/// Queues a file, a `Source` of `js/core.js`, under an id that is new.
#[wasm_bindgen]
pub fn add(uploader: u32, file: u32, source: JsValue, overrides: JsValue) {
    driver(uploader).feed(Input::Add {
        file: FileId(file),
        info: convert::file_info(source),
        overrides: convert::overrides(overrides),
    });
}

/// Gives a queued file a cover, under an id that is new.
#[cfg(feature = "sessions")]
#[wasm_bindgen]
pub fn cover(uploader: u32, file: u32, cover: u32, source: JsValue) {
    let info = convert::file_info(source);
    driver(uploader).feed(Input::AddCover { file: FileId(file), cover: FileId(cover), info });
}

/// Anything that needs no more words than the file's id: see the constants of
/// `js/core.js`. One function, since each costs glue on both sides.
#[wasm_bindgen]
pub fn tell(uploader: u32, input: u32, file: u32) {
    let file = FileId(file);
    driver(uploader).feed(match input {
        0 => Input::Start,
        1 => Input::Stop,
        2 => Input::Cancel(file),
        3 => Input::Resume(file),
        4 => Input::Remove(file),
        5 => Input::Online,
        #[cfg(feature = "sessions")]
        7 => Input::Prepare(file),
        _ => Input::Offline,
    });
}

/// Takes a credential, see [`convert::grant`], for a file that waits for one;
/// without a file, for the one whose last one is over. `undefined` when none
/// waits, and `false` when the credential cannot be used.
#[wasm_bindgen]
pub fn authorize(uploader: u32, file: Option<u32>, given: JsValue) -> Option<bool> {
    let driver = driver(uploader);
    let file = {
        let core = driver.core();
        file.map_or_else(|| core.awaiting_renewal(), |file| Some(FileId(file)))
            .filter(|file| core.awaits_credential(*file))
    };
    let file = file?;
    let grant = convert::grant(given, driver.now());
    let accepted = grant.is_ok();
    driver.feed(Input::Authorize { file, grant });
    Some(accepted)
}
