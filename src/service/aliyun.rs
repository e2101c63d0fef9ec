//! Aliyun VOD: `UploadAuth` and `UploadAddress`, which are base64 of JSON, and
//! the calls that an STS token allows to ask for them.
//!
//! <https://help.aliyun.com/zh/vod/developer-reference/api-vod-2017-03-21-createuploadvideo>

use core::time::Duration;

use super::{
    Answer, Answering, Call, Calling, Credential, Manners, Media, Permit, Service, Target,
};
use crate::error::{Error, ErrorKind};
use crate::http::{Request, Response};
use crate::json::Json;
use crate::text::{self, concat};
use crate::time::{Timestamp, millis};

pub mod rpc;

/// Aliyun VOD.
#[derive(Clone, Copy, Debug)]
pub struct Vod;

/// Lifecycle rules abort multipart uploads after some days; seven is usual.
const LIFE: Duration = Duration::from_hours(7 * 24);

impl Service for Vod {
    fn manners(&self) -> Manners {
        Manners {
            one_time: false,
            commits: false,
            races: false,
            #[cfg(feature = "single-keys")]
            renews: true,
            life: LIFE,
        }
    }

    fn request(&self, call: &Call, cx: &Calling<'_>) -> Request {
        rpc::request(call, cx)
    }

    fn reply(&self, _: &Call, response: &Response, cx: &Answering<'_>) -> Result<Answer, Error> {
        let Some(answer) = Json::parse(&response.body) else {
            return Err(Error::unexpected(response, None));
        };
        let request_id = answer.member_text("RequestId");
        if let Some(code) = answer.member_text("Code") {
            return Err(refusal(&code, &answer, response.status, request_id));
        }
        let (Some(auth), Some(address)) =
            (answer.member_text("UploadAuth"), answer.member_text("UploadAddress"))
        else {
            return Err(Error::unexpected(response, request_id));
        };
        let media = Media {
            video_id: answer.member_text("VideoId"),
            image_id: answer.member_text("ImageId"),
            image_url: answer.member_text("ImageURL"),
            file_url: answer.member_text("FileURL"),
            ..Media::default()
        };
        Ok(Answer::Permit(Permit { media, ..permit(&auth, &address, cx.now)? }))
    }
}

const NEW_TOKEN: &str = "Give a new STS token.";
const PERMISSIONS: &str = "Check the permissions of the STS token's role, and the account.";

/// Codes that say more than their status does, or their families, and what to
/// do about them.
const CODES: [(&str, ErrorKind, &str); 12] = [
    ("Forbidden*", ErrorKind::Forbidden, PERMISSIONS),
    ("InternalError", ErrorKind::ServerBusy, ""),
    ("InvalidAccessKeyId.NotFound", ErrorKind::CredentialExpired, NEW_TOKEN),
    ("InvalidSecurityToken*", ErrorKind::CredentialExpired, NEW_TOKEN),
    ("InvalidVideo.NotFound", ErrorKind::MediaGone, "It was deleted: create another."),
    ("OperationDenied*", ErrorKind::Forbidden, PERMISSIONS),
    ("SecurityTokenExpired", ErrorKind::CredentialExpired, NEW_TOKEN),
    ("ServiceUnAvailable", ErrorKind::ServerBusy, ""),
    ("ServiceUnavailable", ErrorKind::ServerBusy, ""),
    ("SignatureDoesNotMatch", ErrorKind::Rejected, "The AccessKey secret is wrong."),
    ("SignatureNonceUsed", ErrorKind::ServerBusy, ""),
    ("Throttling*", ErrorKind::RateLimited, ""),
];

/// Classifies a call that VOD refused.
fn refusal(code: &str, answer: &Json, status: u16, request_id: Option<String>) -> Error {
    let known = CODES.iter().find(|(known, _, _)| match known.strip_suffix('*') {
        Some(family) => code.starts_with(family),
        None => code == *known,
    });
    let (kind, hint) =
        known.map_or_else(|| (ErrorKind::of_status(status), ""), |(_, kind, hint)| (*kind, *hint));
    let message = answer.member_text("Message").filter(|message| !message.is_empty());
    let message = message.unwrap_or_else(|| "VOD refused the call.".into());
    Error { status: Some(status), request_id, ..Error::new(kind, code, &message, hint) }
}

