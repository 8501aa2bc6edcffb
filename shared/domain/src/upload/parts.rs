//! A file that comes in parts: which there are, how long each is, and whether all have arrived.
//!
//! Parts are for resuming: a client that stopped sends those that have not arrived. S3 takes up to 10,000 parts, each
//! but the last of at least 5 MiB (Amazon S3 User Guide, "Amazon S3 multipart upload limits").

use std::{collections::BTreeMap, fmt};

use super::file::{MAX_PHOTO_BYTES, MAX_VIDEO_BYTES};

/// The length of each part but the last, in bytes.
pub const PART_BYTES: u64 = 8 * 1024 * 1024;

/// The most parts that are told of at once.
pub const MAX_PARTS_AT_ONCE: u32 = 100;

const MOST_PARTS: u64 = 10_000;
const FEWEST_BYTES: u64 = 5 * 1024 * 1024;
const _: () = assert!(PART_BYTES >= FEWEST_BYTES);
const _: () = assert!(MAX_VIDEO_BYTES.div_ceil(PART_BYTES) <= MOST_PARTS && MAX_PHOTO_BYTES <= MAX_VIDEO_BYTES);

/// The most parts that an error names.
const NAMED_PARTS: usize = 10;

/// What S3 calls the storing of a file in parts: a text without a meaning to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipartId(String);

impl MultipartId {
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From 1 on.
    pub number: u32,
    /// How many bytes it has.
    pub bytes: u64,
}

/// The parts of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    bytes: u64,
}

/// What is stored of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    pub bytes: u64,
    /// Tells these bytes from any others stored as the same part.
    pub etag: String,
}

/// A part that has not arrived as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingPart {
    pub part: Part,
    /// How many bytes arrived in its place, where others did.
    pub arrived_bytes: Option<u64>,
}

/// A file lacks parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// How many parts it lacks.
    pub count: usize,
    /// The first of them, up to 10.
    pub first: Vec<MissingPart>,
    /// How many parts it has if it is whole.
    pub of: u32,
}

impl Part {
    /// How many bytes of the file come before it.
    pub fn offset(&self) -> u64 {
        u64::from(self.number.saturating_sub(1)) * PART_BYTES
    }
}

impl Parts {
    /// Those of a file with so many bytes, which Flickr takes.
    pub const fn of(bytes: u64) -> Self {
        Self { bytes }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.bytes.div_ceil(PART_BYTES)).unwrap_or(u32::MAX)
    }

    /// The part with this number, if there is one.
    pub fn part(&self, number: u32) -> Option<Part> {
        let full = Part { number, bytes: PART_BYTES };
        let rest = self.bytes.checked_sub(full.offset()).filter(|rest| *rest > 0 && number > 0)?;
        Some(Part { number, bytes: rest.min(PART_BYTES) })
    }

    /// All of them, from the part with this number on.
    pub fn from(self, number: u32) -> impl Iterator<Item = Part> {
        (number..=self.count()).filter_map(move |number| self.part(number))
    }

    /// Whether all have arrived, each as long as it should be: then they are the file's bytes together.
    ///
    /// # Errors
    /// The parts that have not.
    pub fn check(&self, arrived: &BTreeMap<u32, StoredPart>) -> Result<(), Incomplete> {
        let missing = self.from(1).filter_map(|part| {
            let arrived_bytes = arrived.get(&part.number).map(|stored| stored.bytes);
            (arrived_bytes != Some(part.bytes)).then_some(MissingPart { part, arrived_bytes })
        });
        let mut first: Vec<MissingPart> = missing.collect();
        let count = first.len();
        first.truncate(NAMED_PARTS);
        if count == 0 { Ok(()) } else { Err(Incomplete { count, first, of: self.count() }) }
    }
}

impl fmt::Display for MissingPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Part { number, bytes } = self.part;
        match self.arrived_bytes {
            None => write!(f, "part {number} has not arrived"),
            Some(arrived) => write!(f, "part {number} has {arrived} bytes and not {bytes}"),
        }
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> = self.first.iter().map(MissingPart::to_string).collect();
        let more = if self.count > self.first.len() { ", and more" } else { "" };
        write!(f, "{} of {} parts are missing: {}{more}", self.count, self.of, named.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arrived(parts: impl IntoIterator<Item = Part>) -> BTreeMap<u32, StoredPart> {
        let stored = |part: Part| (part.number, StoredPart { bytes: part.bytes, etag: String::new() });
        parts.into_iter().map(stored).collect()
    }

    #[test]
    fn each_part_but_the_last_is_full() {
        for (bytes, lengths) in [
            (1, vec![1]),
            (PART_BYTES - 1, vec![PART_BYTES - 1]),
            (PART_BYTES, vec![PART_BYTES]),
            (PART_BYTES + 1, vec![PART_BYTES, 1]),
            (3 * PART_BYTES, vec![PART_BYTES; 3]),
        ] {
            let parts = Parts::of(bytes);
            let found: Vec<u64> = parts.from(1).map(|part| part.bytes).collect();
            assert_eq!((found, parts.count()), (lengths.clone(), u32::try_from(lengths.len()).unwrap()), "{bytes}");
            assert_eq!((parts.part(0), parts.part(parts.count() + 1)), (None, None));
        }
        assert_eq!(Parts::of(MAX_VIDEO_BYTES).count(), 128);
    }

    #[test]
    fn a_file_lacks_what_is_missing_or_has_another_length() {
        let parts = Parts::of(2 * PART_BYTES + 7);
        let mut stored = arrived(parts.from(1));
        assert_eq!(parts.check(&stored), Ok(()));
        stored.insert(4, StoredPart { bytes: 1, etag: String::new() });
        assert_eq!(parts.check(&stored), Ok(()), "what is no part of it does not matter");
        stored.remove(&1);
        stored.insert(3, StoredPart { bytes: 8, etag: String::new() });
        let said = parts.check(&stored).unwrap_err().to_string();
        assert_eq!(said, "2 of 3 parts are missing: part 1 has not arrived, part 3 has 8 bytes and not 7");
    }

    #[test]
    fn an_error_names_the_first_ten() {
        let incomplete = Parts::of(MAX_VIDEO_BYTES).check(&BTreeMap::new()).unwrap_err();
        assert_eq!((incomplete.count, incomplete.first.len(), incomplete.of), (128, 10, 128));
        let said = incomplete.to_string();
        assert!(said.contains("part 10 has not arrived, and more") && !said.contains("part 11"), "{said}");
    }

    proptest! {
        #[test]
        fn the_parts_are_the_file(bytes in 1..=MAX_VIDEO_BYTES, from in 1_u32..200) {
            let parts = Parts::of(bytes);
            prop_assert_eq!(parts.from(1).map(|part| part.bytes).sum::<u64>(), bytes);
            prop_assert!(u64::from(parts.count()) <= MOST_PARTS);
            let full = parts.from(1).take(parts.count() as usize - 1).all(|part| part.bytes == PART_BYTES);
            prop_assert!(full);
            let ends = parts.from(1).map(|part| part.offset() + part.bytes);
            prop_assert!(ends.zip(parts.from(2)).all(|(end, next)| end == next.offset()), "one after the other");
            prop_assert!(parts.from(from).all(|part| part.number >= from));
            prop_assert_eq!(parts.check(&arrived(parts.from(1))), Ok(()));
            let lacks_one = arrived(parts.from(1).filter(|part| part.number != from));
            prop_assert_eq!(parts.check(&lacks_one).is_err(), from <= parts.count());
        }
    }
}
