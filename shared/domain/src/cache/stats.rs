//! Cache statistics: how often jobs were answered by the cache.

/// How often jobs of a method looked into the cache, by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStats {
    /// Answered from the cache.
    pub hits: u64,
    /// Answered by the call of another job that they waited for.
    pub shared: u64,
    /// Called Flickr.
    pub misses: u64,
    /// Called Flickr, as they had asked for.
    pub bypassed: u64,
    /// Called Flickr because the cache did not answer.
    pub unavailable: u64,
}

impl CacheStats {
    /// How many calls to Flickr were saved.
    pub fn calls_saved(&self) -> u64 {
        self.hits + self.shared
    }

    /// The share of lookups that saved a call, from 0 to 1; `None` when there was none.
    pub fn hit_rate(&self) -> Option<f64> {
        let asked = self.calls_saved() + self.misses;
        #[expect(clippy::cast_precision_loss, reason = "a share is for people")]
        (asked > 0).then(|| self.calls_saved() as f64 / asked as f64)
    }
}

impl std::ops::AddAssign for CacheStats {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.shared += other.shared;
        self.misses += other.misses;
        self.bypassed += other.bypassed;
        self.unavailable += other.unavailable;
    }
}

/// The outcome of one job's lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheEvent {
    /// See [`CacheStats::hits`].
    Hit,
    /// See [`CacheStats::shared`].
    Shared,
    /// See [`CacheStats::misses`].
    Miss,
    /// See [`CacheStats::bypassed`].
    Bypassed,
    /// See [`CacheStats::unavailable`].
    Unavailable,
}

impl From<CacheEvent> for CacheStats {
    fn from(one: CacheEvent) -> Self {
        let none = Self::default();
        match one {
            CacheEvent::Hit => Self { hits: 1, ..none },
            CacheEvent::Shared => Self { shared: 1, ..none },
            CacheEvent::Miss => Self { misses: 1, ..none },
            CacheEvent::Bypassed => Self { bypassed: 1, ..none },
            CacheEvent::Unavailable => Self { unavailable: 1, ..none },
        }
    }
}
