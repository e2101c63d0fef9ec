//! Tencent COS: URLs, signatures, forms, and the codes that are its own.
//!
//! <https://cloud.tencent.com/document/product/436/7751>

use super::s3::{self, Call, Dialect, NEW_CREDENTIAL, Query, content_type};
use super::{Operation, Protocol, Reply, Signing};
use crate::digest::md5;
use crate::error::{Error, ErrorKind};
use crate::http::{Body, Method, Request, Response};
use crate::plan::Limits;
use crate::service::Target;
use crate::text::{base64, concat, percent_encode};

pub mod sign;

/// Tencent COS.
#[derive(Clone, Copy, Debug)]
pub struct Cos;

/// <https://cloud.tencent.com/document/product/436/14518>
const LIMITS: Limits = Limits { min_part: 1 << 20, max_part: 5 << 30, max_parts: 10_000 };

/// <https://cloud.tencent.com/document/product/436/7730>
const DIALECT: Dialect = Dialect {
    crc64: "x-cos-hash-crc64ecma",
    request_id: "x-cos-request-id",
    codes: &[
        ("BadDigest", ErrorKind::Network, ""),
        ("ExpiredToken", ErrorKind::CredentialExpired, NEW_CREDENTIAL),
        ("InvalidToken", ErrorKind::CredentialExpired, NEW_CREDENTIAL),
    ],
    // The window of a signature ends no later than its credential.
    outdated: &[("Request has expired", ErrorKind::CredentialExpired, NEW_CREDENTIAL)],
};

impl Protocol for Cos {
    fn limits(&self) -> Limits {
        LIMITS
    }

    fn request(&self, operation: &Operation, cx: &Signing<'_>) -> Request {
        if matches!(operation, Operation::PostObject) {
            return post_object(cx);
        }
        let call = Call::of(operation, cx);
        let is_of_bucket = matches!(operation, Operation::ListMultipartUploads);
        let path = concat(&["/", if is_of_bucket { "" } else { &cx.target.key }]);
        let authorization = sign::authorization(call.method.as_str(), &path, &call.query, cx);
        let mut headers = vec![("content-type", call.content_type)];
        if let Body::Text(list) = &call.body {
            headers.push(("content-md5", base64(&md5(list.as_bytes()))));
        }
        headers.extend(credentials(authorization, cx));
        Request {
            method: call.method,
            url: url(cx.target, &path, &call.query),
            headers,
            body: call.body,
        }
    }

    fn reply(&self, operation: &Operation, response: &Response) -> Result<Reply, Error> {
        s3::reply(operation, response, &DIALECT)
    }
}

/// The headers that authorise a request, and the one that says which bucket a
/// request is for that goes to another host.
fn credentials(authorization: String, cx: &Signing<'_>) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("authorization", authorization),
        ("x-cos-security-token", cx.credential.token.clone()),
    ];
    if cx.target.via.is_some() {
        headers.push(("vod-forward-cos", host(cx.target)));
    }
    headers
}

/// A form is authorised by a signature over its path, in fields and, for a
/// host in between, in headers. No vendor's client sends a policy.
/// <https://cloud.tencent.com/document/product/436/14690>
fn post_object(cx: &Signing<'_>) -> Request {
    let authorization = sign::authorization("post", "/", &[], cx);
    let fields = vec![
        ("key", cx.target.key.clone()),
        ("success_action_status", "201".into()),
        ("Signature", authorization.clone()),
        ("x-cos-security-token", cx.credential.token.clone()),
        ("Content-Type", content_type(cx)),
    ];
    // Where nobody stands in between, headers would cost a CORS preflight.
    let is_direct = cx.target.via.is_none();
    Request {
        method: Method::Post,
        url: url(cx.target, "/", &[]),
        headers: if is_direct { vec![] } else { credentials(authorization, cx) },
        body: Body::Form { fields, file: cx.file, size: cx.info.size },
    }
}

/// The bucket's own host, which is what is signed.
pub(super) fn host(target: &Target) -> String {
    concat(&[&target.bucket, ".", &target.endpoint])
}

/// Where a request goes: COS's encoder leaves `/` alone and nothing else.
fn url(target: &Target, path: &str, query: &[Query]) -> String {
    let own = || concat(&["https://", &host(target)]);
    let mut url = target.via.clone().unwrap_or_else(own);
    url.push_str(&percent_encode(path, b"/"));
    for (index, (name, value)) in query.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        url.push_str(&percent_encode(value.as_deref().unwrap_or_default(), b""));
    }
    url
}
