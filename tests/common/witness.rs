//! Sees every input and output and knows what must never happen.
//!
//! It keeps its own small account of the queue and of each file, made from
//! inputs and events alone, and panics where the core contradicts it.

use std::collections::BTreeMap;

use vodupload::{
    Config, Event, FileId, Grant, Input, Output, Request, RequestId, Response, Timestamp, Uploader,
};

use super::cloud::Cloud;
use super::service::{self, VodService};
use super::wire::{Call, Parsed, parse};

/// Where a file stands, as inputs and events tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Active,
    Canceled,
    Failed,
    Queued,
    Removed,
    Stopped,
    Succeeded,
}

/// One file.
#[derive(Clone, Debug)]
struct Watched {
    state: State,
    size: u64,
    shown: u64,
    /// The application was asked for a credential and has not answered.
    asked: bool,
    /// That question was for a renewal.
    renews: bool,
    /// The key that may be used now, by its token.
    token: Option<String>,
    /// The account that may be used now, by its token.
    account: Option<String>,
    /// The object key that the credential is for.
    key: String,
    /// The application's own object key.
    chosen: Option<String>,
    /// It was cancelled at least once: its upload may be aborted.
    cleans: bool,
    /// The progress report before was the last one: success must follow.
    complete: bool,
}

/// The witness.
#[derive(Debug)]
pub(crate) struct Witness {
    files: BTreeMap<FileId, Watched>,
    /// With the token that signed it.
    unanswered: BTreeMap<RequestId, (FileId, Call, String)>,
    digests: BTreeMap<RequestId, FileId>,
    last_request: u32,
    running: bool,
    parallel: usize,
    file_parallel: usize,
    requests: usize,
}

