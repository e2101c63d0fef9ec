//! Tencent VOD as clients see it, and what it has to check: a signature is of
//! one file and taken once, a session is renewed by its key alone, and what is
//! committed is stored, the cover with it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vodupload::{Body, FileId, Method, Request, Response};

use super::wire::Call;
use super::{COVERS, Fault, Sim, drive};

/// Who answers the service's calls in a region's place.
const PROBED: &str = ".region.test";

/// All addresses that the service has, and one that an application may choose.
const HOSTS: [&str; 3] = ["https://vod2.qcloud.com", "https://vod2.dnsv1.com", PROXY];

/// A host of the application's own, in the service's place.
pub(crate) const PROXY: &str = "https://ugc.example.test";

/// The longest that a key to the storage lasts.
const LONGEST: u64 = 10 * 86_400_000;

/// A call as the service understands it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) call: Call,
    /// The signature; none for a region.
    pub(crate) token: String,
    pub(crate) host: String,
    pub(crate) session: String,
    body: Value,
}

/// A signature as the application's server knows it.
#[derive(Clone, Debug)]
struct Signature {
    file: u32,
    until: u64,
    is_spent: bool,
}

/// An upload that was applied for.
#[derive(Clone, Debug)]
pub(crate) struct UgcSession {
    pub(crate) file: u32,
    /// The object keys of the video and of the cover, if there is one.
    pub(crate) keys: Vec<String>,
    region: String,
    /// The id of the media that it has become.
    pub(crate) media: Option<String>,
    /// Whether it can go on no more.
    pub(crate) is_over: bool,
}

/// The service.
#[derive(Debug, Default)]
pub(crate) struct UgcService {
    signatures: BTreeMap<String, Signature>,
    pub(crate) sessions: BTreeMap<String, UgcSession>,
}

/// Whether a request is for the service, or for a region in its race.
pub(crate) fn is_for(request: &Request) -> bool {
    request.url.contains("/v3/index.php?") || request.url.ends_with(PROBED)
}

/// Understands a call, or panics.
pub(crate) fn parse(request: &Request) -> Asked {
    let asked = |call, host: &str, body: Value| {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_string();
        let (token, session) = (text("signature"), text("vodSessionKey"));
        Asked { call, token, host: host.into(), session, body }
    };
    let Some((host, action)) = request.url.split_once("/v3/index.php?Action=") else {
        assert_eq!((request.method, &request.body), (Method::Head, &Body::Empty));
        return asked(Call::ProbeRegion, &request.url, Value::Null);
    };
    assert!(HOSTS.contains(&host), "{host}");
    assert_eq!(request.method, Method::Post);
    let Body::Text(body) = &request.body else { panic!("{request:?}") };
    let body: Value = serde_json::from_str(body).expect("JSON");
    let names: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    let call = match action {
        "ApplyUploadUGC" if names.contains(&"vodSessionKey") => Call::RefreshUpload,
        "ApplyUploadUGC" => Call::CreateUpload,
        "CommitUploadUGC" => Call::CommitUpload,
        "PrepareUploadUGC" => Call::ListRegions,
        other => panic!("no action {other}"),
    };
    match call {
        Call::CreateUpload => {
            let known = [
                "coverName",
                "coverSize",
                "coverType",
                "signature",
                "storageRegion",
                "uploadFromWeb",
                "videoName",
                "videoSize",
                "videoType",
            ];
            assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
        }
        Call::ListRegions => assert_eq!(names, ["signature"]),
        Call::RefreshUpload => {
            let told = names.iter().filter(|name| **name != "uploadFromWeb");
            assert!(told.eq(&["signature", "vodSessionKey"]), "{names:?}");
        }
        _ => assert_eq!(names, ["signature", "vodSessionKey"]),
    }
    asked(call, host, body)
}

/// The storage's token and the object keys that an answer gives.
pub(crate) fn given(response: &Response) -> Option<(String, Vec<String>)> {
    let answer: Value = serde_json::from_str(&response.body).ok()?;
    let data = &answer["data"];
    let key = |object: &str| data[object]["storagePath"].as_str().map(|path| path[1..].to_string());
    let keys = [key("video"), key("cover")].into_iter().flatten().collect();
    Some((data["tempCertificate"]["token"].as_str()?.into(), keys))
}

