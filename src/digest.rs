//! The keyed hashes that requests are signed with, and the digests that tell
//! whether what is stored is what was sent.

use hmac::{Hmac, Mac};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::text::hex;

mod crc64;
mod md5;

use crc64::Crc64;
pub use crc64::combine;
use md5::Md5;

/// HMAC-SHA1 of `message`.
pub(crate) fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// HMAC-SHA256 of `message`.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// MD5 of `message`.
#[cfg(feature = "tencent")]
pub(crate) fn md5(message: &[u8]) -> [u8; 16] {
    let mut md5 = Md5::new();
    md5.update(message);
    md5.finish()
}

/// SHA-1 of `message`.
pub(crate) fn sha1(message: &[u8]) -> Vec<u8> {
    Sha1::digest(message).to_vec()
}

/// SHA-256 of `message`.
pub(crate) fn sha256(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}

/// How stored bytes are compared with a file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// CRC-64/XZ, of which both services tell; fast, and parts' values combine.
    Crc64,
    /// MD5, which an `ETag` is unless the storage encrypts.
    Md5,
}

/// The digest of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Digest {
    /// CRC-64/XZ.
    Crc64(u64),
    /// MD5 in lower-case hex.
    Md5(String),
}

impl Digest {
    /// Which digest it is.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Crc64(_) => Algorithm::Crc64,
            Self::Md5(_) => Algorithm::Md5,
        }
    }
}

/// Digests bytes as they come.
pub enum Hasher {
    #[allow(missing_docs)]
    Crc64(Crc64),
    #[allow(missing_docs)]
    Md5(Md5),
}

impl Hasher {
    /// No bytes yet.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc64 => Self::Crc64(Crc64::new()),
            Algorithm::Md5 => Self::Md5(Md5::new()),
        }
    }

    /// Takes the bytes that follow.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc64(crc) => crc.update(bytes),
            Self::Md5(md5) => md5.update(bytes),
        }
    }

    /// The digest of all bytes.
    pub fn finish(self) -> Digest {
        match self {
            Self::Crc64(crc) => Digest::Crc64(crc.value()),
            Self::Md5(md5) => Digest::Md5(hex(&md5.finish())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_does_not_depend_on_how_bytes_come() {
        for (algorithm, digest) in [
            (Algorithm::Crc64, Digest::Crc64(11_051_210_869_376_104_954)),
            (Algorithm::Md5, Digest::Md5("25f9e794323b453885f5181f1b624d0b".into())),
        ] {
            for cut in 0..9 {
                let mut hasher = Hasher::new(algorithm);
                hasher.update(&b"123456789"[..cut]);
                hasher.update(&b"123456789"[cut..]);
                assert_eq!(hasher.finish(), digest, "{algorithm:?} cut at {cut}");
            }
        }
    }
}