impl Witness {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            files: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            digests: BTreeMap::new(),
            last_request: 0,
            running: false,
            parallel: config.parallel as usize,
            file_parallel: config.file_parallel as usize,
            requests: config.requests as usize,
        }
    }

    /// The witness of the process that follows: it knows what is over.
    pub(crate) fn reloaded(&self, config: &Config) -> Self {
        let is_over = |file: &Watched| matches!(file.state, State::Removed | State::Succeeded);
        let over = self.files.iter().filter(|(_, file)| is_over(file));
        let files = over.map(|(id, file)| (*id, file.clone())).collect();
        Self { files, ..Self::new(config) }
    }

    pub(crate) fn knows(&self, file: FileId) -> bool {
        self.files.contains_key(&file)
    }

    pub(crate) fn state(&self, file: FileId) -> State {
        self.files[&file].state
    }

    pub(crate) fn is_asked(&self, file: FileId) -> bool {
        self.files[&file].asked
    }

    pub(crate) fn is_unanswered(&self, id: RequestId) -> bool {
        self.unanswered.contains_key(&id)
    }

    pub(crate) fn unanswered(&self) -> Vec<RequestId> {
        self.unanswered.keys().copied().collect()
    }

    pub(crate) fn digests(&self, id: RequestId) -> bool {
        self.digests.contains_key(&id)
    }

    fn count(&self, state: State) -> usize {
        self.files.values().filter(|file| file.state == state).count()
    }

    /// Takes note of an input that is about to be given; `is_welcome` when it is
    /// a credential that the core will take.
    pub(crate) fn before(&mut self, input: &Input, is_welcome: bool) {
        match input {
            // Aliyun's media have one object, and a key that lasts.
            Input::AddCover { .. } => unreachable!("no cover here"),
            Input::Add { file, info, overrides } => {
                let watched = Watched {
                    state: State::Queued,
                    size: info.size,
                    shown: 0,
                    asked: false,
                    renews: false,
                    token: None,
                    account: None,
                    key: String::new(),
                    chosen: overrides.key.clone(),
                    cleans: false,
                    complete: false,
                };
                assert!(self.files.insert(*file, watched).is_none(), "{file:?} was there");
            }
            Input::Authorize { file, grant: Ok(grant) } if is_welcome => {
                let watched = self.file(*file);
                (watched.asked, watched.renews) = (false, false);
                match grant {
                    Grant::Account(account) => watched.account = Some(account.token.clone()),
                    Grant::Object(permit) => {
                        let key = permit.target.as_ref().map(|target| &target.key);
                        watched.permitted(&permit.credential.token, key);
                    }
                }
            }
            Input::Authorize { file, grant: Err(_) } if is_welcome => {
                let watched = self.file(*file);
                (watched.asked, watched.renews) = (false, false);
            }
            Input::Digested(id, _) => {
                self.digests.remove(id);
            }
            Input::Failed(id, _) => {
                self.unanswered.remove(id);
            }
            Input::Responded(id, response) => {
                if let Some((file, call, token)) = self.unanswered.remove(id) {
                    self.file(file).answered(call, &token, response);
                }
            }
            Input::Start => {
                let again = [State::Failed, State::Queued, State::Stopped];
                self.running |= again.iter().any(|state| self.count(*state) > 0);
            }
            Input::Stop => self.running = false,
            Input::Authorize { .. }
            | Input::Cancel(_)
            | Input::Loaded { .. }
            | Input::Offline
            | Input::Online
            | Input::Prepare(_)
            | Input::Progress(..)
            | Input::Remove(_)
            | Input::Resume(_)
            | Input::Tick => {}
        }
    }

    /// Judges one output.
    pub(crate) fn sees(
        &mut self,
        now: Timestamp,
        output: &Output,
        cloud: &Cloud,
        service: &VodService,
    ) {
        match output {
            Output::Abort(id) => {
                let is_known =
                    self.unanswered.remove(id).is_some() || self.digests.remove(id).is_some();
                assert!(is_known, "{id:?} is not unanswered");
            }
            Output::Digest { id, file, range, .. } => {
                self.takes(*id);
                let watched = self.file(*file);
                assert_eq!(watched.state, State::Active, "{file:?} is digested");
                assert!(range.start < range.end && range.end <= watched.size, "{range:?}");
                assert!(self.digests.values().all(|other| other != file), "two digests at once");
                self.digests.insert(*id, *file);
            }
            Output::Event(event) => self.hears(event, cloud),
            Output::Load { file, .. } => {
                let watched = self.file(*file);
                assert_eq!(watched.state, State::Queued, "{file:?} starts out of turn");
                watched.state = State::Active;
                (watched.asked, watched.renews) = (false, false);
                // The old credential may still clean up, but not upload.
            }
            Output::Send(id, request) => {
                self.takes(*id);
                let sent = self.judged(request, cloud, service);
                let file = sent.0;
                self.unanswered.insert(*id, sent);
                let of_file = self.unanswered.values().filter(|(other, ..)| *other == file).count();
                assert!(of_file <= self.parallel, "{file:?} sends {of_file} requests at once");
                assert!(self.unanswered.len() <= self.requests, "too many requests at once");
            }
            Output::Store { text, .. } => no_secret(text),
            Output::Wake(at) => assert!(*at >= now, "a wake in the past"),
            Output::Erase { .. } => {}
        }
    }

    fn takes(&mut self, id: RequestId) {
        assert!(id.0 > self.last_request, "{id:?} was used before");
        self.last_request = id.0;
    }

    /// Whose request it is and what signed it, if it may be sent.
    fn judged(
        &mut self,
        request: &Request,
        cloud: &Cloud,
        service: &VodService,
    ) -> (FileId, Call, String) {
        if !service::is_for(request) {
            let parsed = parse(request);
            let file = FileId(cloud.file_of(&parsed.key));
            self.may_send(file, &parsed);
            return (file, parsed.call, parsed.token);
        }
        let asked = service::parse(request);
        let file = FileId(service.file_of(&asked));
        let is_other =
            |(other, call, _): &(FileId, Call, String)| *other == file && call.is_service();
        assert!(!self.unanswered.values().any(is_other), "two calls at once for {file:?}");
        let watched = self.file(file);
        assert_eq!(Some(&asked.token), watched.account.as_ref(), "{file:?}: {asked:?}");
        assert_eq!(watched.state, State::Active, "{file:?}: {asked:?}");
        (file, asked.call, asked.token)
    }

    fn may_send(&mut self, file: FileId, parsed: &Parsed) {
        let watched = self.file(file);
        if watched.key.is_empty() {
            watched.key.clone_from(&parsed.key); // told by the checkpoint alone
        }
        assert_eq!(Some(&parsed.token), watched.token.as_ref(), "{file:?}: {parsed:?}");
        assert_eq!(parsed.key, watched.key, "{file:?}");
        if parsed.call == Call::Abort {
            assert!(watched.cleans, "{file:?} was not cancelled: {parsed:?}");
            return;
        }
        assert_eq!(watched.state, State::Active, "{file:?}: {parsed:?}");
        let may = !watched.asked || watched.renews;
        assert!(may, "{file:?} waits for its first credential: {parsed:?}");
        if let Some(piece) = &parsed.piece {
            assert_eq!(piece.file, file.0, "bytes of another file");
            assert!(piece.range.end <= watched.size, "bytes behind the end: {piece:?}");
            assert!(watched.size == 0 || piece.range.start < piece.range.end, "{piece:?}");
        }
    }

    fn hears(&mut self, event: &Event, cloud: &Cloud) {
        for (id, file) in &self.files {
            let is_success = matches!(event, Event::Succeeded { file, .. } if file == id);
            assert!(!file.complete || is_success, "{id:?} was complete: {event:?}");
        }
        match event {
            Event::Authorized { file, target, .. } => {
                let watched = self.file(*file);
                assert_eq!(watched.state, State::Active);
                if watched.key.is_empty() {
                    watched.key.clone_from(&target.key); // told by the checkpoint alone
                }
                assert_eq!(target.key, watched.key, "{file:?} goes elsewhere");
            }
            Event::Canceled { file } => {
                let watched = self.file(*file);
                assert!(!matches!(watched.state, State::Succeeded | State::Canceled));
                watched.cleans = true;
                self.end(*file, State::Canceled);
            }
            Event::CredentialExpired { file, error } => {
                no_secret(&error.to_string());
                let watched = self.file(*file);
                assert_eq!(watched.state, State::Active);
                assert!(!watched.asked, "{file:?} asks twice");
                (watched.asked, watched.renews) = (true, true);
                let open = self.files.values().filter(|file| file.renews).count();
                assert_eq!(open, 1, "two files ask for a renewal at once");
            }
            Event::Nearest { .. } | Event::Stored { .. } | Event::TokenNeeded { .. } => {
                panic!("{event:?} of Aliyun")
            }
            Event::Failed { file, error } => {
                assert!(!error.code.is_empty() && !error.message.is_empty(), "{error:?}");
                no_secret(&error.to_string());
                assert_eq!(self.file(*file).state, State::Active, "{file:?} ends twice");
                self.end(*file, State::Failed);
            }
            Event::Finished { last } => {
                assert!(self.running, "the end of the queue is told twice");
                assert_eq!(self.count(State::Active) + self.count(State::Queued), 0);
                assert_ne!(self.file(*last).state, State::Queued);
                self.running = false;
            }
            Event::Progress { file, sent, total, .. } => {
                let watched = self.file(*file);
                assert_eq!(watched.state, State::Active);
                assert_eq!(*total, watched.size);
                assert!((watched.shown..=*total).contains(sent), "{event:?} after {watched:?}");
                watched.shown = *sent;
                watched.complete = sent == total && *total > 0;
            }
            Event::Queued { file } => {
                let watched = self.file(*file);
                let again = [State::Canceled, State::Failed, State::Stopped];
                assert!(again.contains(&watched.state), "{file:?} is {:?}", watched.state);
                if watched.state == State::Canceled {
                    watched.shown = 0; // cancelling has freed what was sent
                }
                watched.state = State::Queued;
            }
            Event::Started { file, .. } => {
                let watched = self.file(*file);
                assert_eq!(watched.state, State::Active);
                assert!(!watched.asked, "{file:?} starts twice");
                watched.asked = true;
            }
            Event::Stopped { file } => {
                assert_eq!(self.file(*file).state, State::Active, "{file:?} ends twice");
                self.end(*file, State::Stopped);
            }
            Event::Succeeded { file, .. } => {
                let watched = self.file(*file);
                assert_eq!(watched.state, State::Active, "{file:?} ends twice");
                assert_eq!(watched.shown, watched.size, "success without its progress");
                watched.complete = false;
                assert!(cloud.is_whole(&watched.key), "the object of {file:?} is not whole");
                self.end(*file, State::Succeeded);
            }
        }
    }

    fn end(&mut self, file: FileId, state: State) {
        let watched = self.file(file);
        watched.state = state;
        (watched.asked, watched.renews) = (false, false);
    }

    /// Judges what an input has led to as a whole.
    pub(crate) fn after(&mut self, input: &Input, uploader: &Uploader) {
        match input {
            Input::Remove(file) => {
                assert_ne!(self.state(*file), State::Active, "{file:?} was removed");
                self.file(*file).state = State::Removed;
            }
            Input::Cancel(file) => {
                let state = self.state(*file);
                let over = [State::Canceled, State::Removed, State::Succeeded];
                assert!(over.contains(&state), "{file:?} was cancelled and is {state:?}");
            }
            Input::Stop => assert_eq!(self.count(State::Active), 0, "a stop stops all"),
            _ => {}
        }
        let renews = self.files.iter().find(|(_, file)| file.renews).map(|(id, _)| *id);
        assert_eq!(renews, uploader.awaiting_renewal());
        for (file, known) in &self.files {
            // A file may want a renewal while another one is asked for its own.
            let awaits = uploader.awaits_credential(*file);
            assert!(awaits == known.asked || (awaits && renews.is_some()), "{file:?} {known:?}");
            assert!(known.state == State::Active || !self.digests.values().any(|of| of == file));
            assert!(!known.complete, "{file:?} is complete and has not succeeded");
            let open = self.unanswered.values().any(|(other, call, _)| {
                other == file && *call != Call::Abort && known.state != State::Active
            });
            assert!(!open, "a request of {file:?} outlives it");
        }
        let (active, queued) = (self.count(State::Active), self.count(State::Queued));
        // As many again may be prepared.
        let most = if self.file_parallel == 1 { 1 } else { 2 * self.file_parallel };
        assert!(active <= most, "{active} files at once");
        if self.running {
            assert!(active + queued > 0, "the end of the queue is not told");
            assert!(queued == 0 || active >= self.file_parallel, "the queue does not move");
        } else {
            assert_eq!(active, 0, "a file runs in a queue that does not");
        }
    }

    fn file(&mut self, file: FileId) -> &mut Watched {
        self.files.get_mut(&file).unwrap_or_else(|| panic!("{file:?} is unknown"))
    }
}

impl Watched {
    fn permitted(&mut self, token: &str, key: Option<&String>) {
        self.token = Some(token.into());
        if let Some(key) = self.chosen.as_ref().filter(|_| key.is_some()).or(key) {
            self.key.clone_from(key);
        }
    }

    /// What was refused once must not be used again.
    fn answered(&mut self, call: Call, token: &str, response: &Response) {
        if !call.is_service() {
            let is_over = response.body.contains("<Code>SecurityTokenExpired</Code>");
            self.token.take_if(|known| is_over && known == token);
        } else if let Some((token, key)) = service::given(response) {
            self.permitted(&token, Some(&key));
        } else if service::refuses_account(response) {
            self.account.take_if(|known| known == token);
        }
    }
}

fn no_secret(text: &str) {
    assert!(!text.contains("hush") && !text.contains("CAIS"), "a secret: {text}");
}
