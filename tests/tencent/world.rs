//! An uploader, and answers of VOD and COS that are given by hand.

use core::ops::Range;

use serde_json::{Value, json};
use vodupload::{
    Body, Config, Cos, Credential, Error, Event, FileId, FileInfo, Grant, Input, Method, Output,
    Overrides, Request, RequestId, Response, Timestamp, TokenPurpose, Ugc, Uploader,
};

pub(crate) const FILE: FileId = FileId(1);
pub(crate) const COVER: FileId = FileId(2);
pub(crate) const SERVER: u64 = 1_700_000_000;
pub(crate) const MB: u64 = 1 << 20;

/// An uploader, what it has asked for and has not been given, and what it told.
pub(crate) struct World {
    pub(crate) uploader: Uploader,
    pub(crate) now: u64,
    pub(crate) open: Vec<(RequestId, Request)>,
    pub(crate) events: Vec<Event>,
    pub(crate) storage: Option<String>,
    pub(crate) tokens: u32,
    pub(crate) digests: Vec<(RequestId, Range<u64>)>,
}

pub(crate) fn info(name: &str, size: u64) -> FileInfo {
    FileInfo {
        name: name.into(),
        size,
        content_type: "video/mp4".into(),
        fingerprint: "key".into(),
        ..FileInfo::default()
    }
}

impl World {
    pub(crate) fn new(config: Config, storage: Option<String>) -> Self {
        let uploader = Uploader::new(config, &Cos, &Ugc, 1);
        let (open, events) = (vec![], vec![]);
        Self { uploader, now: SERVER * 1000, open, events, storage, tokens: 0, digests: vec![] }
    }

    pub(crate) fn started(config: Config, size: u64, cover: Option<u64>) -> Self {
        let mut world = Self::new(config, None);
        world.begin(size, cover);
        world
    }

    pub(crate) fn begin(&mut self, size: u64, cover: Option<u64>) {
        let overrides = Overrides::default();
        self.give(Input::Add { file: FILE, info: info("a.b.MP4", size), overrides });
        if let Some(size) = cover {
            self.give(Input::AddCover { file: FILE, cover: COVER, info: info("c.jpg", size) });
        }
        self.give(Input::Start);
        let text = self.storage.clone();
        self.give(Input::Loaded { file: FILE, text });
    }

    pub(crate) fn give(&mut self, input: Input) {
        for output in self.uploader.dispatch(Timestamp(self.now), input) {
            match output {
                Output::Abort(id) => self.open.retain(|(other, _)| *other != id),
                Output::Erase { .. } => self.storage = None,
                Output::Event(event) => self.events.push(event),
                Output::Send(id, request) => self.open.push((id, request)),
                Output::Store { text, .. } => self.storage = Some(text),
                Output::Digest { id, range, .. } => self.digests.push((id, range)),
                Output::Load { .. } | Output::Wake(_) => {}
            }
        }
    }

    /// Answers the question for a signature, which must be for this.
    pub(crate) fn sign(&mut self, purpose: TokenPurpose) {
        self.sign_for(FILE, purpose);
    }

    pub(crate) fn sign_for(&mut self, file: FileId, purpose: TokenPurpose) {
        let asked = self.events.iter().rev().find_map(|event| match event {
            Event::TokenNeeded { purpose, .. } => Some(*purpose),
            _ => None,
        });
        assert_eq!(asked, Some(purpose), "{:?}", self.events);
        self.tokens += 1;
        let token = format!("signature {}", self.tokens);
        let grant = Ok(Grant::Account(Credential { token, ..Credential::default() }));
        self.give(Input::Authorize { file, grant });
    }

    /// Takes the oldest request under way.
    pub(crate) fn take(&mut self) -> (RequestId, Request) {
        assert!(!self.open.is_empty(), "nothing is asked: {:?}", self.events);
        self.open.remove(0)
    }

    pub(crate) fn answer(&mut self, id: RequestId, body: &str) {
        let headers = vec![("etag".into(), "\"0cc175b9c0f1b6a831c399e269772661\"".into())];
        let response = Response { status: 200, headers, body: body.into() };
        self.give(Input::Responded(id, response));
    }

    /// Answers a call of the service, and tells what it was asked.
    pub(crate) fn serve(&mut self, action: &str, answer: &Value) -> Value {
        let (id, request) = self.take();
        assert!(request.url.ends_with(&format!("/v3/index.php?Action={action}")), "{request:?}");
        assert_eq!(request.method, Method::Post);
        let Body::Text(body) = &request.body else { panic!("{request:?}") };
        let asked = serde_json::from_str(body).expect("JSON");
        self.answer(id, &answer.to_string());
        asked
    }

    /// Answers all requests to the storage, and tells them as `PUT /key?query`.
    pub(crate) fn store(&mut self) -> Vec<String> {
        let mut told = vec![];
        while self.open.first().is_some_and(|(_, request)| !request.url.contains("/v3/index.php")) {
            let (id, request) = self.take();
            let (_, path) = request.url.split_once(".com/").expect("a path");
            told.push(format!("{} {path}", request.method.as_str()));
            self.now += 1_000;
            self.answer(
                id,
                match (request.method, path.contains("uploads=")) {
                    (Method::Post, true) => "<R><UploadId>UP</UploadId></R>",
                    (Method::Post, false) => "<R><ETag>e</ETag></R>",
                    _ => "",
                },
            );
        }
        told
    }

    pub(crate) fn ended(&self) -> Option<&Event> {
        let ends = |event: &&Event| matches!(event, Event::Succeeded { .. } | Event::Failed { .. });
        self.events.iter().find(ends)
    }

    pub(crate) fn failure(&self) -> Option<&Error> {
        match self.ended() {
            Some(Event::Failed { error, .. }) => Some(error),
            _ => None,
        }
    }
}

/// No race, as most stories need none.
pub(crate) fn calm() -> Config {
    Config { races: false, integrity: false, ..Config::default() }
}

pub(crate) fn applied(cover: bool) -> Value {
    let mut data = json!({
        "video": { "storagePath": "/aa11/bb22.mp4" },
        "storageBucket": "b1d0vodcq", "storageAppId": 10_022_853, "storageRegionV5": "ap-chongqing",
        "vodSessionKey": "SESSION", "timestamp": SERVER,
        "tempCertificate": {
            "secretId": "AKID", "secretKey": "hush", "token": "t", "expiredTime": SERVER + 7_200,
        },
    });
    if cover {
        data["cover"] = json!({ "storagePath": "/aa11/cover.jpg" });
    }
    json!({ "code": 0, "message": "", "data": data })
}

pub(crate) fn committed() -> Value {
    json!({ "code": 0, "data": {
        "fileId": "528589080123", "video": { "url": "http://v", "verify_content": "proof" },
        "cover": { "url": "http://c", "verify_content": "proof of c" },
    }})
}
