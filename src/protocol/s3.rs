//! What OSS and COS have in common: the calls, answers and errors that both
//! took over from S3. What they spell differently is a [`Dialect`].

use super::{ListedPart, Operation, Part, Receipt, Reply, Signing};
use crate::error::{Error, ErrorKind};
use crate::http::{Body, Method, Response};
use crate::id::PartNumber;
use crate::text::{concat, decimal};
use crate::time::Timestamp;
use crate::xml;

/// Set on everything: `wx.request` adds a JSON type where there is none, and
/// the type may be part of a signature.
const BINARY: &str = "application/octet-stream";

pub(super) const NEW_CREDENTIAL: &str = "Give a new credential.";
pub(super) const SET_CLOCK: &str = "Set the device's clock.";

/// An error code, what it means, and what to do about it.
pub(super) type Code = (&'static str, ErrorKind, &'static str);

/// How a storage spells what both have.
pub(super) struct Dialect {
    /// The header with the CRC-64 of what was stored.
    pub(super) crc64: &'static str,
    /// The header with the service's name for the request.
    pub(super) request_id: &'static str,
    /// Codes that say more than their status does, besides [`CODES`].
    pub(super) codes: &'static [Code],
    /// Refusals with the code `AccessDenied` that say by the end of their
    /// message that they are about time.
    pub(super) outdated: &'static [Code],
}

/// A query parameter; one without a value has no `=` in some signatures.
pub type Query = (&'static str, Option<String>);

/// An operation in the words of HTTP.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) query: Vec<Query>,
    pub(super) content_type: String,
    pub(super) body: Body,
}

impl Call {
    pub(super) fn of(operation: &Operation, cx: &Signing<'_>) -> Self {
        let upload = |upload_id: &str| ("uploadId", Some(upload_id.into()));
        let call = |method, query, body| Self { method, query, content_type: BINARY.into(), body };
        match operation {
            Operation::AbortMultipartUpload { upload_id } => {
                call(Method::Delete, vec![upload(upload_id)], Body::Empty)
            }
            Operation::CompleteMultipartUpload { upload_id, parts } => Self {
                content_type: "application/xml".into(),
                ..call(Method::Post, vec![upload(upload_id)], Body::Text(part_list(parts)))
            },
            Operation::HeadObject => call(Method::Head, vec![], Body::Empty),
            Operation::InitiateMultipartUpload => Self {
                content_type: content_type(cx),
                ..call(Method::Post, vec![("uploads", None)], Body::Empty)
            },
            #[cfg(feature = "sessions")]
            Operation::ListMultipartUploads => {
                let query = vec![("prefix", Some(cx.target.key.clone())), ("uploads", None)];
                call(Method::Get, query, Body::Empty)
            }
            Operation::ListParts { upload_id, marker } => {
                let query = vec![
                    ("max-parts", Some("1000".into())),
                    ("part-number-marker", Some(decimal(u64::from(*marker), 1))),
                    upload(upload_id),
                ];
                call(Method::Get, query, Body::Empty)
            }
            Operation::PostObject | Operation::PutObject => Self {
                content_type: content_type(cx),
                ..call(Method::Put, vec![], Body::Slice { file: cx.file, range: 0..cx.info.size })
            },
            Operation::UploadPart { upload_id, number, range } => {
                let query =
                    vec![("partNumber", Some(decimal(u64::from(number.0), 1))), upload(upload_id)];
                call(Method::Put, query, Body::Slice { file: cx.file, range: range.clone() })
            }
        }
    }
}

pub(super) fn content_type(cx: &Signing<'_>) -> String {
    let known = cx.info.content_type.trim();
    if known.is_empty() { BINARY.into() } else { known.into() }
}

