//! One file, one uploader and one cloud of either vendor, for the stories that
//! both have to tell alike. Signatures are not looked at: `signing.rs` and
//! `cos.rs` do.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use vodupload::{
    Body, Config, Cos, Credential, Event, FileId, FileInfo, Grant, Input, Media, Method, Oss,
    Output, Overrides, Permit, Request, RequestId, Response, RetryPolicy, Target, Timestamp, Ugc,
    Uploader, Vod,
};

use super::content::{Piece, crc64_of};
use super::network::broken;
use super::wire::{error, header, part_list};
use super::{BEGIN, Dice, MB};

pub(crate) const FILE: FileId = FileId(1);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Vendor {
    #[default]
    Aliyun,
    Tencent,
}
use Vendor::{Aliyun, Tencent};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never arrives.
    Cut,
    /// It is done, and nobody is told.
    LostReply,
    Busy,
    /// The credential is over from now on.
    Expired,
    Forbidden,
    /// The storage has dropped the upload.
    Dropped,
    /// An error that comes with the status 200, as those of long calls do.
    LateError,
}

/// What the storage and the service of a vendor hold.
#[derive(Default)]
pub(crate) struct Cloud {
    pub(crate) uploads: BTreeMap<String, BTreeMap<u32, Piece>>,
    pub(crate) object: Option<Vec<Piece>>,
    initiated: u32,
    issued: u32,
    /// The token that is good now.
    pub(crate) token: Option<String>,
    signatures: BTreeSet<String>,
    committed: u32,
}

pub(crate) struct World {
    vendor: Vendor,
    config: Config,
    uploader: Uploader,
    pub(crate) cloud: Cloud,
    pub(crate) now: u64,
    dice: Dice,
    inbox: VecDeque<Input>,
    pub(crate) open: Vec<(RequestId, Request)>,
    wake: Option<u64>,
    pub(crate) events: Vec<Event>,
    pub(crate) storage: Option<String>,
    size: u64,
    /// Calls that arrived with a good key, such as `part 3`.
    pub(crate) log: Vec<String>,
    /// Calls by the beginning of their names, how many more of them, and what becomes of them.
    faults: Vec<(&'static str, u32, Fault)>,
    pub(crate) chance: f64,
    /// How many calls arrive before the next key may end.
    good_until: usize,
}

fn uploader(vendor: Vendor, config: &Config) -> Uploader {
    match vendor {
        Aliyun => Uploader::new(config.clone(), &Oss, &Vod, 1),
        Tencent => Uploader::new(config.clone(), &Cos, &Ugc, 1),
    }
}

impl World {
    pub(crate) fn new(vendor: Vendor, size: u64, seed: u64) -> Self {
        let retry = RetryPolicy { count: 30, duration: Duration::from_secs(2) };
        let config = Config {
            part_size: Some(MB),
            races: false,
            integrity: true,
            retry,
            ..Config::default()
        };
        Self {
            vendor,
            uploader: uploader(vendor, &config),
            config,
            cloud: Cloud::default(),
            now: BEGIN,
            dice: Dice::new(seed),
            inbox: VecDeque::new(),
            open: vec![],
            wake: None,
            events: vec![],
            storage: None,
            size,
            log: vec![],
            faults: vec![],
            chance: 0.0,
            good_until: 0,
        }
    }

    /// This many calls of that name meet this fault.
    pub(crate) fn fault(&mut self, call: &'static str, times: u32, fault: Fault) {
        self.faults.push((call, times, fault));
    }

    pub(crate) fn begin(&mut self) {
        let info = FileInfo {
            name: "a.mp4".into(),
            size: self.size,
            content_type: "video/mp4".into(),
            fingerprint: "key".into(),
            ..FileInfo::default()
        };
        self.give(Input::Add { file: FILE, info, overrides: Overrides::default() });
        self.give(Input::Start);
    }

    /// The page goes away with what it had under way, and comes back.
    pub(crate) fn reload(&mut self) {
        self.uploader = uploader(self.vendor, &self.config);
        self.open.clear();
        self.inbox.clear();
        self.wake = None;
        self.begin();
    }

