//! Whether what the service stores is what the file holds.
//!
//! The service tells a checksum of what it received; the host reads the same
//! bytes of the file once more and digests them. One run of bytes is digested
//! at a time, beside the transfer and in the order in which it was stored.

use core::ops::Range;

use crate::digest::{Digest, combine};
use crate::id::{PartNumber, RequestId};
use crate::protocol::Receipt;
use crate::service::HAS_SESSIONS;

/// Bytes to be digested, and what must come out.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// The part; a file that is stored at once is the first.
    pub(crate) number: PartNumber,
    pub(crate) range: Range<u64>,
    pub(crate) expected: Digest,
    /// Whether this run has sent them: what an earlier one left is sent again,
    /// however few attempts there are.
    is_sent: bool,
}

/// What a check has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The bytes are the file's.
    Intact,
    /// They are not, for the nth time. What an earlier run has sent does not
    /// count, nor the first time as long as nobody knows whether the service's
    /// `ETag`s are digests at all.
    Damaged(u32),
}

/// All checks of one upload.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
pub(crate) struct Integrity {
    waiting: Vec<Check>,
    running: Option<(RequestId, Check)>,
    /// The file's own CRC-64 by part, where it was digested: with its length.
    sums: Vec<Option<(u64, u64)>>,
    /// Whether some stored bytes cannot be compared with anything.
    skipped: bool,
    /// Whether nothing more is to be compared.
    off: bool,
    /// Whether all is to be compared, whatever it costs.
    #[cfg(feature = "sessions")]
    insists: bool,
    /// Whether that is so of an object before this one.
    skipped_before: bool,
    damaged: Vec<PartNumber>,
    /// Whether `ETag`s have proven to be MD5: `None` until one was compared.
    etag_is_md5: Option<bool>,
}

impl Integrity {
    /// Takes note of stored bytes and what the service tells of them.
    pub(crate) fn stored(
        &mut self,
        number: PartNumber,
        range: Range<u64>,
        receipt: &Receipt,
        is_sent: bool,
    ) {
        if self.off || self.doubts(number) {
            return;
        }
        match self.expected(receipt) {
            Some(expected) => self.waiting.push(Check { number, range, expected, is_sent }),
            None => self.skipped = true,
        }
    }

    /// Compares all there is, whatever it costs.
    #[cfg(feature = "sessions")]
    pub(crate) fn insist(&mut self) {
        self.insists = true;
    }

    /// Compares nothing more.
    pub(crate) fn give_up(&mut self) {
        #[cfg(feature = "sessions")]
        if self.insists {
            return;
        }
        self.waiting.clear();
        (self.off, self.skipped) = (true, true);
    }

    /// Stored bytes are not looked at.
    pub(crate) fn skip(&mut self) {
        self.skipped = true;
    }

    fn expected(&self, receipt: &Receipt) -> Option<Digest> {
        if let Some(crc64) = receipt.crc64 {
            return Some(Digest::Crc64(crc64));
        }
        let etag = receipt.etag.as_ref().filter(|_| self.etag_is_md5 != Some(false))?;
        let is_md5 = etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_md5.then(|| Digest::Md5(etag.to_ascii_lowercase()))
    }

    /// Whether it is yet to be seen if a part's bytes are the file's.
    pub(crate) fn doubts(&self, number: PartNumber) -> bool {
        let running = self.running.iter().map(|(_, check)| check);
        self.waiting.iter().chain(running).any(|check| check.number == number)
    }

    /// The next check to run, under `id`, if none runs.
    pub(crate) fn next(&mut self, id: RequestId) -> Option<&Check> {
        if self.running.is_some() || self.waiting.is_empty() {
            return None;
        }
        let running = self.running.insert((id, self.waiting.remove(0)));
        Some(&running.1)
    }

    /// The check that runs under `id` has ended.
    pub(crate) fn take(&mut self, id: RequestId) -> Option<Check> {
        self.running.take_if(|(running, _)| *running == id).map(|(_, check)| check)
    }

    /// Judges a check by what came out.
    pub(crate) fn judge(&mut self, check: &Check, digest: &Digest) -> Verdict {
        let is_md5 = matches!(digest, Digest::Md5(_));
        if *digest == check.expected {
            if is_md5 {
                self.etag_is_md5 = Some(true);
            }
            if let Digest::Crc64(crc64) = digest {
                self.remember(check, *crc64);
            }
            return Verdict::Intact;
        }
        if !check.is_sent {
            return Verdict::Damaged(0);
        }
        let times = 1 + self.damaged.iter().filter(|number| **number == check.number).count();
        self.damaged.push(check.number);
        if is_md5 && self.etag_is_md5.is_none() {
            if times == 1 {
                return Verdict::Damaged(0);
            }
            // Sent twice and never equal: a storage that encrypts makes its
            // `ETag`s of something else.
            self.etag_is_md5 = Some(false);
            self.waiting.retain(|check| !matches!(check.expected, Digest::Md5(_)));
            self.skipped = true;
            return Verdict::Intact;
        }
        Verdict::Damaged(u32::try_from(times).unwrap_or(u32::MAX))
    }

