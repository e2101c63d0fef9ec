//! A VOD service that answers like Aliyun's and checks what it cannot.
//!
//! It recomputes each signature, knows every account it has given out, and
//! takes a nonce once. What it gives out is a permit for the storage.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use vodupload::service::aliyun::rpc::{self, Parameter};
use vodupload::{Body, Credential, Method, Request, Response, Timestamp};

use super::text::decode;
use super::wire::{BUCKET, Call, Issued};

const HOST: &str = "https://vod.cn-shanghai.aliyuncs.com/";

/// All parameters that the core may send.
const NAMES: [&str; 17] = [
    "AccessKeyId",
    "Action",
    "FileName",
    "FileSize",
    "Format",
    "ImageExt",
    "ImageType",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Tags",
    "Title",
    "UserData",
    "Version",
    "VideoId",
];

/// A call as the service understands it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) call: Call,
    pub(crate) token: String,
    parameters: BTreeMap<&'static str, String>,
    method: Method,
}

/// A media that the service has made.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) file: u32,
    pub(crate) key: String,
    pub(crate) is_image: bool,
    pub(crate) is_deleted: bool,
}

/// The service.
#[derive(Debug, Default)]
pub(crate) struct VodService {
    pub(crate) accounts: BTreeMap<String, Issued>,
    pub(crate) medias: BTreeMap<String, Made>,
    nonces: BTreeSet<String>,
    created: u32,
}

/// Whether a request is for the service and not for the storage.
pub(crate) fn is_for(request: &Request) -> bool {
    request.url.starts_with(HOST)
}

/// Understands a call, or panics.
pub(crate) fn parse(request: &Request) -> Asked {
    let query = match (&request.body, request.method) {
        (Body::Empty, Method::Get) => request.url.split_once('?').expect("parameters").1,
        (Body::Text(form), Method::Post) => form,
        (body, method) => panic!("{method:?} with {body:?}"),
    };
    let parameters: BTreeMap<_, _> = query
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').expect("a value");
            let known = NAMES.into_iter().find(|known| *known == name);
            (known.unwrap_or_else(|| panic!("an unknown parameter {name}")), decode(value))
        })
        .collect();
    let call = match &*parameters["Action"] {
        "CreateUploadImage" | "CreateUploadVideo" => Call::CreateUpload,
        "RefreshUploadVideo" => Call::RefreshUpload,
        other => panic!("no action {other}"),
    };
    Asked { call, token: parameters["SecurityToken"].clone(), parameters, method: request.method }
}

/// The storage's token and the object key that an answer gives.
pub(crate) fn given(response: &Response) -> Option<(String, String)> {
    let answer: Value = serde_json::from_str(&response.body).ok()?;
    let part = |name: &str| -> Option<Value> {
        serde_json::from_slice(&BASE64.decode(answer[name].as_str()?).ok()?).ok()
    };
    let (auth, address) = (part("UploadAuth")?, part("UploadAddress")?);
    Some((auth["SecurityToken"].as_str()?.into(), address["FileName"].as_str()?.into()))
}

/// Whether an answer says that the account is over.
pub(crate) fn refuses_account(response: &Response) -> bool {
    let answer: Value = serde_json::from_str(&response.body).unwrap_or_default();
    answer["Code"] == "InvalidSecurityToken.Expired"
}

impl VodService {
    /// The file that a call is about.
    pub(crate) fn file_of(&self, asked: &Asked) -> u32 {
        if let Some(video_id) = asked.parameters.get("VideoId") {
            let made = self.medias.get(video_id);
            return made.unwrap_or_else(|| panic!("{video_id} was never made")).file;
        }
        let title = &asked.parameters["Title"];
        title.rsplit_once(' ').and_then(|(_, file)| file.parse().ok()).expect("a number")
    }

    /// Refuses what is not signed by a living account, or repeats a nonce.
    pub(crate) fn authenticate(&mut self, now: u64, asked: &Asked) -> Result<(), Response> {
        let issued = self.accounts.get(&asked.token).expect("the token was issued");
        let value = |name: &str| &*asked.parameters[name];
        assert_eq!(value("AccessKeyId"), issued.credential.id);
        assert_eq!((value("Version"), value("Format")), ("2017-03-21", "JSON"));
        let signed = asked.parameters.iter().filter(|(name, _)| **name != "Signature");
        let signed: Vec<Parameter> = signed.map(|(name, value)| (*name, value.clone())).collect();
        let query = rpc::canonical_query(&signed);
        let to_sign = rpc::string_to_sign(asked.method.as_str(), &query);
        let signature = rpc::signature(&issued.credential.secret, &to_sign);
        assert_eq!(value("Signature"), signature);
        assert!(self.nonces.insert(value("SignatureNonce").into()), "a nonce is used twice");
        if now >= issued.until {
            return Err(error(403, "InvalidSecurityToken.Expired"));
        }
        Ok(())
    }

    /// The media that a call is about, made if need be.
    pub(crate) fn media(&mut self, asked: &Asked) -> Result<(String, Made), Response> {
        if let Some(video_id) = asked.parameters.get("VideoId") {
            let made = self.medias.get(video_id).filter(|made| !made.is_deleted);
            let made = made.ok_or_else(|| error(404, "InvalidVideo.NotFound"))?;
            return Ok((video_id.clone(), made.clone()));
        }
        self.created += 1;
        let file = self.file_of(asked);
        let is_image = asked.parameters["Action"] == "CreateUploadImage";
        let id = format!("{}{}", if is_image { "i" } else { "s" }, self.created);
        let key = format!("sv/{file}/{id} 测试+(a).mp4");
        let made = Made { file, key, is_image, is_deleted: false };
        self.medias.insert(id.clone(), made.clone());
        Ok((id, made))
    }

    /// Forgets the video that a call is about.
    pub(crate) fn delete(&mut self, asked: &Asked) {
        let video = asked.parameters.get("VideoId").and_then(|id| self.medias.get_mut(id));
        if let Some(video) = video {
            video.is_deleted = true;
        }
    }

    /// Ends an account before its time.
    pub(crate) fn revoke(&mut self, token: &str) {
        if let Some(issued) = self.accounts.get_mut(token) {
            issued.until = 0;
        }
    }
}

/// The answer that gives a media's permit.
pub(crate) fn permit(
    id: &str,
    made: &Made,
    credential: &Credential,
    until: Option<(u64, u64)>,
    endpoint: &str,
) -> Response {
    let mut auth = json!({
        "AccessKeyId": credential.id, "AccessKeySecret": credential.secret,
        "SecurityToken": credential.token,
    });
    if let Some((life, until)) = until {
        auth["Expiration"] = (life / 1_000).to_string().into();
        auth["ExpireUTCTime"] = Timestamp(until).iso().into();
    }
    let address = json!({ "Endpoint": endpoint, "Bucket": BUCKET, "FileName": made.key });
    let encoded = |value: &Value| BASE64.encode(value.to_string());
    let mut body = json!({
        "RequestId": "R", "UploadAuth": encoded(&auth), "UploadAddress": encoded(&address),
    });
    if made.is_image {
        body["ImageId"] = id.into();
        body["ImageURL"] = format!("https://image.test/{id}").into();
        body["FileURL"] = format!("https://file.test/{id}").into();
    } else {
        body["VideoId"] = id.into();
    }
    Response { status: 200, headers: vec![], body: body.to_string() }
}

/// A refusal in the words of VOD.
pub(crate) fn error(status: u16, code: &str) -> Response {
    let body = json!({ "RequestId": "R", "HostId": "vod", "Code": code, "Message": "simulated" });
    Response { status, headers: vec![], body: body.to_string() }
}
