//! Whether bytes come fast enough.

use std::time::Duration;

use crate::{error::Error, limits::Limits};

/// The bytes of one window of time. Only the time counts in which the reader waited: a reader that takes its time makes
/// no server slow.
#[derive(Debug)]
pub(crate) struct Pace {
    window: Duration,
    min_bytes: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    pub(crate) fn new(limits: &Limits) -> Self {
        let min_bytes = limits.pace_window.as_secs_f64() * limits.min_bytes_per_second as f64;
        Self { window: limits.pace_window, min_bytes: min_bytes as u64, waited: Duration::ZERO, bytes: 0 }
    }

    /// How long the window lasts from now on.
    pub(crate) fn left(&self) -> Duration {
        self.window.saturating_sub(self.waited)
    }

    /// Counts `bytes` that came after the reader had waited for `waited`.
    ///
    /// # Errors
    /// [`Error::TooSlow`] if the window is over and too few came in it.
    pub(crate) fn record(&mut self, waited: Duration, bytes: usize) -> Result<(), Error> {
        self.waited += waited;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.waited < self.window {
            return Ok(());
        }
        if self.bytes < self.min_bytes {
            return Err(Error::TooSlow);
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace() -> Pace {
        Pace::new(&Limits {
            head: SECOND,
            total: SECOND,
            stall: SECOND,
            min_bytes_per_second: 100,
            pace_window: 10 * SECOND,
            max_bytes: 1,
        })
    }

    #[test]
    fn a_window_with_too_few_bytes_is_too_slow() {
        let mut pace = pace();
        assert!(pace.record(9 * SECOND, 999).is_ok());
        assert_eq!(pace.left(), SECOND);
        assert!(matches!(pace.record(SECOND, 0), Err(Error::TooSlow)));
    }

    #[test]
    fn each_window_is_judged_by_its_own_bytes() {
        let mut pace = pace();
        assert!(pace.record(10 * SECOND, 1_000_000).is_ok());
        assert_eq!(pace.left(), 10 * SECOND);
        assert!(matches!(pace.record(10 * SECOND, 999), Err(Error::TooSlow)));
    }

    #[test]
    fn a_reader_that_does_not_wait_is_never_too_slow() {
        let mut pace = pace();
        for _ in 0..1000 {
            assert!(pace.record(Duration::ZERO, 1).is_ok());
        }
    }
}
