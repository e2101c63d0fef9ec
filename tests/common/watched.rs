//! What a witness knows of one file and of the objects that it becomes.

use std::ops::Range;

use vodupload::{FileId, FileInfo, Media, Response, TokenPurpose};

use super::records::Told;
use super::wire::Call;
use super::{COVERS, service, ugc};

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

/// A question to the application that it has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Start,
    Token(TokenPurpose),
    Renewal,
}

/// A file on its way, or its cover.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) id: FileId,
    pub(super) size: u64,
    /// The object key that the credential is for.
    pub(super) key: String,
    pub(super) shown: u64,
    /// Whether this run has told any progress of it.
    pub(super) is_begun: bool,
    /// The progress report before was the last one: its end must follow.
    pub(super) is_complete: bool,
    /// Whether this run has told that it is stored.
    pub(super) is_stored: bool,
    /// What this run has had digested.
    pub(super) compared: Vec<Range<u64>>,
}

/// One file.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) state: State,
    /// The file, and its cover if it has one.
    pub(super) objects: Vec<Object>,
    pub(super) asked: Option<Question>,
    /// The key that may be used now, by its token.
    pub(super) token: Option<String>,
    /// The account that may be used now, or the one call's signature.
    pub(super) account: Option<String>,
    /// This run knows where the file goes.
    pub(super) is_admitted: bool,
    /// The application's own object key.
    pub(super) chosen: Option<String>,
    /// It was cancelled at least once: its upload may be aborted.
    pub(super) cleans: bool,
    /// The key of the file's object that is stored, as this process or a record
    /// that it was given knows: it need not be sent again.
    pub(super) recorded: Option<String>,
    /// The same of its cover's, by the key of the file's.
    pub(super) covered: Vec<String>,
    /// The run waits for its record.
    pub(super) is_loading: bool,
    /// What this run was told by a record.
    pub(super) told: Option<Told>,
    /// What the media was last called.
    pub(super) media: Media,
}

impl Object {
    pub(super) fn new(id: FileId, size: u64) -> Self {
        Self {
            id,
            size,
            key: String::new(),
            shown: 0,
            is_begun: false,
            is_complete: false,
            is_stored: false,
            compared: Vec::new(),
        }
    }
}

impl Object {
    /// Bytes of the largest part where `most` would do: no more of them, but for
    /// what needs too many.
    pub(super) fn most(&self, most: u64) -> u64 {
        most.max(self.size.div_ceil(10_000).next_power_of_two())
    }

    /// Whether every byte was digested.
    pub(super) fn is_compared(&self) -> bool {
        let mut ranges = self.compared.clone();
        ranges.sort_by_key(|range| range.start);
        let end = ranges.iter().fold(
            0,
            |end, range| {
                if range.start <= end { end.max(range.end) } else { end }
            },
        );
        end == self.size
    }
}

/// The file that a file or cover is, or belongs to.
pub(super) fn owner(id: FileId) -> FileId {
    FileId(id.0 % COVERS)
}

impl Watched {
    pub(super) fn new(id: FileId, info: &FileInfo, chosen: Option<String>) -> Self {
        Self {
            state: State::Queued,
            objects: vec![Object::new(id, info.size)],
            asked: None,
            token: None,
            account: None,
            is_admitted: false,
            chosen,
            cleans: false,
            recorded: None,
            covered: vec![],
            is_loading: false,
            told: None,
            media: Media::default(),
        }
    }

    /// A run begins.
    pub(super) fn starts(&mut self) {
        self.state = State::Active;
        self.asked = None;
        self.is_admitted = false;
        (self.is_loading, self.told) = (true, None);
        let was_stored = self.recorded.is_some();
        for object in &mut self.objects {
            (object.is_begun, object.is_stored) = (false, false);
            object.compared.clear();
            // Whether what was stored is sent again is yet to be seen.
            object.shown = if was_stored { 0 } else { object.shown };
        }
    }

    /// Cancelling has freed what was sent.
    pub(super) fn freed(&mut self) {
        self.recorded = None;
        self.covered.clear();
        self.objects.iter_mut().for_each(|object| object.shown = 0);
    }

