//! Aliyun VOD's `UploadAuth` and `UploadAddress`: base64 of JSON.
//!
//! <https://help.aliyun.com/zh/vod/developer-reference/api-vod-2017-03-21-createuploadvideo>

use core::time::Duration;

use super::{Credential, Grant, Target};
use crate::error::Error;
use crate::json::Json;
use crate::text;
use crate::time::Timestamp;

/// Decodes an `UploadAuth` with its `UploadAddress`.
///
/// # Errors
/// `InvalidUploadAuth` or `InvalidUploadAddress`, with what is wrong.
pub fn grant(auth: &str, address: &str, now: Timestamp) -> Result<Grant, Error> {
    let auth = Fields::decode("uploadAuth", "InvalidUploadAuth", auth)?;
    let credential = credential(&auth, now)?;
    let address = Fields::decode("uploadAddress", "InvalidUploadAddress", address)?;
    let target = Target {
        endpoint: address.required("Endpoint")?,
        bucket: address.required("Bucket")?,
        key: address.required("FileName")?,
        region: auth.text("Region"),
    };
    Ok(Grant { credential, target: Some(target) })
}

/// Decodes the `UploadAuth` of `RefreshUploadVideo`: the target stays.
///
/// # Errors
/// `InvalidUploadAuth`, with what is wrong.
pub fn renewal(auth: &str, now: Timestamp) -> Result<Grant, Error> {
    let auth = Fields::decode("uploadAuth", "InvalidUploadAuth", auth)?;
    Ok(Grant { credential: credential(&auth, now)?, target: None })
}

fn credential(auth: &Fields, now: Timestamp) -> Result<Credential, Error> {
    Ok(Credential {
        id: auth.required("AccessKeyId")?,
        secret: auth.required("AccessKeySecret")?,
        token: auth.required("SecurityToken")?,
        expires: expiry(auth, now),
    })
}

/// `Expiration` is a life in seconds, in spite of its name, and some servers
/// write it as a number; `ExpireUTCTime` is the instant, and what the mobile
/// SDKs prefer.
fn expiry(auth: &Fields, now: Timestamp) -> Option<Timestamp> {
    let instant = |text: Option<String>| Timestamp::parse_iso(&text?);
    if let Some(time) = instant(auth.text("ExpireUTCTime")) {
        return Some(time);
    }
    let text = auth.text("Expiration");
    let life = text.as_ref().and_then(|life| life.parse().ok());
    match life.or_else(|| auth.json.member_whole("Expiration")) {
        Some(seconds) => Some(now + Duration::from_secs(seconds)),
        None => instant(text),
    }
}

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
            None => Err(invalid(name, code, " is not base64 of JSON")),
        }
    }

    fn text(&self, field: &str) -> Option<String> {
        self.json.member_text(field).filter(|text| !text.is_empty())
    }

    fn required(&self, field: &str) -> Result<String, Error> {
        let missing = || invalid(self.name, self.code, &[" has no ", field].concat());
        self.text(field).ok_or_else(missing)
    }
}

fn invalid(name: &str, code: &str, what: &str) -> Error {
    let advice = ". Pass on unchanged what CreateUploadVideo or RefreshUploadVideo answered.";
    Error::misuse(code, &[name, what, advice].concat())
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
        assert_eq!(expires(r#","ExpireUTCTime":"2026-11-21T06:20:00Z","Expiration":"3000""#), hour);
        assert_eq!(expires(r#","ExpireUTCTime":"","Expiration":"3600""#), hour);
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
            grant(&auth(""), &text::base64(br#"{"Bucket":"b"}"#), NOW).expect_err("no endpoint");
        assert_eq!(error.code, "InvalidUploadAddress");
        assert!(error.message.contains("Endpoint"), "{error}");
        assert_eq!(renewal("oops", NOW).expect_err("no base64").code, "InvalidUploadAuth");
        assert_eq!(grant(&auth(""), "[]", NOW).expect_err("no JSON").code, "InvalidUploadAddress");
    }
}
