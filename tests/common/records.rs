//! What a record of an upload must never claim.

use serde_json::Value;
use vodupload::Timestamp;

use super::content::{DAMAGED, FOREIGN};
use super::setup::Setup;
use super::vendors::Vendor;
use super::witness::Remote;

/// Judges records.
#[derive(Clone, Debug)]
pub(super) struct Records {
    vendor: Vendor,
    /// Whether all damage can be told: no checksum is hidden or left out.
    is_seen: bool,
}

impl Records {
    pub(super) fn new(setup: &Setup) -> Self {
        let habits = setup.habits;
        let is_hidden = habits.hides_headers || habits.hides_crc || habits.encrypts;
        let is_seen = setup.config.integrity && !is_hidden && !habits.forbids_list;
        Self { vendor: setup.vendor, is_seen }
    }

    /// A record that is made: it names no part whose bytes are not the file's,
    /// calls stored what is stored, and has the session that goes on with it.
    pub(super) fn judge(&self, text: &str, remote: &Remote<'_>) {
        let record: Value = serde_json::from_str(text).expect("JSON");
        let key = record["object"].as_str().expect("an object key");
        let etags = record["etags"].as_str().expect("parts").to_ascii_lowercase();
        for mark in [DAMAGED, FOREIGN].map(|file| format!("{file:08x}")) {
            let is_damaged = etags.split(',').any(|etag| etag.starts_with(&mark));
            assert!(!self.is_seen || !is_damaged, "it vouches for damage: {text}");
        }
        if self.vendor == Vendor::Aliyun {
            return;
        }
        if record["stored"] != Value::Null {
            assert!(remote.cloud.is_whole(key), "{key} is not stored: {text}");
        }
        let session = remote.ugc.session_of(key).expect("a session has the key");
        if record["stored"].as_f64() == Some(2.0) {
            assert!(remote.cloud.is_whole(&session.keys[1]), "its cover is not stored: {text}");
        }
        let told = record["session"].as_str().map(|id| &remote.ugc.sessions[id]);
        let is_own = told.is_some_and(|told| told.keys == session.keys);
        assert!(is_own || told.is_none() && session.is_over, "another session's: {text}");
    }
}

/// What a run was told by a record.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) session: Option<String>,
    pub(super) key: String,
    is_stored: bool,
    pub(super) is_cover_stored: bool,
    saved: u64,
}

impl Told {
    pub(super) fn of(text: &str) -> Option<Self> {
        let record: Value = serde_json::from_str(text).ok()?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a time
        let saved = record["savedAt"].as_f64()? as u64;
        Some(Self {
            session: record["session"].as_str().map(Into::into),
            key: record["object"].as_str()?.into(),
            is_stored: record["stored"] != Value::Null,
            is_cover_stored: record["stored"].as_f64() == Some(2.0),
            saved,
        })
    }

    /// Whether it is to be believed still.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now.0.saturating_sub(self.saved) <= 24 * 3_600_000
    }

    /// Whether it calls the object of `key` stored.
    pub(super) fn has(&self, key: &str) -> bool {
        self.is_stored && self.key == key
    }
}
