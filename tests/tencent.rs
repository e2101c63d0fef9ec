//! Uploads to Tencent VOD: a signature for each call, a race, two objects, and
//! a commit. Answers are given by hand.

#![cfg(not(target_arch = "wasm32"))]

use serde_json::{Value, json};
use vodupload::{
    Body, Config, Cos, Credential, Error, ErrorKind, Event, FileId, FileInfo, Grant, Input, Method,
    Output, Overrides, Request, RequestId, Response, Timestamp, TokenPurpose, Ugc, Uploader,
};

const FILE: FileId = FileId(1);
const COVER: FileId = FileId(2);
const SERVER: u64 = 1_700_000_000;
const MB: u64 = 1 << 20;

/// An uploader, what it has asked for and has not been given, and what it told.
struct World {
    uploader: Uploader,
    now: u64,
    open: Vec<(RequestId, Request)>,
    events: Vec<Event>,
    storage: Option<String>,
    tokens: u32,
}

fn info(name: &str, size: u64) -> FileInfo {
    FileInfo {
        name: name.into(),
        size,
        content_type: "video/mp4".into(),
        fingerprint: "key".into(),
        ..FileInfo::default()
    }
}

impl World {
    fn new(config: Config, storage: Option<String>) -> Self {
        let uploader = Uploader::new(config, &Cos, &Ugc, 1);
        let (open, events) = (vec![], vec![]);
        Self { uploader, now: SERVER * 1000, open, events, storage, tokens: 0 }
    }

    fn started(config: Config, size: u64, cover: Option<u64>) -> Self {
        let mut world = Self::new(config, None);
        world.begin(size, cover);
        world
    }

    fn begin(&mut self, size: u64, cover: Option<u64>) {
        let overrides = Overrides::default();
        self.give(Input::Add { file: FILE, info: info("a.b.MP4", size), overrides });
        if let Some(size) = cover {
            self.give(Input::AddCover { file: FILE, cover: COVER, info: info("c.jpg", size) });
        }
        self.give(Input::Start);
        let text = self.storage.clone();
        self.give(Input::Loaded { file: FILE, text });
    }

    fn give(&mut self, input: Input) {
        for output in self.uploader.dispatch(Timestamp(self.now), input) {
            match output {
                Output::Abort(id) => self.open.retain(|(other, _)| *other != id),
                Output::Erase { .. } => self.storage = None,
                Output::Event(event) => self.events.push(event),
                Output::Send(id, request) => self.open.push((id, request)),
                Output::Store { text, .. } => self.storage = Some(text),
                Output::Digest { .. } | Output::Load { .. } | Output::Wake(_) => {}
            }
        }
    }

    /// Answers the question for a signature, which must be for this.
    fn sign(&mut self, purpose: TokenPurpose) {
        let asked = self.events.iter().rev().find_map(|event| match event {
            Event::TokenNeeded { purpose, .. } => Some(*purpose),
            _ => None,
        });
        assert_eq!(asked, Some(purpose), "{:?}", self.events);
        self.tokens += 1;
        let token = format!("signature {}", self.tokens);
        let grant = Ok(Grant::Account(Credential { token, ..Credential::default() }));
        self.give(Input::Authorize { file: FILE, grant });
    }

    /// Takes the oldest request under way.
    fn take(&mut self) -> (RequestId, Request) {
        assert!(!self.open.is_empty(), "nothing is asked: {:?}", self.events);
        self.open.remove(0)
    }

    fn answer(&mut self, id: RequestId, body: &str) {
        let headers = vec![("etag".into(), "\"0cc175b9c0f1b6a831c399e269772661\"".into())];
        let response = Response { status: 200, headers, body: body.into() };
        self.give(Input::Responded(id, response));
    }

    /// Answers a call of the service, and tells what it was asked.
    fn serve(&mut self, action: &str, answer: &Value) -> Value {
        let (id, request) = self.take();
        assert!(request.url.ends_with(&format!("/v3/index.php?Action={action}")), "{request:?}");
        assert_eq!(request.method, Method::Post);
        let Body::Text(body) = &request.body else { panic!("{request:?}") };
        let asked = serde_json::from_str(body).expect("JSON");
        self.answer(id, &answer.to_string());
        asked
    }

