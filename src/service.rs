//! Where a file's target and credential come from.
//!
//! With an upload address and credential the application is the service: it
//! asks its own server and hands over two opaque texts. With an account of its
//! own it lets us ask: a [`Service`] phrases and signs the calls, and the state
//! machine makes them, with the same scheduler and retries as all requests.

use core::fmt;
use core::time::Duration;

use crate::error::Error;
use crate::http::{Request, Response};
use crate::io::FileInfo;
use crate::time::Timestamp;

#[cfg(feature = "aliyun")]
pub mod aliyun;
#[cfg(feature = "tencent")]
pub mod tencent;

/// Whether a service of this build has sessions: regions to choose from, covers,
/// a commit at the end. Where none has, what is for them costs no code.
pub(crate) const HAS_SESSIONS: bool = cfg!(feature = "sessions");

/// A VOD service.
pub trait Service {
    /// What the service is like.
    fn manners(&self) -> Manners;

    /// Phrases and signs a request for `call`.
    fn request(&self, call: &Call, cx: &Calling<'_>) -> Request;

    /// What `response` means as an answer to `call`.
    ///
    /// # Errors
    /// The classified failure that the answer tells of.
    fn reply(&self, call: &Call, response: &Response, cx: &Answering<'_>) -> Result<Answer, Error>;
}

/// What a service is like, as far as the state machine has to know.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools)] // each is a way of its own
pub struct Manners {
    /// Whether the application gives a key for each single call, and not one
    /// that lasts.
    pub one_time: bool,
    /// Whether a media is there only once the service was told that all its
    /// objects are stored.
    pub commits: bool,
    /// Whether it tells of several regions, of which the nearest is to be found.
    pub races: bool,
    /// Whether it makes another key to an upload that is under way.
    #[cfg(feature = "single-keys")]
    pub renews: bool,
    /// How long an unfinished upload can go on.
    pub life: Duration,
}

/// What a service is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// All objects are stored.
    #[cfg(feature = "sessions")]
    CommitUpload {
        /// What the permit was renewed by.
        session: String,
    },
    /// A new media, where it goes and the key to it.
    CreateUpload,
    /// Which regions there are.
    #[cfg(feature = "sessions")]
    ListRegions,
    /// How near a region is: any answer of its host will do.
    #[cfg(feature = "sessions")]
    ProbeRegion(Region),
    /// Another key to a media that is there.
    RefreshUpload {
        /// The service's id of the media, or of the session.
        session: String,
    },
}

/// A region, and a host of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The service's name for it.
    pub name: String,
    /// An address that answers, with its scheme.
    pub url: String,
}

/// All that a request to a service is made of besides the call.
#[derive(Clone, Copy, Debug)]
pub struct Calling<'a> {
    /// The key to sign with; calls that need none have an empty one.
    pub account: &'a Credential,
    /// The service's region.
    pub region: &'a str,
    /// The service's address, where it is not the region's own.
    pub endpoint: Option<&'a str>,
    /// The service's clock.
    #[cfg(feature = "single-keys")]
    pub now: Timestamp,
    /// A text never used before: services refuse a repeated request.
    pub nonce: &'a str,
    /// The file that the media is made of.
    pub info: &'a FileInfo,
    /// Its cover, if it has one.
    #[cfg(feature = "sessions")]
    pub cover: Option<&'a FileInfo>,
    /// The region that won the race.
    #[cfg(feature = "sessions")]
    pub storage_region: Option<&'a str>,
    /// How often the call has failed before.
    pub failures: u32,
    /// Whether the platform lets requests go to the service's host alone.
    pub forwards: bool,
}

/// All that an answer of a service is understood by.
#[derive(Clone, Copy, Debug)]
pub struct Answering<'a> {
    /// When it came.
    pub now: Timestamp,
    /// What was asked for besides: the application's words of the media.
    #[cfg(feature = "sessions")]
    pub metadata: &'a str,
    /// The key that the call was signed with, if it lasts.
    #[cfg(feature = "single-keys")]
    pub account: Option<&'a Credential>,
    /// The service's address, where it is not the region's own.
    pub endpoint: Option<&'a str>,
    /// Whether the platform lets requests go to the service's host alone.
    pub forwards: bool,
}

/// An answer that is no failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The media is there.
    #[cfg(feature = "sessions")]
    Committed(Media),
    /// Where objects go and the key to it.
    Permit(Permit),
    /// Where they might go.
    #[cfg(feature = "sessions")]
    Regions(Vec<Region>),
}

/// A temporary key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// The access key id.
    pub id: String,
    /// The access key secret; signs, and never leaves the process.
    pub secret: String,
    /// The security token that goes with the key.
    pub token: String,
    /// When the service stops accepting it, by the device's clock, if it said so.
    pub expires: Option<Timestamp>,
    /// When it was made, by the service's clock, if that can be told: just now,
    /// if the service has made it for this upload.
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
    /// The session that the permit is renewed by, where it is not the media.
    pub session: Option<String>,
    /// The id of a video or audio.
    pub video_id: Option<String>,
    /// The id of an image.
    pub image_id: Option<String>,
    /// Where an image is delivered from.
    pub image_url: Option<String>,
    /// Where the object is.
    pub file_url: Option<String>,
    /// Where the cover is.
    pub cover_url: Option<String>,
    /// What proves to the application's server that the media is this one.
    pub proof: Option<String>,
    /// The same of the cover.
    #[cfg(feature = "sessions")]
    pub cover_proof: Option<String>,
    /// The service's name for the call that made it.
    #[cfg(feature = "single-keys")]
    pub request_id: Option<String>,
}

impl Media {
    /// What a permit is renewed by.
    pub fn handle(&self) -> Option<&String> {
        self.session.as_ref().or(self.video_id.as_ref())
    }

    /// Forgets what a permit is renewed by; says whether there was anything.
    pub(crate) fn forget(&mut self) -> bool {
        self.session.take().or_else(|| self.video_id.take()).is_some()
    }

    /// Takes what is told anew.
    pub(crate) fn learn(&mut self, told: Self) {
        for (known, told) in [
            (&mut self.session, told.session),
            (&mut self.video_id, told.video_id),
            (&mut self.image_id, told.image_id),
            (&mut self.image_url, told.image_url),
            (&mut self.file_url, told.file_url),
            (&mut self.cover_url, told.cover_url),
            (&mut self.proof, told.proof),
            #[cfg(feature = "sessions")]
            (&mut self.cover_proof, told.cover_proof),
            #[cfg(feature = "single-keys")]
            (&mut self.request_id, told.request_id),
        ] {
            *known = told.or(known.take());
        }
    }
}

/// Permission to store one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The key.
    pub credential: Credential,
    /// Where to; a renewal may have none and keeps the target it renews.
    pub target: Option<Target>,
    /// Where the cover goes, if there is one.
    pub cover: Option<Target>,
    /// What it becomes, as far as that was told.
    pub media: Media,
}

/// What an application answers when it is asked for a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
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
