//! Sees every input and output and knows what must never happen.
//!
//! It keeps its own small account of the queue and of each file, made from
//! inputs and events alone, and panics where the core contradicts it.

use std::collections::BTreeMap;

use std::ops::Range;

use vodupload::{
    Event, FileId, Grant, Input, Output, Request, RequestId, Timestamp, TokenPurpose, Uploader,
};

use super::MB;
use super::cloud::Cloud;
use super::records::Records;
use super::service::{self, VodService};
use super::setup::Setup;
use super::ugc::{self, UgcService};
use super::vendors::Vendor;
use super::watched::{Object, Question, State, Watched, owner};
use super::wire::{Call, Parsed, parse};

/// All that is not the device's.
pub(crate) struct Remote<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) vod: &'a VodService,
    pub(crate) ugc: &'a UgcService,
}

/// The witness.
#[derive(Debug)]
pub(crate) struct Witness {
    files: BTreeMap<FileId, Watched>,
    /// With the token that signed it.
    unanswered: BTreeMap<RequestId, (FileId, Call, String)>,
    /// With the bytes that they are of.
    digests: BTreeMap<RequestId, (FileId, Range<u64>)>,
    last_request: u32,
    running: bool,
    vendor: Vendor,
    /// Requests may go to the service's host alone.
    forwards: bool,
    /// Bytes of the largest part.
    largest: u64,
    records: Records,
    parallel: usize,
    file_parallel: usize,
    requests: usize,
}

impl Witness {
    pub(crate) fn new(setup: &Setup) -> Self {
        let config = &setup.config;
        Self {
            files: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            digests: BTreeMap::new(),
            last_request: 0,
            running: false,
            vendor: setup.vendor,
            forwards: config.forwards,
            largest: config.part_size.unwrap_or(config.largest_part).max(MB),
            records: Records::new(setup),
            parallel: config.parallel as usize,
            file_parallel: config.file_parallel as usize,
            requests: config.requests as usize,
        }
    }

    /// The witness of the process that follows: it knows what is over.
    pub(crate) fn reloaded(&self, setup: &Setup) -> Self {
        let is_over = |file: &Watched| matches!(file.state, State::Removed | State::Succeeded);
        let over = self.files.iter().filter(|(_, file)| is_over(file));
        let files = over.map(|(id, file)| (*id, file.clone())).collect();
        Self { files, ..Self::new(setup) }
    }

    pub(crate) fn knows(&self, file: FileId) -> bool {
        self.files.contains_key(&file)
    }

    pub(crate) fn state(&self, file: FileId) -> State {
        self.files[&file].state
    }