    pub(crate) fn give(&mut self, input: Input) {
        for output in self.uploader.dispatch(Timestamp(self.now), input) {
            match output {
                Output::Abort(id) => self.open.retain(|(other, _)| *other != id),
                Output::Digest { id, file, range, algorithm } => {
                    let digest = Piece { file: file.0, range }.digest(algorithm);
                    self.inbox.push_back(Input::Digested(id, Ok(digest)));
                }
                Output::Erase { .. } => self.storage = None,
                Output::Event(event) => {
                    self.react(&event);
                    self.events.push(event);
                }
                Output::Load { file, .. } => {
                    self.inbox.push_back(Input::Loaded { file, text: self.storage.clone() });
                }
                Output::Send(id, request) => self.open.push((id, request)),
                Output::Store { text, .. } => {
                    assert!(!text.contains("hush"), "{text}");
                    self.storage = Some(text);
                }
                Output::Wake(at) => self.wake = Some(at.0),
            }
        }
    }

    /// The application: a credential for an object, or a signature for a call.
    fn react(&mut self, event: &Event) {
        let grant = match (self.vendor, event) {
            (Aliyun, Event::Started { .. } | Event::CredentialExpired { .. }) => {
                let target = Target {
                    endpoint: "https://oss-cn-shanghai.aliyuncs.com".into(),
                    bucket: "b".into(),
                    key: "sv/a.mp4".into(),
                    region: None,
                    via: None,
                };
                let media = Media { video_id: Some("v1".into()), ..Media::default() };
                let credential = self.issue();
                Grant::Object(Permit { credential, target: Some(target), cover: None, media })
            }
            (Tencent, Event::TokenNeeded { .. }) => {
                self.cloud.issued += 1;
                let token = format!("signature {}", self.cloud.issued);
                Grant::Account(Credential { token, ..Credential::default() })
            }
            _ => return,
        };
        self.inbox.push_back(Input::Authorize { file: FILE, grant: Ok(grant) });
    }

    /// A key to the storage, which the one before it is no longer.
    fn issue(&mut self) -> Credential {
        self.cloud.issued += 1;
        let token = format!("token {}", self.cloud.issued);
        self.cloud.token = Some(token.clone());
        Credential { id: "id".into(), secret: "hush".into(), token, expires: None, issued: None }
    }

    pub(crate) fn run(&mut self) {
        self.run_until(|_| false);
        let ends = |event: &&Event| {
            matches!(event, Event::Succeeded { .. } | Event::Failed { .. } | Event::Canceled { .. })
        };
        assert_eq!(self.events.iter().filter(ends).count(), 1, "{:?}", self.events);
        assert!(self.open.is_empty(), "{:?}", self.open);
    }

    pub(crate) fn run_until(&mut self, reached: impl Fn(&Self) -> bool) {
        for _ in 0..20_000 {
            if reached(self) {
                return;
            }
            if let Some(input) = self.inbox.pop_front() {
                self.give(input);
            } else if self.wake.is_some_and(|at| at <= self.now) {
                self.wake = None;
                self.give(Input::Tick);
            } else if !self.open.is_empty() {
                let at = self.dice.below(self.open.len() as u64);
                let at = usize::try_from(at).expect("an index");
                let (id, request) = self.open.remove(at);
                self.now += self.dice.within(10..200);
                let input = self.meet(id, &request);
                self.give(input);
            } else if let Some(at) = self.wake {
                self.now = at;
            } else {
                return;
            }
        }
        panic!("it turns in circles: {:?}", self.events.last());
    }

    /// A key that is over as soon as it is given, again and again, is a failure
    /// that has to be told; these are over after a while.
    fn expire(&mut self) {
        if self.log.len() >= self.good_until {
            self.cloud.token = None;
            self.good_until = self.log.len() + 5;
        }
    }