    fn remember(&mut self, check: &Check, crc64: u64) {
        let index = check.number.0 as usize - 1;
        if self.sums.len() <= index {
            self.sums.resize(index + 1, None);
        }
        self.sums[index] = Some((crc64, check.range.end - check.range.start));
    }

    /// Whether a part was digested and found to be the file's.
    pub(crate) fn has(&self, number: PartNumber) -> bool {
        self.sums.get(number.0 as usize - 1).is_some_and(Option::is_some)
    }

    /// Whether nothing is left to be digested.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_none() && self.waiting.is_empty()
    }

    /// Whether all stored bytes were compared.
    pub(crate) fn is_verified(&self) -> bool {
        self.is_idle() && !self.skipped && !(HAS_SESSIONS && self.skipped_before)
    }

    /// What comes next is of another object.
    pub(crate) fn next_object(&mut self) {
        *self = Self { skipped_before: !self.is_verified(), ..Self::default() };
    }

    /// The CRC-64 of a file of `size` bytes, when all its parts are known.
    pub(crate) fn whole(&self, size: u64) -> Option<u64> {
        let (mut whole, mut end) = (0, 0);
        for sum in &self.sums {
            let (crc64, length) = (*sum)?;
            whole = combine(whole, crc64, length);
            end += length;
        }
        (end == size).then_some(whole)
    }

    /// Ends everything; the request that has to be ended, too. What was found
    /// damaged stays known, or it would be sent again for ever.
    pub(crate) fn end(&mut self) -> Option<RequestId> {
        let known = Self {
            damaged: core::mem::take(&mut self.damaged),
            skipped_before: self.skipped_before,
            etag_is_md5: self.etag_is_md5,
            ..Self::default()
        };
        core::mem::replace(self, known).running.map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: RequestId = RequestId(1);

    fn receipt(etag: &str, crc64: Option<u64>) -> Receipt {
        Receipt { etag: Some(etag.into()), crc64 }
    }

    fn judge(integrity: &mut Integrity, number: u32, told: &Receipt, found: &Digest) -> Verdict {
        integrity.stored(PartNumber(number), 0..10, told, true);
        assert!(integrity.next(ID).is_some(), "nothing to check");
        assert!(integrity.next(ID).is_none(), "two at once");
        let check = integrity.take(ID).expect("it runs");
        integrity.judge(&check, found)
    }

    #[test]
    fn a_checksum_is_compared_before_an_etag_and_the_whole_is_known() {
        let mut integrity = Integrity::default();
        let md5 = "0123456789ABCDEF0123456789abcdef";
        let told = receipt(md5, Some(7));
        assert_eq!(judge(&mut integrity, 1, &told, &Digest::Crc64(8)), Verdict::Damaged(1));
        assert_eq!(judge(&mut integrity, 1, &told, &Digest::Crc64(7)), Verdict::Intact);
        assert!(integrity.is_verified() && integrity.has(PartNumber(1)));
        assert_eq!(integrity.whole(10), Some(7));
        assert_eq!(integrity.whole(11), None, "a part is missing");
        let told = receipt(md5, None);
        let found = Digest::Md5(md5.to_ascii_lowercase());
        assert_eq!(judge(&mut integrity, 2, &told, &found), Verdict::Intact);
        assert!(integrity.is_verified());
    }

    #[test]
    fn an_etag_that_never_was_an_md5_is_given_up_after_two_tries() {
        let mut integrity = Integrity::default();
        let told = receipt("0123456789ABCDEF0123456789ABCDEF", None);
        let found = || Digest::Md5("0".repeat(32));
        assert_eq!(judge(&mut integrity, 1, &told, &found()), Verdict::Damaged(0));
        assert_eq!(integrity.end(), None);
        assert_eq!(judge(&mut integrity, 1, &told, &found()), Verdict::Intact);
        assert!(!integrity.is_verified());
        integrity.stored(PartNumber(2), 0..10, &told, true);
        assert!(integrity.is_idle(), "it is not compared any more");
    }

    #[test]
    fn an_etag_that_was_an_md5_before_is_trusted_to_tell_damage() {
        let mut integrity = Integrity::default();
        let told = receipt("0123456789ABCDEF0123456789ABCDEF", None);
        let good = Digest::Md5("0123456789abcdef0123456789abcdef".into());
        let bad = || Digest::Md5("0".repeat(32));
        assert_eq!(judge(&mut integrity, 1, &told, &good), Verdict::Intact);
        for times in 1..4 {
            assert_eq!(judge(&mut integrity, 2, &told, &bad()), Verdict::Damaged(times));
        }
    }

    #[test]
    fn what_cannot_be_compared_is_not_called_verified() {
        let mut integrity = Integrity::default();
        integrity.stored(PartNumber(1), 0..10, &receipt("abc-2", None), true);
        assert!(integrity.is_idle() && !integrity.is_verified());
    }
}
