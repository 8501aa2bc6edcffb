//! Bytes in Crockford's base 32, in lower case: without `i`, `l`, `o` and `u`, which are mistaken for others.

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The bytes, five bits a digit, the first bits first. Bits that are missing in the last digit are 0.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = (bits << 8 | u32::from(*byte)) & 0xfff;
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(digit(bits >> count));
        }
    }
    if count > 0 {
        text.push(digit(bits << (5 - count)));
    }
    text
}

fn digit(bits: u32) -> char {
    char::from(DIGITS[(bits & 31) as usize])
}

/// Whether `text` is so many digits.
pub(crate) fn is_base32(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| DIGITS.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As other implementations of Crockford's alphabet write them.
    #[test]
    fn bytes_are_written_five_bits_a_digit() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"\0", "00"),
            (b"\xff", "zw"),
            (b"f", "cr"),
            (b"fo", "csqg"),
            (b"foo", "csqpy"),
            (b"foob", "csqpyrg"),
            (b"fooba", "csqpyrk1"),
            (b"foobar", "csqpyrk1e8"),
        ] {
            assert_eq!(base32(bytes), text, "{bytes:?}");
            assert!(is_base32(text, text.len()));
        }
        assert!(!is_base32("il", 2) && !is_base32("CR", 2) && !is_base32("cr", 3));
    }
}
