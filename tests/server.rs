//! Uploads to Tencent VOD by a server that has the account's key: one key to an
//! upload, which the record keeps. Answers are given by hand.

#![cfg(not(target_arch = "wasm32"))]

use std::collections::VecDeque;

use serde_json::{Value, json};
use vodupload::{
    Api, Body, Config, Cos, Credential, Error, ErrorKind, Event, FileId, FileInfo, Grant, Input,
    Media, Output, Overrides, Request, RequestId, Response, Timestamp, Uploader,
};

const FILE: FileId = FileId(1);
const COVER: FileId = FileId(2);
const BEGIN: u64 = 1_700_000_000;
const DATE: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
const MB: u64 = 1 << 20;
const ETAG: &str = "0cc175b9c0f1b6a831c399e269772661";

struct World {
    uploader: Uploader,
    now: u64,
    open: VecDeque<(RequestId, Request)>,
    events: Vec<Event>,
    record: Option<String>,
}

fn info(name: &str, size: u64) -> FileInfo {
    let metadata = json!({ "MediaType": "mp4", "MediaName": name, "SubAppId": 101 }).to_string();
    let fingerprint = "key".into();
    FileInfo { name: name.into(), size, fingerprint, metadata, ..FileInfo::default() }
}

impl World {
    fn new(record: Option<String>) -> Self {
        let config = Config {
            part_size: Some(MB),
            integrity: false,
            region: "ap-guangzhou".into(),
            ..Config::default()
        };
        let uploader = Uploader::new(config, &Cos, &Api, 1);
        Self { uploader, now: BEGIN * 1000, open: VecDeque::new(), events: vec![], record }
    }

    fn started(record: Option<String>, now: u64, size: u64, cover: Option<u64>) -> Self {
        Self::started_by("", record, now, size, cover)
    }

    fn started_by(
        token: &str,
        record: Option<String>,
        now: u64,
        size: u64,
        cover: Option<u64>,
    ) -> Self {
        let mut world = Self { now: now * 1000, ..Self::new(record) };
        let overrides = Overrides::default();
        world.give(Input::Add { file: FILE, info: info("a.mp4", size), overrides });
        if let Some(size) = cover {
            world.give(Input::AddCover { file: FILE, cover: COVER, info: info("c.jpg", size) });
        }
        world.give(Input::Start);
        let text = world.record.clone();
        world.give(Input::Loaded { file: FILE, text });
        let (id, secret, token) = ("AKID".into(), "HUSH".into(), token.into());
        let account = Credential { id, secret, token, ..Credential::default() };
        world.give(Input::Authorize { file: FILE, grant: Ok(Grant::Account(account)) });
        world
    }

    fn give(&mut self, input: Input) {
        for output in self.uploader.dispatch(Timestamp(self.now), input) {
            match output {
                Output::Abort(id) => self.open.retain(|(other, _)| *other != id),
                Output::Erase { .. } => self.record = None,
                Output::Event(event) => self.events.push(event),
                Output::Send(id, request) => self.open.push_back((id, request)),
                Output::Store { text, .. } => self.record = Some(text),
                Output::Digest { .. } | Output::Load { .. } | Output::Wake(_) => {}
            }
        }
    }

    fn take(&mut self) -> (RequestId, Request) {
        self.open.pop_front().unwrap_or_else(|| panic!("nothing is asked: {:?}", self.events))
    }

    fn answer(&mut self, id: RequestId, status: u16, body: &str) {
        let header = |name: &str, value: &str| (String::from(name), String::from(value));
        let headers = vec![header("etag", &format!("\"{ETAG}\"")), header("date", DATE)];
        self.give(Input::Responded(id, Response { status, headers, body: body.into() }));
    }

