//! A storage that answers like OSS and checks what OSS cannot.
//!
//! It parses method, URL, headers and body, recomputes the signature, and keeps
//! each part as (file, range): so a completed object is proven to be the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use vodupload::protocol::oss::sign::{self, Query};
use vodupload::{Body, Credential, Method, Request, Response, Timestamp};

use super::text::{decode, parse_http_date, xml_time};

/// Where all objects of a simulation go.
pub(crate) const BUCKET: &str = "outin-test";

/// The smallest part that OSS completes an object with, but for the last.
const MIN_PART: u64 = 100 << 10;

/// OSS refuses a request whose date is further off.
const MAX_SKEW_MS: u64 = 15 * 60_000;

/// The calls that the core makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Abort,
    Complete,
    Head,
    Initiate,
    List,
    Part,
    Put,
}

/// Bytes of a file; equal pieces have equal `ETag`s, as with a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) file: u32,
    pub(crate) range: Range<u64>,
}

impl Piece {
    fn etag(&self) -> String {
        format!("E{}X{:X}X{:X}", self.file, self.range.start, self.range.end)
    }

    pub(crate) fn len(&self) -> u64 {
        self.range.end - self.range.start
    }
}

/// A request as OSS understands it.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    pub(crate) call: Call,
    pub(crate) key: String,
    pub(crate) number: u32,
    pub(crate) upload_id: String,
    pub(crate) token: String,
    pub(crate) piece: Option<Piece>,
    marker: u32,
    query: Vec<Query>,
}

/// A temporary key as its issuer knows it.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) credential: Credential,
    /// The instant on the service's clock when it is over.
    pub(crate) until: u64,
}

/// A multipart upload.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) parts: BTreeMap<u32, Piece>,
}

/// What is wrong with the storage, for as long as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    /// The bucket's CORS rule exposes no header.
    pub(crate) hides_headers: bool,
    pub(crate) forbids_list: bool,
    pub(crate) forbids_head: bool,
    /// Parts on one page of a list; 0 means as many as OSS gives.
    pub(crate) page: usize,
}

/// The storage.
#[derive(Debug, Default)]
pub(crate) struct Cloud {
    pub(crate) habits: Habits,
    pub(crate) uploads: BTreeMap<String, Upload>,
    pub(crate) objects: BTreeMap<String, Vec<Piece>>,
    /// The size and number of the file that each key is meant for.
    pub(crate) meant: BTreeMap<String, (u32, u64)>,
    pub(crate) issued: BTreeMap<String, Issued>,
    pub(crate) initiated: u32,
}

impl Cloud {
    /// What a good storage does with `request` at `now`, its own time.
    pub(crate) fn answer(&mut self, now: u64, request: &Request) -> Response {
        let parsed = parse(request);
        if let Err(refusal) = self.authenticate(now, request, &parsed) {
            return refusal;
        }
        match parsed.call {
            Call::Abort => self.abort(&parsed),
            Call::Complete => self.complete(request, &parsed),
            Call::Head => self.head(&parsed),
            Call::Initiate => self.initiate(parsed.key),
            Call::List => self.list(&parsed),
            Call::Part => self.store(parsed),
            Call::Put => self.put(parsed),
        }
    }

    /// The file that a key is meant for.
    pub(crate) fn file_of(&self, key: &str) -> u32 {
        self.meant.get(key).unwrap_or_else(|| panic!("nobody granted the key {key}")).0
    }

    /// Whether the object under `key` is the whole file that it is meant for.
    pub(crate) fn is_whole(&self, key: &str) -> bool {
        let (file, size) = self.meant[key];
        self.objects.get(key).is_some_and(|pieces| tiles(pieces, file, size))
    }

    /// Ends a credential before its time.
    pub(crate) fn revoke(&mut self, token: &str) {
        if let Some(issued) = self.issued.get_mut(token) {
            issued.until = 0;
        }
    }

    fn authenticate(&self, now: u64, request: &Request, parsed: &Parsed) -> Result<(), Response> {
        let issued = self.issued.get(&parsed.token).expect("the token was issued");
        let date = header(request, "x-oss-date");
        let date = Timestamp::parse_iso(&xml_time(date))
            .or_else(|| parse_http_date(date))
            .unwrap_or_else(|| panic!("no date: {date}"));
        let skew = now.abs_diff(date.0);
        if skew > MAX_SKEW_MS {
            return Err(skewed(now));
        }
        assert_eq!(header(request, "authorization"), expected(request, parsed, issued, date));
        if now >= issued.until {
            return Err(error(403, "SecurityTokenExpired", ""));
        }
        Ok(())
    }