/// Decodes an `UploadAuth` with its `UploadAddress`.
///
/// # Errors
/// `InvalidUploadAuth` or `InvalidUploadAddress`, with what is wrong.
pub fn permit(auth: &str, address: &str, now: Timestamp) -> Result<Permit, Error> {
    let auth = Fields::decode("uploadAuth", "InvalidUploadAuth", auth)?;
    let credential = credential(&auth, now)?;
    let address = Fields::decode("uploadAddress", "InvalidUploadAddress", address)?;
    let target = Target {
        endpoint: address.required("Endpoint")?,
        bucket: address.required("Bucket")?,
        key: address.required("FileName")?,
        region: auth.text("Region"),
        via: None,
    };
    Ok(Permit { credential, target: Some(target), cover: None, media: Media::default() })
}

/// Decodes the `UploadAuth` of `RefreshUploadVideo`: the target stays.
///
/// # Errors
/// `InvalidUploadAuth`, with what is wrong.
pub fn renewal(auth: &str, now: Timestamp) -> Result<Permit, Error> {
    let auth = Fields::decode("uploadAuth", "InvalidUploadAuth", auth)?;
    let credential = credential(&auth, now)?;
    Ok(Permit { credential, target: None, cover: None, media: Media::default() })
}

fn credential(auth: &Fields, now: Timestamp) -> Result<Credential, Error> {
    let (expires, issued) = life(&auth.json, now);
    Ok(Credential {
        id: auth.required("AccessKeyId")?,
        secret: auth.required("AccessKeySecret")?,
        token: auth.required("SecurityToken")?,
        expires,
        issued,
    })
}

/// When a credential is over, by the device's clock, and when it was made, by
/// the service's.
///
/// `Expiration` is a life in seconds, in spite of its name, and some servers
/// write it as a number; `ExpireUTCTime` is the instant, and what the mobile
/// SDKs prefer. An instant that leaves more than that life, or none, says that
/// the device's clock is wrong: then the life counts.
pub(crate) fn life(auth: &Json, now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
    let text = auth.member_text("Expiration");
    let life = text.as_ref().and_then(|life| life.parse().ok());
    let life = life.or_else(|| auth.member_whole("Expiration")).map(Duration::from_secs);
    let instant = |text: Option<String>| Timestamp::parse_iso(&text?);
    let until = instant(auth.member_text("ExpireUTCTime")).or_else(|| instant(text));
    let end = life.map(|life| now + life);
    let issued =
        until.zip(life).map(|(until, life)| Timestamp(until.0.saturating_sub(millis(life))));
    let likely = until.filter(|until| end.is_none_or(|end| now < *until && *until < end + MINUTE));
    (likely.or(end), issued)
}

const MINUTE: Duration = Duration::from_mins(1);

/// One of the two opaque texts, decoded.
struct Fields {
    /// What the application calls it.
    name: &'static str,
    /// The code of what is wrong with it.
    code: &'static str,
    json: Json,
}

impl Fields {
    fn decode(name: &'static str, code: &'static str, encoded: &str) -> Result<Self, Error> {
        let bytes = text::decode_base64(encoded);
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        match text.and_then(|text| Json::parse(&text)) {
            Some(json) => Ok(Self { name, code, json }),
            None => Err(invalid(name, code, " is not base64 of JSON.")),
        }
    }

    fn text(&self, field: &str) -> Option<String> {
        self.json.member_text(field).filter(|text| !text.is_empty())
    }

    fn required(&self, field: &str) -> Result<String, Error> {
        let missing = || invalid(self.name, self.code, &concat(&[" has no ", field, "."]));
        self.text(field).ok_or_else(missing)
    }
}