    /// Answers a call, which must be this one, and tells what it was asked.
    fn serve(&mut self, action: &str, response: &Value) -> Value {
        let (id, request) = self.take();
        let asked = request.headers.iter().find(|(name, _)| *name == "x-tc-action");
        assert_eq!(asked.map(|(_, action)| &**action), Some(action), "{request:?}");
        let Body::Text(body) = &request.body else { panic!("{request:?}") };
        let body = serde_json::from_str(body).unwrap();
        self.answer(id, 200, &json!({ "Response": response }).to_string());
        body
    }

    fn permit(&mut self, key: &str) -> Value {
        self.serve("ApplyUpload", &permit(key, BEGIN + 3600))
    }

    /// Answers a request to the storage, whose URL must end like this.
    fn store(&mut self, end: &str, body: &str) {
        let (id, request) = self.take();
        assert!(request.url.ends_with(end), "{} is not …{end}", request.url);
        self.answer(id, 200, body);
    }

    fn initiate(&mut self, key: &str) {
        let body = "<InitiateMultipartUploadResult><UploadId>UP</UploadId></InitiateMultipartUploadResult>";
        self.store(&format!("{key}?uploads="), body);
    }

    fn complete(&mut self) {
        let body =
            "<CompleteMultipartUploadResult><ETag>\"e-2\"</ETag></CompleteMultipartUploadResult>";
        self.store("?uploadId=UP", body);
    }

    fn end(&self) -> &Event {
        let is_end = |event: &&Event| {
            matches!(event, Event::Succeeded { .. } | Event::Failed { .. } | Event::Canceled { .. })
        };
        let ends: Vec<_> = self.events.iter().filter(is_end).collect();
        assert_eq!(ends.len(), 1, "{:?}", self.events);
        ends[0]
    }

    fn failure(&self) -> &Error {
        let Event::Failed { error, .. } = self.end() else { panic!("{:?}", self.events) };
        error
    }

    fn media(&self) -> &Media {
        let media = self.events.iter().rev().find_map(|event| match event {
            Event::Authorized { media, .. } => Some(media),
            _ => None,
        });
        media.unwrap()
    }
}

fn permit(key: &str, end: u64) -> Value {
    json!({
        "StorageBucket": "b-1", "StorageRegion": "ap-chongqing", "VodSessionKey": format!("session of {key}"),
        "MediaStoragePath": format!("/{key}.mp4"), "CoverStoragePath": format!("/{key}.jpg"), "RequestId": "R1",
        "TempCertificate": { "SecretId": "TMP", "SecretKey": "TMPKEY", "Token": "TMPTOKEN", "ExpiredTime": end },
    })
}

fn refusal(code: &str) -> Value {
    json!({ "Error": { "Code": code, "Message": "no" }, "RequestId": "R9" })
}

fn committed() -> Value {
    json!({ "FileId": "528", "MediaUrl": "http://m", "CoverUrl": "http://c", "RequestId": "R2" })
}

#[test]
fn a_media_and_its_cover_are_applied_for_stored_and_committed() {
    let mut world = World::started(None, BEGIN, MB, Some(MB));
    let asked = world.permit("k");
    assert_eq!(asked, json!({ "MediaType": "mp4", "MediaName": "a.mp4", "SubAppId": 101 }));
    world.store("//b-1.cos.ap-chongqing.myqcloud.com/k.mp4", "");
    world.store("//b-1.cos.ap-chongqing.myqcloud.com/k.jpg", "");
    let asked = world.serve("CommitUpload", &committed());
    assert_eq!(asked["VodSessionKey"], "session of k");
    assert_eq!(asked["SubAppId"].as_f64(), Some(101.0));
    assert!(matches!(world.end(), Event::Succeeded { .. }), "{:?}", world.events);
    let Media { video_id, file_url, cover_url, request_id, .. } = world.media();
    let told = [video_id, file_url, cover_url, request_id].map(|text| text.as_deref());
    assert_eq!(told, [Some("528"), Some("http://m"), Some("http://c"), Some("R2")]);
    assert_eq!(world.record, None);
}

