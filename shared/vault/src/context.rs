//! What a secret belongs to, bound into its ciphertext.
//!
//! Invariant: equal contexts have equal bytes and unequal ones unequal bytes, so a stored context
//! is compared without being parsed.

use std::fmt;

use crate::error::Error;

/// The longest tenant or record, in bytes. Both together stay far under the 8,192 characters that
/// KMS takes as a context (KMS developer guide, "Encryption context").
const MAX_PART_BYTES: usize = 1024;

/// What a secret is for. One purpose's ciphertext does not open as another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The OAuth token and token secret of a connected account.
    UserToken,
    /// The API secret of a tenant's Flickr app.
    AppSecret,
    /// The key that signs a tenant's webhooks.
    WebhookSecret,
    /// The request token of a login that is under way.
    PendingLogin,
    /// The secret that signs the requests of an API key.
    RequestSigning,
}

impl Purpose {
    /// The stable form, as stored in messages: it must never change.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserToken => "user-token",
            Self::AppSecret => "app-secret",
            Self::WebhookSecret => "webhook-secret",
            Self::PendingLogin => "pending-login",
            Self::RequestSigning => "request-signing",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose secret it is: tenant, record and purpose. Not secret itself: it stands in clear in the
/// message and in the key service's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EncryptionContext {
    tenant: String,
    record: String,
    purpose: Purpose,
}

impl EncryptionContext {
    /// A context for one record of one tenant.
    ///
    /// # Errors
    /// [`Error::InvalidContext`] if `tenant` or `record` is empty or longer than 1,024 bytes.
    pub fn new(tenant: impl Into<String>, record: impl Into<String>, purpose: Purpose) -> Result<Self, Error> {
        Ok(Self { tenant: part(tenant.into(), "tenant")?, record: part(record.into(), "record")?, purpose })
    }

    /// The pairs as sent to the key service and stored in the message, sorted by name.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, &str); 3] {
        [("purpose", self.purpose.as_str()), ("record", &self.record), ("tenant", &self.tenant)]
    }

    /// The pairs in the message format: a count, then each name and value after its length, all
    /// 16 bit big-endian, sorted by name (AWS Encryption SDK specification, `data-format/message-header`, "AAD").
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let pairs = self.pairs();
        let mut bytes = (pairs.len() as u16).to_be_bytes().to_vec();
        for text in pairs.into_iter().flat_map(|(name, value)| [name, value]) {
            // Fits: a name is short and a value at most MAX_PART_BYTES.
            bytes.extend((text.len() as u16).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes
    }
}

fn part(text: String, what: &'static str) -> Result<String, Error> {
    if text.is_empty() || text.len() > MAX_PART_BYTES {
        return Err(Error::InvalidContext { what });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_the_sorted_pairs_with_their_lengths() {
        let context = EncryptionContext::new("t1", "acc", Purpose::UserToken).unwrap();
        let expected: &[u8] = b"\x00\x03\
            \x00\x07purpose\x00\x0auser-token\
            \x00\x06record\x00\x03acc\
            \x00\x06tenant\x00\x02t1";
        assert_eq!(context.to_bytes(), expected);
    }

    #[test]
    fn the_names_are_sorted_as_the_format_asks() {
        let context = EncryptionContext::new("t", "r", Purpose::AppSecret).unwrap();
        assert!(context.pairs().is_sorted_by_key(|(name, _)| name));
    }

    #[test]
    fn stored_purposes_never_change() {
        let forms = [
            (Purpose::UserToken, "user-token"),
            (Purpose::AppSecret, "app-secret"),
            (Purpose::WebhookSecret, "webhook-secret"),
            (Purpose::PendingLogin, "pending-login"),
            (Purpose::RequestSigning, "request-signing"),
        ];
        for (purpose, form) in forms {
            assert_eq!(purpose.to_string(), form);
        }
    }

    #[test]
    fn an_empty_or_long_part_is_refused() {
        let long = "x".repeat(MAX_PART_BYTES + 1);
        for (tenant, record, expected) in
            [("", "r", "tenant"), ("t", "", "record"), (&*long, "r", "tenant"), ("t", &*long, "record")]
        {
            let refused = EncryptionContext::new(tenant, record, Purpose::UserToken);
            assert!(matches!(refused, Err(Error::InvalidContext { what }) if what == expected));
        }
    }
}
