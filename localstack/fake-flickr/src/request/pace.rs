//! How fast the server reads a file: tests slow it down, stop it for a while, or let it hang up midway.

use std::time::Duration;

use tokio::time::sleep;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As fast as it arrives.
    Full,
    /// Evenly, so that the whole request takes this time.
    Over(Duration),
    /// With something that happens once so many bytes of the file are read: by default half of the request, and at the
    /// latest when the file ends.
    Until { after_bytes: Option<u64>, then: Then },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Nothing is read for a while.
    Pause(Duration),
    /// No more is read.
    Stop,
}

/// Says that no more of the file is to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stopped;

/// Keeps the pace while a file is read.
#[derive(Debug)]
pub(super) struct Pacer {
    pace: Pace,
    /// The length of the request's body in bytes, 0 if it is unknown.
    length: u64,
    read: u64,
}

impl Pacer {
    pub(super) fn new(pace: Pace, length: u64) -> Self {
        Self { pace, length, read: 0 }
    }

    /// Waits as the pace says, after `bytes` more were read.
    ///
    /// # Errors
    /// If no more is to be read.
    pub(super) async fn advance(&mut self, bytes: u64) -> Result<(), Stopped> {
        self.read += bytes;
        match self.pace {
            Pace::Full => Ok(()),
            Pace::Over(time) => {
                sleep(share(time, bytes, self.length)).await;
                Ok(())
            }
            Pace::Until { after_bytes, .. } if self.read < after_bytes.unwrap_or(self.length / 2) => Ok(()),
            Pace::Until { .. } => self.end().await,
        }
    }

    /// Lets happen what has not yet happened, as the file ends.
    ///
    /// # Errors
    /// If no more is to be read.
    pub(super) async fn end(&mut self) -> Result<(), Stopped> {
        let Pace::Until { then, .. } = std::mem::replace(&mut self.pace, Pace::Full) else { return Ok(()) };
        match then {
            Then::Stop => Err(Stopped),
            Then::Pause(pause) => {
                sleep(pause).await;
                Ok(())
            }
        }
    }
}

/// The part of `time` that `bytes` of `length` take.
fn share(time: Duration, bytes: u64, length: u64) -> Duration {
    let nanos = time.as_nanos() * u128::from(bytes) / u128::from(length.max(bytes).max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_the_parts_add_up() {
        let second = Duration::from_secs(1);
        assert_eq!(share(second, 250, 1000), Duration::from_millis(250));
        assert_eq!(share(second, 7, 0), second, "a body of unknown length");
        assert_eq!(share(second, 0, 0), Duration::ZERO);
    }

    #[tokio::test]
    async fn it_stops_once_the_bytes_are_read_or_at_the_end() {
        let stop = |after_bytes| Pacer::new(Pace::Until { after_bytes, then: Then::Stop }, 100);
        for (mut pacer, first) in [(stop(Some(10)), 9), (stop(None), 49)] {
            assert_eq!(pacer.advance(first).await, Ok(()));
            assert_eq!(pacer.advance(1).await, Err(Stopped));
        }
        let mut short = stop(Some(10));
        assert_eq!(short.advance(9).await, Ok(()));
        assert_eq!(short.end().await, Err(Stopped));
    }

    #[tokio::test]
    async fn it_pauses_once() {
        let pause = Duration::from_millis(20);
        let mut pacer = Pacer::new(Pace::Until { after_bytes: Some(1), then: Then::Pause(pause) }, 100);
        let start = std::time::Instant::now();
        pacer.advance(1).await.unwrap();
        assert!(start.elapsed() >= pause);
        assert_eq!(pacer.pace, Pace::Full);
    }
}