    /// What becomes of a request on its way.
    fn meet(&mut self, id: RequestId, request: &Request) -> Input {
        let call = call_of(request);
        let scripted =
            self.faults.iter_mut().find(|(of, times, _)| *times > 0 && call.starts_with(of));
        let fault = match scripted {
            Some((_, times, fault)) => {
                *times -= 1;
                Some(*fault)
            }
            None if self.dice.chance(self.chance) => {
                Some(self.dice.pick(&[Fault::Cut, Fault::LostReply, Fault::Busy, Fault::Expired]))
            }
            None => None,
        };
        match fault {
            Some(Fault::Cut) => return Input::Failed(id, broken()),
            Some(Fault::LostReply) => {
                self.serve(request, &call);
                return Input::Failed(id, broken());
            }
            Some(Fault::Busy) => return Input::Responded(id, error(503, "ServiceUnavailable", "")),
            Some(Fault::Forbidden) => {
                let more = "<RequestId>R1</RequestId>";
                return Input::Responded(id, error(403, "AccessDenied", more));
            }
            Some(Fault::LateError) => {
                return Input::Responded(id, error(200, "InternalError", ""));
            }
            Some(Fault::Expired) => self.expire(),
            Some(Fault::Dropped) => self.cloud.uploads.clear(),
            None => {}
        }
        let response = self.serve(request, &call);
        Input::Responded(id, response)
    }

    fn serve(&mut self, request: &Request, call: &str) -> Response {
        self.log.push(call.into());
        match &request.body {
            Body::Text(body) if call == "apply" || call == "commit" => {
                let asked: Value = serde_json::from_str(body).expect("JSON");
                let signature = asked["signature"].as_str().expect("a signature");
                assert!(self.cloud.signatures.insert(signature.into()), "{signature} twice");
                let answer = if call == "apply" { self.apply() } else { self.commit(&asked) };
                Response { status: 200, headers: vec![], body: answer.to_string() }
            }
            _ => self.store(request, call),
        }
    }

    fn apply(&mut self) -> Value {
        let Credential { id, secret, token, .. } = self.issue();
        json!({ "code": 0, "data": {
            "video": { "storagePath": "/sv/a.mp4" }, "storageBucket": "b", "storageAppId": 1,
            "storageRegionV5": "ap-chongqing", "vodSessionKey": "SESSION",
            "timestamp": self.now / 1000,
            "tempCertificate": {
                "secretId": id, "secretKey": secret, "token": token,
                "expiredTime": self.now / 1000 + 7_200,
            },
        }})
    }

    fn commit(&mut self, asked: &Value) -> Value {
        assert_eq!(asked["vodSessionKey"], "SESSION");
        assert!(self.cloud.object.is_some(), "nothing is stored yet");
        self.cloud.committed += 1;
        json!({ "code": 0, "data": { "fileId": "5285", "video": { "url": "http://v" } } })
    }

