//! What goes wrong between the device and the storage, and when.

use std::ops::Range;

use vodupload::{Error, ErrorKind, Random};

use super::wire::Call;

/// One thing that goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An answer without a reason: a gateway in the way.
    Bare(u16),
    /// Bytes are damaged on their way, and stored so.
    Corrupt,
    /// The storage takes its time, and does it even if nobody waits any more.
    Dawdle,
    /// The storage did it, and its answer is lost.
    DropAfter,
    /// The connection breaks before the storage has everything.
    DropBefore,
    /// The bucket is at another endpoint from now on.
    Elsewhere,
    /// The credential is over from now on; at the service, the account's.
    Expire,
    /// The bucket takes no forms.
    FormRefused,
    /// The upload was aborted behind our back; at the service, the video deleted.
    Gone,
    /// The storage refuses the parts for no reason.
    InvalidPart,
    /// The storage has lost the last part that it stored.
    LosePart,
    /// The storage did it; its answer arrives cut short.
    Mangle,
    /// The storage tells a wrong checksum of the whole.
    Misjoined,
    /// The service has seen the nonce before, it says.
    NonceUsed,
    /// A log-in page in place of an answer.
    Portal,
    /// The storage refuses for good.
    Refuse,
    /// The service says this, with this status.
    Say(u16, &'static str),
    /// A stored part is only half there, by the list's account.
    Shrink,
    /// The storage finds the date wrong, whatever it is.
    Skew,
    /// A stored part was replaced by as many other bytes.
    Swap,
    /// Nothing ever moves.
    Stall,
    /// 429.
    Throttle,
    /// 500.
    Trouble,
    /// 200, and an error in the body.
    TroubleIn200,
    /// The file cannot be read any more.
    Unreadable,
}

/// Faults that no upload may die of as long as they are few.
pub(crate) const PASSING: [Fault; 13] = [
    Fault::Bare(502),
    Fault::Dawdle,
    Fault::DropAfter,
    Fault::DropBefore,
    Fault::Expire,
    Fault::Gone,
    Fault::LosePart,
    Fault::Mangle,
    Fault::Portal,
    Fault::Stall,
    Fault::Throttle,
    Fault::Trouble,
    Fault::TroubleIn200,
];

/// Faults of which an upload may die.
pub(crate) const RARE: [Fault; 7] = [
    Fault::Elsewhere,
    Fault::InvalidPart,
    Fault::Misjoined,
    Fault::NonceUsed,
    Fault::Refuse,
    Fault::Shrink,
    Fault::Unreadable,
];

/// Faults that only a checksum can tell.
pub(crate) const SILENT: [Fault; 2] = [Fault::Corrupt, Fault::Swap];

/// Faults by script first, by chance else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// The call, which of its requests counted from 0, and what happens.
    script: Vec<(Call, Range<usize>, Fault)>,
    counts: [usize; Call::COUNT],
    /// The part, how often it is still to fail, and how.
    parts: Vec<(u32, usize, Fault)>,
    pub(crate) chance: f64,
    pub(crate) kinds: Vec<Fault>,
}

impl Faults {
    pub(crate) fn script(&mut self, call: Call, which: Range<usize>, fault: Fault) {
        self.script.push((call, which, fault));
    }

    pub(crate) fn script_part(&mut self, number: u32, times: usize, fault: Fault) {
        self.parts.push((number, times, fault));
    }

    pub(crate) fn clear(&mut self) {
        self.script.clear();
        self.parts.clear();
        self.chance = 0.0;
    }

    /// What happens to the next request of `call`, for part `number` if any.
    pub(crate) fn next(&mut self, call: Call, number: u32, random: &mut Dice) -> Option<Fault> {
        let nth = self.counts[call as usize];
        self.counts[call as usize] += 1;
        let scripted =
            self.script.iter().find(|(named, which, _)| *named == call && which.contains(&nth));
        if let Some((_, _, fault)) = scripted {
            return Some(*fault);
        }
        let part = self.parts.iter_mut().find(|(of, times, _)| *of == number && *times > 0);
        if let Some((_, times, fault)) = part {
            *times -= 1;
            return Some(*fault);
        }
        if self.kinds.is_empty() || !random.chance(self.chance) {
            return None;
        }
        Some(random.pick(&self.kinds))
    }
}

/// The connection broke.
pub(crate) fn broken() -> Error {
    Error::new(ErrorKind::Network, "NetworkError", "simulated", "")
}

/// The host could not read the file.
pub(crate) fn unreadable() -> Error {
    Error::new(ErrorKind::FileUnreadable, "ReadFileError", "simulated", "")
}

/// Chance, all of it from one seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(Random);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    /// A number below `end`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (self.0.unit() * end as f64) as u64
    }

    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end - range.start)
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.0.unit() < probability
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).expect("an index")]
    }
}
