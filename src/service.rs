//! Where a file's target and credential come from.
//!
//! With an upload address and credential the application is the service: it
//! asks its own server and hands over two opaque texts.

use core::fmt;

use crate::time::Timestamp;

pub mod aliyun;

/// A temporary key to one object.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The access key id.
    pub id: String,
    /// The access key secret; signs, and never leaves the process.
    pub secret: String,
    /// The security token that goes with the key.
    pub token: String,
    /// When the service stops accepting it, if it said so.
    pub expires: Option<Timestamp>,
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
}

/// Permission to store one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The key.
    pub credential: Credential,
    /// Where to; a renewal has none and keeps the target it renews.
    pub target: Option<Target>,
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
        };
        let text = format!("{:?}", Grant { credential, target: None });
        assert!(text.contains("STS.id"));
        assert!(!text.contains("hush") && !text.contains("CAIS"), "{text}");
    }
}
