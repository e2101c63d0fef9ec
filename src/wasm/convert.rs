//! JS values to the core's types and back: the only Rust file that knows the
//! names of JS fields.

use core::time::Duration;

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::JsValue;

use crate::error::{Error, ErrorKind};
use crate::http::{Body, Request, Response};
use crate::id::FileId;
use crate::io::{Event, FileInfo, Overrides, TokenPurpose};
use crate::json::Json;
use crate::protocol::Signature;
use crate::service::{Credential, Grant, Media, Target};
#[cfg(feature = "aliyun")]
use crate::service::{Permit, aliyun};
use crate::time::{Timestamp, millis};
use crate::uploader::Config;

/// Reads the options; what is no sensible value is as good as not given.
pub(super) fn config(options: &Json) -> Config {
    let number = |name: &str, or: u64| options.member_whole(name).unwrap_or(or);
    let count = |name, or: u32| u32::try_from(number(name, or.into())).unwrap_or(or);
    let wait = |name, or| Duration::from_millis(number(name, millis(or)));
    let text = |name| options.member_text(name).filter(|text| !text.is_empty());
    let mut config = Config::default();
    config.part_size = Some(number("partSize", 0)).filter(|size| *size > 0);
    config.parallel = count("parallel", config.parallel).max(1);
    config.file_parallel = count("fileParallel", config.file_parallel).max(1);
    config.requests = count("requests", config.requests).max(1);
    config.retry.count = count("retryCount", config.retry.count);
    config.retry.duration = wait("retryDuration", config.retry.duration);
    config.renewal_timeout = wait("refreshTimeout", config.renewal_timeout);
    let timeout = wait("timeout", config.timeout);
    if !timeout.is_zero() {
        config.timeout = timeout;
    }
    config.user_id = text("userId").unwrap_or_default();
    config.region = text("region").unwrap_or(config.region);
    config.service_endpoint = text("vodEndpoint");
    config.cname = options.flag("cname");
    config.signature = match number("signatureVersion", 0) {
        1 => Signature::V1,
        4 => Signature::V4,
        _ => Signature::Auto,
    };
    // Infinity for a host that has nothing but forms; it is no `u64` once the module is lowered.
    let largest_form = options.member("largestForm").and_then(|size| size.number());
    let is_all = largest_form == Some(f64::INFINITY);
    config.largest_form = if is_all { u64::MAX } else { number("largestForm", 0) };
    config.largest_part = number("largestPart", config.largest_part);
    config.unseen_rate = number("unseenRate", 0);
    #[cfg(feature = "sessions")]
    {
        config.forwards = options.flag("forwards");
        config.races = options.flag("races");
        config.nearest = text("nearest");
    }
    config.integrity_rate = number("integrityRate", u64::MAX);
    config.integrity = config.integrity_rate > 0;
    config
}

/// Reads what a host knows of a file.
pub(super) fn file_info(source: JsValue) -> FileInfo {
    let source = Json::of(source);
    let text = |name| source.member_text(name).unwrap_or_default();
    let whole = |name| source.member_whole(name).unwrap_or_default();
    FileInfo {
        name: text("name"),
        size: whole("size"),
        last_modified: whole("lastModified"),
        content_type: text("contentType"),
        fingerprint: text("fingerprint"),
        is_image: source.flag("isImage"),
        metadata: text("metadata"),
    }
}

/// Reads where the application wants the object.
pub(super) fn overrides(wishes: JsValue) -> Overrides {
    let wishes = Json::of(wishes);
    let given = |name| wishes.member_text(name).filter(|wish| !wish.is_empty());
    Overrides { endpoint: given("endpoint"), bucket: given("bucket"), key: given("object") }
}

/// Reads what the application answers when it is asked for a credential:
/// `{ uploadAuth, uploadAddress?, videoId?, … }`, `{ signature }` for a call
/// of Tencent's, `{ secretId, secretKey, token? }` for all calls of its server
/// interface, or an STS token
/// `{ accessKeyId, accessKeySecret, securityToken, Expiration? }`, which with
/// `direct` is a key to the storage itself, at `{ endpoint, bucket, object }`
/// or where the file goes already; or, with `{ refusal, message }`, that there
/// will be none.
pub(super) fn grant(given: JsValue, now: Timestamp) -> Result<Grant, Error> {
    let given = Json::of(given);
    let text = |name| given.member_text(name).filter(|text| !text.is_empty());
    if let Some(code) = text("refusal") {
        let message = text("message").unwrap_or_default();
        return Err(Error::new(ErrorKind::CredentialExpired, &code, &message, ""));
    }
    #[cfg(feature = "single-keys")]
    if let (Some(id), Some(secret)) = (text("secretId"), text("secretKey")) {
        let token = text("token").unwrap_or_default();
        return Ok(Grant::Account(Credential { id, secret, token, ..Credential::default() }));
    }
    #[cfg(feature = "sessions")]
    if let Some(token) = given.member_text("signature") {
        return Ok(Grant::Account(Credential { token, ..Credential::default() }));
    }
    #[cfg(feature = "aliyun")]
    return aliyun_grant(&given, now);
    #[cfg(not(feature = "aliyun"))]
    Err(Error::misuse("InvalidSignature", "This is no signature.", ""))
}

