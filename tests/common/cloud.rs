//! A storage that answers like OSS or COS and checks what they cannot.
//!
//! It keeps each part as (file, range): so a completed object is proven to be
//! the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use vodupload::{Body, Request, Response};

use super::COVERS;
use super::content::{Piece, crc64_of};
use super::vendors::Vendor;
use super::wire::{Call, Issued, Parsed, authenticate, elsewhere, error, parse, part_list};

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
    /// No checksum is told but the `ETag`: by an old CORS rule and an old list.
    pub(crate) hides_crc: bool,
    /// The storage encrypts: `ETag`s look like MD5 and are none.
    pub(crate) encrypts: bool,
    pub(crate) forbids_list: bool,
    pub(crate) forbids_head: bool,
    /// What is committed cannot be committed again, nor its key renewed.
    pub(crate) ends_sessions: bool,
    /// Parts on one page of a list; 0 means as many as OSS gives.
    pub(crate) page: usize,
}

/// The storage.
#[derive(Debug, Default)]
pub(crate) struct Cloud {
    pub(crate) vendor: Vendor,
    pub(crate) habits: Habits,
    pub(crate) uploads: BTreeMap<String, Upload>,
    pub(crate) objects: BTreeMap<String, Vec<Piece>>,
    /// The number and size of the file or cover that each key is meant for.
    pub(crate) meant: BTreeMap<String, (u32, u64)>,
    pub(crate) issued: BTreeMap<String, Issued>,
    pub(crate) initiated: u32,
    /// The only endpoint that the bucket is at, if it is at one alone.
    pub(crate) home: Option<&'static str>,
    /// Whether an object may be completed that is not the file.
    pub(crate) takes_anything: bool,
}

impl Cloud {
    /// What a good storage does with `request` at `now`, its own time.
    pub(crate) fn answer(&mut self, now: u64, request: &Request) -> Response {
        let parsed = parse(request);
        let issued = self.issued.get(&parsed.token).expect("the token was issued");
        if let Err(refusal) = authenticate(now, request, &parsed, issued) {
            return refusal;
        }
        if let Some(home) = self.home.filter(|home| *home != parsed.host) {
            return elsewhere(home);
        }
        match parsed.call {
            Call::Abort => self.abort(&parsed),
            Call::Complete => self.complete(request, &parsed),
            Call::Head => self.head(&parsed),
            Call::Initiate => self.initiate(parsed.key),
            Call::List => self.list(&parsed),
            Call::Part => self.store(parsed),
            Call::Post | Call::Put => self.put(parsed),
            call => unreachable!("{call:?} is not for a storage"),
        }
    }

