//! What Flickr's parts know of a photo, and from when: its index, its search and its deduplication are behind.

use jiff::{SignedDuration, Timestamp};

use crate::config::Config;

/// From when each part of Flickr knows a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownFrom {
    /// Methods that are given its id.
    pub by_id: Timestamp,
    /// `photos.search` and `people.getPhotos`.
    pub in_lists: Timestamp,
    /// Searches by tag, machine tag or text.
    pub by_tag: Timestamp,
    /// The deduplication of uploads.
    pub as_original: Timestamp,
}

impl KnownFrom {
    /// Everything knows the photo from `start` on.
    pub(crate) fn at_once(start: Timestamp) -> Self {
        Self { by_id: start, in_lists: start, by_tag: start, as_original: start }
    }

    /// Each part knows the photo when its configured lag has passed since `start`.
    pub(crate) fn with_lags(config: &Config, start: Timestamp) -> Self {
        let in_lists = later(start, config.index_lag_ms);
        Self {
            by_id: later(start, config.id_lag_ms),
            in_lists,
            by_tag: in_lists.max(later(start, config.tag_lag_ms)),
            as_original: later(start, config.dedup_lag_ms),
        }
    }
}

/// `start` and so many milliseconds.
pub(crate) fn later(start: Timestamp, milliseconds: u64) -> Timestamp {
    let lag = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
    start.saturating_add(lag).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_never_known_before_the_list() {
        let start = Timestamp::from_second(1_700_000_000).unwrap();
        let lags = |index_lag_ms, tag_lag_ms| {
            let config = Config { index_lag_ms, tag_lag_ms, ..Config::default() };
            let known = KnownFrom::with_lags(&config, start);
            [known.in_lists, known.by_tag].map(|at| at.as_second() - start.as_second())
        };
        assert_eq!(lags(1000, 3000), [1, 3]);
        assert_eq!(lags(3000, 1000), [3, 3]);
        assert_eq!(KnownFrom::with_lags(&Config::default(), start), KnownFrom::at_once(start));
        assert_eq!(later(start, u64::MAX), Timestamp::MAX);
    }
}
