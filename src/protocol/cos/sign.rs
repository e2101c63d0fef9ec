//! Signature v5 of Tencent COS, `q-sign-algorithm=sha1`.
//!
//! <https://cloud.tencent.com/document/product/436/7778>

use core::time::Duration;

use super::host;
use crate::digest::{hmac_sha1, sha1};
use crate::protocol::Signing;
use crate::protocol::s3::Query;
use crate::service::Credential;
use crate::text::{ascending, concat, decimal, hex, percent_encode};
use crate::time::{Timestamp, millis};

/// How long a signature may be used, at most as long as its credential; begun a
/// minute early, for clocks that are nearly right.
const LIFE: Duration = Duration::from_hours(1);
const EARLY: Duration = Duration::from_mins(1);

/// The `Authorization` of a request by `method` to the decoded `path`, which
/// binds the bucket's host and nothing else of the headers.
pub fn authorization(method: &str, path: &str, query: &[Query], cx: &Signing<'_>) -> String {
    let begin = Timestamp(cx.now.0.saturating_sub(millis(EARLY)));
    let end = (cx.now + LIFE).min(cx.expires.unwrap_or(Timestamp::NEVER));
    let seconds = |at: Timestamp| decimal(at.0 / 1000, 1);
    let window = concat(&[&seconds(begin), ";", &seconds(end)]);
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| (String::from(*name), value.clone().unwrap_or_default()))
        .collect();
    let headers = [(String::from("host"), host(cx.target))];
    sign(method, path, &query, &headers, cx.credential, &window)
}

/// Signs `query` and `headers`, whose names may have any case, for the seconds
/// of `window`, `begin;end`.
pub fn sign(
    method: &str,
    path: &str,
    query: &[(String, String)],
    headers: &[(String, String)],
    credential: &Credential,
    window: &str,
) -> String {
    let ((parameters, parameter_names), (headers, header_names)) = (listed(query), listed(headers));
    let method = method.to_ascii_lowercase();
    let http = concat(&[&method, "\n", path, "\n", &parameters, "\n", &headers, "\n"]);
    let digest = hex(&sha1(http.as_bytes()));
    let to_sign = concat(&["sha1\n", window, "\n", &digest, "\n"]);
    // The hex text is the key.
    let key = hex(&hmac_sha1(credential.secret.as_bytes(), window.as_bytes()));
    let signature = hex(&hmac_sha1(key.as_bytes(), to_sign.as_bytes()));
    concat(&[
        "q-sign-algorithm=sha1&q-ak=",
        &credential.id,
        "&q-sign-time=",
        window,
        "&q-key-time=",
        window,
        "&q-header-list=",
        &header_names,
        "&q-url-param-list=",
        &parameter_names,
        "&q-signature=",
        &signature,
    ])
}

/// Names and values, and the names alone, encoded and in ascending order.
fn listed(pairs: &[(String, String)]) -> (String, String) {
    let name = |name: &str| percent_encode(name, b"").to_ascii_lowercase();
    let full =
        pairs.iter().map(|(key, value)| (name(key), concat(&["=", &percent_encode(value, b"")])));
    let names = pairs.iter().map(|(key, _)| (name(key), String::new()));
    (ascending(full.collect(), "&"), ascending(names.collect(), ";"))
}