    /// Answers all requests to the storage, and tells them as `PUT /key?query`.
    fn store(&mut self) -> Vec<String> {
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

    fn ended(&self) -> Option<&Event> {
        let ends = |event: &&Event| matches!(event, Event::Succeeded { .. } | Event::Failed { .. });
        self.events.iter().find(ends)
    }

    fn failure(&self) -> Option<&Error> {
        match self.ended() {
            Some(Event::Failed { error, .. }) => Some(error),
            _ => None,
        }
    }
}

/// No race, as most stories need none.
fn calm() -> Config {
    Config { races: false, integrity: false, ..Config::default() }
}

fn applied(cover: bool) -> Value {
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

fn committed() -> Value {
    json!({ "code": 0, "data": {
        "fileId": "528589080123", "video": { "url": "http://v", "verify_content": "proof" },
        "cover": { "url": "http://c" },
    }})
}

#[test]
fn an_upload_is_applied_for_stored_and_committed_with_a_signature_each() {
    let mut world = World::started(calm(), 1_000, Some(10));
    world.sign(TokenPurpose::Apply);
    let asked = world.serve("ApplyUploadUGC", &applied(true));
    assert_eq!(
        asked,
        json!({
            "signature": "signature 1", "videoName": "a.b", "videoType": "mp4", "videoSize": 1000.0,
            "coverName": "c", "coverType": "jpg", "coverSize": 10.0,
        })
    );
    assert_eq!(world.store(), ["PUT aa11/bb22.mp4", "PUT aa11/cover.jpg"]);
    world.sign(TokenPurpose::Commit);
    let asked = world.serve("CommitUploadUGC", &committed());
    assert_eq!(asked, json!({ "signature": "signature 2", "vodSessionKey": "SESSION" }));
    assert!(matches!(world.ended(), Some(Event::Succeeded { .. })));
    let stored = world.events.iter().filter_map(|event| match event {
        Event::Stored { file, .. } => Some(*file),
        _ => None,
    });
    assert_eq!(stored.collect::<Vec<_>>(), [FILE, COVER]);
    let media = world.events.iter().rev().find_map(|event| match event {
        Event::Authorized { media, .. } => Some(media.clone()),
        _ => None,
    });
    let media = media.expect("told at the end");
    assert_eq!(media.video_id.as_deref(), Some("528589080123"));
    assert_eq!(media.cover_url.as_deref(), Some("http://c"));
    assert_eq!(media.proof.as_deref(), Some("proof"));
    assert_eq!(world.storage, None, "no record outlives it");
}

#[test]
fn each_attempt_of_a_call_has_a_signature_of_its_own() {
    for forwards in [false, true] {
        let mut world = World::started(Config { forwards, ..calm() }, 1_000, None);
        for attempt in 1..=3 {
            world.sign(TokenPurpose::Apply);
            let (id, request) = world.take();
            let Body::Text(body) = &request.body else { panic!("{request:?}") };
            assert!(body.contains(&format!("signature {attempt}")), "{body}");
            // The backup host has every other turn, where it can be reached.
            let first = attempt % 2 == 1 || forwards;
            let host = if first { "vod2.qcloud.com" } else { "vod2.dnsv1.com" };
            assert!(request.url.starts_with(&format!("https://{host}/")), "{}", request.url);
            let cut = Error::new(ErrorKind::Network, "NetworkError", "cut", "");
            world.give(Input::Failed(id, cut));
            world.now += 60_000;
            world.give(Input::Tick);
        }
        world.sign(TokenPurpose::Apply);
        world.serve("ApplyUploadUGC", &applied(false));
        assert_eq!(world.store(), ["PUT aa11/bb22.mp4"]);
    }
}

#[test]
fn a_signature_that_is_over_or_used_is_asked_for_anew_but_a_wrong_one_fails() {
    for (code, message) in [(10_010, "expired"), (77, "duplicate vod signature")] {
        let mut world = World::started(calm(), 1_000, None);
        world.sign(TokenPurpose::Apply);
        world.serve("ApplyUploadUGC", &json!({ "code": code, "message": message }));
        world.sign(TokenPurpose::Apply);
        assert_eq!(world.serve("ApplyUploadUGC", &applied(false))["signature"], "signature 2");
    }
    let mut world = World::started(calm(), 1_000, None);
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &json!({ "code": 10_004, "message": "invalid signature" }));
    let error = world.failure().expect("it failed");
    assert_eq!((&*error.code, error.status), ("10004", Some(200)));
    assert!(error.message.contains("SecretKey"), "{error}");
}

#[test]
fn the_first_region_that_answers_wins_the_race() {
    let regions = json!({ "code": 0, "data": { "cosRegionList": [
        { "region": "ap-a", "domain": "a.example" }, { "region": "ap-b", "domain": "b.example" },
        { "region": "ap-c", "domain": "c.example" },
    ]}});
    for winner in [Some("b"), None] {
        let mut world = World::started(Config { races: true, ..calm() }, 1_000, None);
        world.sign(TokenPurpose::Prepare);
        world.serve("PrepareUploadUGC", &regions);
        assert_eq!(world.open.len(), 3, "all at once");
        let (dead, request) = world.take();
        assert_eq!((request.method, &*request.url), (Method::Head, "https://a.example"));
        let broken = Error::new(ErrorKind::Network, "NetworkError", "refused", "");
        world.give(Input::Failed(dead, broken));
        if winner.is_some() {
            let (id, _) = world.take();
            world.give(Input::Responded(id, Response { status: 403, ..Response::default() }));
        } else {
            world.now += 3_000;
            world.give(Input::Tick);
        }
        assert!(world.open.is_empty(), "the others are ended");
        world.sign(TokenPurpose::Apply);
        let asked = world.serve("ApplyUploadUGC", &applied(false));
        assert_eq!(asked["storageRegion"].as_str(), winner.map(|_| "ap-b"));
    }
}

#[test]
fn an_upload_that_was_ended_goes_on_with_its_session() {
    let mut world = World::started(calm(), 3 * MB, None);
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied(false));
    let (id, request) = world.take();
    assert!(request.url.contains("?uploads="), "{}", request.url);
    world.answer(id, "<R><UploadId>UP</UploadId></R>");
    let storage = world.storage.take();
    assert!(
        storage.as_ref().is_some_and(|text| text.contains("SESSION") && !text.contains("hush"))
    );