    /// A record is told; only the first one is asked for.
    pub(super) fn loads(&mut self, text: Option<&str>) {
        if !std::mem::take(&mut self.is_loading) {
            return;
        }
        self.told = text.and_then(Told::of);
        if let Some(told) = self.told.as_ref().filter(|told| told.has(&told.key)) {
            self.recorded = self.recorded.take().or_else(|| Some(told.key.clone()));
            self.covered.extend(told.is_cover_stored.then(|| told.key.clone()));
        }
    }

    pub(super) fn renews(&self) -> bool {
        self.asked == Some(Question::Renewal)
    }

    pub(super) fn object(&mut self, id: FileId) -> &mut Object {
        let object = self.objects.iter_mut().find(|object| object.id == id);
        object.unwrap_or_else(|| panic!("{id:?} is no object"))
    }

    /// All objects before the one of `id` are stored.
    pub(super) fn is_turn_of(&self, id: FileId) -> bool {
        self.objects.iter().take_while(|object| object.id != id).all(|object| object.is_stored)
    }

    /// Progress of an object is told.
    pub(super) fn moves(&mut self, id: FileId, sent: u64, total: u64) {
        assert_eq!(self.state, State::Active);
        assert!(self.is_turn_of(id), "{id:?} moves out of turn");
        let object = self.object(id);
        assert_eq!(total, object.size);
        assert!(!object.is_stored, "{id:?} moves and is stored");
        assert!((object.shown..=total).contains(&sent), "{sent} after {object:?}");
        (object.shown, object.is_begun) = (sent, true);
        object.is_complete = sent == total && total > 0;
    }

    /// An object is stored: after all of its progress, or as an earlier run did.
    pub(super) fn stores(&mut self, id: FileId, key: &str) {
        assert_eq!(self.state, State::Active, "{id:?} is stored");
        assert!(self.is_turn_of(id), "{id:?} is stored out of turn");
        let is_cover = id != owner(id);
        let is_recorded = if is_cover {
            self.covered.contains(&self.objects[0].key)
        } else {
            self.recorded.as_deref() == Some(key)
        };
        let object = self.object(id);
        assert!(!object.is_stored, "{id:?} is stored twice");
        assert_eq!(object.key, key, "{id:?} goes elsewhere");
        let is_told = object.is_begun && object.shown == object.size;
        assert!(is_told || is_recorded && !object.is_begun, "{object:?} without its progress");
        (object.is_stored, object.is_complete) = (true, false);
        if is_cover {
            self.covered.push(self.objects[0].key.clone());
        } else {
            self.recorded = Some(key.into());
        }
    }

    pub(super) fn permitted(&mut self, token: &str, keys: &[String]) {
        self.token = Some(token.into());
        let chosen = self.chosen.clone().filter(|_| !keys.is_empty());
        let keys = chosen.as_ref().map_or(keys, std::slice::from_ref);
        // What was stored is sent again, for another media.
        let was_stored = self.objects[0].is_stored;
        for (object, key) in self.objects.iter_mut().zip(keys) {
            if object.key != *key {
                object.key.clone_from(key);
                object.shown = if was_stored { 0 } else { object.shown };
                (object.is_begun, object.is_stored) = (false, false);
            }
        }
    }

    /// What was refused once must not be used again.
    pub(super) fn answered(&mut self, call: Call, token: &str, response: &Response) {
        if call == Call::Abort {
            // What only cleans up is a courtesy, and its answer no news.
        } else if !call.is_service() {
            let mut over = [
                "SecurityTokenExpired</Code>",
                "ExpiredToken</Code>",
                "Request has expired</Message>",
            ];
            let is_over = over.iter_mut().any(|code| response.body.contains(*code));
            self.token.take_if(|known| is_over && known == token);
        } else if let Some((token, key)) = service::given(response) {
            self.permitted(&token, &[key]);
        } else if let Some((token, keys)) = ugc::given(response) {
            self.permitted(&token, &keys);
        } else if service::refuses_account(response) {
            self.account.take_if(|known| known == token);
        }
    }
}
