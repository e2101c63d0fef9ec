//! The key to an upload of a service that makes only one: kept in the record,
//! and the upload's end when it is over.

use core::time::Duration;

use super::{Context, Phase, Upload};
use crate::checkpoint::Kept;
use crate::error::{Error, ErrorKind};
use crate::service::{Credential, Media, Permit, Target};
use crate::time::Timestamp;

/// What is left of a key has to be of use.
const MARGIN: Duration = Duration::from_mins(1);

/// How often a file is begun anew because its key was over.
const MAX_KEYS: u32 = 2;

impl Upload {
    /// What a record has to keep besides what other services tell again.
    pub(super) fn key_to_keep(&self) -> Option<Kept> {
        let credential = self.access.credential.clone().filter(|_| self.access.is_only_one)?;
        let target = self.cover.as_ref().and_then(|cover| cover.target.as_ref());
        Some(Kept { credential, cover: target.map(|target| target.key.clone()) })
    }

    /// In place of a call for another key where there is none: goes on with the
    /// one that the record has kept. Else the next call is for a new upload.
    pub(super) fn goes_on_with_kept_key(&mut self, cx: &mut Context<'_>) -> bool {
        if cx.manners().renews || matches!(self.phase, Phase::Committing) {
            return false;
        }
        if let Some(permit) = self.kept_permit(cx) {
            self.admit(permit, cx);
            return true;
        }
        if !matches!(self.phase, Phase::Authorizing) {
            self.restarts += 1;
            if self.restarts > MAX_KEYS {
                self.give_up(over(), cx);
                return true;
            }
        }
        self.media.forget();
        false
    }

    fn kept_permit(&self, cx: &Context<'_>) -> Option<Permit> {
        let is_first = matches!(self.phase, Phase::Authorizing);
        let checkpoint = self.checkpoint.as_ref().filter(|_| is_first)?;
        let Kept { credential, cover } = checkpoint.kept.clone()?;
        // All that is left may be to commit, which takes another key.
        let is_done = checkpoint.is_stored && self.cover.is_none();
        let target = checkpoint.target();
        let cover = cover.map(|key| Target { key, ..target.clone() });
        (is_done || is_good(&credential, cx.now)).then_some(Permit {
            credential,
            target: Some(target),
            cover,
            media: Media::default(),
        })
    }
}

fn is_good(credential: &Credential, now: Timestamp) -> bool {
    credential.expires.is_none_or(|end| end.since(now) > MARGIN)
}

fn over() -> Error {
    Error::new(
        ErrorKind::Forbidden,
        "UploadTokenExpired",
        "The key that VOD made is over before the file was stored.",
        "Upload over a faster link.",
    )
}