/// What `response` means as an answer to `operation`.
pub(super) fn reply(
    operation: &Operation,
    response: &Response,
    dialect: &Dialect,
) -> Result<Reply, Error> {
    // A complete call that takes long answers 200 before it is done, and
    // may then say in the body that it failed.
    // 203: stored, but somebody's upload callback failed.
    let is_stored = response.status == 203;
    let is_error = !is_stored && xml::text(&response.body, "Error").is_some();
    if is_error || !(200..300).contains(&response.status) {
        let refusal = error(response, dialect);
        let endpoint = xml::text(&response.body, "Endpoint").filter(|it| !it.is_empty());
        return match endpoint.filter(|_| refusal.code == "AccessDenied") {
            Some(endpoint) => Ok(Reply::Moved { endpoint, refusal }),
            None => Err(refusal),
        };
    }
    match operation {
        Operation::AbortMultipartUpload { .. } => Some(Reply::Aborted),
        Operation::CompleteMultipartUpload { .. } => {
            let has_etag = is_stored || xml::text(&response.body, "ETag").is_some();
            has_etag.then(|| Reply::Completed(receipt(response, dialect)))
        }
        Operation::HeadObject => {
            let size = response.header("content-length").and_then(|size| size.parse().ok());
            Some(Reply::Found { size, crc64: receipt(response, dialect).crc64 })
        }
        Operation::InitiateMultipartUpload => xml::text(&response.body, "UploadId")
            .filter(|upload_id| !upload_id.is_empty())
            .map(|upload_id| Reply::Initiated { upload_id }),
        #[cfg(feature = "sessions")]
        Operation::ListMultipartUploads => listed_uploads(&response.body),
        Operation::ListParts { .. } => listed(&response.body),
        // With another body it is a page in place of an answer.
        Operation::PostObject if !response.body.is_empty() && !is_stored => {
            xml::text(&response.body, "ETag").map(|etag| {
                let Receipt { crc64, .. } = receipt(response, dialect);
                Reply::Stored(Receipt { etag: Some(unquoted(&etag)), crc64 })
            })
        }
        Operation::PutObject | Operation::UploadPart { .. }
            if !response.body.is_empty() && !is_stored =>
        {
            None
        }
        Operation::PostObject | Operation::PutObject => {
            Some(Reply::Stored(receipt(response, dialect)))
        }
        Operation::UploadPart { .. } => Some(Reply::Uploaded(receipt(response, dialect))),
    }
    .ok_or_else(|| Error::unexpected(response, request_id(response, dialect)))
}

fn receipt(response: &Response, dialect: &Dialect) -> Receipt {
    Receipt {
        etag: response.header("etag").map(unquoted),
        crc64: response.header(dialect.crc64).and_then(|crc| crc.parse().ok()),
    }
}

fn part_list(parts: &[Part]) -> String {
    let mut body =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CompleteMultipartUpload>");
    for part in parts {
        body.push_str("<Part><PartNumber>");
        body.push_str(&decimal(u64::from(part.number.0), 1));
        body.push_str("</PartNumber><ETag>\"");
        xml::push_escaped(&mut body, &part.etag);
        body.push_str("\"</ETag></Part>");
    }
    body.push_str("</CompleteMultipartUpload>");
    body
}

pub(super) fn listed(body: &str) -> Option<Reply> {
    let truncated = xml::text(body, "IsTruncated")? == "true";
    let mut parts = Vec::new();
    for part in xml::elements(body, "Part") {
        parts.push(ListedPart {
            part: Part {
                number: PartNumber(xml::text(part, "PartNumber")?.parse().ok()?),
                etag: unquoted(&xml::text(part, "ETag")?),
            },
            size: xml::text(part, "Size")?.parse().ok()?,
            crc64: xml::text(part, "HashCrc64ecma").and_then(|crc| crc.parse().ok()),
        });
    }
    let next = xml::text(body, "NextPartNumberMarker").and_then(|marker| marker.parse().ok());
    // Without a marker that moves, asking again would never end.
    let last = parts.last().map(|listed| listed.part.number.0);
    Some(Reply::Listed { parts, next: next.filter(|next| truncated && last == Some(*next)) })
}

