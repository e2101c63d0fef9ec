//! Aliyun OSS: URLs, signatures, forms, and the codes that are its own.
//!
//! <https://help.aliyun.com/zh/oss/developer-reference/list-of-operations-by-function>

use super::s3::{self, Call, Dialect, NEW_CREDENTIAL, Query, SET_CLOCK, content_type};
use super::{Operation, Protocol, Reply, Signature, Signing};
use crate::error::{Error, ErrorKind};
use crate::http::{Body, Method, Request, Response};
use crate::plan::Limits;
use crate::service::Target;
use crate::text::{cut, cut_last, percent_encode};

pub mod sign;

/// Aliyun OSS.
#[derive(Clone, Copy, Debug)]
pub struct Oss;

/// <https://help.aliyun.com/zh/oss/developer-reference/multipart-upload-limits>
const LIMITS: Limits = Limits { min_part: 100 << 10, max_part: 5 << 30, max_parts: 10_000 };

/// `encodeURIComponent`, which ali-oss builds URLs with, leaves these alone.
const URL_KEEPS: &[u8] = b"/!'()*";

/// <https://help.aliyun.com/zh/oss/support/error-codes>
const DIALECT: Dialect = Dialect {
    crc64: "x-oss-hash-crc64ecma",
    request_id: "x-oss-request-id",
    codes: &[
        ("InvalidSecurityToken", ErrorKind::CredentialExpired, NEW_CREDENTIAL),
        ("InvalidSecurityToken.Expired", ErrorKind::CredentialExpired, NEW_CREDENTIAL),
        ("SecurityTokenExpired", ErrorKind::CredentialExpired, NEW_CREDENTIAL),
    ],
    // It was made to last for minutes at the least.
    outdated: &[("Policy expired.", ErrorKind::ClockSkewed { server_time: None }, SET_CLOCK)],
};

impl Protocol for Oss {
    fn limits(&self) -> Limits {
        LIMITS
    }

    fn request(&self, operation: &Operation, cx: &Signing<'_>) -> Request {
        if matches!(operation, Operation::PostObject) {
            return post_object(cx);
        }
        let call = Call::of(operation, cx);
        let url = object_url(cx.target, cx.cname, &call.query);
        let mut headers = vec![("content-type", call.content_type)];
        headers.extend(sign::headers(call.method, &call.query, &headers, cx));
        Request { method: call.method, url, headers, body: call.body }
    }

    fn reply(&self, operation: &Operation, response: &Response) -> Result<Reply, Error> {
        s3::reply(operation, response, &DIALECT)
    }
}

/// A form goes to the bucket itself and carries its own authorisation.
/// <https://help.aliyun.com/zh/oss/developer-reference/postobject>
fn post_object(cx: &Signing<'_>) -> Request {
    let bucket = Target { key: String::new(), ..cx.target.clone() };
    let mut fields = vec![("key", cx.target.key.clone())];
    fields.extend(sign::form(cx));
    // Hosts that hide the headers of answers show their body, with the ETag.
    fields.push(("success_action_status", "201".into()));
    fields.push(("Content-Type", content_type(cx)));
    Request {
        method: Method::Post,
        url: object_url(&bucket, cx.cname, &[]),
        headers: vec![],
        body: Body::Form { fields, file: cx.file, size: cx.info.size },
    }
}

/// The URL of an object, as ali-oss builds it.
pub fn object_url(target: &Target, cname: bool, query: &[Query]) -> String {
    let (scheme, host) = split_endpoint(&target.endpoint);
    let mut url = String::from(scheme);
    url.push_str("://");
    if !cname && !is_ip(host) {
        url.push_str(&target.bucket);
        url.push('.');
    }
    url.push_str(host);
    url.push('/');
    url.push_str(&percent_encode(&target.key, URL_KEEPS));
    for (index, (name, value)) in query.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        url.push_str(&percent_encode(value.as_deref().unwrap_or_default(), b""));
    }
    url
}

/// Scheme and host of an endpoint; `https` when it names no scheme.
fn split_endpoint(endpoint: &str) -> (&str, &str) {
    let endpoint = endpoint.trim().trim_end_matches('/');
    let (scheme, rest) = cut(endpoint, b':').unwrap_or(("", endpoint));
    match rest.strip_prefix("//") {
        Some(host) if scheme.eq_ignore_ascii_case("http") => ("http", host),
        Some(host) => ("https", host),
        None => ("https", endpoint),
    }
}