    /// The file that a key is meant for, or that its cover is of.
    pub(crate) fn file_of(&self, key: &str) -> u32 {
        let meant = self.meant.get(key).unwrap_or_else(|| panic!("nobody granted the key {key}"));
        meant.0 % COVERS
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

    fn initiate(&mut self, key: String) -> Response {
        self.initiated += 1;
        let id = format!("{:04X}A+/", self.initiated);
        self.uploads.insert(id.clone(), Upload { key, parts: BTreeMap::new() });
        xml(format!(
            "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        ))
    }

    fn store(&mut self, parsed: Parsed) -> Response {
        let Some(upload) = self.current(&parsed) else { return no_such_upload() };
        let piece = parsed.piece.expect("a part has a body");
        assert!((1..=10_000).contains(&parsed.number), "part number {}", parsed.number);
        assert!(piece.len() <= 5 << 30, "a part of {} bytes", piece.len());
        upload.parts.insert(parsed.number, piece.clone());
        self.receipt(&self.etag(&piece), piece.crc64())
    }

    fn put(&mut self, parsed: Parsed) -> Response {
        let piece = parsed.piece.expect("an object has a body");
        let etag = self.etag(&piece);
        let mut receipt = self.receipt(&etag, piece.crc64());
        if parsed.call == Call::Post {
            receipt.status = 201;
            receipt.body = format!("<PostResponse><ETag>\"{etag}\"</ETag></PostResponse>");
        }
        self.objects.insert(parsed.key, vec![piece]);
        receipt
    }

    fn etag(&self, piece: &Piece) -> String {
        let md5 = match self.vendor {
            Vendor::Aliyun => piece.md5().to_ascii_uppercase(),
            Vendor::Tencent => piece.md5(),
        };
        if self.habits.encrypts { md5.replacen('0', "F", 3) } else { md5 }
    }

    /// What a page may read of the storage's account of what it stored.
    fn receipt(&self, etag: &str, crc64: u64) -> Response {
        let mut headers = vec![];
        if !self.habits.hides_headers {
            headers.push(("etag".into(), format!("\"{etag}\"")));
            if !self.habits.hides_crc {
                let name = match self.vendor {
                    Vendor::Aliyun => "x-oss-hash-crc64ecma",
                    Vendor::Tencent => "x-cos-hash-crc64ecma",
                };
                headers.push((name.into(), crc64.to_string()));
            }
        }
        Response { status: 200, headers, body: String::new() }
    }

    fn list(&mut self, parsed: &Parsed) -> Response {
        if self.habits.forbids_list {
            return error(403, "AccessDenied", "");
        }
        let page = match self.habits.page {
            0 => 1_000,
            page => page,
        };
        let Some(upload) = self.current(parsed).cloned() else { return no_such_upload() };
        let rest: Vec<_> = upload.parts.range(parsed.marker + 1..).collect();
        let last = rest.iter().take(page).next_back().map_or(parsed.marker, |(number, _)| **number);
        let mut body = format!(
            "<ListPartsResult><NextPartNumberMarker>{last}</NextPartNumberMarker>\
             <IsTruncated>{}</IsTruncated>",
            rest.len() > page
        );
        for (number, piece) in rest.iter().take(page) {
            let (etag, size) = (self.etag(piece), piece.len());
            // COS lists none.
            let crc64 = if self.habits.hides_crc || self.vendor == Vendor::Tencent {
                String::new()
            } else {
                format!("<HashCrc64ecma>{}</HashCrc64ecma>", piece.crc64())
            };
            write!(
                body,
                "<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag>\
                 {crc64}<Size>{size}</Size></Part>"
            )
            .expect("a String takes any text");
        }
        body += "</ListPartsResult>";
        xml(body)
    }

    fn complete(&mut self, request: &Request, parsed: &Parsed) -> Response {
        let Body::Text(body) = &request.body else { panic!("complete has no part list") };
        let listed = part_list(body);
        let Some(upload) = self.current(parsed).cloned() else { return no_such_upload() };
        if listed.is_empty() || !listed.is_sorted_by(|a, b| a.0 < b.0) {
            return error(400, "InvalidPartOrder", "");
        }
        let mut pieces = Vec::new();
        for (number, etag) in &listed {
            match upload.parts.get(number) {
                Some(piece) if self.etag(piece) == *etag => pieces.push(piece.clone()),
                _ => return error(400, "InvalidPart", ""),
            }
        }
        let min_part = match self.vendor {
            Vendor::Aliyun => 100 << 10,
            Vendor::Tencent => 1 << 20,
        };
        if pieces.iter().rev().skip(1).any(|piece| piece.len() < min_part) {
            return error(400, "EntityTooSmall", "");
        }
        self.uploads.remove(&parsed.upload_id);
        let (file, size) = self.meant[&parsed.key];
        let is_file = self.takes_anything || tiles(&pieces, file, size);
        assert!(is_file, "{} was completed as {pieces:?}", parsed.key);
        let receipt = self.receipt("", crc64_of(&pieces));
        self.objects.insert(parsed.key.clone(), pieces);
        let body = format!(
            "<CompleteMultipartUploadResult><ETag>&quot;{}&quot;</ETag></CompleteMultipartUploadResult>",
            listed.len()
        );
        Response { body, ..receipt }
    }

    fn head(&self, parsed: &Parsed) -> Response {
        if self.habits.forbids_head {
            return Response { status: 403, ..Response::default() };
        }
        let Some(pieces) = self.objects.get(&parsed.key) else {
            return Response { status: 404, ..Response::default() };
        };
        let size: u64 = pieces.iter().map(Piece::len).sum();
        let mut receipt = self.receipt("", crc64_of(pieces));
        if !self.habits.hides_headers {
            receipt.headers.push(("content-length".into(), size.to_string()));
        }
        receipt
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

fn xml(body: String) -> Response {
    Response { status: 200, headers: vec![], body }
}

fn no_such_upload() -> Response {
    error(404, "NoSuchUpload", "")
}