#[cfg(feature = "sessions")]
fn listed_uploads(body: &str) -> Option<Reply> {
    xml::text(body, "IsTruncated")?;
    let mut uploads = Vec::new();
    for upload in xml::elements(body, "Upload") {
        // Older servers write it otherwise.
        let id = xml::text(upload, "UploadId").or_else(|| xml::text(upload, "UploadID"))?;
        uploads.push((xml::text(upload, "Key")?, id));
    }
    Some(Reply::ListedUploads(uploads))
}

fn unquoted(etag: &str) -> String {
    etag.trim().trim_matches('"').into()
}

/// Codes of both.
const CODES: [Code; 14] = [
    (
        "AccessDenied",
        ErrorKind::Forbidden,
        "The credential does not allow this; check the endpoint, the bucket and the credential's policy.",
    ),
    ("EntityTooSmall", ErrorKind::PartMismatch, ""),
    ("InternalError", ErrorKind::ServerBusy, ""),
    ("InvalidAccessKeyId", ErrorKind::CredentialExpired, NEW_CREDENTIAL),
    // The body was damaged on its way; it may arrive the next time.
    ("InvalidDigest", ErrorKind::Network, ""),
    ("InvalidPart", ErrorKind::PartMismatch, ""),
    ("InvalidPartOrder", ErrorKind::PartMismatch, ""),
    ("NoSuchBucket", ErrorKind::Rejected, "Check the bucket and the endpoint's region."),
    ("NoSuchUpload", ErrorKind::NoSuchUpload, ""),
    ("RequestTimeTooSkewed", ErrorKind::ClockSkewed { server_time: None }, SET_CLOCK),
    ("RequestTimeout", ErrorKind::Timeout, ""),
    ("ServiceUnavailable", ErrorKind::ServerBusy, ""),
    (
        "SignatureDoesNotMatch",
        ErrorKind::Rejected,
        "The credential's secret, the bucket or the region is wrong.",
    ),
    ("SlowDown", ErrorKind::RateLimited, ""),
];

/// Classifies a bad answer.
pub(super) fn error(response: &Response, dialect: &Dialect) -> Error {
    let Some(code) = xml::text(&response.body, "Code").filter(|code| !code.is_empty()) else {
        return without_code(response, dialect);
    };
    let status = response.status;
    let known = CODES.iter().chain(dialect.codes).find(|(known, _, _)| *known == code);
    let (mut kind, mut hint) = known.map_or_else(
        || {
            let is_haste = code.ends_with("LimitExceeded") || code.starts_with("Throttling");
            let kind = if is_haste { ErrorKind::RateLimited } else { ErrorKind::of_status(status) };
            (kind, "")
        },
        |(_, kind, hint)| (*kind, *hint),
    );
    if let ErrorKind::ClockSkewed { server_time } = &mut kind {
        let told = xml::text(&response.body, "ServerTime");
        *server_time = told.and_then(|time| Timestamp::parse_iso(&time));
    }
    let message = xml::text(&response.body, "Message")
        .filter(|message| !message.is_empty())
        .unwrap_or_else(|| "The storage refused the request.".into());
    let mut outdated = dialect.outdated.iter().filter(|_| code == "AccessDenied");
    if let Some((_, about, what)) = outdated.find(|(end, _, _)| message.ends_with(end)) {
        (kind, hint) = (*about, what);
    }
    Error {
        status: Some(status),
        request_id: request_id(response, dialect)
            .or_else(|| xml::text(&response.body, "RequestId").filter(|id| !id.is_empty())),
        ..Error::new(kind, &code, &message, hint)
    }
}

/// An error without a code: an empty body, or not the service at all.
fn without_code(response: &Response, dialect: &Dialect) -> Error {
    if !response.body.is_empty() {
        return Error::unexpected(response, request_id(response, dialect));
    }
    let status = decimal(u64::from(response.status), 1);
    Error {
        status: Some(response.status),
        request_id: request_id(response, dialect),
        ..Error::new(
            ErrorKind::of_status(response.status),
            &concat(&["HTTP", &status]),
            "The storage answered with an error and no explanation.",
            "",
        )
    }
}

fn request_id(response: &Response, dialect: &Dialect) -> Option<String> {
    response.header(dialect.request_id).map(Into::into)
}
