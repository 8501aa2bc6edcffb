//! Identifiers. Each parses at the edge and holds from there on: below the edge no id is a `String`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hex::{hex, is_hex};

/// The text is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct Invalid {
    expected: &'static str,
}

/// The first 128 bits of the SHA-256 of length-prefixed `parts`: equal parts give equal ids, and
/// no two lists of parts run into one another.
fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    id
}

/// The number that the last `digits` hexadecimal digits of `id` are, up to 8 of them: as good as random, since ids are
/// hashes or random. 0 for what ends otherwise.
pub fn last_digits(id: &str, digits: usize) -> u32 {
    let last = id.get(id.len().saturating_sub(digits)..).unwrap_or_default();
    u32::from_str_radix(last, 16).unwrap_or_default()
}

/// Whether `text` is an id of any kind: three letters, `_` and 32 hexadecimal digits.
pub fn is_id(text: &str) -> bool {
    text.split_once('_').is_some_and(|(kind, digits)| {
        kind.len() == 3 && kind.bytes().all(|b| b.is_ascii_lowercase()) && is_hex(digits, 32)
    })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// An id of 128 given bits, random or hashed.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(format!("{}{}", $prefix, hex(&bytes)))
            }

            /// The id as it is written everywhere.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                match text.strip_prefix($prefix) {
                    Some(digits) if is_hex(digits, 32) => Ok(Self(text.to_owned())),
                    _ => Err(Invalid { expected: concat!("`", $prefix, "` and 32 lower-case hexadecimal digits") }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

id!(
    /// A customer: everything stored is keyed by it.
    TenantId, "ten_"
);
id!(
    /// A Flickr account connected by a tenant.
    UserId, "usr_"
);
id!(
    /// A Flickr app (API key and secret) of a tenant.
    AppId, "app_"
);
id!(
    /// An API key of a tenant.
    KeyId, "key_"
);
id!(
    /// A job.
    JobId, "job_"
);
id!(
    /// A file that a tenant uploads, or has uploaded, for an account.
    UploadId, "upl_"
);
id!(
    /// A secret that signs the requests of an API key.
    SigningKeyId, "sgn_"
);
id!(
    /// One worker's hold on a job, new for each received message.
    ClaimId, "clm_"
);
id!(
    /// The trace of a request, from the first request to the last log line: 32 hexadecimal digits,
    /// as a W3C trace id.
    TraceId, ""
);

impl UserId {
    /// The user of `nsid` (Flickr's own id of the account) at `tenant`: always the same, so that
    /// connecting twice gives one user.
    pub fn of(tenant: &TenantId, nsid: &str) -> Self {
        Self::from_bytes(digest(&[b"user", tenant.as_str().as_bytes(), nsid.as_bytes()]))
    }
}

impl JobId {
    /// The one job that `key` can make at `tenant` (promise I4).
    pub fn of(tenant: &TenantId, key: &crate::idempotency::Key) -> Self {
        Self::from_bytes(digest(&[b"job", tenant.as_str().as_bytes(), key.as_str().as_bytes()]))
    }
}

impl UploadId {
    /// The upload under which the file is kept that `job` fetches itself.
    pub fn of_job(job: &JobId) -> Self {
        Self::from_bytes(digest(&[b"upload", job.as_str().as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digits_of_an_id_are_a_number() {
        let id = JobId::from_bytes([0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0xde, 0xad, 0xbe, 0xef]);
        for (digits, number) in [(8, 0xdead_beef), (4, 0xbeef), (2, 0xef), (0, 0)] {
            assert_eq!(last_digits(id.as_str(), digits), number, "{digits}");
        }
        assert_eq!(["", "é", "no digits", "f"].map(|id| last_digits(id, 2)), [0, 0, 0, 15]);
    }

    #[test]
    fn an_id_of_any_kind_is_told_from_other_text() {
        assert!(is_id(JobId::from_bytes([1; 16]).as_str()) && is_id(KeyId::from_bytes([0xff; 16]).as_str()));
        let digits = "0".repeat(32);
        for bad in
            ["", "_", "job", &digits, &format!("jobs_{digits}"), &format!("job_{digits}0"), &format!("JOB_{digits}")]
        {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[test]
    fn an_id_reads_back_as_written() {
        let id = JobId::from_bytes([0xab; 16]);
        assert_eq!(id.as_str(), "job_abababababababababababababababab");
        assert_eq!(id.as_str().parse(), Ok(id));
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        let digits = "0123456789abcdef0123456789abcdef";
        let bad = [
            String::new(),
            digits.to_owned(),
            format!("usr_{digits}"),
            format!("job_{digits}0"),
            format!("job_{}", &digits[1..]),
            format!("job_{}", digits.to_uppercase()),
            format!("job_{digits}\n"),
            format!("job_{}é", &digits[2..]),
        ];
        for text in bad {
            assert!(text.parse::<JobId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_user_is_one_per_tenant_and_flickr_account() {
        let (one, two) = (TenantId::from_bytes([1; 16]), TenantId::from_bytes([2; 16]));
        assert_eq!(UserId::of(&one, "1@N00"), UserId::of(&one, "1@N00"));
        assert_ne!(UserId::of(&one, "1@N00"), UserId::of(&two, "1@N00"));
        assert_ne!(UserId::of(&one, "1@N00"), UserId::of(&one, "2@N00"));
    }

    #[test]
    fn parts_do_not_run_into_one_another() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
