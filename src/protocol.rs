//! What an object storage is to the state machine.
//!
//! A protocol phrases and signs requests and says what an answer means. It
//! decides nothing: when to send what is the state machine's.

use core::ops::Range;

use crate::error::Error;
use crate::http::{Request, Response};
use crate::id::{FileId, PartNumber};
use crate::io::FileInfo;
use crate::plan::Limits;
use crate::service::{Credential, Target};
use crate::time::Timestamp;

#[cfg(feature = "tencent")]
pub mod cos;
#[cfg(feature = "aliyun")]
pub mod oss;
mod s3;

/// An object storage.
pub trait Protocol {
    /// What the storage accepts.
    fn limits(&self) -> Limits;

    /// Phrases and signs a request for `operation`.
    fn request(&self, operation: &Operation, cx: &Signing<'_>) -> Request;

    /// What `response` means as an answer to `operation`.
    ///
    /// # Errors
    /// The classified failure that the answer tells of.
    fn reply(&self, operation: &Operation, response: &Response) -> Result<Reply, Error>;
}

/// All that a request is made of besides the operation.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// The key to sign with.
    pub credential: &'a Credential,
    /// The object.
    pub target: &'a Target,
    /// Whether the endpoint is bound to the bucket, so that the bucket is not
    /// part of the host name.
    pub cname: bool,
    /// How to sign, where there is a choice.
    pub signature: Signature,
    /// The region for a version that needs one, where the target tells none.
    pub region: &'a str,
    /// The service's time, as well as it is known.
    pub now: Timestamp,
    /// When the credential is over, on the same clock.
    pub expires: Option<Timestamp>,
    /// The file that the bytes come from.
    pub file: FileId,
    /// Its description.
    pub info: &'a FileInfo,
}

/// Versions of a storage's signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signature {
    /// The newest that the target allows.
    #[default]
    Auto,
    /// OSS version 1: needs no region.
    V1,
    /// OSS version 4.
    V4,
}

/// The storage's calls, under the names that both vendors use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Operation {
    AbortMultipartUpload {
        upload_id: String,
    },
    /// `parts` ascend by number.
    CompleteMultipartUpload {
        upload_id: String,
        parts: Vec<Part>,
    },
    HeadObject,
    InitiateMultipartUpload,
    /// Unfinished uploads of all keys that begin with the object's.
    #[cfg(feature = "sessions")]
    ListMultipartUploads,
    /// Parts with a number above `marker`.
    ListParts {
        upload_id: String,
        marker: u32,
    },
    /// The whole file as a form, which needs no CORS preflight.
    PostObject,
    PutObject,
    UploadPart {
        upload_id: String,
        number: PartNumber,
        range: Range<u64>,
    },
}

/// A part and its `ETag`, without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number.
    pub number: PartNumber,
    /// Its `ETag`.
    pub etag: String,
}

/// A part as the storage lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPart {
    /// Its number and `ETag`.
    pub part: Part,
    /// Its bytes.
    pub size: u64,
    /// Its CRC-64, if the storage lists it.
    pub crc64: Option<u64>,
}

/// What the storage says of bytes that it stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The `ETag` without quotes; `None` when the browser hides it.
    pub etag: Option<String>,
    /// The CRC-64; `None` when the browser hides it.
    pub crc64: Option<u64>,
}

/// An answer that is no failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The upload is gone.
    Aborted,
    /// The object is complete.
    Completed(Receipt),
    /// The object exists.
    Found {
        /// Its bytes, when the header is readable.
        size: Option<u64>,
        /// Its CRC-64, when the header is readable.
        crc64: Option<u64>,
    },
    /// There is a new upload.
    Initiated {
        /// Its id.
        upload_id: String,
    },
    /// Some parts of the upload.
    Listed {
        /// Ascending by number.
        parts: Vec<ListedPart>,
        /// The marker for the next call, when there are more.
        next: Option<u32>,
    },
    /// Unfinished uploads: object keys and upload ids, older ones first.
    #[cfg(feature = "sessions")]
    ListedUploads(Vec<(String, String)>),
    /// The bucket is at another endpoint of the storage.
    Moved {
        /// The right one.
        endpoint: String,
        /// The refusal that told it.
        refusal: Error,
    },
    /// The object is stored.
    Stored(Receipt),
    /// The part is stored.
    Uploaded(Receipt),
}
