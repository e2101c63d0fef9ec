//! Aliyun OSS header signatures, versions 1 and 4.
//!
//! <https://help.aliyun.com/zh/oss/developer-reference/include-signatures-in-the-authorization-header>
//! <https://help.aliyun.com/zh/oss/developer-reference/recommend-to-use-signature-version-4>

use core::time::Duration;

use super::signing_region;
use crate::digest::{hmac_sha1, hmac_sha256, sha256};
use crate::http::Method;
use crate::json::quoted;
use crate::protocol::Signing;
pub use crate::protocol::s3::Query;
use crate::service::Credential;
use crate::text::{ascending, base64, concat, decimal, hex, percent_encode};
use crate::time::Timestamp;

/// The parameters that version 1 signs. All others are free.
const SUBRESOURCES: [&str; 3] = ["partNumber", "uploadId", "uploads"];

/// The headers that sign a request of `method` to `query` with `headers`:
/// version 4 where the region is known, as OSS recommends, else version 1.
pub fn headers(
    method: Method,
    query: &[Query],
    headers: &[(&'static str, String)],
    cx: &Signing<'_>,
) -> Vec<(&'static str, String)> {
    let credential = cx.credential;
    let token = ("x-oss-security-token", credential.token.clone());
    let region = signing_region(cx);
    let mut added = if region.is_some() {
        let hash = ("x-oss-content-sha256", String::from("UNSIGNED-PAYLOAD"));
        vec![("x-oss-date", cx.now.iso_basic()), hash, token]
    } else {
        vec![("x-oss-date", cx.now.rfc1123()), token]
    };
    let all: Vec<_> = headers.iter().chain(&added).map(|(name, value)| (*name, &**value)).collect();
    let (bucket, key) = (&cx.target.bucket, &cx.target.key);
    let authorization = match region {
        Some(region) => {
            let canonical = v4_canonical_request(method.as_str(), bucket, key, query, &all, &[]);
            v4_authorization(credential, region, cx.now, &canonical, &[])
        }
        None => v1_authorization(
            credential,
            &v1_string_to_sign(method.as_str(), bucket, key, query, &all),
        ),
    };
    added.push(("authorization", authorization));
    added
}

/// What version 1 signs. Header names may have any case.
pub fn v1_string_to_sign(
    method: &str,
    bucket: &str,
    key: &str,
    query: &[Query],
    headers: &[(&str, &str)],
) -> String {
    let value = |name: &str| {
        let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.trim())
    };
    let mut text = String::from(method);
    for name in ["content-md5", "content-type", "x-oss-date"] {
        text.push('\n');
        text.push_str(value(name));
    }
    text.push('\n');
    push_headers(&mut text, headers, |name| name.starts_with("x-oss-"));
    for part in ["/", bucket, "/", key] {
        text.push_str(part);
    }
    let signed =
        query.iter().filter(|(name, _)| SUBRESOURCES.contains(name)).map(|(name, value)| {
            (
                String::from(*name),
                value.as_ref().map_or(String::new(), |value| concat(&["=", value])),
            )
        });
    let signed = ascending(signed.collect(), "&");
    if !signed.is_empty() {
        text.push('?');
        text.push_str(&signed);
    }
    text
}

/// The `Authorization` of version 1.
pub fn v1_authorization(credential: &Credential, string_to_sign: &str) -> String {
    let signature = base64(&hmac_sha1(credential.secret.as_bytes(), string_to_sign.as_bytes()));
    concat(&["OSS ", &credential.id, ":", &signature])
}

/// The canonical request of version 4. `additional` are the names of further
/// headers to sign, in lower case and ascending.
pub fn v4_canonical_request(
    method: &str,
    bucket: &str,
    key: &str,
    query: &[Query],
    headers: &[(&str, &str)],
    additional: &[&str],
) -> String {
    let mut text = concat(&[method, "\n/", bucket, "/", &percent_encode(key, b"/"), "\n"]);
    let pairs = query.iter().map(|(name, value)| {
        let value = value.as_ref().filter(|value| !value.is_empty());
        let value = value.map(|value| concat(&["=", &percent_encode(value, b"")]));
        (percent_encode(name, b""), value.unwrap_or_default())
    });
    text.push_str(&ascending(pairs.collect(), "&"));
    text.push('\n');
    let is_signed = |name: &str| {
        name.starts_with("x-oss-")
            || ["content-md5", "content-type"].contains(&name)
            || additional.contains(&name)
    };
    push_headers(&mut text, headers, is_signed);
    text.push('\n');
    push_joined(&mut text, additional);
    text.push_str("\nUNSIGNED-PAYLOAD");
    text
}

/// What version 4 signs.
pub fn v4_string_to_sign(now: Timestamp, scope: &str, canonical_request: &str) -> String {
    let hash = hex(&sha256(canonical_request.as_bytes()));
    concat(&["OSS4-HMAC-SHA256\n", &now.iso_basic(), "\n", scope, "\n", &hash])
}

/// The key that version 4 signs with: good for a day, a region and a service.
pub fn v4_signing_key(secret: &str, day: &str, region: &str) -> Vec<u8> {
    let key = hmac_sha256(concat(&["aliyun_v4", secret]).as_bytes(), day.as_bytes());
    let key = hmac_sha256(&key, region.as_bytes());
    let key = hmac_sha256(&key, b"oss");
    hmac_sha256(&key, b"aliyun_v4_request")
}

/// How long a form may be on its way, and how long at the least.
const FORM_LIFE: Duration = Duration::from_hours(1);
const FORM_LEAST: Duration = Duration::from_mins(2);

/// The fields that sign a form for exactly this object of exactly this size.
/// <https://help.aliyun.com/zh/oss/developer-reference/postobject>
pub fn form(cx: &Signing<'_>) -> Vec<(&'static str, String)> {
    let Credential { id, secret, token, .. } = cx.credential;
    let token = ("x-oss-security-token", token.clone());
    let Some(region) = signing_region(cx) else {
        let policy = policy(cx, &[]);
        let signature = v1_policy_signature(secret, &policy);
        let id = ("OSSAccessKeyId", id.clone());
        return vec![("policy", policy), id, token, ("Signature", signature)];
    };
    let day = cx.now.iso_day();
    let credential = concat(&[id, "/", &scope(&day, region)]);
    let mut fields = vec![
        ("x-oss-signature-version", String::from("OSS4-HMAC-SHA256")),
        ("x-oss-credential", credential),
        ("x-oss-date", cx.now.iso_basic()),
        token,
    ];
    let policy = policy(cx, &fields);
    fields.push(("x-oss-signature", v4_policy_signature(secret, cx.now, region, &policy)));
    fields.push(("policy", policy));
    fields
}

/// What version 1 signs a form's `policy` with.
pub fn v1_policy_signature(secret: &str, policy: &str) -> String {
    base64(&hmac_sha1(secret.as_bytes(), policy.as_bytes()))
}

/// What version 4 signs a form's `policy` with.
pub fn v4_policy_signature(secret: &str, now: Timestamp, region: &str, policy: &str) -> String {
    let key = v4_signing_key(secret, &now.iso_day(), region);
    hex(&hmac_sha256(&key, policy.as_bytes()))
}

/// What a form may be used for, in base64.
fn policy(cx: &Signing<'_>, fields: &[(&'static str, String)]) -> String {
    // It must not outlive the credential, but nor be over by a wrong clock.
    let until = (cx.now + FORM_LIFE).min(cx.expires.unwrap_or(Timestamp::NEVER));
    let until = until.max(cx.now + FORM_LEAST).iso();
    let size = decimal(cx.info.size, 1);
    let mut json = concat(&[
        "{\"expiration\":\"",
        &until,
        "\",\"conditions\":[{\"bucket\":",
        &quoted(&cx.target.bucket),
        "},[\"eq\",\"$key\",",
        &quoted(&cx.target.key),
        "],[\"content-length-range\",",
        &size,
        ",",
        &size,
        "]",
    ]);
    for (name, value) in fields {
        for part in [",{", &quoted(name), ":", &quoted(value), "}"] {
            json.push_str(part);
        }
    }
    json.push_str("]}");
    base64(json.as_bytes())
}