/// What is Aliyun's of it.
#[cfg(feature = "aliyun")]
fn aliyun_grant(given: &Json, now: Timestamp) -> Result<Grant, Error> {
    let text = |name| given.member_text(name).filter(|text| !text.is_empty());
    if let Some(auth) = given.member_text("uploadAuth") {
        let permit = match given.member_text("uploadAddress") {
            Some(address) => aliyun::permit(&auth, &address, now)?,
            None => aliyun::renewal(&auth, now)?,
        };
        let media = Media {
            video_id: text("videoId"),
            image_id: text("imageId"),
            image_url: text("imageUrl"),
            file_url: text("fileUrl"),
            ..Media::default()
        };
        return Ok(Grant::Object(Permit { media, ..permit }));
    }
    let (Some(id), Some(secret), Some(token)) =
        (text("accessKeyId"), text("accessKeySecret"), text("securityToken"))
    else {
        return Err(Error::misuse(
            "InvalidSTSToken",
            "This is neither an UploadAuth nor a whole STS token.",
            "Pass on UploadAuth and UploadAddress, or AccessKeyId, AccessKeySecret and SecurityToken.",
        ));
    };
    let (expires, issued) = aliyun::life(given, now);
    let credential = Credential { id, secret, token, expires, issued };
    if !given.flag("direct") {
        return Ok(Grant::Account(credential));
    }
    let target = text("endpoint").map(|endpoint| Target {
        endpoint,
        bucket: text("bucket").unwrap_or_default(),
        key: text("object").unwrap_or_default(),
        ..Target::default()
    });
    Ok(Grant::Object(Permit { credential, target, cover: None, media: Media::default() }))
}

/// A request for the host: `{ method, url, headers: [[name, value]], body }`.
/// The body is nothing, a text, or `{ file, start, end }`, which with `fields`
/// is a form.
pub(super) fn request(request: &Request) -> JsValue {
    let object = Object::new();
    set(&object, "method", request.method.as_str());
    set(&object, "url", &request.url);
    set(&object, "headers", pairs(&request.headers));
    match &request.body {
        Body::Empty => {}
        Body::Form { fields, file, size } => {
            let form = Object::new();
            set(&form, "file", file.0);
            set(&form, "start", 0);
            set(&form, "end", number(*size));
            set(&form, "fields", pairs(fields));
            set(&object, "body", form);
        }
        Body::Slice { file, range } => {
            let slice = Object::new();
            set(&slice, "file", file.0);
            set(&slice, "start", number(range.start));
            set(&slice, "end", number(range.end));
            set(&object, "body", slice);
        }
        Body::Text(text) => set(&object, "body", text),
    }
    object.into()
}

fn pairs(pairs: &[(&str, String)]) -> Array {
    let pair = |(name, value): &(&str, String)| {
        Array::of2(&JsValue::from_str(name), &JsValue::from_str(value))
    };
    pairs.iter().map(pair).collect()
}

#[allow(clippy::cast_precision_loss)] // sizes and times are far below 2^53
fn number(value: u64) -> f64 {
    value as f64
}

fn set(object: &Object, name: &str, value: impl Into<JsValue>) {
    // Defining a property of a plain new object cannot fail.
    let _ = Reflect::set(object, &name.into(), &value.into());
}

/// Reads an answer: `{ status, headers: { [lower-case name]: value }, body }`.
pub(super) fn response(answer: JsValue) -> Response {
    let answer = Json::of(answer);
    let header = |name: &str| {
        let value = answer.member("headers")?.member_text(name)?;
        Some((name.into(), value))
    };
    let status = answer.member_whole("status").and_then(|status| u16::try_from(status).ok());
    Response {
        status: status.unwrap_or_default(),
        headers: HEADERS.iter().copied().filter_map(header).collect(),
        body: answer.member_text("body").unwrap_or_default(),
    }
}

/// The headers that protocols read.
const HEADERS: &[&str] = &[
    "content-length",
    #[cfg(feature = "single-keys")]
    "date",
    "etag",
    "x-cos-hash-crc64ecma",
    "x-cos-request-id",
    "x-oss-hash-crc64ecma",
    "x-oss-request-id",
];

