//! Tencent VOD's interface for servers that have the account's own key.
//!
//! An upload is applied for and committed as by clients, but there is one key
//! to an upload and no other: when it is over, what was stored with it is lost.
//!
//! <https://cloud.tencent.com/document/product/266/31767>

use super::LIFE;
use crate::digest::{hmac_sha256, sha256};
use crate::error::{Error, ErrorKind};
use crate::http::{Body, Method, Request, Response};
use crate::json::{Json, Record};
use crate::service::{
    Answer, Answering, Call, Calling, Credential, Manners, Media, Permit, Service, Target,
};
use crate::text::{concat, cut, cut_last, decimal, hex};
use crate::time::Timestamp;

/// Tencent VOD, as servers use it. A file's metadata is the JSON of what
/// `ApplyUpload` is told; its `SubAppId` goes into `CommitUpload`, too.
#[derive(Clone, Copy, Debug)]
pub struct Api;

const HOST: &str = "https://vod.tencentcloudapi.com";
const JSON: &str = "application/json";

impl Service for Api {
    fn manners(&self) -> Manners {
        Manners { one_time: false, commits: true, races: false, renews: false, life: LIFE }
    }

    fn request(&self, call: &Call, cx: &Calling<'_>) -> Request {
        let (action, body) = match call {
            Call::CommitUpload { session } => {
                let mut record = Record::new();
                record.set("VodSessionKey", &**session);
                let told = Json::parse(&cx.info.metadata);
                if let Some(id) = told.and_then(|told| told.member("SubAppId")?.number()) {
                    record.set("SubAppId", &id);
                }
                ("CommitUpload", record.text())
            }
            // The others are none of its calls.
            _ => ("ApplyUpload", cx.info.metadata.clone()),
        };
        let address = cx.endpoint.unwrap_or(HOST).trim_end_matches('/');
        let (_, host) = cut_last(address, b'/').unwrap_or(("", address));
        // Without its port, as the vendor's SDKs sign it.
        let host = cut(host, b':').map_or(host, |(name, _)| name);
        let mut headers = vec![
            ("authorization", authorization(host, &body, cx.account, cx.now)),
            ("content-type", JSON.into()),
            ("x-tc-action", action.into()),
            ("x-tc-region", cx.region.into()),
            ("x-tc-timestamp", seconds(cx.now)),
            ("x-tc-version", "2018-07-17".into()),
        ];
        if !cx.account.token.is_empty() {
            headers.push(("x-tc-token", cx.account.token.clone()));
        }
        let scheme = if address.starts_with("http") { "" } else { "https://" };
        let url = concat(&[scheme, address, "/"]);
        Request { method: Method::Post, url, headers, body: Body::Text(body) }
    }

    fn reply(&self, call: &Call, response: &Response, cx: &Answering<'_>) -> Result<Answer, Error> {
        let answer = Json::parse(&response.body).and_then(|answer| answer.member("Response"));
        let Some(answer) = answer else { return Err(super::unreadable(response)) };
        let request_id = answer.member_text("RequestId");
        if let Some(error) = answer.member("Error") {
            return Err(Error { request_id, ..refusal(&error, response) });
        }
        let understood = match call {
            Call::CommitUpload { .. } => committed(&answer, request_id.clone()),
            _ => permit(&answer, response, cx),
        };
        understood.ok_or_else(|| Error { request_id, ..super::unreadable(response) })
    }
}

/// Signs a call by TC3-HMAC-SHA256.
///
/// <https://cloud.tencent.com/document/api/266/31757>
fn authorization(host: &str, payload: &str, account: &Credential, now: Timestamp) -> String {
    const SIGNED: &str = "content-type;host";
    let digest = |text: &str| hex(&sha256(text.as_bytes()));
    let canonical = concat(&[
        "POST\n/\n\ncontent-type:",
        JSON,
        "\nhost:",
        host,
        "\n\n",
        SIGNED,
        "\n",
        &digest(payload),
    ]);
    let day = &now.iso()[..10];
    let scope = concat(&[day, "/vod/tc3_request"]);
    let to_sign =
        concat(&["TC3-HMAC-SHA256\n", &seconds(now), "\n", &scope, "\n", &digest(&canonical)]);
    let mut key = concat(&["TC3", &account.secret]).into_bytes();
    for part in [day, "vod", "tc3_request", &to_sign] {
        key = hmac_sha256(&key, part.as_bytes());
    }
    concat(&[
        "TC3-HMAC-SHA256 Credential=",
        &account.id,
        "/",
        &scope,
        ", SignedHeaders=",
        SIGNED,
        ", Signature=",
        &hex(&key),
    ])
}

