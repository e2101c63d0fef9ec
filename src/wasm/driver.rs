//! The run loop: feeds the core and performs what it answers.

use core::cell::{Cell, Ref, RefCell};
use core::ops::Range;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::convert;
use super::host::{Host, Sending};
use crate::digest::{Algorithm, Digest, Hasher};
use crate::http::Request;
use crate::id::{FileId, RequestId};
use crate::io::{Input, Output};
use crate::time::Timestamp;
use crate::uploader::Uploader;

/// `setTimeout` takes no longer wait; an early tick does no harm.
const LONGEST_TIMEOUT_MS: u64 = i32::MAX as u64;

/// Bytes that are read and digested at once: a few milliseconds' work.
const DIGESTED_AT_ONCE: u64 = 2 << 20;

/// A core and what it is connected to.
pub(super) struct Driver {
    host: Host,
    core: RefCell<Uploader>,
    inbox: RefCell<Vec<Input>>,
    busy: Cell<bool>,
    sendings: RefCell<Vec<(RequestId, Sending)>>,
    digests: RefCell<Vec<RequestId>>,
    timeout: RefCell<Option<Timeout>>,
    last: Cell<u64>,
    ahead: Cell<u64>,
}

impl Driver {
    pub(super) fn new(host: Host, core: Uploader) -> Rc<Self> {
        Rc::new(Self {
            host,
            core: RefCell::new(core),
            inbox: RefCell::default(),
            busy: Cell::new(false),
            sendings: RefCell::default(),
            digests: RefCell::default(),
            timeout: RefCell::default(),
            last: Cell::new(0),
            ahead: Cell::new(0),
        })
    }

    /// The core, to look at.
    pub(super) fn core(&self) -> Ref<'_, Uploader> {
        self.core.borrow()
    }

    /// The device's time. It never goes back: where the device's clock is set
    /// back, the core's goes on, and the service corrects it when need be.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole ms since 1970
    pub(super) fn now(&self) -> Timestamp {
        let clock = js_sys::Date::now() as u64 + self.ahead.get();
        let now = clock.max(self.last.get());
        self.ahead.set(self.ahead.get() + (now - clock));
        self.last.set(now);
        Timestamp(now)
    }

    /// Takes an input. What is fed while outputs are performed waits: the
    /// outer loop takes it.
    pub(super) fn feed(self: &Rc<Self>, input: Input) {
        self.inbox.borrow_mut().push(input);
        if self.busy.replace(true) {
            return;
        }
        self.host.guard(&mut || self.run());
        self.busy.set(false);
    }

    fn run(self: &Rc<Self>) {
        loop {
            if self.inbox.borrow().is_empty() {
                return;
            }
            let input = self.inbox.borrow_mut().remove(0);
            let outputs = self.core.borrow_mut().dispatch(self.now(), input);
            for output in outputs {
                self.perform(output);
            }
        }
    }

    fn perform(self: &Rc<Self>, output: Output) {
        match output {
            Output::Abort(id) => {
                self.digests.borrow_mut().retain(|other| *other != id);
                if let Some(sending) = self.end(id) {
                    sending.abort();
                }
            }
            Output::Erase { key } => self.host.erase(&key),
            Output::Event(event) => {
                // Events hold no secret; requests do, and are not traced.
                #[cfg(debug_assertions)]
                web_sys::console::debug_1(&format!("{event:?}").into());
                self.host.emit(&convert::event(&event));
            }
            Output::Digest { id, file, range, algorithm } => {
                self.digests.borrow_mut().push(id);
                let driver = Rc::clone(self);
                spawn_local(async move {
                    let digest = driver.digest(id, file, range, algorithm).await;
                    let digest = digest.map_err(convert::failure);
                    // One that was aborted is nobody's.
                    if driver.digests.borrow().contains(&id) {
                        driver.digests.borrow_mut().retain(|other| *other != id);
                        driver.feed(Input::Digested(id, digest));
                    }
                });
            }
            Output::Load { file, key } => {
                let text = JsFuture::from(self.host.load(file.0, &key));
                let driver = Rc::clone(self);
                spawn_local(async move {
                    let text = text.await.ok().and_then(|text| text.as_string());
                    driver.feed(Input::Loaded { file, text });
                });
            }
            Output::Send(id, request) => self.send(id, &request),
            Output::Store { key, text } => self.host.store(&key, &text),
            Output::Wake(at) => self.wake(at),
        }
    }

    async fn digest(
        &self,
        id: RequestId,
        file: FileId,
        range: Range<u64>,
        algorithm: Algorithm,
    ) -> Result<Digest, JsValue> {
        let mut hasher = Hasher::new(algorithm);
        let mut start = range.start;
        while start < range.end && self.digests.borrow().contains(&id) {
            let end = range.end.min(start + DIGESTED_AT_ONCE);
            #[allow(clippy::cast_precision_loss)] // sizes are far below 2^53
            let bytes = self.host.read(file.0, start as f64, end as f64);
            let bytes = Uint8Array::new(&JsFuture::from(bytes).await?).to_vec();
            hasher.update(&bytes);
            start = end;
        }
        Ok(hasher.finish())
    }

    fn send(self: &Rc<Self>, id: RequestId, request: &Request) {
        let driver = Rc::clone(self);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole bytes
        let sent = Closure::new(move |bytes: f64| driver.feed(Input::Progress(id, bytes as u64)));
        let sending = self.host.send(&convert::request(request), &sent);
        let done = sending.done();
        self.sendings.borrow_mut().push((id, sending));
        let driver = Rc::clone(self);
        spawn_local(async move {
            let answer = JsFuture::from(done).await;
            // The closure lives as long as the request may call it.
            drop(sent);
            if driver.end(id).is_none() {
                return;
            }
            driver.feed(match answer {
                Ok(response) => Input::Responded(id, convert::response(response)),
                Err(reason) => Input::Failed(id, convert::failure(reason)),
            });
        });
    }

    /// Takes a request that has ended; `None` when it was aborted before.
    fn end(&self, id: RequestId) -> Option<Sending> {
        let mut sendings = self.sendings.borrow_mut();
        let index = sendings.iter().position(|(other, _)| *other == id)?;
        Some(sendings.swap_remove(index).1)
    }

    fn wake(self: &Rc<Self>, at: Timestamp) {
        let wait = at.0.saturating_sub(self.now().0).min(LONGEST_TIMEOUT_MS);
        let driver = Rc::clone(self);
        let timeout = Timeout::new(u32::try_from(wait).unwrap_or(0), move || {
            driver.feed(Input::Tick);
        });
        self.timeout.replace(Some(timeout));
    }
}
