//! `Retry-After` (RFC 9110 section 10.2.3).

use std::time::{Duration, UNIX_EPOCH};

use domain::Timestamp;

/// The longest wait that is believed: Flickr's limit is by the hour, so a longer one is a mistake.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long `value`, a number of seconds or an HTTP date, asks to wait from `now`; a date in the past asks for no wait.
/// `None` when it is neither, or over a day.
pub fn read(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let wait = if is_number { Duration::from_secs(value.parse().ok()?) } else { until(value, now)? };
    (wait <= LONGEST).then_some(wait)
}

fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let since_epoch = httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((Timestamp::from_milliseconds(0) + since_epoch).since(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sunday, 6 November 1994, 08:49:37 UTC.
    const NOW: Timestamp = Timestamp::from_milliseconds(784_111_777_000);

    #[test]
    fn seconds_and_dates_are_read_and_nonsense_is_not() {
        let table = [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("86400", Some(86_400)),
            ("86401", None),
            ("99999999999999999999999", None),
            ("-1", None),
            ("+5", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 2095 08:00:00 GMT", None),
            ("Sun, 99 Nov 1994 08:00:00 GMT", None),
        ];
        for (value, seconds) in table {
            assert_eq!(read(value, NOW), seconds.map(Duration::from_secs), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_gives_a_bounded_wait(value: String, now: i64) {
            let wait = read(&value, Timestamp::from_milliseconds(now));
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST));
        }
    }
}