/// An endpoint that is an IP address has no room for a bucket in its name.
fn is_ip(host: &str) -> bool {
    let name = cut_last(host, b':').map_or(host, |(name, _)| name);
    host.starts_with('[') || name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The region to sign version 4 with; `None` means version 1.
fn signing_region<'a>(cx: &Signing<'a>) -> Option<&'a str> {
    match cx.signature {
        Signature::Auto => region(cx.target),
        Signature::V1 => None,
        Signature::V4 => region(cx.target).or(Some(cx.region)),
    }
}

/// The region of a target: told by the endpoint's name, else by the service.
/// Acceleration and custom endpoints do not tell theirs.
pub fn region(target: &Target) -> Option<&str> {
    let (_, host) = split_endpoint(&target.endpoint);
    let named = host.strip_suffix(".aliyuncs.com").and_then(|name| name.strip_prefix("oss-"));
    match named.map(|name| name.strip_suffix("-internal").unwrap_or(name)) {
        Some(name) if !name.starts_with("accelerate") && cut(name, b'.').is_none() => Some(name),
        _ => target.region.as_deref().map(|name| name.strip_prefix("oss-").unwrap_or(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PartNumber;
    use crate::protocol::Receipt;
    use crate::protocol::s3::listed;
    use crate::time::Timestamp;

    fn error(response: &Response) -> Error {
        s3::error(response, &DIALECT)
    }

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: vec![], body: body.into() }
    }

    fn target(endpoint: &str) -> Target {
        Target {
            endpoint: endpoint.into(),
            bucket: "b".into(),
            key: "k".into(),
            region: Some("cn-beijing".into()),
            via: None,
        }
    }

    #[test]
    fn endpoints_come_in_many_spellings() {
        let url = |endpoint| object_url(&target(endpoint), false, &[]);
        assert_eq!(
            url(" oss-cn-shanghai.aliyuncs.com/ "),
            "https://b.oss-cn-shanghai.aliyuncs.com/k"
        );
        assert_eq!(url("HTTP://localhost:80"), "http://b.localhost:80/k");
        assert_eq!(url("http://127.0.0.1:8080/"), "http://127.0.0.1:8080/k");
        assert_eq!(url("http://[::1]:8080"), "http://[::1]:8080/k");
    }

    #[test]
    fn the_endpoint_tells_the_region_before_the_service_does() {
        assert_eq!(region(&target("https://oss-cn-shanghai.aliyuncs.com")), Some("cn-shanghai"));
        assert_eq!(
            region(&target("oss-ap-southeast-1-internal.aliyuncs.com")),
            Some("ap-southeast-1")
        );
        assert_eq!(region(&target("https://oss-accelerate.aliyuncs.com")), Some("cn-beijing"));
        assert_eq!(
            region(&target("https://oss-accelerate-overseas.aliyuncs.com")),
            Some("cn-beijing")
        );
        assert_eq!(region(&target("https://upload.example.test")), Some("cn-beijing"));
        assert_eq!(region(&Target { region: None, ..target("https://upload.example.test") }), None);
    }

    #[test]
    fn a_200_may_still_be_an_error() {
        let operation = Operation::CompleteMultipartUpload { upload_id: "U".into(), parts: vec![] };
        let body =
            "<Error><Code>InternalError</Code><Message>m</Message><RequestId>R</RequestId></Error>";
        let error = Oss.reply(&operation, &answer(200, body)).expect_err("the body says so");
        assert_eq!(error.kind, ErrorKind::ServerBusy);
        assert_eq!(error.request_id.as_deref(), Some("R"));
    }

    #[test]
    fn a_callback_that_failed_is_not_the_uploads() {
        let body = "<Error><Code>CallbackFailed</Code><Message>m</Message></Error>";
        let complete = Operation::CompleteMultipartUpload { upload_id: "U".into(), parts: vec![] };
        let reply = Oss.reply(&complete, &answer(203, body));
        assert_eq!(reply.expect("it is stored"), Reply::Completed(Receipt::default()));
        let reply = Oss.reply(&Operation::PutObject, &answer(203, body));
        assert_eq!(reply.expect("it is stored"), Reply::Stored(Receipt::default()));
    }

    #[test]
    fn a_bucket_that_is_elsewhere_is_a_move_and_no_refusal() {
        let body = "<Error><Code>AccessDenied</Code><Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint></Error>";
        match Oss.reply(&Operation::PutObject, &answer(403, body)) {
            Ok(Reply::Moved { endpoint, refusal }) => {
                assert_eq!(endpoint, "oss-cn-beijing.aliyuncs.com");
                assert_eq!(refusal.kind, ErrorKind::Forbidden);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_in_place_of_an_answer_is_no_answer() {
        let page = answer(200, "<html>Please log in</html>");
        for operation in [
            Operation::InitiateMultipartUpload,
            Operation::ListParts { upload_id: "U".into(), marker: 0 },
            Operation::CompleteMultipartUpload { upload_id: "U".into(), parts: vec![] },
        ] {
            let error = Oss.reply(&operation, &page).expect_err("no XML");
            assert_eq!(error.kind, ErrorKind::Unparsable, "{operation:?}");
        }
        let error = Oss.reply(&Operation::PutObject, &answer(403, "<html>no</html>"));
        assert_eq!(error.expect_err("403").kind, ErrorKind::Unparsable);
    }

    #[test]
    fn codes_decide_and_statuses_stand_in() {
        let kind = |status, code: &str| {
            error(&answer(status, &format!("<Error><Code>{code}</Code></Error>"))).kind
        };
        assert_eq!(kind(403, "SecurityTokenExpired"), ErrorKind::CredentialExpired);
        assert_eq!(kind(403, "AccessDenied"), ErrorKind::Forbidden);
        assert_eq!(kind(404, "NoSuchUpload"), ErrorKind::NoSuchUpload);
        assert_eq!(kind(404, "NoSuchBucket"), ErrorKind::Rejected);
        assert_eq!(kind(400, "InvalidPart"), ErrorKind::PartMismatch);
        assert_eq!(kind(503, "QpsLimitExceeded"), ErrorKind::RateLimited);
        assert_eq!(kind(502, "BadGateway"), ErrorKind::ServerBusy);
        assert_eq!(kind(403, "SignatureDoesNotMatch"), ErrorKind::Rejected);
        assert_eq!(kind(403, "UserDisable"), ErrorKind::Forbidden);
        assert_eq!(kind(400, "InvalidPolicyDocument"), ErrorKind::Rejected);
        assert_eq!(kind(400, "MalformedPOSTRequest"), ErrorKind::Rejected);
        assert_eq!(kind(400, "EntityTooLarge"), ErrorKind::Rejected);
        assert_eq!(kind(400, "EntityTooSmall"), ErrorKind::PartMismatch);
        assert_eq!(kind(400, "InvalidPartOrder"), ErrorKind::PartMismatch);
        assert_eq!(kind(400, "MalformedXML"), ErrorKind::Rejected);
        assert_eq!(kind(409, "FileAlreadyExists"), ErrorKind::Rejected);
        assert_eq!(kind(400, "InvalidDigest"), ErrorKind::Network);
        assert_eq!(kind(400, "RequestTimeout"), ErrorKind::Timeout);
        assert_eq!(kind(400, "Throttling.User"), ErrorKind::RateLimited);
        assert_eq!(kind(504, "GatewayTimeout"), ErrorKind::ServerBusy);
        assert_eq!(error(&answer(503, "")).code, "HTTP503");
        assert_eq!(error(&answer(429, "")).kind, ErrorKind::RateLimited);
    }

    #[test]
    fn a_skewed_clock_is_told_the_right_time() {
        let body = "<Error><Code>RequestTimeTooSkewed</Code><ServerTime>2026-11-21T05:20:00.000Z</ServerTime></Error>";
        let server_time = Some(Timestamp(1_795_238_400_000));
        assert_eq!(error(&answer(403, body)).kind, ErrorKind::ClockSkewed { server_time });
    }

    #[test]
    fn listed_parts_come_with_a_marker_that_moves() {
        let list = |truncated, marker| {
            let body = format!(
                "<R><IsTruncated>{truncated}</IsTruncated><NextPartNumberMarker>{marker}</NextPartNumberMarker>\
                 <Part><PartNumber>3</PartNumber><ETag>&quot;E&quot;</ETag><Size>7</Size></Part></R>"
            );
            match listed(&body) {
                Some(Reply::Listed { parts, next }) => (parts, next),
                other => panic!("{other:?}"),
            }
        };
        let (parts, next) = list(true, 3);
        assert_eq!((parts[0].part.number, parts[0].size), (PartNumber(3), 7));
        assert_eq!(parts[0].part.etag, "E");
        assert_eq!(next, Some(3));
        assert_eq!(list(false, 3).1, None);
        assert_eq!(list(true, 0).1, None);
    }
}