    fn initiate(&mut self, key: String) -> Response {
        self.initiated += 1;
        let id = format!("{:04X}A+/", self.initiated);
        self.uploads.insert(id.clone(), Upload { key, parts: BTreeMap::new() });
        xml(format!(
            "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        ))
    }

    fn store(&mut self, parsed: Parsed) -> Response {
        let hides = self.habits.hides_headers;
        let Some(upload) = self.current(&parsed) else { return no_such_upload() };
        let piece = parsed.piece.expect("a part has a body");
        assert!((1..=10_000).contains(&parsed.number), "part number {}", parsed.number);
        assert!(piece.len() <= 5 << 30, "a part of {} bytes", piece.len());
        let etag = piece.etag();
        upload.parts.insert(parsed.number, piece);
        stored(&etag, hides)
    }

    fn put(&mut self, parsed: Parsed) -> Response {
        let piece = parsed.piece.expect("an object has a body");
        let etag = piece.etag();
        self.keep(parsed.key, vec![piece]);
        stored(&etag, self.habits.hides_headers)
    }

    fn keep(&mut self, key: String, pieces: Vec<Piece>) {
        let (file, size) = self.meant[&key];
        assert!(tiles(&pieces, file, size), "{key} was completed as {pieces:?}");
        self.objects.insert(key, pieces);
    }

    fn list(&mut self, parsed: &Parsed) -> Response {
        if self.habits.forbids_list {
            return error(403, "AccessDenied", "");
        }
        let page = match self.habits.page {
            0 => 1_000,
            page => page,
        };
        let Some(upload) = self.current(parsed) else { return no_such_upload() };
        let rest: Vec<_> = upload.parts.range(parsed.marker + 1..).collect();
        let last = rest.iter().take(page).next_back().map_or(parsed.marker, |(number, _)| **number);
        let mut body = format!(
            "<ListPartsResult><NextPartNumberMarker>{last}</NextPartNumberMarker>\
             <IsTruncated>{}</IsTruncated>",
            rest.len() > page
        );
        for (number, piece) in rest.iter().take(page) {
            let (etag, size) = (piece.etag(), piece.len());
            write!(
                body,
                "<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag>\
                 <Size>{size}</Size></Part>"
            )
            .expect("a String takes any text");
        }
        body += "</ListPartsResult>";
        xml(body)
    }

    fn complete(&mut self, request: &Request, parsed: &Parsed) -> Response {
        let Body::Text(body) = &request.body else { panic!("complete has no part list") };
        let listed = part_list(body);
        let Some(upload) = self.current(parsed) else { return no_such_upload() };
        if listed.is_empty() || !listed.is_sorted_by(|a, b| a.0 < b.0) {
            return error(400, "InvalidPartOrder", "");
        }
        let mut pieces = Vec::new();
        for (number, etag) in &listed {
            match upload.parts.get(number) {
                Some(piece) if piece.etag() == *etag => pieces.push(piece.clone()),
                _ => return error(400, "InvalidPart", ""),
            }
        }
        if pieces.iter().rev().skip(1).any(|piece| piece.len() < MIN_PART) {
            return error(400, "EntityTooSmall", "");
        }
        self.uploads.remove(&parsed.upload_id);
        self.keep(parsed.key.clone(), pieces);
        xml(format!(
            "<CompleteMultipartUploadResult><ETag>&quot;{}&quot;</ETag></CompleteMultipartUploadResult>",
            listed.len()
        ))
    }

    fn head(&self, parsed: &Parsed) -> Response {
        if self.habits.forbids_head {
            return Response { status: 403, ..Response::default() };
        }
        let Some(pieces) = self.objects.get(&parsed.key) else {
            return Response { status: 404, ..Response::default() };
        };
        let size: u64 = pieces.iter().map(Piece::len).sum();
        let mut headers = vec![];
        if !self.habits.hides_headers {
            headers.push(("content-length".into(), size.to_string()));
        }
        Response { status: 200, headers, body: String::new() }
    }

    fn abort(&mut self, parsed: &Parsed) -> Response {
        if self.current(parsed).is_none() {
            return no_such_upload();
        }
        self.uploads.remove(&parsed.upload_id);
        Response { status: 204, ..Response::default() }
    }

    fn current(&mut self, parsed: &Parsed) -> Option<&mut Upload> {
        let upload = self.uploads.get_mut(&parsed.upload_id)?;
        // What only cleans up may have been overtaken by a new target.
        let is_own = upload.key == parsed.key || parsed.call == Call::Abort;
        assert!(is_own, "an upload of {} is taken for one of {}", upload.key, parsed.key);
        Some(upload).filter(|upload| upload.key == parsed.key)
    }
}

fn tiles(pieces: &[Piece], file: u32, size: u64) -> bool {
    let mut end = 0;
    for piece in pieces {
        if piece.file != file || piece.range.start != end {
            return false;
        }
        end = piece.range.end;
    }
    end == size
}

/// Understands a request, or panics: the core sends nothing that makes no sense.
pub(crate) fn parse(request: &Request) -> Parsed {
    let (host, path) = request.url.split_once("://").expect("a scheme").1.split_once('/').unwrap();
    assert_eq!(host.split_once('.').map(|(bucket, _)| bucket), Some(BUCKET), "{host}");
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
        (Method::Put, true) => Call::Part,
        (Method::Put, false) => Call::Put,
        (method, _) => panic!("{method:?} {}", request.url),
    };
    let piece = match &request.body {
        Body::Slice { file, range } => Some(Piece { file: file.0, range: range.clone() }),
        Body::Empty | Body::Text(_) => None,
    };
    Parsed {
        call,
        key: decode(key),
        number: number("partNumber"),
        upload_id: value("uploadId").unwrap_or_default(),
        token: header(request, "x-oss-security-token").into(),
        piece,
        marker: number("part-number-marker"),
        query,
    }
}

/// The `Authorization` that the request must carry.
fn expected(request: &Request, parsed: &Parsed, issued: &Issued, date: Timestamp) -> String {
    let signed = request.headers.iter().filter(|(name, _)| *name != "authorization");
    let signed: Vec<_> = signed.map(|(name, value)| (*name, &**value)).collect();
    let method = request.method.as_str();
    if header(request, "authorization").starts_with("OSS4-") {
        let (key, query) = (&parsed.key, &parsed.query);
        let canonical = sign::v4_canonical_request(method, BUCKET, key, query, &signed, &[]);
        return sign::v4_authorization(&issued.credential, "cn-shanghai", date, &canonical, &[]);
    }
    let text = sign::v1_string_to_sign(method, BUCKET, &parsed.key, &parsed.query, &signed);
    sign::v1_authorization(&issued.credential, &text)
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let found = request.headers.iter().find(|(key, _)| *key == name);
    &found.unwrap_or_else(|| panic!("no header {name}")).1
}

/// Number and `ETag` of the parts that a complete call lists.
fn part_list(body: &str) -> Vec<(u32, String)> {
    let parts = body.split("<PartNumber>").skip(1).map(|part| {
        let (number, rest) = part.split_once("</PartNumber>").expect("a number");
        let (etag, _) = rest.trim_start_matches("<ETag>\"").split_once('"').expect("an ETag");
        (number.parse().expect("a number"), etag.into())
    });
    parts.collect()
}

fn stored(etag: &str, hides: bool) -> Response {
    let headers = if hides { vec![] } else { vec![("etag".into(), format!("\"{etag}\""))] };
    Response { status: 200, headers, body: String::new() }
}

fn xml(body: String) -> Response {
    Response { status: 200, headers: vec![], body }
}

fn no_such_upload() -> Response {
    error(404, "NoSuchUpload", "")
}

/// An error in the words of OSS.
pub(crate) fn error(status: u16, code: &str, more: &str) -> Response {
    let body = format!("<Error><Code>{code}</Code><Message>simulated</Message>{more}</Error>");
    Response { status, headers: vec![], body }
}

/// The error that tells a device the right time.
pub(crate) fn skewed(now: u64) -> Response {
    let server = xml_time(&Timestamp(now).iso_basic());
    error(403, "RequestTimeTooSkewed", &format!("<ServerTime>{server}</ServerTime>"))
}
