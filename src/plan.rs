//! How a file is cut: one request, or parts whose size follows the link.
//!
//! A plan is a list of segments, each a run of parts of one size; the last one
//! goes on to the end of the file. So parts can grow and shrink while the
//! range of every number already used stays what it was.

use core::ops::Range;
use core::time::Duration;

use crate::id::PartNumber;

/// What a service accepts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the smallest part; the last one may be smaller.
    pub min_part: u64,
    /// Bytes of the largest part, and of the largest object put at once.
    pub max_part: u64,
    /// Parts of one upload.
    pub max_parts: u32,
}

/// How a file is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// As parts.
    Multipart(PartPlan),
    /// As a form.
    Post,
    /// In one request: cheaper, when nothing would be gained by resuming.
    Put,
}

impl Strategy {
    /// The strategy for `size` bytes, with the application's part size if any;
    /// up to `largest_form` bytes are sent as a form.
    pub fn choose(size: u64, part_size: Option<u64>, largest_form: u64, limits: &Limits) -> Self {
        let plan = PartPlan::new(size, part_size, limits);
        match plan.count() {
            _ if largest_form > 0 && size <= largest_form => Self::Post,
            0 | 1 => Self::Put,
            _ => Self::Multipart(plan),
        }
    }
}

/// A run of parts of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    first: PartNumber,
    start: u64,
    part: u64,
}

/// The ranges of all parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartPlan {
    size: u64,
    segments: Vec<Segment>,
}

/// A part size that an application gave is rounded up to this when the file
/// would have too many parts.
const ALIGNMENT: u64 = 64 << 10;

impl PartPlan {
    /// A plan of equal parts: of the application's size if it gave one, else
    /// of the smallest size that adapts.
    pub fn new(size: u64, part_size: Option<u64>, limits: &Limits) -> Self {
        let least = size.div_ceil(u64::from(limits.max_parts));
        let part = match part_size {
            Some(part) if part >= least => part,
            Some(_) => least.next_multiple_of(ALIGNMENT),
            None => SMALLEST.max(least.next_power_of_two()),
        };
        let part = part.clamp(limits.min_part, limits.max_part);
        Self { size, segments: vec![Segment { first: PartNumber::FIRST, start: 0, part }] }
    }

    /// The plan that [`Self::segments`] described; `None` when it is not one
    /// for `size` bytes.
    pub fn restore(size: u64, segments: &[(u32, u64)], limits: &Limits) -> Option<Self> {
        let (&(first, part), rest) = segments.split_first()?;
        let valid = |part: u64| (limits.min_part..=limits.max_part).contains(&part);
        if first != 1 || !valid(part) {
            return None;
        }
        let mut plan =
            Self { size, segments: vec![Segment { first: PartNumber::FIRST, start: 0, part }] };
        for &(first, part) in rest {
            if !valid(part) || first <= plan.last().first.0 || first > plan.count() {
                return None;
            }
            plan.resize(PartNumber(first), part);
        }
        (plan.count() <= limits.max_parts).then_some(plan)
    }

    /// First part number and part size of each segment.
    pub fn segments(&self) -> Vec<(u32, u64)> {
        self.segments.iter().map(|segment| (segment.first.0, segment.part)).collect()
    }

    /// How many parts there are, if all to come have the present size.
    pub fn count(&self) -> u32 {
        let last = self.last();
        let parts = (self.size - last.start).div_ceil(last.part);
        last.first.0 - 1 + u32::try_from(parts).unwrap_or(u32::MAX / 2)
    }

    /// The size of the parts to come.
    pub fn part_size(&self) -> u64 {
        self.last().part
    }

    /// The bytes of a part; `None` beyond the end.
    pub fn range(&self, number: PartNumber) -> Option<Range<u64>> {
        let segment = self.segments.iter().rev().find(|segment| segment.first <= number)?;
        let start = segment.start + u64::from(number.0 - segment.first.0) * segment.part;
        let end = self.size.min(start + segment.part);
        (start < end).then_some(start..end)
    }

