//! What is kept of an unfinished upload, so that the same file can go on after
//! a reload, a crash or a stop. Anything doubtful is treated as nothing.
//!
//! The record is JSON under the key and with the top-level names that Aliyun's
//! web SDK uses, so that its records are understood here. It is always marked
//! `Uploading`: that SDK never resumes such a record, and so cannot take our
//! parts of several sizes for its own of one size.

use core::time::Duration;

use crate::id::PartNumber;
use crate::io::FileInfo;
use crate::json::{Json, Record};
use crate::protocol::Part;
#[cfg(feature = "single-keys")]
use crate::service::Credential;
use crate::service::{HAS_SESSIONS, Target};
use crate::time::Timestamp;

const VERSION: u64 = 1;

/// An unfinished upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The service's id of the session, if it has one.
    pub session: Option<String>,
    /// The service's id of the media, if the application gave it.
    pub video_id: Option<String>,
    /// The bucket that holds the parts.
    pub bucket: String,
    /// The object key that the parts are for.
    pub key: String,
    /// The endpoint, for the application to see.
    pub endpoint: String,
    /// Whether the object is complete, so that there is no multipart upload and
    /// only the service has to be told.
    pub is_stored: bool,
    /// Whether so is its cover.
    pub is_cover_stored: bool,
    /// The multipart upload.
    pub upload_id: String,
    /// The part plan, see [`crate::plan::PartPlan::segments`].
    pub segments: Vec<(u32, u64)>,
    /// The stored parts whose `ETag` is known, ascending by number.
    pub parts: Vec<Part>,
    /// The only key that there is to the upload.
    #[cfg(feature = "single-keys")]
    pub kept: Option<Kept>,
}

/// What a service that makes no second key to an upload cannot tell again. It is
/// a secret: the host of such a service has to seal its records.
#[cfg(feature = "single-keys")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The key.
    pub credential: Credential,
    /// The object key of the cover, if there is one.
    pub cover: Option<String>,
}

impl Checkpoint {
    /// Where the parts are. A record knows no region.
    pub fn target(&self) -> Target {
        Target {
            endpoint: self.endpoint.clone(),
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            ..Target::default()
        }
    }

    /// The stored form, with the `stored` bytes as the fraction that a page can
    /// show after a reload. Credentials are not part of it.
    #[allow(clippy::cast_precision_loss)] // sizes and times are far below 2^53
    pub fn to_text(&self, info: &FileInfo, user_id: &str, now: Timestamp, stored: u64) -> String {
        let mut record = Record::new();
        for (name, text) in [
            ("fileName", &*info.name),
            ("object", &self.key),
            ("bucket", &self.bucket),
            ("endpoint", &self.endpoint),
            ("uploadId", &self.upload_id),
            // ETags by part number, joined with commas: a tenth of the size that
            // an object per part takes, for a store that is small and synchronous.
            ("etags", &join(&self.parts)),
            ("userId", user_id),
            ("state", "Uploading"),
        ] {
            record.set(name, text);
        }
        if let Some(video_id) = &self.video_id {
            record.set("videoId", &**video_id);
        }
        if let (true, Some(session)) = (HAS_SESSIONS, &self.session) {
            record.set("session", &**session);
        }
        if HAS_SESSIONS && self.is_stored {
            record.set("stored", if self.is_cover_stored { &2.0 } else { &1.0 });
        }
        // Numbers as f64: for others serde-wasm-bindgen brings Rust's formatting, 1 KB.
        for (name, number) in [
            ("lastModified", info.last_modified as f64),
            ("size", info.size as f64),
            ("loaded", stored as f64 / info.size.max(1) as f64),
            ("version", VERSION as f64),
            ("savedAt", now.0 as f64),
        ] {
            record.set(name, &number);
        }
        #[cfg(feature = "single-keys")]
        if let Some(Kept { credential, cover }) = &self.kept {
            let expires = credential.expires.map(|end| end.0 as f64);
            let Credential { id, secret, token, .. } = credential;
            record.set("credential", &(id, secret, token, expires, cover));
        }
        let segments = self.segments.iter();
        let segments: Vec<_> =
            segments.map(|(first, part)| [f64::from(*first), *part as f64]).collect();
        record.set("segments", &segments);
        record.text()
    }

    /// Reads a stored form; `None` when it is damaged, older than `life`, of
    /// another version, or of another file or user.
    pub fn from_text(
        text: &str,
        info: &FileInfo,
        user_id: &str,
        now: Timestamp,
        life: Duration,
    ) -> Option<Self> {
        let record = Json::parse(text)?;
        // A host has found no more of what another program has begun.
        let session = record.member_text("handedOver").filter(|_| HAS_SESSIONS);
        if session.is_some() {
            return Some(Self { session, ..Self::default() });
        }
        if record.member_whole("size")? != info.size
            || record.member_whole("lastModified")? != info.last_modified
        {
            return None;
        }
        let (upload_id, segments, parts) = match record.member("checkpoint") {
            Some(vendor) => vendor_upload(&vendor)?,
            None => own_upload(&record, user_id, now, life)?,
        };
        Some(Self {
            session: if HAS_SESSIONS { record.member_text("session") } else { None },
            video_id: record.member_text("videoId"),
            is_stored: HAS_SESSIONS && record.member("stored").is_some(),
            is_cover_stored: HAS_SESSIONS && record.member_whole("stored") == Some(2),
            bucket: record.member_text("bucket")?,
            key: record.member_text("object")?,
            endpoint: record.member_text("endpoint").unwrap_or_default(),
            #[cfg(feature = "single-keys")]
            kept: kept(&record),
            upload_id,
            segments,
            parts,
        })
    }
}

