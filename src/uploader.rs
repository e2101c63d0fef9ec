//! The queue: whose turn it is, and who hears of what.

use core::time::Duration;

use crate::error::Error;
use crate::http::Response;
use crate::id::{FileId, RequestId};
use crate::io::{Event, Input, Output};
#[cfg(feature = "sessions")]
use crate::io::{FileInfo, Overrides};
use crate::protocol::{Protocol, Signature};
use crate::retry::{Random, RetryPolicy};
use crate::service::{HAS_SESSIONS, Service, Target};
use crate::time::Timestamp;
use crate::upload::{Context, Session, Upload};

/// The application's and the host's wishes.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // each is a switch of its own
pub struct Config {
    /// Bytes of a part; `None` lets parts follow the speed of the link.
    pub part_size: Option<u64>,
    /// Requests at once for one file, at least 1.
    pub parallel: u32,
    /// Files at once, at least 1.
    pub file_parallel: u32,
    /// Requests at once in all: what the host can carry.
    pub requests: u32,
    /// When and how often to try again.
    pub retry: RetryPolicy,
    /// How long a request may stand still.
    pub timeout: Duration,
    /// Who uploads; a checkpoint of somebody else is not used.
    pub user_id: String,
    /// Whether endpoints are bound to their bucket.
    pub cname: bool,
    /// How requests to the storage are signed.
    pub signature: Signature,
    /// The service's region, where no permit tells another.
    pub region: String,
    /// The service's address, where it is not the region's own.
    pub service_endpoint: Option<String>,
    /// Bytes of the largest file that is sent as a form: 0 for none, and
    /// `u64::MAX` for a host that can stream files in no other way.
    pub largest_form: u64,
    /// Bytes of the largest part that parts grow to by themselves: as many of
    /// them as are under way may have to be in memory.
    pub largest_part: u64,
    /// Bytes per second of the slowest link that is waited for where the host
    /// cannot tell how much of a slice has left; 0 where it can.
    pub unseen_rate: u64,
    /// Whether what is stored is compared with the file.
    pub integrity: bool,
    /// Bytes per second up to which parts are compared as they are stored: on a
    /// faster link reading them once more would be what takes the time.
    pub integrity_rate: u64,
    /// Whether the platform lets requests go to the service's host alone.
    pub forwards: bool,
    /// Whether the nearest of the service's regions is looked for.
    pub races: bool,
    /// The nearest region, if that is known already.
    #[cfg(feature = "sessions")]
    pub nearest: Option<String>,
    /// How long an application may take to renew a credential that is over;
    /// zero for as long as it likes.
    pub renewal_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            part_size: None,
            parallel: 5,
            file_parallel: 1,
            requests: 6,
            retry: RetryPolicy { count: 3, duration: Duration::from_secs(2) },
            timeout: Duration::from_mins(1),
            user_id: String::new(),
            cname: false,
            signature: Signature::Auto,
            region: String::from("cn-shanghai"),
            service_endpoint: None,
            largest_form: 0,
            largest_part: 32 << 20,
            unseen_rate: 0,
            integrity: true,
            integrity_rate: u64::MAX,
            forwards: false,
            races: true,
            #[cfg(feature = "sessions")]
            nearest: None,
            renewal_timeout: Duration::from_mins(1),
        }
    }
}

/// All files of one application and what they share.
pub struct Uploader {
    config: Config,
    protocol: &'static dyn Protocol,
    service: &'static dyn Service,
    uploads: Vec<Upload>,
    session: Session,
    running: bool,
    ended: Option<FileId>,
    wake: Option<Timestamp>,
}

impl Uploader {
    /// An empty queue. Equal seeds make equal decisions.
    pub fn new(
        config: Config,
        protocol: &'static dyn Protocol,
        service: &'static dyn Service,
        seed: u64,
    ) -> Self {
        Self {
            config,
            protocol,
            service,
            uploads: Vec::new(),
            session: Session {
                next_request: 1,
                random: Random::new(seed),
                clock_offset: 0,
                online: true,
                nearest: None,
            },
            running: false,
            ended: None,
            wake: None,
        }
    }

