//! A bound on how fast an operator's command goes, so that it leaves the stack's users their part.

use std::{cell::Cell, time::Duration};

use tokio::time::Instant;

/// Lets through so many a second or a minute, evenly.
#[derive(Debug)]
pub struct Pace {
    /// What each takes.
    each: Duration,
    /// When the next may begin.
    next: Cell<Option<Instant>>,
}

impl Pace {
    /// So many in each `window`.
    pub fn new(count: u32, window: Duration) -> Self {
        Self { each: window / count.max(1), next: Cell::new(None) }
    }

    /// Waits until `count` more may begin.
    pub async fn wait(&self, count: u32) {
        tokio::time::sleep_until(self.take(count, Instant::now())).await;
    }

    /// When `count` more may begin that come at `now`.
    fn take(&self, count: u32, now: Instant) -> Instant {
        let begin = self.next.get().map_or(now, |next| next.max(now));
        self.next.set(Some(begin + self.each * count));
        begin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_begin_than_the_pace_allows_and_who_was_slow_is_not_made_to_wait() {
        let (pace, start) = (Pace::new(10, Duration::from_secs(1)), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        for (count, now, begin) in
            [(10, 0, 0), (5, 0, 1_000), (1, 1_200, 1_500), (1, 60_000, 60_000), (1, 60_000, 60_100)]
        {
            assert_eq!(pace.take(count, at(now)), at(begin), "{count} at {now}");
        }
    }
}