#[cfg(feature = "single-keys")]
fn kept(record: &Json) -> Option<Kept> {
    let fields = record.member("credential")?.items()?;
    let text = |index: usize| fields.get(index)?.text();
    let expires = fields.get(3).and_then(Json::whole).map(Timestamp);
    let (id, secret, token) = (text(0)?, text(1)?, text(2)?);
    Some(Kept {
        credential: Credential { id, secret, token, expires, issued: None },
        cover: text(4),
    })
}

type Upload = (String, Vec<(u32, u64)>, Vec<Part>);

fn own_upload(record: &Json, user_id: &str, now: Timestamp, life: Duration) -> Option<Upload> {
    let saved = Timestamp(record.member_whole("savedAt")?);
    if record.member_whole("version")? != VERSION
        || record.member_text("userId")? != user_id
        || now.since(saved) > life
    {
        return None;
    }
    let segment = |pair: &Json| {
        let pair = pair.items()?;
        Some((u32::try_from(pair.first()?.whole()?).ok()?, pair.get(1)?.whole()?))
    };
    let mut segments = Vec::new();
    for pair in record.member("segments")?.items()? {
        segments.push(segment(&pair)?);
    }
    Some((record.member_text("uploadId")?, segments, split(&record.member_text("etags")?)))
}

/// What Aliyun's web SDK keeps below `checkpoint`.
fn vendor_upload(vendor: &Json) -> Option<Upload> {
    let part = |part: &Json| {
        let number = PartNumber(u32::try_from(part.member_whole("number")?).ok()?);
        let etag = part.member_text("etag")?.trim_matches('"').into();
        (number >= PartNumber::FIRST).then_some(Part { number, etag })
    };
    let mut parts = Vec::new();
    for done in vendor.member("doneParts")?.items()? {
        parts.push(part(&done)?);
    }
    Some((vendor.member_text("uploadId")?, vec![(1, vendor.member_whole("partSize")?)], parts))
}

fn join(parts: &[Part]) -> String {
    let mut text = String::new();
    let mut at = PartNumber::FIRST;
    for part in parts {
        while at < part.number {
            text.push(',');
            at = at.next();
        }
        text.push_str(&part.etag);
    }
    text
}

fn split(text: &str) -> Vec<Part> {
    let etags = (1..).zip(text.split(',')).filter(|(_, etag)| !etag.is_empty());
    etags.map(|(number, etag)| Part { number: PartNumber(number), etag: etag.into() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_hours(7 * 24);

    const NOW: Timestamp = Timestamp(1_795_238_400_000);

    fn info() -> FileInfo {
        FileInfo {
            name: "我的 video.mp4".into(),
            size: 6_291_456,
            last_modified: 1_700_000_000_000,
            content_type: "video/mp4".into(),
            fingerprint: "upload_1700000000000_我的 video.mp4_6291456".into(),
            ..FileInfo::default()
        }
    }

    fn part(number: u32, etag: &str) -> Part {
        Part { number: PartNumber(number), etag: etag.into() }
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            video_id: Some("VID".into()),
            bucket: "b".into(),
            key: "sv/a.mp4".into(),
            endpoint: "https://oss-cn-shanghai.aliyuncs.com".into(),
            upload_id: "UP".into(),
            segments: vec![(1, 1 << 20), (3, 2 << 20)],
            parts: vec![part(1, "E1"), part(3, "E3")],
            ..Checkpoint::default()
        }
    }

    #[cfg(feature = "single-keys")]
    #[test]
    fn the_only_key_comes_back() {
        let credential = Credential {
            id: "ID".into(),
            secret: "KEY".into(),
            token: "TOKEN".into(),
            expires: Some(NOW + LIFE),
            issued: None,
        };
        for cover in [None, Some("sv/a.jpg".into())] {
            for expires in [None, credential.expires] {
                let credential = Credential { expires, ..credential.clone() };
                let kept = Some(Kept { credential, cover: cover.clone() });
                let checkpoint = Checkpoint { kept, ..checkpoint() };
                let text = checkpoint.to_text(&info(), "7", NOW, 0);
                let read = Checkpoint::from_text(&text, &info(), "7", NOW, LIFE);
                assert_eq!(read, Some(checkpoint));
            }
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let text = checkpoint().to_text(&info(), "7", NOW, 3 << 20);
        assert_eq!(Checkpoint::from_text(&text, &info(), "7", NOW, LIFE), Some(checkpoint()));
        let empty = Checkpoint { parts: vec![], ..checkpoint() };
        let text = empty.to_text(&info(), "7", NOW, 3 << 20);
        assert_eq!(Checkpoint::from_text(&text, &info(), "7", NOW, LIFE), Some(empty));
    }

    #[test]
    fn a_stale_foreign_or_damaged_record_is_nothing() {
        let text = checkpoint().to_text(&info(), "7", NOW, 3 << 20);
        let read = |text: &str, info: &FileInfo, user: &str, now| {
            Checkpoint::from_text(text, info, user, now, LIFE)
        };
        assert_eq!(read(&text, &info(), "8", NOW), None);
        assert_eq!(read(&text, &info(), "7", NOW + LIFE + Duration::from_millis(1)), None);
        assert_eq!(read(&text, &FileInfo { size: 1, ..info() }, "7", NOW), None);
        assert_eq!(read(&text, &FileInfo { last_modified: 1, ..info() }, "7", NOW), None);
        assert_eq!(read(&text[..text.len() - 2], &info(), "7", NOW), None);
        assert_eq!(read(&text.replace("\"version\":1", "\"version\":9"), &info(), "7", NOW), None);
        assert_eq!(read("", &info(), "7", NOW), None);
        assert_eq!(read("[]", &info(), "7", NOW), None);
    }
}