    /// Takes one input at `now`, which never goes back, and says what to do,
    /// in order.
    pub fn dispatch(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.take(now, input, &mut out);
        self.advance(now, &mut out);
        out
    }

    /// Whether the file waits for a credential, so that one is welcome.
    pub fn awaits_credential(&self, file: FileId) -> bool {
        self.find(file).is_some_and(Upload::awaits_credential)
    }

    /// The first file whose credential is over.
    pub fn awaiting_renewal(&self) -> Option<FileId> {
        self.uploads.iter().find(|upload| upload.awaits_renewal()).map(|upload| upload.id)
    }

    /// Where the file goes, as far as a credential has told it.
    pub fn target(&self, file: FileId) -> Option<&Target> {
        self.find(file).map(Upload::target)
    }

    fn find(&self, file: FileId) -> Option<&Upload> {
        self.uploads.iter().find(|upload| upload.id == file)
    }

    fn take(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Add { file, info, overrides } => {
                self.uploads.push(Upload::new(file, info, overrides));
            }
            Input::AddCover { file, cover, info } if HAS_SESSIONS => {
                self.one(file, now, out, &mut |upload, _| upload.add_cover(cover, info.clone()));
            }
            Input::AddCover { .. } => {}
            Input::Authorize { file, grant } => {
                self.one(file, now, out, &mut |upload, cx| upload.authorize(grant.clone(), cx));
            }
            Input::Cancel(file) => self.one(file, now, out, &mut Upload::cancel),
            Input::Digested(id, digest) => {
                self.all(now, out, &mut |upload, cx| upload.digested(id, digest.clone(), cx));
            }
            Input::Failed(id, error) => self.unanswered(id, &error, now, out),
            Input::Loaded { file, text } => {
                self.one(file, now, out, &mut |upload, cx| upload.loaded(text.as_deref(), cx));
            }
            Input::Offline => self.session.online = false,
            Input::Online => {
                self.session.online = true;
                self.all(now, out, &mut |upload, cx| upload.hurry(cx.now));
            }
            #[cfg(feature = "sessions")]
            Input::Prepare(file) => {
                let mut upload = Upload::new(file, FileInfo::default(), Overrides::default());
                upload.prepares = true;
                self.uploads.push(upload);
            }
            Input::Progress(id, sent) => {
                self.all(now, out, &mut |upload, cx| upload.sent(id, sent, cx));
            }
            Input::Remove(file) => self.one(file, now, out, &mut Upload::remove),
            Input::Responded(id, response) => self.respond(id, &response, now, out),
            Input::Resume(file) => self.one(file, now, out, &mut Upload::resume),
            Input::Start => self.start(now, out),
            Input::Stop => {
                self.running = false;
                self.all(now, out, &mut Upload::stop);
            }
            Input::Tick => self.wake = None,
        }
    }

    fn start(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.all(now, out, &mut Upload::rearm);
        self.running |= self.uploads.iter().any(Upload::is_queued);
    }

    fn respond(
        &mut self,
        id: RequestId,
        response: &Response,
        now: Timestamp,
        out: &mut Vec<Output>,
    ) {
        self.all(now, out, &mut |upload, cx| upload.respond(id, response, cx));
    }

    fn unanswered(&mut self, id: RequestId, error: &Error, now: Timestamp, out: &mut Vec<Output>) {
        self.all(now, out, &mut |upload, cx| upload.unanswered(id, error.clone(), cx));
    }

    fn one(
        &mut self,
        file: FileId,
        now: Timestamp,
        out: &mut Vec<Output>,
        act: &mut dyn FnMut(&mut Upload, &mut Context<'_>),
    ) {
        self.all(now, out, &mut |upload, cx| {
            if upload.id == file {
                act(upload, cx);
            }
        });
    }

    fn all(
        &mut self,
        now: Timestamp,
        out: &mut Vec<Output>,
        act: &mut dyn FnMut(&mut Upload, &mut Context<'_>),
    ) {
        let mut cx = Context {
            now,
            config: &self.config,
            protocol: self.protocol,
            service: self.service,
            session: &mut self.session,
            out,
        };
        for upload in &mut self.uploads {
            act(upload, &mut cx);
        }
    }

    /// Lets things happen that an input has made possible.
    fn advance(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let mut deadline = self.poll(now, out);
        while self.run_queue(now, out) || self.ask_for_renewal(now, out) {
            deadline = self.poll(now, out);
        }
        self.uploads.retain(|upload| !upload.is_removed() || upload.is_cleaning());
        self.drain(out);
        if let Some(at) = deadline.filter(|at| self.wake.is_none_or(|wake| *at < wake)) {
            self.wake = Some(at);
            out.push(Output::Wake(at));
        }
    }

    fn poll(&mut self, now: Timestamp, out: &mut Vec<Output>) -> Option<Timestamp> {
        // First, since a request that has timed out leaves its slot to others.
        self.all(now, out, &mut Upload::time_out);
        let in_flight: usize = self.uploads.iter().map(Upload::in_flight).sum();
        let mut slots = (self.config.requests as usize).saturating_sub(in_flight);
        let mut deadline: Option<Timestamp> = None;
        self.all(now, out, &mut |upload, cx| {
            let next = upload.poll(&mut slots, cx);
            deadline = [deadline, next].into_iter().flatten().min();
        });
        deadline
    }

    /// Has one file at a time ask for another credential: an application may
    /// answer without saying for which. Says whether one was told to.
    fn ask_for_renewal(&mut self, now: Timestamp, out: &mut Vec<Output>) -> bool {
        if self.awaiting_renewal().is_some() {
            return false;
        }
        let mut asked = false;
        self.all(now, out, &mut |upload, cx| asked = asked || upload.tell_expiry(cx));
        asked
    }

    /// Starts the files whose turn has come; says whether there was any.
    fn run_queue(&mut self, now: Timestamp, out: &mut Vec<Output>) -> bool {
        if !self.running {
            return false;
        }
        let limit = self.config.file_parallel as usize;
        let count = |is: fn(&Upload) -> bool| self.uploads.iter().filter(|it| is(it)).count();
        let preparing = count(Upload::is_preparing);
        let sending = count(Upload::is_active) - preparing;
        // Several files are prepared while as many are sent: no connection
        // waits for a credential. One at a time is one at a time.
        let more = limit.saturating_sub(if limit > 1 { preparing } else { preparing + sending });
        let chosen = |is: fn(&Upload) -> bool, most: usize| -> Vec<FileId> {
            let them = self.uploads.iter().filter(|upload| is(upload));
            them.take(most).map(|upload| upload.id).collect()
        };
        let begins = chosen(Upload::is_permitted, limit.saturating_sub(sending));
        let starts = chosen(Upload::is_queued, more);
        for file in &begins {
            self.one(*file, now, out, &mut Upload::begin);
        }
        for file in &starts {
            self.one(*file, now, out, &mut Upload::start);
        }
        begins.len() + starts.len() > 0
    }

    /// Tells the end of the queue, once it has run empty.
    fn drain(&mut self, out: &mut Vec<Output>) {
        let ended = out.iter().rev().find_map(|output| match output {
            Output::Event(
                Event::Canceled { file }
                | Event::Failed { file, .. }
                | Event::Stopped { file }
                | Event::Succeeded { file, .. },
            ) => Some(*file),
            _ => None,
        });
        self.ended = ended.or(self.ended);
        if !self.running
            || self.uploads.iter().any(|upload| upload.is_active() || upload.is_queued())
        {
            return;
        }
        self.running = false;
        if let Some(last) = self.ended {
            out.push(Output::Event(Event::Finished { last }));
        }
    }
}