    let mut next = World::new(calm(), storage.clone());
    next.begin(3 * MB, None);
    next.sign(TokenPurpose::Refresh);
    let asked = next.serve("ApplyUploadUGC", &applied(false));
    assert_eq!(asked, json!({ "signature": "signature 1", "vodSessionKey": "SESSION" }));
    let (_, request) = next.take();
    assert!(request.url.contains("?max-parts=1000&part-number-marker=0&uploadId=UP"));

    // A session that is refused is forgotten, and another upload begins.
    let mut next = World::new(calm(), storage);
    next.begin(3 * MB, None);
    next.sign(TokenPurpose::Refresh);
    next.serve("ApplyUploadUGC", &json!({ "code": 10_017, "message": "session" }));
    next.sign(TokenPurpose::Apply);
    assert_eq!(next.serve("ApplyUploadUGC", &applied(false))["videoName"], "a.b");
}

#[test]
fn what_is_stored_is_only_committed_after_a_failure() {
    let mut world = World::started(calm(), 1_000, None);
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied(false));
    world.store();
    world.sign(TokenPurpose::Commit);
    world.serve("CommitUploadUGC", &json!({ "code": 10_001, "message": "no" }));
    assert_eq!(world.failure().map(|error| &*error.code), Some("10001"));
    let storage = world.storage.take();

    let mut next = World::new(calm(), storage);
    next.begin(1_000, None);
    next.sign(TokenPurpose::Refresh);
    next.serve("ApplyUploadUGC", &applied(false));
    assert!(next.store().is_empty(), "nothing is sent twice");
    next.sign(TokenPurpose::Commit);
    next.serve("CommitUploadUGC", &committed());
    assert!(matches!(next.ended(), Some(Event::Succeeded { is_verified: false, .. })));
}

/// Another upload, for which the first has made room.
fn applied_anew(cover: bool) -> Value {
    let mut answer = applied(cover);
    answer["data"]["video"]["storagePath"] = "/new.mp4".into();
    answer["data"]["vodSessionKey"] = "OTHER".into();
    if cover {
        answer["data"]["cover"]["storagePath"] = "/new.jpg".into();
    }
    answer
}

#[test]
fn a_session_that_is_over_at_the_cover_begins_with_the_video() {
    let mut world = World::started(calm(), 1_000, Some(10));
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied(true));
    let (id, _) = world.take();
    world.answer(id, "");
    let (id, request) = world.take();
    assert!(request.url.ends_with("cover.jpg"), "{}", request.url);
    let body = "<Error><Code>ExpiredToken</Code><Message>m</Message></Error>".into();
    world.give(Input::Responded(id, Response { status: 403, headers: vec![], body }));
    world.sign(TokenPurpose::Refresh);
    world.serve("ApplyUploadUGC", &json!({ "code": 10_018, "message": "session" }));
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied_anew(true));
    assert_eq!(world.store(), ["PUT new.mp4", "PUT new.jpg"]);
    world.sign(TokenPurpose::Commit);
    assert_eq!(world.serve("CommitUploadUGC", &committed())["vodSessionKey"], "OTHER");
}

