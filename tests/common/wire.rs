//! Requests as a storage understands them: parsed, and their signatures
//! recomputed, independently of how the core has put them together.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use vodupload::protocol::oss::sign::{self, Query};
use vodupload::{Body, Credential, Method, Request, Response, Timestamp};

use super::content::Piece;
use super::text::{decode, parse_http_date, xml_time};
use super::{cos, service, ugc};

/// Where all objects of a simulation go.
pub(crate) const BUCKET: &str = "outin-test";

/// OSS refuses a request whose date is further off.
const MAX_SKEW_MS: u64 = 15 * 60_000;

/// The calls that the core makes; those from `Digest` on are not the storage's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Abort,
    Complete,
    Head,
    Initiate,
    List,
    Part,
    Post,
    Put,
    /// Not a request: the host reads bytes of a file and digests them.
    Digest,
    CreateUpload,
    RefreshUpload,
    CommitUpload,
    ListRegions,
    ProbeRegion,
}

impl Call {
    pub(crate) const COUNT: usize = 14;

    /// Whether it asks the VOD service and not the storage.
    pub(crate) fn is_service(self) -> bool {
        self as usize > Self::Digest as usize
    }
}

/// A request as the storage understands it.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    pub(crate) call: Call,
    /// The endpoint, which tells the vendor, too.
    pub(crate) host: String,
    /// The host that was asked to hand it on.
    pub(crate) via: Option<String>,
    pub(crate) key: String,
    pub(crate) number: u32,
    pub(crate) upload_id: String,
    pub(crate) token: String,
    pub(crate) piece: Option<Piece>,
    pub(crate) marker: u32,
    pub(super) query: Vec<Query>,
    pub(super) fields: BTreeMap<&'static str, String>,
}

/// A temporary key as its issuer knows it.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) credential: Credential,
    /// The instant on the service's clock when it is over.
    pub(crate) until: u64,
}

/// Understands a request, or panics: the core sends nothing that makes no sense.
pub(crate) fn parse(request: &Request) -> Parsed {
    let is_other = service::is_for(request) || ugc::is_for(request);
    assert!(!is_other, "{} is no storage", request.url);
    let (host, path) = request.url.split_once("://").expect("a scheme").1.split_once('/').unwrap();
    let named = request.headers.iter().find(|(name, _)| *name == "vod-forward-cos");
    let (via, host) = named.map_or((None, host), |(_, named)| (Some(host.into()), named));
    let (bucket, host) = host.split_once('.').expect("a bucket");
    let is_cos = cos::is_host(host);
    assert_eq!(bucket, if is_cos { cos::BUCKET } else { BUCKET }, "{host}");
    let token = if is_cos { "x-cos-security-token" } else { "x-oss-security-token" };
    let (key, rest) = path.split_once('?').unwrap_or((path, ""));
    let mut query = Vec::new();
    for pair in rest.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').expect("a value");
        let name = ["max-parts", "part-number-marker", "partNumber", "uploadId", "uploads"]
            .into_iter()
            .find(|known| *known == name)
            .unwrap_or_else(|| panic!("an unknown parameter {name}"));
        query.push((name, (name != "uploads").then(|| decode(value))));
    }
    let value = |name: &str| {
        query
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.clone().unwrap_or_default())
    };
    let number = |name: &str| value(name).map_or(0, |text| text.parse().expect("a number"));
    let call = match (request.method, value("uploadId").is_some()) {
        (Method::Delete, true) => Call::Abort,
        (Method::Get, true) => Call::List,
        (Method::Head, false) => Call::Head,
        (Method::Post, true) => Call::Complete,
        (Method::Post, false) if value("uploads").is_some() => Call::Initiate,
        (Method::Post, false) => Call::Post,
        (Method::Put, true) => Call::Part,
        (Method::Put, false) => Call::Put,
        (method, _) => panic!("{method:?} {}", request.url),
    };
    let mut parsed = Parsed {
        call,
        host: host.into(),
        via,
        key: decode(key),
        number: number("partNumber"),
        upload_id: value("uploadId").unwrap_or_default(),
        token: String::new(),
        piece: None,
        marker: number("part-number-marker"),
        query,
        fields: BTreeMap::new(),
    };
    match &request.body {
        Body::Form { fields, file, size } => {
            assert!(call == Call::Post && parsed.key.is_empty(), "a form goes to the bucket");
            let is_simple = request.headers.is_empty() || parsed.via.is_some();
            assert!(is_simple, "a header would cost a preflight");
            for (name, value) in fields {
                let before = parsed.fields.insert(name, value.clone());
                assert_eq!(before, None, "{name} twice");
            }
            parsed.key = parsed.field("key").into();
            parsed.token = parsed.field(token).into();
            parsed.piece = Some(Piece { file: file.0, range: 0..*size });
        }
        Body::Slice { file, range } => {
            parsed.piece = Some(Piece { file: file.0, range: range.clone() });
        }
        Body::Empty | Body::Text(_) => {}
    }
    if call != Call::Post {
        parsed.token = header(request, token).into();
    }
    parsed
}

