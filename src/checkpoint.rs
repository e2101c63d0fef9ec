//! What is kept of an unfinished upload, so that the same file can go on after
//! a reload, a crash or a stop. Anything doubtful is treated as nothing.
//!
//! The record is JSON under the key and with the top-level names that Aliyun's
//! web SDK uses, so that its records are understood here. It is always marked
//! `Uploading`: that SDK never resumes such a record, and so cannot take our
//! parts of several sizes for its own of one size.

use core::time::Duration;

use crate::io::FileInfo;
use crate::json;
use crate::service::Target;
use crate::time::Timestamp;

/// Lifecycle rules abort multipart uploads after some days; seven is usual.
const LIFE: Duration = Duration::from_hours(7 * 24);

const VERSION: u32 = 1;

/// An unfinished upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The service's id of the media, if the application gave it.
    pub video_id: Option<String>,
    /// The bucket that holds the parts.
    pub bucket: String,
    /// The object key that the parts are for.
    pub key: String,
    /// The endpoint, for the application to see.
    pub endpoint: String,
    /// The multipart upload.
    pub upload_id: String,
    /// The part plan, see [`crate::plan::PartPlan::segments`].
    pub segments: Vec<(u32, u64)>,
    /// Stored parts by number, with their `ETag`s.
    pub parts: Vec<(u32, String)>,
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    file_name: String,
    last_modified: u64,
    size: u64,
    object: String,
    bucket: String,
    endpoint: Option<String>,
    video_id: Option<String>,
    state: Option<String>,
    version: Option<u32>,
    user_id: Option<String>,
    saved_at: Option<u64>,
    upload_id: Option<String>,
    segments: Option<Vec<(u32, u64)>>,
    /// `ETag`s by part number, joined with commas: a tenth of the size that
    /// an object per part takes, for a store that is small and synchronous.
    etags: Option<String>,
    #[serde(skip_serializing)]
    checkpoint: Option<VendorCheckpoint>,
}

/// What Aliyun's web SDK keeps below `checkpoint`.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct VendorCheckpoint {
    part_size: u64,
    upload_id: String,
    done_parts: Vec<VendorPart>,
}

#[derive(serde::Deserialize, serde::Serialize)]
struct VendorPart {
    number: u32,
    etag: String,
}

impl Checkpoint {
    /// Where the parts are. A record knows no region.
    pub fn target(&self) -> Target {
        Target {
            endpoint: self.endpoint.clone(),
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            region: None,
        }
    }

    /// The stored form. Credentials are not part of it.
    pub fn to_text(&self, info: &FileInfo, user_id: &str, now: Timestamp) -> String {
        json::to_string(&Record {
            file_name: info.name.clone(),
            last_modified: info.last_modified,
            size: info.size,
            object: self.key.clone(),
            bucket: self.bucket.clone(),
            endpoint: Some(self.endpoint.clone()),
            video_id: self.video_id.clone(),
            state: Some("Uploading".into()),
            version: Some(VERSION),
            user_id: Some(user_id.into()),
            saved_at: Some(now.0),
            upload_id: Some(self.upload_id.clone()),
            segments: Some(self.segments.clone()),
            etags: Some(join(&self.parts)),
            checkpoint: None,
        })
    }

    /// Reads a stored form; `None` when it is damaged, too old, of another
    /// version, or of another file or user.
    pub fn from_text(text: &str, info: &FileInfo, user_id: &str, now: Timestamp) -> Option<Self> {
        let record: Record = json::from_str(text)?;
        if record.size != info.size || record.last_modified != info.last_modified {
            return None;
        }
        if let Some(vendor) = record.checkpoint {
            return Some(Self {
                video_id: record.video_id,
                bucket: record.bucket,
                key: record.object,
                endpoint: record.endpoint.unwrap_or_default(),
                upload_id: vendor.upload_id,
                segments: vec![(1, vendor.part_size)],
                parts: vendor
                    .done_parts
                    .into_iter()
                    .map(|part| (part.number, part.etag.trim_matches('"').into()))
                    .collect(),
            });
        }
        let saved = Timestamp(record.saved_at?);
        if record.version != Some(VERSION)
            || record.user_id.as_deref() != Some(user_id)
            || now.since(saved) > LIFE
        {
            return None;
        }
        Some(Self {
            video_id: record.video_id,
            bucket: record.bucket,
            key: record.object,
            endpoint: record.endpoint.unwrap_or_default(),
            upload_id: record.upload_id?,
            segments: record.segments?,
            parts: split(&record.etags?),
        })
    }
}

fn join(parts: &[(u32, String)]) -> String {
    let mut text = String::new();
    let mut at = 1;
    for (number, etag) in parts {
        while at < *number {
            text.push(',');
            at += 1;
        }
        text.push_str(etag);
    }
    text
}

fn split(text: &str) -> Vec<(u32, String)> {
    let etags = (1..).zip(text.split(','));
    etags.filter(|(_, etag)| !etag.is_empty()).map(|(number, etag)| (number, etag.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_238_400_000);

    fn info() -> FileInfo {
        FileInfo {
            name: "我的 video.mp4".into(),
            size: 6_291_456,
            last_modified: 1_700_000_000_000,
            content_type: "video/mp4".into(),
            fingerprint: "upload_1700000000000_我的 video.mp4_6291456".into(),
        }
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            video_id: Some("VID".into()),
            bucket: "b".into(),
            key: "sv/a.mp4".into(),
            endpoint: "https://oss-cn-shanghai.aliyuncs.com".into(),
            upload_id: "UP".into(),
            segments: vec![(1, 1 << 20), (3, 2 << 20)],
            parts: vec![(1, "E1".into()), (3, "E3".into())],
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let text = checkpoint().to_text(&info(), "7", NOW);
        assert_eq!(Checkpoint::from_text(&text, &info(), "7", NOW), Some(checkpoint()));
        let empty = Checkpoint { parts: vec![], ..checkpoint() };
        let text = empty.to_text(&info(), "7", NOW);
        assert_eq!(Checkpoint::from_text(&text, &info(), "7", NOW), Some(empty));
    }

    #[test]
    fn a_stale_foreign_or_damaged_record_is_nothing() {
        let text = checkpoint().to_text(&info(), "7", NOW);
        let read = |text: &str, info: &FileInfo, user: &str, now| {
            Checkpoint::from_text(text, info, user, now)
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