#[test]
fn what_has_to_be_sent_again_is_not_shown_as_sent() {
    for cover in [None, Some(10)] {
        let mut world = World::started(calm(), 1_000, cover);
        world.sign(TokenPurpose::Apply);
        world.serve("ApplyUploadUGC", &applied(cover.is_some()));
        world.store();
        world.sign(TokenPurpose::Commit);
        world.serve("CommitUploadUGC", &json!({ "code": 10_001, "message": "no" }));
        world.events.clear();
        world.give(Input::Start);
        world.give(Input::Loaded { file: FILE, text: world.storage.clone() });
        world.sign(TokenPurpose::Refresh);
        world.serve("ApplyUploadUGC", &json!({ "code": 10_018, "message": "session" }));
        world.sign(TokenPurpose::Apply);
        world.serve("ApplyUploadUGC", &applied_anew(cover.is_some()));
        let shown: Vec<_> = world.events.iter().filter_map(progress).collect();
        assert_eq!(shown, [(FILE, 0, 1_000)]);
    }
}

fn progress(event: &Event) -> Option<(FileId, u64, u64)> {
    match event {
        Event::Progress { file, sent, total, .. } => Some((*file, *sent, *total)),
        _ => None,
    }
}

#[test]
fn a_run_after_one_that_ended_at_the_cover_tells_nothing_of_the_cover() {
    let mut world = World::started(calm(), 1_000, Some(3 * MB));
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied(true));
    let (id, _) = world.take();
    world.answer(id, "");
    let (id, _) = world.take();
    world.answer(id, "<R><UploadId>UP</UploadId></R>");
    let (id, request) = world.take();
    assert!(request.url.ends_with("cover.jpg?partNumber=1&uploadId=UP"), "{}", request.url);
    world.answer(id, ""); // so soon that its progress is to be told later
    world.give(Input::Stop);
    world.events.clear();
    world.now += 1_000;
    world.give(Input::Start);
    world.give(Input::Loaded { file: FILE, text: world.storage.clone() });
    world.sign(TokenPurpose::Refresh);
    let (id, _) = world.open[0];
    world.give(Input::Progress(id, 10));
    assert_eq!(world.events.iter().find_map(progress), None);
}

#[test]
fn what_a_call_carries_is_no_byte_of_the_file() {
    let mut world = World::started(calm(), 1_000, None);
    world.sign(TokenPurpose::Apply);
    let (id, _) = world.open[0];
    world.give(Input::Progress(id, 700));
    assert_eq!(world.events.iter().find_map(progress), None);
}

#[test]
fn a_cover_is_compared_though_its_video_was_stored_before() {
    let mut world = World::started(calm(), 1_000, Some(10));
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied(true));
    let (id, _) = world.take();
    world.answer(id, "");
    let storage = world.storage.take();

    let mut next = World::new(Config { integrity: true, ..calm() }, storage);
    next.begin(1_000, Some(10));
    next.sign(TokenPurpose::Refresh);
    next.serve("ApplyUploadUGC", &applied(true));
    assert_eq!(next.store(), ["PUT aa11/cover.jpg"]);
    let is_told = |file| {
        next.events
            .iter()
            .any(|event| matches!(event, Event::Stored { file: of, .. } if *of == file))
    };
    assert!(is_told(FILE) && !is_told(COVER), "nobody has compared it yet");
}

#[test]
fn a_renewal_that_comes_too_late_does_not_keep_from_the_commit() {
    for is_signed in [false, true] {
        let mut world = World::started(calm(), 3 * MB, None);
        world.sign(TokenPurpose::Apply);
        world.serve("ApplyUploadUGC", &applied(false));
        let (id, _) = world.take();
        world.now += 6_600_000; // shortly before the credential is over
        world.answer(id, "<R><UploadId>UP</UploadId></R>");
        world.give(Input::Tick);
        let parts = std::mem::take(&mut world.open);
        assert_eq!(parts.len(), 3);
        if is_signed {
            world.sign(TokenPurpose::Refresh);
        }
        for (id, _) in parts {
            world.answer(id, "");
        }
        let (id, request) = world.open.pop().expect("a complete call");
        assert!(request.url.ends_with("?uploadId=UP"), "{}", request.url);
        world.answer(id, "<R><ETag>e</ETag></R>");
        assert!(world.open.is_empty(), "{:?}", world.open);
        world.sign(TokenPurpose::Commit);
        world.serve("CommitUploadUGC", &committed());
        assert!(matches!(world.ended(), Some(Event::Succeeded { .. })));
    }
}