impl UgcService {
    /// A signature for one call about `file`.
    pub(crate) fn sign(&mut self, file: FileId, until: u64) -> String {
        let token = format!("CAIS-signature-{}", self.signatures.len());
        let signature = Signature { file: file.0, until, is_spent: false };
        self.signatures.insert(token.clone(), signature);
        token
    }

    /// A signature that was made before.
    pub(crate) fn last(&self, file: FileId) -> Option<String> {
        let own = self.signatures.iter().filter(|(_, known)| known.file == file.0);
        own.map(|(token, _)| token.clone()).next_back()
    }

    /// The file that a call is about.
    pub(crate) fn file_of(&self, asked: &Asked) -> u32 {
        if asked.call == Call::ProbeRegion {
            let name = asked.host.split(['/', '.']).find_map(|part| part.strip_prefix("file"));
            return name.and_then(|number| number.parse().ok()).expect("a number");
        }
        let known = self.signatures.get(&asked.token);
        known.unwrap_or_else(|| panic!("nobody made the signature {:?}", asked.token)).file
    }

    /// The session that `key` is the first object of.
    pub(crate) fn session_of(&self, key: &str) -> Option<&UgcSession> {
        self.sessions.values().find(|session| session.keys[0] == key)
    }

    /// Takes a signature, once and in time.
    fn authenticate(&mut self, now: u64, asked: &Asked) -> Result<(), Response> {
        let signature = self.signatures.get_mut(&asked.token).expect("the signature was made");
        if signature.is_spent {
            return Err(refusal(10_011, "duplicate vod signature"));
        }
        if now >= signature.until {
            return Err(refusal(10_010, "signature expired"));
        }
        signature.is_spent = true;
        Ok(())
    }
}

impl Sim {
    /// A signature of the application's server.
    pub(super) fn sign(&mut self, file: FileId, is_over: bool) -> String {
        let until = if is_over { 0 } else { self.now.saturating_add(self.setup.account_life) };
        self.ugc.sign(file, until)
    }

    /// What the service, or a region of it, answers.
    pub(super) fn serve_ugc(&mut self, asked: &Asked, fault: Option<Fault>) -> Response {
        match fault {
            Some(Fault::Expire) => {
                if let Some(signature) = self.ugc.signatures.get_mut(&asked.token) {
                    signature.until = 0;
                }
            }
            Some(Fault::Gone) => {
                if let Some(session) = self.ugc.sessions.get_mut(&asked.session) {
                    session.is_over = true;
                }
            }
            Some(Fault::NonceUsed) => return refusal(10_011, "duplicate vod signature"),
            Some(Fault::Portal) => return drive::portal(),
            Some(Fault::Refuse) => return refusal(10_004, "invalid signature"),
            Some(Fault::Say(status, code)) => {
                return Response { status, headers: vec![], body: code.into() };
            }
            Some(Fault::Throttle) => return Response { status: 429, ..Response::default() },
            Some(Fault::Trouble) => return Response { status: 500, ..Response::default() },
            Some(Fault::TroubleIn200) => return Response { status: 200, ..Response::default() },
            _ => {}
        }
        if asked.call == Call::ProbeRegion {
            return Response { status: 403, ..Response::default() };
        }
        if let Err(refusal) = self.ugc.authenticate(self.now, asked) {
            return refusal;
        }
        match asked.call {
            Call::CommitUpload => self.commit(&asked.session),
            Call::CreateUpload => {
                let session = self.applied(asked);
                self.permit_ugc(&session)
            }
            Call::ListRegions => self.regions(asked),
            _ => self.permit_ugc(&asked.session),
        }
    }

    fn regions(&mut self, asked: &Asked) -> Response {
        let file = self.ugc.file_of(asked);
        let count = self.dice.below(4);
        let region =
            |name| json!({ "region": name, "domain": format!("{name}.file{file}{PROBED}") });
        let names = ["ap-chongqing", "ap-beijing", "ap-guangzhou"].into_iter();
        let regions = names.zip(0..count).map(|(name, _)| region(name));
        done(&json!({ "cosRegionList": regions.collect::<Vec<_>>() }))
    }