impl Parsed {
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_else(|| panic!("no field {name}"))
    }
}

/// Refuses what is not signed as it must be, or not at the right time.
pub(crate) fn authenticate(
    now: u64,
    request: &Request,
    parsed: &Parsed,
    issued: &Issued,
) -> Result<(), Response> {
    if cos::is_host(&parsed.host) {
        return cos::authenticate(now, request, parsed, issued);
    }
    if parsed.call == Call::Post {
        check_form(now, parsed, issued)?;
    } else {
        let date = header(request, "x-oss-date");
        let date = Timestamp::parse_iso(&xml_time(date))
            .or_else(|| parse_http_date(date))
            .unwrap_or_else(|| panic!("no date: {date}"));
        check_date(now, date)?;
        assert_eq!(header(request, "authorization"), expected(request, parsed, issued, date));
    }
    if now >= issued.until {
        return Err(error(403, "SecurityTokenExpired", ""));
    }
    Ok(())
}

fn check_date(now: u64, date: Timestamp) -> Result<(), Response> {
    if now.abs_diff(date.0) > MAX_SKEW_MS { Err(skewed(now)) } else { Ok(()) }
}

/// The region that the host of an endpoint tells, else the bucket's own.
fn region(parsed: &Parsed) -> &str {
    let name = parsed.host.strip_prefix("oss-").and_then(|it| it.strip_suffix(".aliyuncs.com"));
    name.filter(|name| !name.starts_with("accelerate")).unwrap_or("cn-shanghai")
}

/// The `Authorization` that the request must carry.
fn expected(request: &Request, parsed: &Parsed, issued: &Issued, date: Timestamp) -> String {
    let signed = request.headers.iter().filter(|(name, _)| *name != "authorization");
    let signed: Vec<_> = signed.map(|(name, value)| (*name, &**value)).collect();
    let method = request.method.as_str();
    if header(request, "authorization").starts_with("OSS4-") {
        let (key, query) = (&parsed.key, &parsed.query);
        let canonical = sign::v4_canonical_request(method, BUCKET, key, query, &signed, &[]);
        return sign::v4_authorization(&issued.credential, region(parsed), date, &canonical, &[]);
    }
    let text = sign::v1_string_to_sign(method, BUCKET, &parsed.key, &parsed.query, &signed);
    sign::v1_authorization(&issued.credential, &text)
}

