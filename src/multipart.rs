//! The parts of one multipart upload: which are stored, which comes next.

use crate::checkpoint::Checkpoint;
use crate::id::PartNumber;
use crate::plan::{Limits, PartPlan};
use crate::protocol::{ListedPart, Part};

/// A multipart upload that the service knows.
#[derive(Clone, Debug)]
pub(crate) struct Multipart {
    pub(crate) upload_id: String,
    pub(crate) plan: PartPlan,
    /// By part number less one: whether the part is stored, and its `ETag`,
    /// which is empty where the browser hid it.
    stored: Vec<Option<String>>,
    stored_count: u32,
    stored_bytes: u64,
    /// No part below this is left to be sent for the first time.
    cursor: PartNumber,
    /// The highest number ever used: parts above may still change their size.
    highest: PartNumber,
}

impl Multipart {
    pub(crate) fn new(upload_id: String, plan: PartPlan) -> Self {
        Self {
            upload_id,
            plan,
            stored: Vec::new(),
            stored_count: 0,
            stored_bytes: 0,
            cursor: PartNumber::FIRST,
            highest: PartNumber(0),
        }
    }

    /// The upload of a checkpoint; `None` when its plan does not fit the file.
    pub(crate) fn restore(checkpoint: &Checkpoint, size: u64, limits: &Limits) -> Option<Self> {
        let plan = PartPlan::restore(size, &checkpoint.segments, limits)?;
        let mut multipart = Self::new(checkpoint.upload_id.clone(), plan);
        // A record tells of a new size just before its first part is sent, so
        // the numbers up to there are used, stored or not.
        multipart.highest =
            checkpoint.segments.last().map_or(PartNumber(0), |last| PartNumber(last.0));
        for part in &checkpoint.parts {
            multipart.store(part.number, Some(part.etag.clone()));
        }
        Some(multipart)
    }

    /// Notes that a part is stored.
    pub(crate) fn store(&mut self, number: PartNumber, etag: Option<String>) {
        let Some(range) = self.plan.range(number) else { return };
        let index = number.0 as usize - 1;
        if self.stored.len() <= index {
            self.stored.resize(index + 1, None);
        }
        if self.stored[index].replace(etag.unwrap_or_default()).is_none() {
            self.stored_bytes += range.end - range.start;
            self.stored_count += 1;
        }
        self.highest = self.highest.max(number);
    }

    /// Notes that a part is not what it should be.
    pub(crate) fn lose(&mut self, number: PartNumber) {
        let (Some(range), Some(stored)) =
            (self.plan.range(number), self.stored.get_mut(number.0 as usize - 1))
        else {
            return;
        };
        if stored.take().is_some() {
            self.stored_bytes -= range.end - range.start;
            self.stored_count -= 1;
        }
    }

    /// Whether the part is stored.
    pub(crate) fn has(&self, number: PartNumber) -> bool {
        number >= PartNumber::FIRST && self.etag(number).is_some()
    }

    fn etag(&self, number: PartNumber) -> Option<&String> {
        self.stored.get(number.0 as usize - 1)?.as_ref()
    }

    /// Replaces our account by the service's. A part of another size is as
    /// good as missing. So is one whose `ETag` differs from what we were told
    /// when we sent it, unless `trust`: then ours is only a memory.
    pub(crate) fn reconcile(&mut self, listed: Vec<ListedPart>, trust: bool) {
        let ours = core::mem::take(&mut self.stored);
        (self.stored_bytes, self.stored_count) = (0, 0);
        self.cursor = PartNumber::FIRST;
        for ListedPart { part, size, .. } in listed {
            let number = part.number;
            let Some(range) = self.plan.range(number) else { continue };
            let known = ours.get(number.0 as usize - 1).and_then(Option::as_ref);
            let agreed = known.is_none_or(|etag| etag.is_empty() || *etag == part.etag);
            if range.end - range.start == size && (trust || agreed) {
                self.store(number, Some(part.etag));
            }
        }
    }