#[test]
fn a_call_names_the_region_the_version_and_its_signer() {
    let mut world = World::started(None, BEGIN, MB, None);
    let (_, request) = world.take();
    assert_eq!(request.url, "https://vod.tencentcloudapi.com/");
    let header =
        |name: &str| request.headers.iter().find(|(key, _)| *key == name).unwrap().1.clone();
    assert_eq!(header("x-tc-region"), "ap-guangzhou");
    assert_eq!(header("x-tc-version"), "2018-07-17");
    assert_eq!(header("x-tc-timestamp"), BEGIN.to_string());
    assert!(header("authorization").contains("Credential=AKID/2023-11-14/vod/tc3_request"));
    assert!(!format!("{request:?}").contains("HUSH"));
}

#[test]
fn a_temporary_key_brings_its_token() {
    for token in ["", "TEMPORARY"] {
        let mut world = World::started_by(token, None, BEGIN, MB, None);
        let (_, request) = world.take();
        let told = request.headers.iter().find(|(name, _)| *name == "x-tc-token");
        assert_eq!(told.map_or("", |(_, token)| token), token);
    }
}

/// Two parts, of which one is stored before the process dies.
fn killed(cover: Option<u64>) -> String {
    let mut world = World::started(None, BEGIN, 2 * MB, cover);
    world.permit("k");
    world.initiate("k.mp4");
    world.store("partNumber=1&uploadId=UP", "");
    world.now += 2_000;
    world.give(Input::Stop);
    world.record.unwrap()
}

const PART: &str = "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber>\
    <ETag>\"0cc175b9c0f1b6a831c399e269772661\"</ETag><Size>1048576</Size></Part></ListPartsResult>";

#[test]
fn a_killed_upload_goes_on_with_the_key_of_its_record() {
    let mut world = World::started(Some(killed(Some(MB))), BEGIN + 60, 2 * MB, Some(MB));
    let (id, request) = world.take();
    assert!(request.url.contains("/k.mp4?max-parts=1000"), "{}", request.url);
    assert!(format!("{request:?}").contains("TMPTOKEN"));
    world.answer(id, 200, PART);
    world.store("partNumber=2&uploadId=UP", "");
    world.complete();
    world.store("/k.jpg", "");
    let asked = world.serve("CommitUpload", &committed());
    assert_eq!(asked["VodSessionKey"], "session of k");
    assert!(matches!(world.end(), Event::Succeeded { .. }), "{:?}", world.events);
}

#[test]
fn a_key_that_is_over_is_not_used_again() {
    let mut world = World::started(Some(killed(None)), BEGIN + 3599, 2 * MB, None);
    world.serve("ApplyUpload", &permit("other", BEGIN + 7200));
    world.initiate("other.mp4");
    world.store("partNumber=1&uploadId=UP", "");
    world.store("partNumber=2&uploadId=UP", "");
    world.complete();
    world.serve("CommitUpload", &committed());
    assert!(matches!(world.end(), Event::Succeeded { .. }), "{:?}", world.events);
}

#[test]
fn a_key_that_ends_under_way_is_followed_by_another_upload_and_not_for_ever() {
    const EXPIRED: &str =
        "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    let mut world = World::started(None, BEGIN, 2 * MB, None);
    for key in ["one", "two", "three"] {
        world.permit(key);
        world.initiate(&format!("{key}.mp4"));
        world.store("partNumber=1&uploadId=UP", "");
        let (id, _) = world.take();
        world.answer(id, 403, EXPIRED);
    }
    assert_eq!(world.failure().code, "UploadTokenExpired");
    assert!(world.open.is_empty());
}

#[test]
fn what_is_stored_is_only_committed_after_a_restart() {
    let mut world = World::started(None, BEGIN, MB, None);
    world.permit("k");
    world.store("/k.mp4", "");
    let record = world.record.unwrap();
    // A whole hour later the key to the storage is over, which nobody needs any more.
    let mut world = World::started(Some(record), BEGIN + 7200, MB, None);
    assert_eq!(world.serve("CommitUpload", &committed())["VodSessionKey"], "session of k");
    assert!(matches!(world.end(), Event::Succeeded { .. }), "{:?}", world.events);
}

