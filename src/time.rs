//! Instants, always given to the core, and the date formats that services sign.

use core::ops::Add;
use core::time::Duration;

#[cfg(feature = "server")]
use crate::text::concat;
use crate::text::decimal;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

const MS_PER_DAY: u64 = 86_400_000;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Timestamp {
    /// Later than any instant.
    pub const NEVER: Self = Self(u64::MAX);

    /// How long ago `earlier` was; zero when it was not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This instant on a clock that is `offset` milliseconds ahead.
    #[must_use]
    pub fn shifted(self, offset: i64) -> Self {
        Self(self.0.saturating_add_signed(offset))
    }

    /// The offset in milliseconds that turns `self` into `other`.
    pub fn offset_to(self, other: Self) -> i64 {
        other.0.cast_signed().wrapping_sub(self.0.cast_signed())
    }

    /// `Sat, 21 Nov 2026 05:20:00 GMT`, the form of RFC 1123.
    pub fn rfc1123(self) -> String {
        let date = Date::of(self);
        let mut text = String::with_capacity(29);
        text.push_str(WEEKDAYS[date.weekday]);
        text.push_str(", ");
        pad(&mut text, date.day, 2);
        text.push(' ');
        text.push_str(MONTHS[date.month - 1]);
        text.push(' ');
        pad(&mut text, date.year, 4);
        text.push(' ');
        pad(&mut text, date.hour, 2);
        text.push(':');
        pad(&mut text, date.minute, 2);
        text.push(':');
        pad(&mut text, date.second, 2);
        text.push_str(" GMT");
        text
    }

    /// `20261121T052000Z`, the basic form of ISO 8601.
    pub fn iso_basic(self) -> String {
        let date = Date::of(self);
        let mut text = self.iso_day();
        text.push('T');
        pad(&mut text, date.hour, 2);
        pad(&mut text, date.minute, 2);
        pad(&mut text, date.second, 2);
        text.push('Z');
        text
    }

    /// `2026-11-21T05:20:00.000Z`, the extended form, to the second.
    pub fn iso(self) -> String {
        let date = Date::of(self);
        let mut text = String::with_capacity(24);
        for (value, width, mark) in [
            (date.year, 4, '-'),
            (date.month as u64, 2, '-'),
            (date.day, 2, 'T'),
            (date.hour, 2, ':'),
            (date.minute, 2, ':'),
            (date.second, 2, '.'),
        ] {
            pad(&mut text, value, width);
            text.push(mark);
        }
        text.push_str("000Z");
        text
    }

    /// `20261121`.
    pub fn iso_day(self) -> String {
        let date = Date::of(self);
        let mut text = String::with_capacity(16);
        pad(&mut text, date.year, 4);
        pad(&mut text, date.month as u64, 2);
        pad(&mut text, date.day, 2);
        text
    }

    /// Reads `Sat, 21 Nov 2026 05:20:00 GMT`, the form of a `Date` header. `None`
    /// for anything else.
    #[cfg(feature = "server")]
    pub fn parse_rfc1123(text: &str) -> Option<Self> {
        let mut words = text.split(' ').skip(1);
        let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
        Self::parse_iso(&concat(&[year, "-", &decimal(month, 2), "-", day, "T", time, "Z"]))
    }

    /// Reads `2026-11-21T05:20:00Z` or `2026-11-21T05:20:00.123Z`, the forms in
    /// which both services write UTC times. `None` for anything else.
    pub fn parse_iso(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = |start: usize, end: usize| -> Option<u64> {
            let digits = bytes.get(start..end)?;
            digits.iter().try_fold(0, |value, digit| match digit {
                b'0'..=b'9' => Some(value * 10 + u64::from(digit - b'0')),
                _ => None,
            })
        };
        let mark = |index: usize, byte: u8| (bytes.get(index) == Some(&byte)).then_some(());
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        mark(4, b'-')?;
        mark(7, b'-')?;
        mark(10, b'T')?;
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        mark(13, b':')?;
        mark(16, b':')?;
        let millis = match bytes.get(19..)? {
            [b'Z'] => 0,
            [b'.', _, _, _, b'Z'] => number(20, 23)?,
            _ => return None,
        };
        let valid = (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 61;
        valid.then(|| {
            let seconds = hour * 3_600 + minute * 60 + second;
            Self(days_from_civil(year, month, day) * MS_PER_DAY + seconds * 1_000 + millis)
        })
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

/// Whole milliseconds; the library's are 128 bits wide, at ten times the code.
pub(crate) fn millis(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000) + u64::from(duration.subsec_millis())
}

/// A civil date in UTC.
struct Date {
    year: u64,
    month: usize,
    day: u64,
    weekday: usize,
    hour: u64,
    minute: u64,
    second: u64,
}

impl Date {
    /// Days to date by eras of 400 years that begin in March, so that the leap
    /// day is the last day of a year (Howard Hinnant's `civil_from_days`).
    fn of(time: Timestamp) -> Self {
        let days = time.0 / MS_PER_DAY;
        let seconds = time.0 % MS_PER_DAY / 1_000;
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month: usize::try_from(month).unwrap_or(1),
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            weekday: usize::try_from(days % 7).unwrap_or(0),
            hour: seconds / 3_600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }
}

/// Days since 1970-01-01; the inverse of [`Date::of`].
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let year_of_era = year % 400;
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn pad(text: &mut String, value: u64, width: usize) {
    text.push_str(&decimal(value, width));
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROZEN: Timestamp = Timestamp(1_795_238_400_000);

    #[test]
    fn formats_are_those_that_the_services_sign() {
        assert_eq!(FROZEN.rfc1123(), "Sat, 21 Nov 2026 05:20:00 GMT");
        assert_eq!(FROZEN.iso_basic(), "20261121T052000Z");
        assert_eq!(Timestamp(951_782_400_000).rfc1123(), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(Timestamp(0).rfc1123(), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn parsing_undoes_formatting_for_every_day_of_two_centuries() {
        for day in 0..73_000 {
            let time = Timestamp(day * MS_PER_DAY + 3_661_000);
            let basic = time.iso_basic();
            let text = format!(
                "{}-{}-{}T{}:{}:{}Z",
                &basic[0..4],
                &basic[4..6],
                &basic[6..8],
                &basic[9..11],
                &basic[11..13],
                &basic[13..15],
            );
            assert_eq!(Timestamp::parse_iso(&text), Some(time), "{text}");
        }
    }

    #[test]
    fn parsing_refuses_what_is_no_utc_time() {
        assert_eq!(
            Timestamp::parse_iso("2026-11-21T05:20:00.250Z"),
            Some(Timestamp(FROZEN.0 + 250))
        );
        for text in ["", "3000", "2026-11-21", "2026-11-21T05:20:00+08:00", "2026-13-21T05:20:00Z"]
        {
            assert_eq!(Timestamp::parse_iso(text), None, "{text}");
        }
    }

    #[test]
    fn a_shift_is_undone_by_its_negative() {
        assert_eq!(FROZEN.shifted(-7_200_000).shifted(7_200_000), FROZEN);
        let other = Timestamp(FROZEN.0 - 5);
        assert_eq!(FROZEN.shifted(FROZEN.offset_to(other)), other);
    }
}