    /// Gives the parts from `next` on another size. Parts before keep theirs;
    /// `next` is at or behind the start of the last segment.
    pub fn resize(&mut self, next: PartNumber, part: u64) {
        let last = self.last();
        if part == last.part {
            return;
        }
        let start = last.start + u64::from(next.0 - last.first.0) * last.part;
        if next == last.first {
            self.segments.pop();
        }
        self.segments.push(Segment { first: next, start, part });
    }

    fn last(&self) -> Segment {
        *self.segments.last().expect("a plan begins with a segment")
    }
}

/// Bytes of the smallest part of adaptive plans.
const SMALLEST: u64 = 1 << 20;

/// Parts double while a doubled one is sent within this. Sizes are powers of
/// two, so parts take about a quarter of a second: long enough to hide the
/// CORS preflight that each costs, short enough to be lost.
const LONGEST: Duration = Duration::from_millis(350);

/// Chooses the size of the parts to come by how fast the last ones went.
#[derive(Clone, Debug, Default)]
pub struct PartSizer {
    rate: Option<f64>,
}

impl PartSizer {
    /// Learns that a part of `bytes` took `elapsed`.
    pub fn observe(&mut self, bytes: u64, elapsed: Duration) {
        #[allow(clippy::cast_precision_loss)] // a part is far below 2^53 bytes
        let rate = bytes as f64 / elapsed.as_secs_f64().max(0.001);
        self.rate = Some(self.rate.map_or(rate, |known| f64::midpoint(known, rate)));
    }

    /// Bytes per second of the last parts, 0 before there was any.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // far below 2^53
    pub fn rate(&self) -> u64 {
        self.rate.unwrap_or_default() as u64
    }

    /// The size for the parts from `next` on: at most a doubling or a halving
    /// of the present one, up to `largest`, and never so small that the
    /// numbers run out.
    pub fn advise(&self, plan: &PartPlan, next: PartNumber, largest: u64, limits: &Limits) -> u64 {
        let present = plan.part_size();
        let Some(rate) = self.rate else { return present };
        #[allow(clippy::cast_precision_loss)]
        let fits = |part: u64| part as f64 / rate <= LONGEST.as_secs_f64();
        let wish = if fits(present * 2) {
            (present * 2).min(largest.max(present))
        } else if fits(present) {
            present
        } else {
            (present / 2).max(SMALLEST.min(present))
        };
        let Some(range) = plan.range(next) else { return present };
        let numbers = u64::from(limits.max_parts - next.0 + 1);
        let least = (plan.size - range.start).div_ceil(numbers);
        if wish < least { present } else { wish.min(limits.max_part) }
    }
}

