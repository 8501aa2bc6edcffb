//! How often Flickr is asked what became of a file that it took and works on.

use std::time::Duration;

use crate::Timestamp;

/// How long it is asked. A ticket that is pending for longer counts as lost.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The most tickets that are asked for at once.
pub const MAX_TICKETS: usize = 50;

/// The waits before the first questions, in seconds; after them there is one a minute.
const FIRST_WAITS: [u64; 4] = [2, 5, 10, 30];
const LATER_WAIT: u64 = 60;

/// For how long nobody asks again after Flickr said that it works on a file, in seconds at least.
const LEAST_PENDING: u64 = 3;

/// The wait before the next question, after a ticket was asked for so often.
fn wait(asked: u32) -> Duration {
    let wait = usize::try_from(asked).ok().and_then(|asked| FIRST_WAITS.get(asked));
    Duration::from_secs(*wait.unwrap_or(&LATER_WAIT))
}

/// When to ask for a ticket the next time, after it was asked for so often.
pub fn next_ticket_check(asked: u32, now: Timestamp) -> Timestamp {
    now + wait(asked)
}

/// For how long after another asked the answer that Flickr works on the file stands for one's own, of a ticket that was
/// asked for so often: half of the wait that has just ended, at least 3 seconds, and shorter than
/// the wait before any question but the first.
pub(super) fn pending_lasts(asked: u32) -> Duration {
    (wait(asked) / 2).max(Duration::from_secs(LEAST_PENDING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_asked_for_soon_and_then_each_minute() {
        let now = Timestamp::from_milliseconds(1_000_000);
        let waits = [0, 1, 2, 3, 4, 5, u32::MAX].map(|asked| next_ticket_check(asked, now).since(now).as_secs());
        assert_eq!(waits, [2, 5, 10, 30, 60, 60, 60]);
    }
}