fn scope(day: &str, region: &str) -> String {
    concat(&[day, "/", region, "/oss/aliyun_v4_request"])
}

/// The `Authorization` of version 4.
pub fn v4_authorization(
    credential: &Credential,
    region: &str,
    now: Timestamp,
    canonical_request: &str,
    additional: &[&str],
) -> String {
    let day = now.iso_day();
    let scope = scope(&day, region);
    let to_sign = v4_string_to_sign(now, &scope, canonical_request);
    let signature =
        hex(&hmac_sha256(&v4_signing_key(&credential.secret, &day, region), to_sign.as_bytes()));
    let mut text = concat(&["OSS4-HMAC-SHA256 Credential=", &credential.id, "/", &scope]);
    if !additional.is_empty() {
        text.push_str(",AdditionalHeaders=");
        push_joined(&mut text, additional);
    }
    text.push_str(",Signature=");
    text.push_str(&signature);
    text
}

fn push_joined(text: &mut String, names: &[&str]) {
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            text.push(';');
        }
        text.push_str(name);
    }
}

/// Appends the headers that are to be signed: lower-case, ascending, trimmed.
fn push_headers(text: &mut String, headers: &[(&str, &str)], is_signed: impl Fn(&str) -> bool) {
    let lower = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), concat(&[":", value.trim(), "\n"])))
        .filter(|(name, _)| is_signed(name));
    text.push_str(&ascending(lower.collect(), ""));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::FileId;
    use crate::io::FileInfo;
    use crate::protocol::Signature;
    use crate::service::Target;
    use crate::text::decode_base64;

    #[test]
    fn a_form_outlives_neither_an_hour_nor_its_credential_but_two_minutes() {
        const NOW: Timestamp = Timestamp(1_795_238_400_000);
        let credential = Credential {
            id: "STS.N".into(),
            secret: "s".into(),
            token: "t".into(),
            expires: None,
            issued: None,
        };
        let until = |minutes: Option<u64>| {
            let cx = Signing {
                credential: &credential,
                target: &Target::default(),
                cname: false,
                signature: Signature::V1,
                region: "",
                now: NOW,
                expires: minutes.map(|minutes| NOW + Duration::from_mins(minutes)),
                file: FileId(1),
                info: &FileInfo::default(),
            };
            let policy = decode_base64(&policy(&cx, &[])).expect("base64");
            let policy = String::from_utf8(policy).expect("text");
            policy.split('"').nth(3).expect("an instant").to_owned()
        };
        assert_eq!(until(None), "2026-11-21T06:20:00.000Z");
        assert_eq!(until(Some(10)), "2026-11-21T05:30:00.000Z");
        assert_eq!(until(Some(0)), "2026-11-21T05:22:00.000Z");
    }
}