// proptest does not build for wasm.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    const LIMITS: Limits = Limits { min_part: 102_400, max_part: 5 << 30, max_parts: 10_000 };

    fn tiles(plan: &PartPlan) -> bool {
        let mut at = 0;
        for number in 1..=plan.count() {
            let Some(range) = plan.range(PartNumber(number)) else { return false };
            if range.start != at {
                return false;
            }
            at = range.end;
        }
        at == plan.size && plan.range(PartNumber(plan.count() + 1)).is_none()
    }

    #[test]
    fn a_small_file_is_one_request_and_a_large_one_is_parts() {
        let choose = |size, form| Strategy::choose(size, None, form, &LIMITS);
        assert_eq!(choose(1, 0), Strategy::Put);
        assert_eq!(choose(1 << 20, 0), Strategy::Put);
        assert!(matches!(choose((1 << 20) + 1, 0), Strategy::Multipart(_)));
        assert_eq!(choose(1 << 10, 1 << 10), Strategy::Post);
        assert_eq!(choose((1 << 10) + 1, 1 << 10), Strategy::Put);
        assert_eq!(choose(1 << 40, u64::MAX), Strategy::Post);
        assert!(matches!(
            Strategy::choose(204_800, Some(102_400), 0, &LIMITS),
            Strategy::Multipart(_)
        ));
    }

    #[test]
    fn an_applications_part_size_is_kept_as_far_as_the_service_allows() {
        assert_eq!(PartPlan::new(10 << 20, Some(3 << 20), &LIMITS).part_size(), 3 << 20);
        assert_eq!(PartPlan::new(10 << 20, Some(1), &LIMITS).part_size(), 102_400);
        let plan = PartPlan::new(10_485_760_001, Some(1 << 20), &LIMITS);
        assert_eq!(plan.part_size(), (1 << 20) + ALIGNMENT);
        assert!(tiles(&plan));
    }

    #[test]
    fn thirty_gigabytes_fit_into_ten_thousand_parts() {
        let plan = PartPlan::new(30 << 30, None, &LIMITS);
        assert_eq!(plan.part_size(), 4 << 20);
        assert_eq!(plan.count(), 7_680);
        assert!(tiles(&plan));
    }

    #[test]
    fn parts_grow_on_a_fast_link_and_shrink_on_a_slow_one() {
        let plan = PartPlan::new(1 << 30, None, &LIMITS);
        let mut sizer = PartSizer::default();
        assert_eq!(sizer.advise(&plan, PartNumber(2), 32 << 20, &LIMITS), 1 << 20);
        sizer.observe(1 << 20, Duration::from_millis(20));
        assert_eq!(sizer.advise(&plan, PartNumber(2), 32 << 20, &LIMITS), 2 << 20);
        assert_eq!(sizer.advise(&plan, PartNumber(2), 1 << 20, &LIMITS), 1 << 20);
        let mut grown = plan.clone();
        grown.resize(PartNumber(3), 8 << 20);
        for _ in 0..8 {
            sizer.observe(8 << 20, Duration::from_secs(2));
        }
        assert_eq!(sizer.advise(&grown, PartNumber(5), 32 << 20, &LIMITS), 4 << 20);
    }

    #[test]
    fn a_restored_plan_must_fit_the_file() {
        assert_eq!(PartPlan::restore(10 << 20, &[], &LIMITS), None);
        assert_eq!(PartPlan::restore(10 << 20, &[(2, 1 << 20)], &LIMITS), None);
        assert_eq!(PartPlan::restore(10 << 20, &[(1, 1)], &LIMITS), None);
        assert_eq!(PartPlan::restore(10 << 20, &[(1, 1 << 20), (1, 2 << 20)], &LIMITS), None);
        assert_eq!(PartPlan::restore(10 << 20, &[(1, 1 << 20), (12, 2 << 20)], &LIMITS), None);
        assert_eq!(PartPlan::restore(30 << 30, &[(1, 1 << 20)], &LIMITS), None);
    }

    proptest! {
        #[test]
        fn parts_tile_the_file_however_their_size_changes(
            size in 1u64..(40 << 30),
            given in proptest::option::of(1u64..(64 << 20)),
            speeds in proptest::collection::vec((1u32..50, 1u64..4_000), 0..40),
        ) {
            let mut plan = PartPlan::new(size, given, &LIMITS);
            let mut sizer = PartSizer::default();
            let mut next = PartNumber::FIRST;
            for (sent, millis) in speeds {
                next.0 += sent;
                if next.0 > plan.count() {
                    break;
                }
                sizer.observe(plan.part_size(), Duration::from_millis(millis));
                let before = plan.range(PartNumber(next.0 - 1));
                plan.resize(next, sizer.advise(&plan, next, 32 << 20, &LIMITS));
                prop_assert_eq!(plan.range(PartNumber(next.0 - 1)), before);
            }
            prop_assert!(plan.count() <= LIMITS.max_parts);
            prop_assert!(tiles(&plan));
            prop_assert_eq!(PartPlan::restore(size, &plan.segments(), &LIMITS), Some(plan));
        }
    }
}
