//! Random identifiers in Flickr's formats.

use rand::{random, random_range};

/// A secret, a callback verifier, or the second half of a token: 16 hexadecimal digits.
pub(crate) fn secret() -> String {
    format!("{:016x}", random::<u64>())
}

/// A request or access token: 17 digits beginning `7215`, a hyphen, 16 hexadecimal digits.
pub(crate) fn token() -> String {
    format!("{}-{}", seventeen_digits(), secret())
}

/// A consumer key: 32 hexadecimal digits.
pub(crate) fn consumer_key() -> String {
    format!("{:032x}", random::<u128>())
}

/// A user id such as `78701040@N07`.
pub(crate) fn nsid() -> String {
    format!("{}@N0{}", random_range(10_000_000_u32..100_000_000), random_range(0..9))
}

/// The verifier of an out-of-band login: `NNN-NNN-NNN`.
pub(crate) fn oob_verifier() -> String {
    let part = || random_range(100..1000);
    format!("{}-{}-{}", part(), part(), part())
}

/// A ticket of an asynchronous upload, such as `78701040-72157636215117185`.
pub(crate) fn ticket() -> String {
    format!("{}-{}", random_range(10_000_000_u32..100_000_000), seventeen_digits())
}

/// A photo's secret: 10 hexadecimal digits.
pub(crate) fn photo_secret() -> String {
    format!("{:010x}", random_range(0..1_u64 << 40))
}

/// The trace id that AWS adds to a response, as in `x-flickr-api-request: Root=1-...`.
pub(crate) fn trace() -> String {
    format!("Root=1-{:08x}-{:024x}", random::<u32>(), random_range(0..1_u128 << 96))
}

fn seventeen_digits() -> String {
    format!("7215{:013}", random_range(0..10_000_000_000_000_u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let token = token();
        let (digits, hex) = token.split_once('-').unwrap();
        assert!(digits.len() == 17 && digits.starts_with("7215") && digits.bytes().all(|b| b.is_ascii_digit()));
        assert!(hex.len() == 16 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(consumer_key().len(), 32);
        assert_eq!(oob_verifier().len(), 11);
        assert_eq!(photo_secret().len(), 10);
        assert!(nsid().contains("@N0"));
    }
}
