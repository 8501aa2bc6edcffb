//! FNV-1a (Fowler, Noll, Vo): a hash that is the same in each run.

/// What an empty text hashes to.
pub(crate) const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash with `text` after what it hashes.
pub(crate) fn fold(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
