//! Aliyun VOD's `UploadAuth` and `UploadAddress`: base64 of JSON.
//!
//! <https://help.aliyun.com/zh/vod/developer-reference/api-vod-2017-03-21-createuploadvideo>

use core::fmt;
use core::time::Duration;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Visitor};

use super::{Credential, Grant, Target};
use crate::error::Error;
use crate::time::Timestamp;
use crate::{json, text};

/// Decodes an `UploadAuth` with its `UploadAddress`.
///
/// # Errors
/// `InvalidUploadAuth` or `InvalidUploadAddress`, with what is wrong.
pub fn grant(auth: &str, address: &str, now: Timestamp) -> Result<Grant, Error> {
    let (credential, region) = decode_auth(auth, now)?;
    let address: UploadAddress = decode(address).ok_or_else(|| {
        invalid_address("uploadAddress is not base64 of JSON. Pass UploadAddress of CreateUploadVideo unchanged.")
    })?;
    let missing = |name: &str| {
        let mut message = String::from("uploadAddress has no ");
        message.push_str(name);
        message.push_str(". Pass UploadAddress of CreateUploadVideo unchanged.");
        invalid_address(&message)
    };
    let target = Target {
        endpoint: present(address.endpoint).ok_or_else(|| missing("Endpoint"))?,
        bucket: present(address.bucket).ok_or_else(|| missing("Bucket"))?,
        key: present(address.file_name).ok_or_else(|| missing("FileName"))?,
        region,
    };
    Ok(Grant { credential, target: Some(target) })
}

/// Decodes the `UploadAuth` of `RefreshUploadVideo`: the target stays.
///
/// # Errors
/// `InvalidUploadAuth`, with what is wrong.
pub fn renewal(auth: &str, now: Timestamp) -> Result<Grant, Error> {
    let (credential, _) = decode_auth(auth, now)?;
    Ok(Grant { credential, target: None })
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UploadAuth {
    access_key_id: Option<String>,
    access_key_secret: Option<String>,
    security_token: Option<String>,
    #[serde(rename = "ExpireUTCTime")]
    expire_utc_time: Option<Text>,
    expiration: Option<Text>,
    region: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UploadAddress {
    endpoint: Option<String>,
    bucket: Option<String>,
    file_name: Option<String>,
}

fn decode_auth(auth: &str, now: Timestamp) -> Result<(Credential, Option<String>), Error> {
    let auth: UploadAuth = decode(auth).ok_or_else(|| {
        invalid_auth("uploadAuth is not base64 of JSON. Pass UploadAuth of CreateUploadVideo or RefreshUploadVideo unchanged.")
    })?;
    let missing = |name: &str| {
        let mut message = String::from("uploadAuth has no ");
        message.push_str(name);
        message.push_str(". Pass UploadAuth of CreateUploadVideo or RefreshUploadVideo unchanged.");
        invalid_auth(&message)
    };
    let credential = Credential {
        id: present(auth.access_key_id).ok_or_else(|| missing("AccessKeyId"))?,
        secret: present(auth.access_key_secret).ok_or_else(|| missing("AccessKeySecret"))?,
        token: present(auth.security_token).ok_or_else(|| missing("SecurityToken"))?,
        expires: expiry(auth.expire_utc_time, auth.expiration, now),
    };
    Ok((credential, present(auth.region)))
}

/// `Expiration` is a life in seconds, in spite of its name; `ExpireUTCTime` is
/// the instant, and what the mobile SDKs prefer.
fn expiry(utc: Option<Text>, life: Option<Text>, now: Timestamp) -> Option<Timestamp> {
    if let Some(time) = utc.and_then(|text| Timestamp::parse_iso(&text.0)) {
        return Some(time);
    }
    let life = life?.0;
    match life.parse() {
        Ok(seconds) => Some(now + Duration::from_secs(seconds)),
        Err(_) => Timestamp::parse_iso(&life),
    }
}

fn decode<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    let bytes = text::decode_base64(encoded)?;
    json::from_str(core::str::from_utf8(&bytes).ok()?)
}

fn present(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

fn invalid_auth(message: &str) -> Error {
    Error::misuse("InvalidUploadAuth", message)
}

fn invalid_address(message: &str) -> Error {
    Error::misuse("InvalidUploadAddress", message)
}

/// A text that some servers write as a number.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a whole number")
    }

    fn visit_str<E>(self, value: &str) -> Result<Text, E> {
        Ok(Text(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }
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
