//! What the tests share.

use std::sync::Arc;

use futures_util::FutureExt;
use proptest::prelude::*;
use vault::{EncryptionContext, KeyArn, Purpose, Vault, memory::MemoryKeys};

pub const PURPOSES: [Purpose; 4] =
    [Purpose::UserToken, Purpose::AppSecret, Purpose::WebhookSecret, Purpose::PendingLogin];

/// The result of a future that waits for nothing, as all do over keys in memory.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("a future that waits")
}

pub fn arn(id: &str) -> KeyArn {
    format!("arn:aws:kms:us-east-1:000000000000:key/{id}").parse().unwrap()
}

pub fn memory_keys() -> Arc<MemoryKeys> {
    Arc::new(MemoryKeys::new(arn("user-tokens")).unwrap())
}

pub fn memory_vault() -> (Arc<MemoryKeys>, Vault<Arc<MemoryKeys>>) {
    let keys = memory_keys();
    (keys.clone(), Vault::new(keys))
}

pub fn context(tenant: &str, record: &str, purpose: Purpose) -> EncryptionContext {
    EncryptionContext::new(tenant, record, purpose).unwrap()
}

pub fn account(record: &str) -> EncryptionContext {
    context("tenant-1", record, Purpose::UserToken)
}

pub fn any_context() -> impl Strategy<Value = EncryptionContext> {
    let purpose = prop::sample::select(PURPOSES.as_slice());
    ("\\PC{1,40}", "\\PC{1,40}", purpose).prop_map(|(tenant, record, purpose)| context(&tenant, &record, purpose))
}
