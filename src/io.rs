//! The contract between the core and whoever drives it.
//!
//! The driver feeds [`Input`]s and performs [`Output`]s. An input about a file
//! or a request that is not there (any more) is ignored: answers may be late.

use core::ops::Range;

use crate::digest::{Algorithm, Digest};
use crate::error::Error;
use crate::http::{Request, Response};
use crate::id::{FileId, RequestId};
use crate::service::{Grant, Media, Target};
use crate::time::Timestamp;

/// A file as the host describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileInfo {
    /// The name, for people and for the checkpoint.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// The modification time in milliseconds, 0 when unknown.
    pub last_modified: u64,
    /// The MIME type that the stored object gets.
    pub content_type: String,
    /// What the checkpoint is stored under; equal only for equal files.
    pub fingerprint: String,
    /// Whether the service is to make an image of it and not a video.
    pub is_image: bool,
    /// What the service is to know of the media: JSON in its own terms. Empty
    /// when there is nothing to tell.
    pub metadata: String,
}

/// Where the application wants the object, against what the service says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Endpoint, with or without scheme.
    pub endpoint: Option<String>,
    /// Bucket.
    pub bucket: Option<String>,
    /// Object key.
    pub key: Option<String>,
}

/// What the driver tells the core.
#[derive(Clone, Debug)]
pub enum Input {
    /// Queue a file under an id never used before.
    Add {
        /// The new id.
        file: FileId,
        /// What the host knows of it.
        info: FileInfo,
        /// The application's wishes.
        overrides: Overrides,
    },
    /// Give a file a cover, before it is started: a second object of the same
    /// media, under an id never used before.
    AddCover {
        /// The file that it belongs to.
        file: FileId,
        /// The cover's own id.
        cover: FileId,
        /// What the host knows of it.
        info: FileInfo,
    },
    /// The application's answer to [`Event::Started`],
    /// [`Event::CredentialExpired`] or [`Event::TokenNeeded`]; ignored when
    /// nobody asked.
    Authorize {
        /// The file that the credential is for.
        file: FileId,
        /// The credential, or why what the application gave is none.
        grant: Result<Grant, Error>,
    },
    /// Give a file up and free what the service has of it.
    Cancel(FileId),
    /// The digest that [`Output::Digest`] asked for, or why there is none.
    Digested(RequestId, Result<Digest, Error>),
    /// A request ended without an answer.
    Failed(RequestId, Error),
    /// The checkpoint of a file, as asked for by [`Output::Load`].
    Loaded {
        /// The file.
        file: FileId,
        /// The stored text, if any.
        text: Option<String>,
    },
    /// The host lost its network: failures do not count until [`Input::Online`].
    Offline,
    /// The network is back: what waits is tried now.
    Online,
    /// Look for the nearest region ahead of uploads, under an id never used
    /// before; it ends as a file does.
    #[cfg(feature = "sessions")]
    Prepare(FileId),
    /// Bytes of a request's body that left so far.
    Progress(RequestId, u64),
    /// Forget a file; a running one is stopped first.
    Remove(FileId),
    /// An answer.
    Responded(RequestId, Response),
    /// Queue a cancelled file again.
    Resume(FileId),
    /// Run the queue, also when it runs already. Failed and stopped files are
    /// queued again.
    Start,
    /// Stop the queue; running files keep what they have stored.
    Stop,
    /// The instant of [`Output::Wake`] has come.
    Tick,
}

/// What the core asks the driver to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// End a request or digest that is still unanswered; no answer is needed.
    Abort(RequestId),
    /// Read bytes of a file and answer with [`Input::Digested`].
    Digest {
        /// Names it, among the requests.
        id: RequestId,
        /// The file.
        file: FileId,
        /// Byte offsets, end exclusive.
        range: Range<u64>,
        /// Which digest.
        algorithm: Algorithm,
    },
    /// Forget a checkpoint.
    Erase {
        /// The file's fingerprint.
        key: String,
    },
    /// Tell the application.
    Event(Event),
    /// Read a checkpoint and answer with [`Input::Loaded`].
    Load {
        /// Whose.
        file: FileId,
        /// The file's fingerprint.
        key: String,
    },
    /// Send a request and answer once, [`Input::Responded`] or
    /// [`Input::Failed`]; any number of [`Input::Progress`] before.
    Send(RequestId, Request),
    /// Keep a checkpoint. What cannot be kept must be erased: an outdated
    /// record could name parts that have since been laid out anew.
    Store {
        /// The file's fingerprint.
        key: String,
        /// The record; it holds no secret.
        text: String,
    },
    /// Feed [`Input::Tick`] then; replaces the previous wake.
    Wake(Timestamp),
}

/// What the application gets to know.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Event {
    /// There is a permit: the object goes to `target` and becomes `media`.
    Authorized { file: FileId, target: Target, media: Media },
    /// The file was cancelled.
    Canceled { file: FileId },
    /// The credential is over, or soon will be; give another with
    /// [`Input::Authorize`]. One file is asked for at a time.
    CredentialExpired { file: FileId, error: Error },
    /// The file failed. Its checkpoint is kept; starting again goes on.
    Failed { file: FileId, error: Error },
    /// The queue has run empty. `last` is the file that ended last.
    Finished { last: FileId },
    /// The nearest of the service's regions was found.
    #[cfg(feature = "sessions")]
    Nearest { file: FileId, region: String },
    /// Bytes known to have left, never decreasing; `total` only after the
    /// object is complete. `speed` is in bytes per second, `remaining` in
    /// milliseconds when it can be told.
    Progress { file: FileId, sent: u64, total: u64, speed: u64, remaining: Option<u64> },
    /// The file waits for its turn (again).
    Queued { file: FileId },
    /// The file's turn has come; give a credential with [`Input::Authorize`].
    /// A `video_id` means that an earlier upload can go on: renew its
    /// credential rather than creating another video.
    Started { file: FileId, video_id: Option<String> },
    /// The file was stopped; starting again goes on.
    Stopped { file: FileId },
    /// An object is complete, the file's own or its cover's.
    Stored { file: FileId, target: Target },
    /// The object is complete. `is_verified` when every byte of it was compared
    /// with the file's.
    Succeeded { file: FileId, is_verified: bool },
    /// The service takes a key for each call: give one with
    /// [`Input::Authorize`].
    TokenNeeded { file: FileId, purpose: TokenPurpose },
}

/// What a key is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPurpose {
    /// To begin an upload.
    Apply,
    /// To end it.
    Commit,
    /// To find the nearest region.
    Prepare,
    /// To go on with it.
    Refresh,
}