fn invalid(name: &str, code: &str, what: &str) -> Error {
    let hint = "Pass on unchanged what CreateUploadVideo or RefreshUploadVideo answered.";
    Error::misuse(code, &concat(&[name, what]), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_238_400_000);

    fn auth(extra: &str) -> String {
        let json = format!(
            r#"{{"AccessKeyId":"STS.N","AccessKeySecret":"s","SecurityToken":"t"{extra}}}"#
        );
        text::base64(json.as_bytes())
    }

    fn expires(extra: &str) -> Option<Timestamp> {
        renewal(&auth(extra), NOW).expect("a good credential").credential.expires
    }

    #[test]
    fn expiry_is_the_instant_else_the_life_else_unknown() {
        let hour = Some(Timestamp(NOW.0 + 3_600_000));
        let utc = |utc: &str, life: &str| {
            expires(&format!(r#","ExpireUTCTime":"{utc}","Expiration":"{life}""#))
        };
        assert_eq!(utc("2026-11-21T06:20:00Z", "3600"), hour);
        assert_eq!(utc("", "3600"), hour);
        assert_eq!(utc("2026-11-21T06:10:00Z", "3600"), Some(Timestamp(NOW.0 + 3_000_000)));
        assert_eq!(utc("2026-11-21T04:20:00Z", "3600"), hour, "the clock is two hours ahead");
        assert_eq!(utc("2026-11-21T08:20:00Z", "3600"), hour, "the clock is two hours behind");
        assert_eq!(expires(r#","Expiration":3600"#), hour);
        assert_eq!(expires(r#","Expiration":"2026-11-21T06:20:00Z""#), hour);
        assert_eq!(expires(""), None);
        assert_eq!(expires(r#","Expiration":"soon""#), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let token_less = text::base64(br#"{"AccessKeyId":"a","AccessKeySecret":"b"}"#);
        let error = renewal(&token_less, NOW).expect_err("no token");
        assert_eq!(error.code, "InvalidUploadAuth");
        assert!(error.message.contains("SecurityToken"), "{error}");
        let error =
            permit(&auth(""), &text::base64(br#"{"Bucket":"b"}"#), NOW).expect_err("no endpoint");
        assert_eq!(error.code, "InvalidUploadAddress");
        assert!(error.message.contains("Endpoint"), "{error}");
        assert_eq!(renewal("oops", NOW).expect_err("no base64").code, "InvalidUploadAuth");
        assert_eq!(permit(&auth(""), "[]", NOW).expect_err("no JSON").code, "InvalidUploadAddress");
    }

    #[test]
    fn a_refused_call_is_classified_by_its_code() {
        let answer = |status, body: &str| {
            let response = Response { status, headers: vec![], body: body.into() };
            let cx = Answering {
                now: NOW,
                #[cfg(feature = "sessions")]
                metadata: "",
                #[cfg(feature = "single-keys")]
                account: None,
                endpoint: None,
                forwards: false,
            };
            Vod.reply(&Call::CreateUpload, &response, &cx).expect_err("a refusal")
        };
        let kind = |status, code: &str| {
            answer(status, &format!(r#"{{"RequestId":"R","Code":"{code}","Message":"m"}}"#)).kind
        };
        assert_eq!(kind(403, "InvalidSecurityToken.Expired"), ErrorKind::CredentialExpired);
        assert_eq!(kind(404, "InvalidVideo.NotFound"), ErrorKind::MediaGone);
        assert_eq!(kind(400, "SignatureNonceUsed"), ErrorKind::ServerBusy);
        assert_eq!(kind(400, "Throttling.User"), ErrorKind::RateLimited);
        assert_eq!(kind(403, "Forbidden.RAM"), ErrorKind::Forbidden);
        assert_eq!(kind(400, "InvalidParameter.FileName"), ErrorKind::Rejected);
        assert_eq!(kind(503, "Whatever"), ErrorKind::ServerBusy);
        assert_eq!(answer(200, "<html>log in</html>").kind, ErrorKind::Unparsable);
        assert_eq!(answer(200, "{}").kind, ErrorKind::Unparsable);
        let error = answer(403, r#"{"RequestId":"R","Code":"Forbidden","Message":"m"}"#);
        assert_eq!((error.request_id.as_deref(), error.status), (Some("R"), Some(403)));
    }
}