    /// Makes a session for a file, as it is described.
    fn applied(&mut self, asked: &Asked) -> String {
        let file = FileId(self.ugc.file_of(asked));
        let body = &asked.body;
        let told = |names: [&str; 3]| {
            let name = format!("{}.{}", body[names[0]].as_str()?, body[names[1]].as_str()?);
            Some((name, body[names[2]].as_f64()?))
        };
        #[allow(clippy::cast_precision_loss)] // sizes are far below 2^53
        let known = |info: &vodupload::FileInfo| (info.name.clone(), info.size as f64);
        let video = told(["videoName", "videoType", "videoSize"]);
        assert_eq!(video, Some(known(self.info(file))), "{file:?}");
        let cover = self.cover(file).map(known);
        assert_eq!(told(["coverName", "coverType", "coverSize"]), cover, "{file:?}");
        let id = format!("SESSION{}/+=", self.ugc.sessions.len());
        let mut keys = vec![format!("sv/{}/{id} 测试+(a).mp4", file.0)];
        self.mean(file, &keys[0]);
        if let Some(size) = self.cover(file).map(|info| info.size) {
            keys.push(format!("sv/{}/{id} cover.jpg", file.0));
            self.cloud.meant.insert(keys[1].clone(), (file.0 + COVERS, size));
        }
        let region = body["storageRegion"].as_str().unwrap_or("ap-shanghai").into();
        let session = UgcSession { file: file.0, keys, region, media: None, is_over: false };
        self.ugc.sessions.insert(id.clone(), session);
        id
    }

    /// A key to the objects of a session.
    fn permit_ugc(&mut self, id: &str) -> Response {
        let session = self.ugc.sessions.get(id).expect("the session was applied for").clone();
        if session.is_over {
            return refusal(10_018, "invalid vodSessionKey");
        }
        let life = self.setup.life.min(LONGEST);
        let credential = self.issue(life);
        let mut data = json!({
            "video": { "storagePath": format!("/{}", session.keys[0]) },
            "storageBucket": "outin-test", "storageAppId": 1_300_000_000,
            "storageRegionV5": session.region, "vodSessionKey": id, "timestamp": self.now / 1_000,
            "tempCertificate": {
                "secretId": credential.id, "secretKey": credential.secret,
                "token": credential.token, "expiredTime": (self.now + life) / 1_000,
            },
        });
        if let Some(key) = session.keys.get(1) {
            data["cover"] = json!({ "storagePath": format!("/{key}") });
        }
        if self.ugc.sessions.len().is_multiple_of(2) {
            data["MiniProgramAccelerateHost"] = "forward.example.test".into();
        }
        done(&data)
    }

    /// The media is there once all of it is stored.
    fn commit(&mut self, id: &str) -> Response {
        let number = self.ugc.sessions.keys().position(|known| known == id);
        let session = self.ugc.sessions.get_mut(id).expect("the session was applied for");
        if session.is_over {
            return refusal(10_020, "upload already committed");
        }
        // The witness has seen that they were there when it was asked for; a
        // later process may be sending one of them again.
        if !session.keys.iter().all(|key| self.cloud.is_whole(key)) {
            return refusal(10_019, "object not exist");
        }
        let media = format!("52858908{}", number.expect("it is there"));
        session.media = Some(media.clone());
        session.is_over = self.cloud.habits.ends_sessions;
        done(&json!({
            "fileId": media, "video": { "url": "http://v", "verify_content": "proof" },
            "cover": { "url": "http://c" },
        }))
    }
}

fn done(data: &Value) -> Response {
    let body = json!({ "code": 0, "message": "", "data": data }).to_string();
    Response { status: 200, headers: vec![], body }
}

fn refusal(code: u32, message: &str) -> Response {
    let body = json!({ "code": code, "message": message }).to_string();
    Response { status: 200, headers: vec![], body }
}