fn seconds(at: Timestamp) -> String {
    decimal(at.0 / 1000, 1)
}

/// Where the objects go, and the one key to them.
fn permit(answer: &Json, response: &Response, cx: &Answering<'_>) -> Option<Answer> {
    let own = cx.account.cloned();
    // Where VOD makes no key of its own, the account's is one.
    let credential = match answer.member("TempCertificate") {
        None => own?,
        Some(key) => {
            let issued = server_time(response);
            let end = Timestamp(key.member_whole("ExpiredTime")? * 1000);
            Credential {
                id: key.member_text("SecretId")?,
                secret: key.member_text("SecretKey")?,
                token: key.member_text("Token")?,
                // By its own clock, as it was when it answered.
                expires: Some(issued.map_or(end, |issued| cx.now + end.since(issued))),
                issued,
            }
        }
    };
    let endpoint = concat(&["cos.", &answer.member_text("StorageRegion")?, ".myqcloud.com"]);
    let bucket = answer.member_text("StorageBucket")?;
    let target = |name: &str| {
        let path = answer.member_text(name).filter(|path| !path.is_empty())?;
        let key = path.trim_start_matches('/').into();
        Some(Target {
            endpoint: endpoint.clone(),
            bucket: bucket.clone(),
            key,
            ..Target::default()
        })
    };
    let media = Media { session: Some(answer.member_text("VodSessionKey")?), ..Media::default() };
    Some(Answer::Permit(Permit {
        credential,
        target: Some(target("MediaStoragePath")?),
        cover: target("CoverStoragePath"),
        media,
    }))
}

fn committed(answer: &Json, request_id: Option<String>) -> Option<Answer> {
    Some(Answer::Committed(Media {
        video_id: Some(answer.member_text("FileId")?),
        file_url: answer.member_text("MediaUrl"),
        cover_url: answer.member_text("CoverUrl").filter(|url| !url.is_empty()),
        request_id,
        ..Media::default()
    }))
}

fn server_time(response: &Response) -> Option<Timestamp> {
    Timestamp::parse_rfc1123(response.header("date")?)
}

const KEY: &str = "Check the SecretId and the SecretKey.";
const PERMISSIONS: &str = "Allow the key vod:ApplyUpload and vod:CommitUpload.";

/// Codes, or families of them, and what to do about them.
/// <https://cloud.tencent.com/document/product/266/31767#6.-.E9.94.99.E8.AF.AF.E7.A0.81>
const CODES: [(&str, ErrorKind, &str); 9] = [
    ("AuthFailure.UnauthorizedOperation", ErrorKind::Forbidden, PERMISSIONS),
    ("AuthFailure", ErrorKind::Forbidden, KEY),
    ("FailedOperation", ErrorKind::ServerBusy, ""),
    ("InternalError", ErrorKind::ServerBusy, ""),
    ("InvalidParameterValue.VodSessionKey", ErrorKind::MediaGone, ""),
    ("RequestLimitExceeded", ErrorKind::RateLimited, ""),
    ("ResourceUnavailable", ErrorKind::ServerBusy, ""),
    ("UnauthorizedOperation", ErrorKind::Forbidden, PERMISSIONS),
    ("InvalidParameterValue.MediaType", ErrorKind::Rejected, "Give a MediaType that VOD knows."),
];

/// Classifies a call that the service refused.
fn refusal(error: &Json, response: &Response) -> Error {
    let code = error.member_text("Code").unwrap_or_default();
    let message = error.member_text("Message").unwrap_or_default();
    let (kind, hint) = if code == "AuthFailure.SignatureExpire" {
        let server_time = server_time(response);
        (ErrorKind::ClockSkewed { server_time }, "Set the machine's clock.")
    } else {
        let known = CODES.iter().find(|(family, _, _)| code.starts_with(family));
        let of_status = match response.status {
            ..300 => ErrorKind::Rejected,
            status => ErrorKind::of_status(status),
        };
        known.map_or((of_status, ""), |(_, kind, hint)| (*kind, *hint))
    };
    Error { status: Some(response.status), ..Error::new(kind, &code, &message, hint) }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_call_is_signed_as_by_the_vendors_sdk() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/tencent.json")).unwrap();
        let vector = vectors["server_api_signature"].as_array().unwrap().iter();
        let vector = vector.clone().find(|it| it["authorization"].is_string()).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap();
        let account = Credential {
            id: text("secretId").into(),
            secret: text("secretKey").into(),
            ..Credential::default()
        };
        let now = Timestamp(vector["timestamp"].as_u64().unwrap() * 1000);
        let host = "vod.tencentcloudapi.com";
        assert_eq!(authorization(host, text("payload"), &account, now), text("authorization"));
    }
}
