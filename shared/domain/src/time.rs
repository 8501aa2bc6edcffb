//! Points in time, as whole milliseconds, and lengths of time, as whole seconds in names.

use std::{fmt, ops::Add, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point `milliseconds` after 1970-01-01T00:00:00Z.
    pub const fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_milliseconds(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long from `earlier` to this point; zero when `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A day of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    const LENGTH: Duration = Duration::from_secs(24 * 60 * 60);

    /// The day of `point`.
    pub const fn of(point: Timestamp) -> Self {
        Self(point.as_seconds().div_euclid(Self::LENGTH.as_secs().cast_signed()))
    }

    /// The day before.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0 - 1)
    }

    /// When the next day begins.
    pub fn end(self) -> Timestamp {
        let days = u32::try_from(self.0 + 1).unwrap_or(0);
        Timestamp::from_milliseconds(0) + Self::LENGTH * days
    }
}

/// As `2026-09-21`, so that days sort as they come.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begin = self.before().end().to_string();
        f.write_str(begin.get(..DATE.len()).unwrap_or(&begin))
    }
}

/// A date as RFC 3339 writes it.
const DATE: &str = "0000-00-00";

impl FromStr for Day {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() == DATE.len() { format!("{text}T00:00:00Z").parse().map(Self::of) } else { Err(Invalid) }
    }
}

impl Timestamp {
    /// The point `length` before this one.
    #[must_use]
    pub fn before(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;

    fn add(self, length: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 in UTC, with milliseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(point) => write!(f, "{point:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// The text is no point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a point in time as RFC 3339 writes it, such as `2026-09-21T14:13:20Z`")]
pub struct Invalid;

/// RFC 3339, in whatever offset; what is finer than a millisecond is dropped.
impl FromStr for Timestamp {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // Jiff reads more: annotations, dates without dashes, blanks for a `T`, times without seconds.
        if !is_rfc_3339(text) {
            return Err(Invalid);
        }
        let point: jiff::Timestamp = text.parse().map_err(|_| Invalid)?;
        Ok(Self(point.as_millisecond()))
    }
}

/// Whether the text has the shape of a `date-time` (RFC 3339, section 5.6), but for leap seconds, of which clocks know
/// nothing. The parser checks the date.
fn is_rfc_3339(text: &str) -> bool {
    const SHAPE: &[u8; 19] = b"0000-00-00T00:00:00";
    let Some((time, rest)) = text.as_bytes().split_at_checked(SHAPE.len()) else { return false };
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        mark => byte.eq_ignore_ascii_case(mark),
    };
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            fraction.get(digits..).filter(|_| digits > 0)
        }
        None => Some(rest),
    };
    let is_offset = match offset {
        Some(b"Z" | b"z") => true,
        Some(&[b'+' | b'-', a, b, b':', c, d]) => {
            [a, b, c, d].iter().all(u8::is_ascii_digit) && (a, b) <= (b'2', b'3') && c <= b'5'
        }
        _ => false,
    };
    time.iter().zip(SHAPE).all(fits) && time[17] <= b'5' && is_offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_as_rfc_3339() {
        assert_eq!(Timestamp::from_milliseconds(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_milliseconds(1_790_000_000_123).to_string(), "2026-09-21T14:13:20.123Z");
    }

    #[test]
    fn a_day_is_one_of_utc_and_sorts_as_days_come() {
        let day = |text: &str| Day::of(text.parse().unwrap());
        assert_eq!(day("2026-09-21T23:59:59.999Z").to_string(), "2026-09-21");
        assert_eq!(day("2026-09-22T01:59:59+02:00").to_string(), "2026-09-21");
        let (last, first) = (day("2026-09-30T00:00:00Z"), day("2026-10-01T00:00:00Z"));
        assert!(last < first && first.before() == last);
        assert_eq!(last.end().to_string(), "2026-10-01T00:00:00.000Z");
        assert_eq!(("2026-09-30".parse(), "2026-09-31".parse::<Day>()), (Ok(last), Err(Invalid)));
        assert_eq!(("".parse::<Day>(), "2026-09-30T".parse::<Day>()), (Err(Invalid), Err(Invalid)));
    }

    #[test]
    fn rfc_3339_is_read_in_any_offset() {
        let point = Ok(Timestamp::from_milliseconds(1_790_000_000_123));
        for text in [
            "2026-09-21T14:13:20.123Z",
            "2026-09-21t14:13:20.1239z",
            "2026-09-21T16:13:20.123+02:00",
            "2026-09-21T14:13:20.123-00:00",
            "2026-09-22T14:12:20.123+23:59",
        ] {
            assert_eq!(text.parse(), point, "{text}");
        }
        assert_eq!("1969-12-31T23:59:59Z".parse(), Ok(Timestamp::from_milliseconds(-1000)));
    }

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        let long = format!("2026-09-21T14:13:20.{}Z", "1".repeat(1000));
        for text in [
            "",
            "now",
            "1790000000",
            "2026-09-21",
            "2026-09-21T14:13:20",
            "2026-09-21 14:13:20Z",
            "20260921T141320Z",
            "2026-02-30T00:00:00Z",
            "2026-09-21T24:00:01Z",
            "2026-09-21T14:13:20Z[UTC]",
            "2026-09-21T14:13:20Z ",
            "+010000-01-01T00:00:00Z",
            "2026-09-21T14:13:20\u{e9}",
            "2026-09-21T14:13Z",
            "2026-09-21T14:13:20.Z",
            "2026-09-21T14:13:20+24:00",
            "2026-09-21T14:13:20+02:60",
            "2026-09-21T14:13:20+0200",
            "2026-09-21T14:13:20+02",
            "2016-12-31T23:59:60Z",
            &long,
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(Invalid), "{text}");
        }
    }

    #[test]
    fn arithmetic_stays_within_bounds() {
        let end = Timestamp::from_milliseconds(i64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(Timestamp::from_milliseconds(1).since(end), Duration::ZERO);
        assert_eq!(Timestamp::from_milliseconds(-1).as_seconds(), -1);
    }
}