    /// The next part that is neither stored nor `under_way`; takes it.
    /// `resize` may give it, and those behind it, another size, if its number
    /// was never used.
    pub(crate) fn take_next(
        &mut self,
        under_way: impl Fn(PartNumber) -> bool,
        resize: impl FnOnce(&PartPlan, PartNumber) -> u64,
    ) -> Option<PartNumber> {
        while self.etag(self.cursor).is_some() || under_way(self.cursor) {
            self.cursor = self.cursor.next();
        }
        let number = self.cursor;
        self.plan.range(number)?;
        if number > self.highest {
            let part = resize(&self.plan, number);
            self.plan.resize(number, part);
            self.highest = number;
        }
        self.cursor = number.next();
        Some(number)
    }

    pub(crate) fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.stored_count == self.plan.count()
    }

    /// The stored parts whose `ETag` is known, in order.
    pub(crate) fn parts(&self) -> Vec<Part> {
        (1..)
            .zip(&self.stored)
            .filter_map(|(number, etag)| {
                let etag = etag.clone().filter(|etag| !etag.is_empty())?;
                Some(Part { number: PartNumber(number), etag })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { min_part: 1, max_part: 100, max_parts: 100 };

    fn multipart() -> Multipart {
        Multipart::new("U".into(), PartPlan::new(45, Some(10), &LIMITS))
    }

    fn listed(number: u32, etag: &str, size: u64) -> ListedPart {
        let part = Part { number: PartNumber(number), etag: etag.into() };
        ListedPart { part, size, crc64: None }
    }

    fn etags(multipart: &Multipart) -> Vec<(u32, String)> {
        multipart.parts().into_iter().map(|part| (part.number.0, part.etag)).collect()
    }

    #[test]
    fn the_services_list_wins_and_a_wrong_size_is_missing() {
        let mut parts = multipart();
        parts.store(PartNumber(1), Some("old".into()));
        parts.store(PartNumber(2), Some("gone".into()));
        let theirs = [(0, "?", 10), (1, "new", 10), (3, "c", 9), (5, "e", 5), (6, "f", 5)];
        let theirs = theirs.map(|(number, etag, size)| listed(number, etag, size));
        parts.reconcile(theirs.into(), true);
        assert_eq!(etags(&parts), [(1, "new".into()), (5, "e".into())]);
        assert_eq!(parts.stored_bytes(), 15);
        let next = |parts: &mut Multipart| parts.take_next(|_| false, |plan, _| plan.part_size());
        assert_eq!(next(&mut parts), Some(PartNumber(2)));
        assert_eq!(next(&mut parts), Some(PartNumber(3)));
        assert_eq!(next(&mut parts), Some(PartNumber(4)));
        assert_eq!(next(&mut parts), None);
    }

    #[test]
    fn a_part_that_somebody_replaced_is_missing() {
        let mut parts = multipart();
        parts.store(PartNumber(1), Some("mine".into()));
        parts.store(PartNumber(2), None);
        parts.reconcile(vec![listed(1, "theirs", 10), listed(2, "b", 10)], false);
        assert_eq!(etags(&parts), [(2, "b".into())]);
    }

    #[test]
    fn only_numbers_never_used_change_their_size() {
        let mut parts = multipart();
        parts.store(PartNumber(3), Some("c".into()));
        let next = |parts: &mut Multipart| parts.take_next(|_| false, |_, _| 5);
        assert_eq!(next(&mut parts), Some(PartNumber(1)));
        assert_eq!(next(&mut parts), Some(PartNumber(2)));
        assert_eq!(parts.plan.part_size(), 10);
        assert_eq!(next(&mut parts), Some(PartNumber(4)));
        assert_eq!(parts.plan.range(PartNumber(4)), Some(30..35));
        assert_eq!(parts.plan.count(), 6);
    }
}
