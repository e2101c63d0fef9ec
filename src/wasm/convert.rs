//! JS values to the core's types and back: the only Rust file that knows the
//! names of JS fields.

use core::time::Duration;

use js_sys::{Array, Object, Reflect};
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::error::{Error, ErrorKind};
use crate::http::{Body, Request, Response};
use crate::io::{Event, FileInfo, Overrides};
use crate::json::Json;
use crate::protocol::oss::region;
use crate::service::Target;
use crate::uploader::Config;

/// Reads the options; what is no sensible value is as good as not given.
pub(super) fn config(options: JsValue) -> Config {
    let cname = Reflect::get(&options, &"cname".into()).is_ok_and(|cname| cname.is_truthy());
    let options = Json::of(options);
    let whole = |name| options.member_whole(name);
    let count = |name, or| whole(name).and_then(|count| u32::try_from(count).ok()).unwrap_or(or);
    let positive = |name| whole(name).filter(|value| *value > 0);
    let mut config = Config::default();
    config.part_size = positive("partSize");
    config.parallel = count("parallel", config.parallel).max(1);
    config.requests = count("requests", config.requests).max(1);
    config.retry.count = count("retryCount", config.retry.count);
    let duration = whole("retryDuration").map(Duration::from_millis);
    config.retry.duration = duration.unwrap_or(config.retry.duration);
    config.timeout = positive("timeout").map_or(config.timeout, Duration::from_millis);
    config.user_id = options.member_text("userId").unwrap_or_default();
    config.cname = cname;
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
    }
}

/// Reads where the application wants the object.
pub(super) fn overrides(wishes: JsValue) -> Overrides {
    let wishes = Json::of(wishes);
    let given = |name| wishes.member_text(name).filter(|wish| !wish.is_empty());
    Overrides { endpoint: given("endpoint"), bucket: given("bucket"), key: given("object") }
}

/// Names the target as Aliyun's `uploadInfo` does.
pub(super) fn target(target: &Target) -> Object {
    let object = Object::new();
    set(&object, "endpoint", &target.endpoint);
    set(&object, "bucket", &target.bucket);
    set(&object, "object", &target.key);
    if let Some(region) = region(target) {
        set(&object, "region", region);
    }
    object
}

/// A request for the host: `{ method, url, headers: [[name, value]], body }`.
/// The body is nothing, a text or `{ file, start, end }`.
pub(super) fn request(request: &Request) -> JsValue {
    let headers: Array = request
        .headers
        .iter()
        .map(|(name, value)| Array::of2(&JsValue::from_str(name), &JsValue::from_str(value)))
        .collect();
    let object = Object::new();
    set(&object, "method", request.method.as_str());
    set(&object, "url", &request.url);
    set(&object, "headers", headers);
    match &request.body {
        Body::Empty => {}
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
const HEADERS: [&str; 3] = ["content-length", "etag", "x-oss-request-id"];

/// Reads why there was no answer: `{ code, message }`.
pub(super) fn failure(reason: JsValue) -> Error {
    let reason = Json::of(reason);
    let message = reason.member_text("message").unwrap_or_default();
    match reason.member_text("code").as_deref() {
        Some("FileUnreadable") => Error::new(ErrorKind::FileUnreadable, "FileUnreadable", &message),
        _ => Error::new(ErrorKind::Network, "NetworkError", &message),
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum JsEvent<'a> {
    Canceled { file: u32 },
    CredentialExpired { file: u32, error: JsError<'a> },
    Failed { file: u32, error: JsError<'a> },
    Finished { file: u32 },
    Progress { file: u32, sent: f64, total: f64, speed: f64, remaining: Option<f64> },
    Queued { file: u32 },
    Started { file: u32, video_id: Option<&'a str> },
    Stopped { file: u32 },
    Succeeded { file: u32 },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsError<'a> {
    code: &'a str,
    message: &'a str,
    status: Option<u16>,
    request_id: Option<&'a str>,
}

impl<'a> From<&'a Error> for JsError<'a> {
    fn from(error: &'a Error) -> Self {
        Self {
            code: &error.code,
            message: &error.message,
            status: error.status,
            request_id: error.request_id.as_deref(),
        }
    }
}

/// An event for the application: `{ type, file, … }`, see `js/core.js`.
pub(super) fn event(event: &Event) -> JsValue {
    let event = match event {
        Event::Canceled { file } => JsEvent::Canceled { file: file.0 },
        Event::CredentialExpired { file, error } => {
            JsEvent::CredentialExpired { file: file.0, error: error.into() }
        }
        Event::Failed { file, error } => JsEvent::Failed { file: file.0, error: error.into() },
        Event::Finished { last } => JsEvent::Finished { file: last.0 },
        Event::Progress { file, sent, total, speed, remaining } => JsEvent::Progress {
            file: file.0,
            sent: number(*sent),
            total: number(*total),
            speed: number(*speed),
            remaining: remaining.map(number),
        },
        Event::Queued { file } => JsEvent::Queued { file: file.0 },
        Event::Started { file, video_id } => {
            JsEvent::Started { file: file.0, video_id: video_id.as_deref() }
        }
        Event::Stopped { file } => JsEvent::Stopped { file: file.0 },
        Event::Succeeded { file } => JsEvent::Succeeded { file: file.0 },
    };
    serde_wasm_bindgen::to_value(&event).unwrap_or_default()
}
