//! The clock of this machine, by which requests to AWS and to Flickr are signed.

use std::time::UNIX_EPOCH;

use domain::Timestamp;
use hub::ports::Clock;

use crate::doctor::{aws::Aws, finding::Finding};

/// The most that the clock may differ from that of AWS, in seconds: AWS refuses signatures that are five minutes off,
/// and Flickr some that are less.
const MAX_SECONDS: i64 = 60;

/// How far this machine's clock is from that of AWS.
pub async fn check<C: Clock>(aws: &Aws<C>) -> Finding {
    match aws.date().await {
        Ok(date) => judge(date.as_deref(), aws.now()),
        Err(why) => Finding::not_checked("clock", why, "see whether this machine reaches AWS"),
    }
}

fn judge(date: Option<&str>, now: Timestamp) -> Finding {
    let said = date.and_then(|date| httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok());
    let Some(seconds) = said.and_then(|since| i64::try_from(since.as_secs()).ok()) else {
        return Finding::not_checked("clock", "AWS did not say its time", "run doctor again");
    };
    let off = now.as_seconds() - seconds;
    let what = match off {
        0.. => format!("{off} seconds ahead of AWS"),
        _ => format!("{} seconds behind AWS", -off),
    };
    if off.abs() > MAX_SECONDS {
        let what = format!("{what}: signatures of this machine are refused");
        return Finding::broken("clock", what, "set this machine's clock, and let NTP keep it");
    }
    Finding::fine("clock", what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn a_clock_that_is_a_minute_off_is_broken() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let at = |off: i64| judge(Some(date), Timestamp::from_milliseconds((784_111_777 + off) * 1000));
        for (off, verdict) in [
            (0, Verdict::Fine),
            (60, Verdict::Fine),
            (-60, Verdict::Fine),
            (61, Verdict::Broken),
            (-61, Verdict::Broken),
        ] {
            assert_eq!(at(off).verdict, verdict, "{off}");
        }
        assert!(at(-90).what.starts_with("90 seconds behind AWS"));
    }

    #[test]
    fn without_a_date_the_clock_is_not_checked() {
        for date in [None, Some("yesterday")] {
            assert_eq!(judge(date, Timestamp::from_milliseconds(0)).verdict, Verdict::NotChecked);
        }
    }
}