    pub(crate) fn is_asked(&self, file: FileId) -> bool {
        self.files[&file].asked.is_some()
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
            Input::AddCover { file, cover, info } => {
                self.file(*file).objects.push(Object::new(*cover, info.size));
            }
            Input::Add { file, info, overrides } => {
                let watched = Watched::new(*file, info, overrides.key.clone());
                assert!(self.files.insert(*file, watched).is_none(), "{file:?} was there");
            }
            Input::Authorize { file, grant: Ok(grant) } if is_welcome => {
                let watched = self.file(*file);
                watched.asked = None;
                match grant {
                    Grant::Account(account) => watched.account = Some(account.token.clone()),
                    Grant::Object(permit) => {
                        let key = permit.target.as_ref().map(|target| target.key.clone());
                        watched.permitted(&permit.credential.token, key.as_slice());
                    }
                }
            }
            Input::Authorize { file, grant: Err(_) } if is_welcome => self.file(*file).asked = None,
            Input::Digested(id, digest) => {
                if let (Some((source, range)), Ok(_)) = (self.digests.remove(id), digest) {
                    self.file(owner(source)).object(source).compared.push(range);
                }
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
            Input::Loaded { file, text } => self.file(*file).loads(text.as_deref()),
            Input::Authorize { .. }
            | Input::Cancel(_)
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
    pub(crate) fn sees(&mut self, now: Timestamp, output: &Output, remote: &Remote<'_>) {
        match output {
            Output::Abort(id) => {
                let is_known =
                    self.unanswered.remove(id).is_some() || self.digests.remove(id).is_some();
                assert!(is_known, "{id:?} is not unanswered");
            }
            Output::Digest { id, file: source, range, .. } => {
                self.takes(*id);
                let (file, id, most) = (owner(*source), *id, self.largest);
                let watched = self.file(file);
                assert_eq!(watched.state, State::Active, "{file:?} is digested");
                let (size, most) =
                    (watched.object(*source).size, watched.object(*source).most(most));
                assert!(range.start < range.end && range.end <= size, "{range:?}");
                let is_whole = *range == (0..size);
                assert!(is_whole || range.end - range.start <= most, "{range:?} is read at once");
                let is_other = |(other, _): &(FileId, _)| owner(*other) == file;
                assert!(!self.digests.values().any(is_other), "two digests at once");
                self.digests.insert(id, (*source, range.clone()));
            }
            Output::Event(event) => self.hears(event, remote),
            Output::Load { file, .. } => {
                let watched = self.file(*file);
                assert_eq!(watched.state, State::Queued, "{file:?} starts out of turn");
                watched.starts();
                // The old credential may still clean up, but not upload.
            }
            Output::Send(id, request) => {
                self.takes(*id);
                let sent = self.judged(now, request, remote);
                let file = sent.0;
                self.unanswered.insert(*id, sent);
                let of_file = self.unanswered.values().filter(|(other, ..)| *other == file).count();
                assert!(of_file <= self.parallel, "{file:?} sends {of_file} requests at once");
                assert!(self.unanswered.len() <= self.requests, "too many requests at once");
            }
            Output::Store { text, .. } => {
                no_secret(text);
                self.records.judge(text, remote);
            }
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
        now: Timestamp,
        request: &Request,
        remote: &Remote<'_>,
    ) -> (FileId, Call, String) {
        if ugc::is_for(request) {
            return self.may_call(now, &ugc::parse(request), remote);
        }
        if !service::is_for(request) {
            let parsed = parse(request);
            let file = FileId(remote.cloud.file_of(&parsed.key));
            assert_eq!(parsed.via.is_some(), self.forwards, "{}", request.url);
            // Resumed, a file may have gone elsewhere since it was cancelled.
            if parsed.call == Call::Abort && self.state(file) == State::Canceled {
                let upload = remote.cloud.uploads.get(&parsed.upload_id);
                assert!(upload.is_none_or(|it| it.key == parsed.key), "{parsed:?} of {upload:?}");
            }
            self.may_send(now, file, &parsed);
            return (file, parsed.call, parsed.token);
        }
        let asked = service::parse(request);
        let file = FileId(remote.vod.file_of(&asked));
        self.is_only_call(file);
        let watched = self.file(file);
        assert_eq!(Some(&asked.token), watched.account.as_ref(), "{file:?}: {asked:?}");
        assert_eq!(watched.state, State::Active, "{file:?}: {asked:?}");
        (file, asked.call, asked.token)
    }

    fn is_only_call(&self, file: FileId) {
        let is_other =
            |(other, call, _): &(FileId, Call, String)| *other == file && call.is_service();
        assert!(!self.unanswered.values().any(is_other), "two calls at once for {file:?}");
    }

    /// A signature is sent once, and all objects are there before the commit.
    fn may_call(
        &mut self,
        now: Timestamp,
        asked: &ugc::Asked,
        remote: &Remote<'_>,
    ) -> (FileId, Call, String) {
        let file = FileId(remote.ugc.file_of(asked));
        let forwards = self.forwards;
        let is_probe = asked.call == Call::ProbeRegion;
        if !is_probe {
            self.is_only_call(file);
        }
        let watched = self.file(file);
        assert_eq!(watched.state, State::Active, "{file:?}: {asked:?}");
        let token = if is_probe { Some(String::new()) } else { watched.account.take() };
        assert_eq!(token.as_ref(), Some(&asked.token), "{file:?}: {asked:?}");
        assert!(!forwards || !is_probe && !asked.host.ends_with("dnsv1.com"), "{asked:?}");
        if !asked.session.is_empty() {
            let session = &remote.ugc.sessions[&asked.session];
            assert_eq!(session.file, file.0, "somebody else's session");
        }
        let told = watched.told.as_ref().filter(|told| told.is_fresh(now));
        if let Some(session) = told.and_then(|told| told.session.as_ref()) {
            let is_anew = matches!(asked.call, Call::CreateUpload | Call::ListRegions);
            let is_over = remote.ugc.sessions[session].is_over;
            assert!(!is_anew || is_over, "{file:?} has the session {session}");
        }
        if asked.call == Call::CommitUpload {
            for object in &watched.objects {
                let is_there = object.is_stored && remote.cloud.is_whole(&object.key);
                assert!(is_there, "{file:?} is committed before {object:?}");
            }
        }
        (file, asked.call, asked.token.clone())
    }

    fn may_send(&mut self, now: Timestamp, file: FileId, parsed: &Parsed) {
        let most = self.largest;
        let watched = self.file(file);
        if watched.objects[0].key.is_empty() {
            watched.objects[0].key.clone_from(&parsed.key); // told by the checkpoint alone
        }
        assert_eq!(Some(&parsed.token), watched.token.as_ref(), "{file:?}: {parsed:?}");
        let object = watched.objects.iter().find(|object| object.key == parsed.key);
        let object = object.unwrap_or_else(|| panic!("{file:?} does not go to {}", parsed.key));
        if parsed.call == Call::Abort {
            assert!(watched.cleans, "{file:?} was not cancelled: {parsed:?}");
            return;
        }
        assert_eq!(watched.state, State::Active, "{file:?}: {parsed:?}");
        assert!(watched.is_admitted, "{file:?} waits for its first credential: {parsed:?}");
        assert!(watched.is_turn_of(object.id), "{file:?} is out of turn: {parsed:?}");
        let told = watched.told.as_ref().filter(|told| told.is_fresh(now));
        let is_stored = object.is_stored || told.is_some_and(|told| told.has(&parsed.key));
        assert!(!is_stored, "{file:?} is stored: {parsed:?}");
        if let Some(piece) = &parsed.piece {
            assert_eq!(piece.file, object.id.0, "bytes of another file");
            assert!(piece.range.end <= object.size, "bytes behind the end: {piece:?}");
            assert!(object.size == 0 || piece.range.start < piece.range.end, "{piece:?}");
            let is_small = parsed.call != Call::Part || piece.len() <= object.most(most);
            assert!(is_small, "{piece:?} is too much at once");
        }
    }

    fn hears(&mut self, event: &Event, remote: &Remote<'_>) {
        for object in self.files.values().flat_map(|file| &file.objects) {
            let id = object.id;
            let is_end = match event {
                Event::Stored { file, .. } => *file == id,
                Event::Succeeded { file, .. } => self.vendor == Vendor::Aliyun && *file == id,
                _ => false,
            };
            assert!(!object.is_complete || is_end, "{id:?} was complete: {event:?}");
        }
        let is_tencent = self.vendor == Vendor::Tencent;
        match event {
            Event::Authorized { file, target, media } => {
                let watched = self.file(*file);
                assert_eq!(watched.state, State::Active);
                let key = &mut watched.objects[0].key;
                if key.is_empty() {
                    key.clone_from(&target.key); // told by the checkpoint alone
                }
                assert_eq!(target.key, *key, "{file:?} goes elsewhere");
                watched.is_admitted = true;
                watched.media = media.clone();
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
                assert!(watched.asked.is_none() && !is_tencent, "{file:?} asks twice");
                watched.asked = Some(Question::Renewal);
                let open = self.files.values().filter(|file| file.renews()).count();
                assert_eq!(open, 1, "two files ask for a renewal at once");
            }
            Event::Nearest { .. } => assert!(is_tencent, "{event:?}"),
            Event::Stored { file: id, target } => self.is_stored(*id, &target.key, remote),
            Event::TokenNeeded { file, purpose, .. } => {
                let watched = self.file(*file);
                assert!(is_tencent && watched.state == State::Active, "{event:?}");
                assert_eq!(watched.account, None, "{file:?} has a signature");
                // The end of a race takes back what was asked for it, and the
                // last byte what was asked for a renewal.
                let is_over = match watched.asked {
                    Some(Question::Token(TokenPurpose::Prepare)) | None => true,
                    Some(Question::Token(TokenPurpose::Refresh)) => {
                        *purpose == TokenPurpose::Commit
                    }
                    Some(_) => false,
                };
                assert!(is_over, "{file:?} asks twice");
                watched.asked = Some(Question::Token(*purpose));
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
            Event::Progress { file: id, sent, total, .. } => {
                self.file(owner(*id)).moves(*id, *sent, *total);
            }
            Event::Queued { file } => {
                let watched = self.file(*file);
                let again = [State::Canceled, State::Failed, State::Stopped];
                assert!(again.contains(&watched.state), "{file:?} is {:?}", watched.state);
                if watched.state == State::Canceled {
                    watched.freed();
                }
                watched.state = State::Queued;
            }
            Event::Started { file, .. } => {
                let watched = self.file(*file);
                assert_eq!(watched.state, State::Active);
                assert!(watched.asked.is_none(), "{file:?} starts twice");
                watched.asked = (!is_tencent).then_some(Question::Start);
            }
            Event::Stopped { file } => {
                assert_eq!(self.file(*file).state, State::Active, "{file:?} ends twice");
                self.end(*file, State::Stopped);
            }
            Event::Succeeded { file, is_verified } => {
                self.succeeds(*file, *is_verified, remote);
                self.end(*file, State::Succeeded);
            }
        }
    }

    fn end(&mut self, file: FileId, state: State) {
        let watched = self.file(file);
        watched.state = state;
        watched.asked = None;
    }

    fn is_stored(&mut self, id: FileId, key: &str, remote: &Remote<'_>) {
        assert_eq!(self.vendor, Vendor::Tencent, "{id:?} is stored");
        assert!(remote.cloud.is_whole(key), "the object of {id:?} is not whole");
        self.file(owner(id)).stores(id, key);
    }

    /// All of it is there, and the service knows.
    fn succeeds(&mut self, file: FileId, is_verified: bool, remote: &Remote<'_>) {
        let is_tencent = self.vendor == Vendor::Tencent;
        let watched = self.file(file);
        assert_eq!(watched.state, State::Active, "{file:?} ends twice");
        let is_compared = watched.objects.iter().all(Object::is_compared);
        assert!(!is_verified || is_compared, "{watched:?} was not compared");
        if is_tencent {
            assert!(watched.objects.iter().all(|object| object.is_stored), "{watched:?}");
            let session = remote.ugc.session_of(&watched.objects[0].key);
            let media = session.and_then(|session| session.media.as_ref());
            assert!(media.is_some() && media == watched.media.video_id.as_ref(), "{media:?}");
        } else {
            let object = &mut watched.objects[0];
            assert_eq!(object.shown, object.size, "success without its progress");
            object.is_complete = false;
        }
        for Object { key, .. } in &watched.objects {
            assert!(remote.cloud.is_whole(key), "the object of {file:?} is not whole");
        }
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
        let renews = self.files.iter().find(|(_, file)| file.renews()).map(|(id, _)| *id);
        assert_eq!(renews, uploader.awaiting_renewal());
        for (file, known) in &self.files {
            // A file may want a renewal while another one is asked for its own.
            let awaits = uploader.awaits_credential(*file);
            let is_asked = known.asked.is_some();
            assert!(awaits == is_asked || (awaits && renews.is_some()), "{file:?} {known:?}");
            assert!(
                known.state == State::Active
                    || !self.digests.values().any(|(of, _)| owner(*of) == *file)
            );
            let is_complete = known.objects.iter().any(|object| object.is_complete);
            assert!(!is_complete, "{file:?} is complete and nobody was told");
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

fn no_secret(text: &str) {
    assert!(!text.contains("hush") && !text.contains("CAIS"), "a secret: {text}");
}