/// Reads why there was no answer: `{ code, message, hint }`.
pub(super) fn failure(reason: JsValue) -> Error {
    let reason = Json::of(reason);
    let message = reason.member_text("message").filter(|message| !message.is_empty());
    let message = message.unwrap_or_else(|| "No answer came.".into());
    match reason.member_text("code").as_deref() {
        Some("DomainNotAllowed") => Error::misuse(
            "DomainNotAllowed",
            &message,
            "Add it to the domains of your mini program.",
        ),
        Some("FileUnreadable") => Error::new(
            ErrorKind::FileUnreadable,
            "FileUnreadable",
            &message,
            "The file was changed, moved or locked since it was picked; pick it again.",
        ),
        // What to check is the platform's to say.
        _ => Error::new(ErrorKind::Network, "NetworkError", &message, ""),
    }
}

/// An event for the application: `{ type, file, … }`, see `js/core.js`. Built
/// by hand: serde's way takes 2.5 KB more.
pub(super) fn event(event: &Event) -> JsValue {
    let object = Object::new();
    let tell = |kind: &str, file: &FileId| {
        set(&object, "type", kind);
        set(&object, "file", file.0);
    };
    match event {
        Event::Authorized { file, target, media } => {
            tell("authorized", file);
            set(&object, "target", target_object(target, media));
        }
        Event::Canceled { file } => tell("canceled", file),
        Event::CredentialExpired { file, error } => {
            tell("credentialExpired", file);
            set(&object, "error", error_object(error));
        }
        Event::Failed { file, error } => {
            tell("failed", file);
            set(&object, "error", error_object(error));
        }
        Event::Finished { last } => tell("finished", last),
        Event::Progress { file, sent, total, speed, remaining } => {
            tell("progress", file);
            set(&object, "sent", number(*sent));
            set(&object, "total", number(*total));
            set(&object, "speed", number(*speed));
            set(&object, "remaining", remaining.map(number));
        }
        #[cfg(feature = "sessions")]
        Event::Nearest { file, region } => {
            tell("nearest", file);
            set(&object, "region", &**region);
        }
        Event::Queued { file } => tell("queued", file),
        Event::Started { file, video_id } => {
            tell("started", file);
            set(&object, "videoId", video_id.as_deref());
        }
        Event::Stopped { file } => tell("stopped", file),
        #[cfg(not(feature = "sessions"))]
        Event::Stored { .. } | Event::TokenNeeded { .. } => {}
        #[cfg(feature = "sessions")]
        Event::Stored { file, target } => {
            tell("stored", file);
            set(&object, "target", target_object(target, &Media::default()));
        }
        Event::Succeeded { file, is_verified } => {
            tell("succeeded", file);
            set(&object, "verified", *is_verified);
        }
        #[cfg(feature = "sessions")]
        Event::TokenNeeded { file, purpose } => {
            tell("tokenNeeded", file);
            let purpose = match purpose {
                TokenPurpose::Apply => "apply",
                TokenPurpose::Commit => "commit",
                TokenPurpose::Prepare => "prepare",
                TokenPurpose::Refresh => "refresh",
            };
            set(&object, "purpose", purpose);
        }
    }
    object.into()
}

#[cfg(feature = "aliyun")]
use crate::protocol::oss::region;

/// The region that the service told.
#[cfg(not(feature = "aliyun"))]
fn region(target: &Target) -> Option<&str> {
    target.region.as_deref()
}

/// What is known of the target, in the words of Aliyun's `uploadInfo`.
fn target_object(target: &Target, media: &Media) -> Object {
    let object = Object::new();
    for (name, value) in [
        ("endpoint", Some(&*target.endpoint)),
        ("bucket", Some(&*target.bucket)),
        ("object", Some(&*target.key)),
        ("region", region(target)),
        ("videoId", media.video_id.as_deref()),
        ("imageId", media.image_id.as_deref()),
        ("imageUrl", media.image_url.as_deref()),
        ("fileUrl", media.file_url.as_deref()),
        #[cfg(feature = "sessions")]
        ("coverUrl", media.cover_url.as_deref()),
        #[cfg(feature = "sessions")]
        ("proof", media.proof.as_deref()),
        #[cfg(feature = "sessions")]
        ("coverProof", media.cover_proof.as_deref()),
        #[cfg(feature = "single-keys")]
        ("requestId", media.request_id.as_deref()),
    ] {
        if let Some(value) = value {
            set(&object, name, value);
        }
    }
    object
}

/// An `UploadError` of `js/core.js`.
fn error_object(error: &Error) -> Object {
    let object = Object::new();
    set(&object, "code", &error.code);
    set(&object, "message", &error.message);
    set(&object, "hint", error.hint);
    set(&object, "status", error.status);
    set(&object, "requestId", error.request_id.as_deref());
    set(&object, "partNumber", error.part_number.map(|part| part.0));
    set(&object, "retryable", error.is_retryable());
    object
}
