//! Buckets: how many jobs wait at which tags, counted more coarsely the further they are from the front.

/// Tags that are counted together: the further from the front, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    level: u8,
    index: u64,
}

impl Bucket {
    /// Levels of width; a bucket of each next one is 16 times as wide.
    const LEVELS: u8 = 3;

    /// So many buckets of a level lie before the next level begins.
    const OF_A_LEVEL: u64 = 64;

    /// The bucket that counts `tag` at this virtual time.
    pub fn of(tag: u64, virtual_time: u64) -> Self {
        let away = tag.saturating_sub(virtual_time);
        let level = (0..Self::LEVELS - 1).find(|level| away < Self::OF_A_LEVEL << (4 * level));
        let level = level.unwrap_or(Self::LEVELS - 1);
        Self { level, index: tag >> (4 * level) }
    }

    pub(super) fn begin(self) -> u64 {
        self.index << (4 * self.level)
    }

    pub(super) fn end(self) -> u64 {
        (self.index + 1) << (4 * self.level)
    }

    pub(super) fn holds(self, tag: u64) -> bool {
        (self.begin()..self.end()).contains(&tag)
    }

    /// A short name: a letter for the level, and the index in base 36.
    pub fn name(self) -> String {
        let mut digits = Vec::new();
        let mut rest = self.index;
        while rest > 0 || digits.is_empty() {
            digits.push(char::from_digit(u32::try_from(rest % 36).unwrap_or_default(), 36).unwrap_or('0'));
            rest /= 36;
        }
        let level = char::from(b'x' + self.level);
        std::iter::once(level).chain(digits.into_iter().rev()).collect()
    }

    /// The bucket of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let level = name.bytes().next()?.checked_sub(b'x').filter(|level| *level < Self::LEVELS)?;
        let index = u64::from_str_radix(name.get(1..)?, 36).ok()?;
        (index <= u64::MAX >> (4 * Self::LEVELS)).then_some(Self { level, index })
    }
}
