//! How long to wait before the next attempt, and how often.

use core::time::Duration;

use crate::error::ErrorKind;
use crate::time::millis;

/// Waits stop growing here: a network that comes back should find us soon.
const CEILING: Duration = Duration::from_secs(20);

/// The first wait after the service itself failed or asked for patience.
const SERVICE_BASE: Duration = Duration::from_millis(200);

/// The application's wishes about attempts.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// How often a job is tried again without any progress of its upload.
    pub count: u32,
    /// The mean wait before the first repetition after a network failure.
    pub duration: Duration,
}

impl RetryPolicy {
    /// The wait before repetition `attempt` (1-based), doubled each time and
    /// random, so that the parts of one upload do not come back in step.
    ///
    /// A busy service gets full jitter, anything from nothing on. After a
    /// network failure the application's duration is the mean, and half of it
    /// the least: parts that all draw short waits would use up their attempts
    /// before a network can be back.
    pub fn delay(&self, kind: ErrorKind, attempt: u32, random: &mut Random) -> Duration {
        let doubled = |base: Duration, times: u32| base.saturating_mul(1 << times.min(16));
        if kind.is_transport() {
            let mean = doubled(self.duration, attempt.saturating_sub(1));
            scaled(mean.min(CEILING.max(self.duration)), 0.5 + random.unit())
        } else {
            scaled(doubled(SERVICE_BASE, attempt).min(CEILING), random.unit())
        }
    }
}

/// To the millisecond, which is all that a timer knows.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn scaled(duration: Duration, factor: f64) -> Duration {
    Duration::from_millis((millis(duration) as f64 * factor) as u64)
}

/// A small deterministic generator (xorshift64*): chance is an input too.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence that `seed` begins.
    pub fn new(seed: u64) -> Self {
        // Spread, because zero is a fixed point and small seeds start alike.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next 32 bits.
    pub fn bits(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        u32::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32).unwrap_or(0)
    }

    /// The next number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        f64::from(self.bits()) / 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { count: 3, duration: Duration::from_secs(2) };

    fn mean(kind: ErrorKind, attempt: u32) -> f64 {
        let mut random = Random::new(7);
        let delays = (0..4_000).map(|_| POLICY.delay(kind, attempt, &mut random).as_secs_f64());
        delays.sum::<f64>() / 4_000.0
    }

    #[test]
    fn the_documented_duration_is_the_mean_first_wait() {
        assert!((mean(ErrorKind::Network, 1) - 2.0).abs() < 0.1);
        assert!((mean(ErrorKind::Network, 2) - 4.0).abs() < 0.2);
        assert!((mean(ErrorKind::ServerBusy, 1) - 0.2).abs() < 0.01);
        assert!((mean(ErrorKind::Network, 40) - 20.0).abs() < 0.5);
    }

    #[test]
    fn a_network_gets_at_least_half_of_the_documented_duration() {
        let mut random = Random::new(3);
        for _ in 0..1_000 {
            assert!(POLICY.delay(ErrorKind::Timeout, 1, &mut random) >= Duration::from_secs(1));
        }
    }

    #[test]
    fn a_duration_of_zero_is_zero() {
        let policy = RetryPolicy { count: 3, duration: Duration::ZERO };
        assert_eq!(policy.delay(ErrorKind::Network, 9, &mut Random::new(1)), Duration::ZERO);
    }

    #[test]
    fn equal_seeds_give_equal_sequences_and_others_do_not() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            [random.unit(), random.unit(), random.unit()]
        };
        let bits = |seed| draw(seed).map(f64::to_bits);
        assert_eq!(bits(3), bits(3));
        assert_ne!(bits(3), bits(4));
        assert!(draw(0).iter().all(|value| (0.0..1.0).contains(value)));
    }
}
