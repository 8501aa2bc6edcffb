//! All sealed secrets that are kept, whatever they are of.

use domain::{AppId, SigningKeyId, TenantId, UserId};

use super::Result;
use crate::page::Page;

/// What a secret is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretOf {
    /// The token of an account.
    Account(UserId),
    /// The credentials of a Flickr app.
    App(AppId),
    /// The secret that signs the requests of an API key.
    RequestSigning(SigningKeyId),
}

/// A sealed secret, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRecord {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is of.
    pub of: SecretOf,
    /// The message that it is sealed in.
    pub sealed: Vec<u8>,
}

/// All sealed secrets of all tenants, but for those of logins, which are over within minutes.
pub trait SealedRecords: Send + Sync {
    /// What of the next `limit` records after `after` is a sealed secret, and where the next page begins. It reads the
    /// whole store: an operator asks, no request does.
    fn sealed_records(
        &self,
        after: Option<&str>,
        limit: u16,
    ) -> impl Future<Output = Result<Page<SealedRecord, String>>> + Send;

    /// Stores `sealed` in place of what `record` holds, unless another was stored since or the record is gone. Whether
    /// it was stored.
    fn replace_sealed(&self, record: &SealedRecord, sealed: &[u8]) -> impl Future<Output = Result<bool>> + Send;
}