/// Checks a form as OSS does: the policy's signature, its time, and that it
/// allows this object and all that is sent with it.
fn check_form(now: u64, parsed: &Parsed, issued: &Issued) -> Result<(), Response> {
    let policy = parsed.field("policy");
    let Credential { id, secret, .. } = &issued.credential;
    assert_eq!(parsed.field("success_action_status"), "201");
    assert_eq!(parsed.field("Content-Type"), "video/mp4");
    let mut bound = vec!["key", "bucket"];
    if parsed.fields.contains_key("x-oss-signature") {
        let date = Timestamp::parse_iso(&xml_time(parsed.field("x-oss-date"))).expect("a date");
        let scope = format!("{}/{}/oss/aliyun_v4_request", date.iso_day(), region(parsed));
        assert_eq!(parsed.field("x-oss-credential"), format!("{id}/{scope}"));
        assert_eq!(parsed.field("x-oss-signature-version"), "OSS4-HMAC-SHA256");
        let signature = sign::v4_policy_signature(secret, date, region(parsed), policy);
        assert_eq!(parsed.field("x-oss-signature"), signature);
        assert!(!parsed.fields.contains_key("OSSAccessKeyId"));
        bound.extend(["x-oss-credential", "x-oss-date", "x-oss-signature-version"]);
        // The policy's end is the narrower limit to what is too old.
        check_date(now, date.max(Timestamp(now)))?;
    } else {
        assert_eq!(parsed.field("Signature"), sign::v1_policy_signature(secret, policy));
        assert_eq!(parsed.field("OSSAccessKeyId"), id);
    }
    let policy: Value =
        serde_json::from_slice(&BASE64.decode(policy).expect("base64")).expect("JSON");
    let mut told = Vec::new();
    for condition in policy["conditions"].as_array().expect("conditions") {
        let (name, value) = match condition {
            Value::Object(pair) => pair.iter().next().map(|(name, value)| (name.clone(), value)),
            Value::Array(three) if three[0] == "content-length-range" => {
                let size = parsed.piece.as_ref().expect("a file").len();
                assert_eq!((&three[1], &three[2]), (&size.into(), &size.into()));
                continue;
            }
            Value::Array(three) => {
                assert_eq!(three[0], "eq");
                let name = three[1].as_str().expect("a name").trim_start_matches('$');
                Some((name.to_string(), &three[2]))
            }
            other => panic!("{other} is no condition"),
        }
        .expect("a name and a value");
        let sent = if name == "bucket" { BUCKET } else { parsed.field(&name) };
        assert_eq!(value, sent, "{name}");
        told.push(name);
    }
    for name in bound {
        assert!(told.iter().any(|told| told == name), "the policy does not bind {name}");
    }
    let until = Timestamp::parse_iso(policy["expiration"].as_str().expect("an end"));
    if now >= until.expect("an instant").0 {
        let body = "<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy \
                    expired.</Message></Error>";
        return Err(Response { status: 403, headers: vec![], body: body.into() });
    }
    Ok(())
}

pub(crate) fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let found = request.headers.iter().find(|(key, _)| *key == name);
    &found.unwrap_or_else(|| panic!("no header {name}")).1
}

/// Number and `ETag` of the parts that a complete call lists.
pub(crate) fn part_list(body: &str) -> Vec<(u32, String)> {
    let parts = body.split("<PartNumber>").skip(1).map(|part| {
        let (number, rest) = part.split_once("</PartNumber>").expect("a number");
        let (etag, _) = rest.trim_start_matches("<ETag>\"").split_once('"').expect("an ETag");
        (number.parse().expect("a number"), etag.into())
    });
    parts.collect()
}

/// An error in the words that both storages took over.
pub(crate) fn error(status: u16, code: &str, more: &str) -> Response {
    let body = format!("<Error><Code>{code}</Code><Message>simulated</Message>{more}</Error>");
    Response { status, headers: vec![], body }
}

/// The error that tells a device the right time.
pub(crate) fn skewed(now: u64) -> Response {
    let server = xml_time(&Timestamp(now).iso_basic());
    error(403, "RequestTimeTooSkewed", &format!("<ServerTime>{server}</ServerTime>"))
}

/// The error that names the endpoint a bucket is at.
pub(crate) fn elsewhere(endpoint: &str) -> Response {
    error(403, "AccessDenied", &format!("<Endpoint>{endpoint}</Endpoint>"))
}
