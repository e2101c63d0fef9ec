//! How far a file is, how fast it goes and how long it will take.

use core::time::Duration;

use crate::time::{Timestamp, millis};

/// Applications redraw on each report; ten a second look smooth.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// Speed is the mean over this: short enough to follow the link, long enough
/// not to jump with every part.
const WINDOW: Duration = Duration::from_secs(5);

/// A sample is kept about this often.
const SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// The progress of one file.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    total: u64,
    shown: u64,
    shown_at: Option<Timestamp>,
    samples: Vec<(Timestamp, u64)>,
    begun: Option<(Timestamp, u64)>,
    /// When what was not reported because it came too soon is to be reported.
    due: Option<Timestamp>,
}

/// One report to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Bytes, never fewer than in the report before.
    pub(crate) sent: u64,
    /// Bytes per second.
    pub(crate) speed: u64,
    /// Milliseconds to go, when that can be told.
    pub(crate) remaining: Option<u64>,
}

impl Progress {
    /// Nothing sent of `total` bytes.
    pub(crate) fn new(total: u64) -> Self {
        Self { total, shown: 0, shown_at: None, samples: Vec::new(), begun: None, due: None }
    }

    /// Begins to measure: what is `sent` by now was not sent by this run.
    pub(crate) fn begin(&mut self, now: Timestamp, sent: u64) -> Report {
        self.begun = Some((now, sent));
        self.samples.clear();
        self.samples.push((now, sent));
        self.shown = self.shown.max(sent.min(self.total.saturating_sub(1)));
        self.shown_at = Some(now);
        self.report(now, sent)
    }

    /// Takes note of `sent` bytes; a report when the last one is old enough.
    /// The last byte is not reported here: only a complete object is `total`.
    pub(crate) fn update(&mut self, now: Timestamp, sent: u64) -> Option<Report> {
        self.sample(now, sent);
        self.due = None;
        if sent <= self.shown || sent >= self.total {
            return None;
        }
        let due = self.shown_at.map(|at| at + REPORT_EVERY);
        if due.is_some_and(|due| now < due) {
            self.due = due;
            return None;
        }
        self.shown = sent;
        self.shown_at = Some(now);
        Some(self.report(now, sent))
    }

    /// When to update again at the latest.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Bytes per second since the beginning; `None` while it is too early to say.
    pub(crate) fn rate(&self, now: Timestamp, sent: u64) -> Option<u64> {
        let (since, from) = self.begun?;
        let elapsed = now.since(since);
        (elapsed >= SAMPLE_EVERY)
            .then(|| sent.saturating_sub(from).saturating_mul(1_000) / millis(elapsed))
    }

    /// The object is complete.
    pub(crate) fn finish(&mut self, now: Timestamp) -> Report {
        self.sample(now, self.total);
        self.shown = self.total;
        Report { remaining: Some(0), ..self.report(now, self.total) }
    }

    fn sample(&mut self, now: Timestamp, sent: u64) {
        if self.samples.last().is_some_and(|(at, _)| now.since(*at) < SAMPLE_EVERY) {
            return;
        }
        self.samples.push((now, sent));
        while self.samples.len() > 2
            && self.samples.get(1).is_some_and(|(at, _)| now.since(*at) > WINDOW)
        {
            self.samples.remove(0);
        }
    }

    fn report(&self, now: Timestamp, sent: u64) -> Report {
        let speed = self.speed(now, sent);
        let remaining = (speed > 0).then(|| (self.total - sent).saturating_mul(1_000) / speed);
        Report { sent: self.shown, speed, remaining }
    }

    fn speed(&self, now: Timestamp, sent: u64) -> u64 {
        let Some((since, from)) = self.samples.first() else { return 0 };
        let millis = millis(now.since(*since));
        sent.saturating_sub(*from).saturating_mul(1_000).checked_div(millis).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp(1_000_000 + millis)
    }

    #[test]
    fn reports_are_rare_rising_and_not_total_before_the_end() {
        let mut progress = Progress::new(1_000);
        assert_eq!(progress.begin(at(0), 0).sent, 0);
        assert_eq!(progress.update(at(50), 100), None);
        assert_eq!(progress.due(), Some(at(100)));
        assert_eq!(progress.update(at(150), 300).map(|report| report.sent), Some(300));
        assert_eq!(progress.due(), None);
        assert_eq!(progress.update(at(300), 200), None, "a failed part takes bytes back");
        assert_eq!(progress.update(at(500), 1_000), None, "the object is not complete yet");
        let last = progress.finish(at(600));
        assert_eq!((last.sent, last.remaining), (1_000, Some(0)));
    }

    #[test]
    fn speed_follows_the_last_seconds_and_ignores_what_was_resumed() {
        let mut progress = Progress::new(100_000_000);
        progress.begin(at(0), 50_000_000);
        let mut last = None;
        for second in 1..=20u64 {
            let sent =
                50_000_000 + second.min(10) * 1_000_000 + second.saturating_sub(10) * 100_000;
            last = progress.update(at(second * 1_000), sent);
        }
        let report = last.expect("a second is long enough");
        assert!((100_000..=120_000).contains(&report.speed), "{report:?}");
        assert_eq!(report.remaining, Some((100_000_000 - report.sent) * 1_000 / report.speed));
    }
}