#[test]
fn a_session_that_is_gone_is_followed_by_another_with_all_objects() {
    let mut world = World::started(None, BEGIN, MB, Some(MB));
    world.permit("k");
    world.store("/k.mp4", "");
    world.store("/k.jpg", "");
    world.serve("CommitUpload", &refusal("InvalidParameterValue.VodSessionKey"));
    world.permit("other");
    world.store("/other.mp4", "");
    world.store("/other.jpg", "");
    assert_eq!(world.serve("CommitUpload", &committed())["VodSessionKey"], "session of other");
    assert!(matches!(world.end(), Event::Succeeded { .. }), "{:?}", world.events);
}

#[test]
fn a_commit_whose_answer_was_lost_makes_no_second_media() {
    let mut world = World::started(None, BEGIN, MB, None);
    world.permit("k");
    world.store("/k.mp4", "");
    let (id, _) = world.take();
    let lost = Error::new(ErrorKind::Network, "NetworkError", "It did not answer.", "");
    world.give(Input::Failed(id, lost));
    world.now += 60_000;
    world.give(Input::Tick);
    world.serve("CommitUpload", &refusal("InvalidParameterValue.VodSessionKey"));
    assert_eq!(world.failure().code, "InvalidParameterValue.VodSessionKey");
    assert!(world.failure().message.contains("look whether"), "{}", world.failure());
    assert!(world.open.is_empty());
}

#[test]
fn a_clock_that_is_wrong_is_set_by_the_answers_date() {
    let mut world = World::started(None, BEGIN - 86_400, MB, None);
    world.serve("ApplyUpload", &refusal("AuthFailure.SignatureExpire"));
    let (id, request) = world.take();
    assert!(request.headers.contains(&("x-tc-timestamp", BEGIN.to_string())), "{request:?}");
    world.answer(id, 200, &json!({ "Response": permit("k", BEGIN + 3600) }).to_string());
    let (_, request) = world.take();
    let window = format!("q-sign-time={};{}", BEGIN - 60, BEGIN + 3600);
    assert!(format!("{request:?}").contains(&window), "{request:?}");
}

#[test]
fn refusals_tell_what_to_do() {
    for (code, kind) in [
        ("AuthFailure.SignatureFailure", ErrorKind::Forbidden),
        ("UnauthorizedOperation", ErrorKind::Forbidden),
        ("InvalidParameterValue.MediaType", ErrorKind::Rejected),
        ("InvalidParameter.ExpireTime", ErrorKind::Rejected),
    ] {
        let mut world = World::started(None, BEGIN, MB, None);
        world.serve("ApplyUpload", &refusal(code));
        let error = world.failure();
        assert_eq!((&*error.code, error.kind), (code, kind));
        assert_eq!(error.request_id.as_deref(), Some("R9"));
    }
}

#[test]
fn a_service_that_makes_no_key_gets_the_accounts_own() {
    let mut world = World::started(None, BEGIN, MB, None);
    let mut permit = permit("k", BEGIN);
    permit["TempCertificate"] = Value::Null;
    world.serve("ApplyUpload", &permit);
    let (_, request) = world.take();
    assert!(format!("{request:?}").contains("q-ak=AKID&"), "{request:?}");
}

#[test]
fn a_key_lasts_as_long_as_the_service_says_whatever_the_clock() {
    let mut world = World::started(None, BEGIN - 86_400, 2 * MB, None);
    world.permit("k");
    world.initiate("k.mp4");
    world.store("partNumber=1&uploadId=UP", "");
    world.give(Input::Stop);
    let record = world.record.unwrap();
    for (later, is_good) in [(3_500, true), (3_599, false)] {
        let mut world = World::started(Some(record.clone()), BEGIN - 86_400 + later, 2 * MB, None);
        let (_, request) = world.take();
        assert_eq!(request.url.contains("max-parts"), is_good, "{later} s: {}", request.url);
    }
}