    fn store(&mut self, request: &Request, call: &str) -> Response {
        let (token, crc_header, expired) = match self.vendor {
            Aliyun => ("x-oss-security-token", "x-oss-hash-crc64ecma", "SecurityTokenExpired"),
            Tencent => ("x-cos-security-token", "x-cos-hash-crc64ecma", "ExpiredToken"),
        };
        if Some(header(request, token)) != self.cloud.token.as_deref() {
            self.log.pop();
            return error(403, expired, "");
        }
        let receipt = |etag: &str, crc64: u64, body: String| Response {
            status: 200,
            headers: vec![
                ("etag".into(), format!("\"{etag}\"")),
                (crc_header.into(), crc64.to_string()),
            ],
            body,
        };
        let upload_id = query(request, "uploadId").unwrap_or_default();
        let piece = match &request.body {
            Body::Slice { file, range } => Some(Piece { file: file.0, range: range.clone() }),
            _ => None,
        };
        if call == "initiate" {
            self.cloud.initiated += 1;
            let id = format!("U{}", self.cloud.initiated);
            self.cloud.uploads.insert(id.clone(), BTreeMap::new());
            return receipt("", 0, format!("<R><UploadId>{id}</UploadId></R>"));
        }
        if call == "put" {
            let piece = piece.expect("an object has a body");
            let answer = receipt(&piece.md5(), piece.crc64(), String::new());
            self.cloud.object = Some(vec![piece]);
            return answer;
        }
        if call == "head" {
            return match &self.cloud.object {
                Some(pieces) => receipt("", crc64_of(pieces), String::new()),
                None => Response { status: 404, ..Response::default() },
            };
        }
        let Some(upload) = self.cloud.uploads.get_mut(&upload_id) else {
            return error(404, "NoSuchUpload", "");
        };
        match call {
            "abort" => {
                self.cloud.uploads.remove(&upload_id);
                Response { status: 204, ..Response::default() }
            }
            "list" => {
                let parts = upload.iter().map(|(number, piece)| {
                    format!(
                        "<Part><PartNumber>{number}</PartNumber><ETag>\"{}\"</ETag><Size>{}</Size></Part>",
                        piece.md5(),
                        piece.len()
                    )
                });
                let parts: String = parts.collect();
                receipt("", 0, format!("<R><IsTruncated>false</IsTruncated>{parts}</R>"))
            }
            "complete" => {
                let Body::Text(body) = &request.body else { panic!("no list of parts") };
                let listed = part_list(body).into_iter();
                let pieces: Option<Vec<_>> = listed
                    .map(|(number, etag)| {
                        upload.get(&number).filter(|piece| piece.md5() == etag).cloned()
                    })
                    .collect();
                let Some(pieces) = pieces else { return error(400, "InvalidPart", "") };
                self.cloud.uploads.remove(&upload_id);
                let answer = receipt("", crc64_of(&pieces), "<R><ETag>\"e\"</ETag></R>".into());
                self.cloud.object = Some(pieces);
                answer
            }
            _ => {
                let number =
                    query(request, "partNumber").expect("a number").parse().expect("a number");
                let piece = piece.expect("a part has a body");
                upload.insert(number, piece.clone());
                receipt(&piece.md5(), piece.crc64(), String::new())
            }
        }
    }

    pub(crate) fn count(&self, call: &str) -> usize {
        self.log.iter().filter(|logged| logged.starts_with(call)).count()
    }

    pub(crate) fn parts(&self) -> usize {
        self.cloud.uploads.values().map(BTreeMap::len).sum()
    }

    /// The object is the file, the end was told, and no record outlives it.
    pub(crate) fn assert_done(&self) {
        let mut end = 0;
        for piece in self.cloud.object.as_ref().expect("an object") {
            assert_eq!((piece.file, piece.range.start), (FILE.0, end));
            end = piece.range.end;
        }
        assert_eq!(end, self.size);
        assert!(
            self.events.iter().any(|event| matches!(event, Event::Succeeded { .. })),
            "{:?}",
            self.events
        );
        assert_eq!(self.storage, None);
        assert!(self.vendor == Aliyun || self.cloud.committed > 0);
    }
}

fn query(request: &Request, name: &str) -> Option<String> {
    let (_, query) = request.url.split_once('?')?;
    let pair = |pair: &str| Some(pair.strip_prefix(name)?.strip_prefix('=')?.to_owned());
    query.split('&').find_map(pair)
}

/// What a request is, in the words of no vendor.
fn call_of(request: &Request) -> String {
    let has = |name: &str| query(request, name).is_some();
    if request.url.contains("Action=ApplyUploadUGC") {
        return "apply".into();
    }
    if request.url.contains("Action=CommitUploadUGC") {
        return "commit".into();
    }
    match (request.method, has("uploadId")) {
        (Method::Delete, _) => "abort".into(),
        (Method::Get, _) => "list".into(),
        (Method::Head, _) => "head".into(),
        (Method::Post, true) => "complete".into(),
        (Method::Post, false) => "initiate".into(),
        (Method::Put, true) => format!("part {}", query(request, "partNumber").expect("a number")),
        (Method::Put, false) => "put".into(),
    }
}
