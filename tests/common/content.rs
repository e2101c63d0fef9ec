//! What simulated files hold, and its digests, without a byte of it.
//!
//! All bytes of a file are equal, so that the CRC-64 of any run of them is
//! known by doubling, and those of neighbours combine to that of the whole.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use vodupload::{Algorithm, Digest, Hasher, combine};

/// The file that a piece is of whose bytes were damaged on their way.
pub(crate) const DAMAGED: u32 = u32::MAX - 1;

/// The file that somebody else's bytes are of.
pub(crate) const FOREIGN: u32 = u32::MAX;

/// Bytes of a file; equal pieces have equal digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) file: u32,
    pub(crate) range: Range<u64>,
}

impl Piece {
    pub(crate) fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    pub(crate) fn crc64(&self) -> u64 {
        crc64(self.file, self.len())
    }

    /// As good as an MD5: 32 hex digits of what the piece is.
    pub(crate) fn md5(&self) -> String {
        format!("{:08x}{:012x}{:012x}", self.file, self.range.start, self.range.end)
    }

    pub(crate) fn digest(&self, algorithm: Algorithm) -> Digest {
        match algorithm {
            Algorithm::Crc64 => Digest::Crc64(self.crc64()),
            Algorithm::Md5 => Digest::Md5(self.md5()),
        }
    }
}

/// The checksum of an object.
pub(crate) fn crc64_of(pieces: &[Piece]) -> u64 {
    pieces.iter().fold(0, |crc, piece| combine(crc, piece.crc64(), piece.len()))
}

thread_local! {
    static KNOWN: RefCell<BTreeMap<(u8, u64), u64>> = const { RefCell::new(BTreeMap::new()) };
}

fn crc64(file: u32, length: u64) -> u64 {
    let byte = file.to_le_bytes()[0];
    let known = KNOWN.with_borrow(|known| known.get(&(byte, length)).copied());
    known.unwrap_or_else(|| {
        let crc = computed(byte, length);
        KNOWN.with_borrow_mut(|known| known.insert((byte, length), crc));
        crc
    })
}

fn computed(byte: u8, mut length: u64) -> u64 {
    let mut hasher = Hasher::new(Algorithm::Crc64);
    hasher.update(&[byte]);
    let Digest::Crc64(mut run) = hasher.finish() else { unreachable!("a CRC-64 was asked for") };
    let (mut crc, mut run_length) = (0, 1);
    while length > 0 {
        if length & 1 == 1 {
            crc = combine(crc, run, run_length);
        }
        run = combine(run, run, run_length);
        run_length *= 2;
        length >>= 1;
    }
    crc
}
