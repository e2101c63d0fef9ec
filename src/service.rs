//! Where a file's target and credential come from.
//!
//! With an upload address and credential the application is the service: it
//! asks its own server and hands over two opaque texts. With an account of its
//! own it lets us ask: a [`Service`] phrases and signs the calls, and the state
//! machine makes them, with the same scheduler and retries as all requests.

use core::fmt;

use crate::error::Error;
use crate::http::{Request, Response};
use crate::io::FileInfo;
use crate::time::Timestamp;

pub mod aliyun;

/// A VOD service.
pub trait Service {
    /// Phrases and signs a request for `call`.
    fn request(&self, call: &Call, cx: &Calling<'_>) -> Request;

    /// What `response`, which came at `now`, means as an answer to `call`.
    ///
    /// # Errors
    /// The classified failure that the answer tells of.
    fn reply(&self, call: &Call, response: &Response, now: Timestamp) -> Result<Permit, Error>;
}

/// What a service is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A new media, where it goes and the key to it.
    CreateUpload,
    /// Another key to a media that is there.
    RefreshUpload {
        /// The service's id of the media.
        video_id: String,
    },
}

/// All that a request to a service is made of besides the call.
#[derive(Clone, Copy, Debug)]
pub struct Calling<'a> {
    /// The key to sign with.
    pub account: &'a Credential,
    /// The service's region.
    pub region: &'a str,
    /// The service's address, where it is not the region's own.
    pub endpoint: Option<&'a str>,
    /// A text never used before: services refuse a repeated request.
    pub nonce: &'a str,
    /// The file that the media is made of.
    pub info: &'a FileInfo,
}

/// A temporary key.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The access key id.
    pub id: String,
    /// The access key secret; signs, and never leaves the process.
    pub secret: String,
    /// The security token that goes with the key.
    pub token: String,
    /// When the service stops accepting it, by the device's clock, if it said so.
    pub expires: Option<Timestamp>,
    /// When it was made, by the service's clock, if that can be told.
    pub issued: Option<Timestamp>,
}

/// Secrets must not reach a log: only the id is shown.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Where an object is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The region's endpoint, with or without scheme; `https` by default.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// The object key, not encoded.
    pub key: String,
    /// The region, for signatures whose endpoint does not tell it.
    pub region: Option<String>,
    /// The origin that requests go to in place of the bucket's own, which they
    /// name in a header: for platforms that allow no other.
    pub via: Option<String>,
}

/// What the service calls the media that an object becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// The id of a video or audio.
    pub video_id: Option<String>,
    /// The id of an image.
    pub image_id: Option<String>,
    /// Where an image is delivered from.
    pub image_url: Option<String>,
    /// Where the object is.
    pub file_url: Option<String>,
}

/// Permission to store one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The key.
    pub credential: Credential,
    /// Where to; a renewal may have none and keeps the target it renews.
    pub target: Option<Target>,
    /// What it becomes, as far as that was told.
    pub media: Media,
}

/// What an application answers when it is asked for a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // there is one at a time
pub enum Grant {
    /// A key to the service, which is then asked for a permit.
    Account(Credential),
    /// A permit of the service.
    Object(Permit),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_credential_shows_no_secret() {
        let credential = Credential {
            id: "STS.id".into(),
            secret: "hush".into(),
            token: "CAIS".into(),
            expires: None,
            issued: None,
        };
        let text = format!("{:?}", Grant::Account(credential));
        assert!(text.contains("STS.id"));
        assert!(!text.contains("hush") && !text.contains("CAIS"), "{text}");
    }
}
