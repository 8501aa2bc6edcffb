//! What was not sealed here, for this, and unaltered does not open.

use proptest::prelude::*;
use vault::{
    DataKey, DataKeys, EncryptedDataKey, EncryptionContext, Error, GeneratedDataKey, KeyArn, KeyError, KeyErrorKind,
    Purpose, Secret, Vault,
};

use crate::world::{PURPOSES, account, any_context, arn, context, memory_keys, memory_vault, now};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_message_with_any_byte_changed_is_refused(
        context in any_context(),
        secret in prop::collection::vec(any::<u8>(), 0..80),
        change in 1..=u8::MAX,
    ) {
        let (_, vault) = memory_vault();
        let sealed = now(vault.seal(&context, &Secret::from(secret))).unwrap().into_bytes();
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= change;
            prop_assert!(now(vault.open(&context, &altered)).is_err(), "byte {}", at);
        }
    }

    #[test]
    fn a_message_cut_or_continued_anywhere_is_refused(
        context in any_context(),
        secret in prop::collection::vec(any::<u8>(), 0..80),
        more in prop::collection::vec(any::<u8>(), 1..80),
    ) {
        let (keys, vault) = memory_vault();
        let sealed = now(vault.seal(&context, &Secret::from(secret))).unwrap().into_bytes();
        for len in 0..sealed.len() {
            let refused = now(vault.open(&context, &sealed[..len]));
            prop_assert!(matches!(refused, Err(Error::Malformed { .. })), "{}", len);
        }
        let refused = now(vault.open(&context, &[sealed, more].concat()));
        let is_malformed = matches!(refused, Err(Error::Malformed { .. }));
        prop_assert!(is_malformed);
        prop_assert_eq!(keys.decrypt_calls(), 0);
    }
}

proptest! {
    #[test]
    fn another_context_is_refused_before_the_key_service_is_asked(
        one in any_context(),
        other in any_context(),
    ) {
        prop_assume!(one != other);
        let (keys, vault) = memory_vault();
        let sealed = now(vault.seal(&one, &Secret::from("token"))).unwrap();
        let refused = now(vault.open(&other, sealed.as_bytes()));
        prop_assert!(matches!(refused, Err(Error::ContextMismatch)));
        prop_assert_eq!(keys.decrypt_calls(), 0);
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let (_, vault) = memory_vault();
        prop_assert!(now(vault.open(&account("a"), &bytes)).is_err());
    }

    #[test]
    fn a_garbled_message_is_refused_without_a_panic(
        garble in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (_, vault) = memory_vault();
        let context = account("a");
        let sealed = now(vault.seal(&context, &Secret::from("token"))).unwrap().into_bytes();
        let mut altered = sealed.clone();
        for (at, byte) in garble {
            let at = at.index(altered.len());
            altered[at] = byte;
        }
        prop_assume!(altered != sealed);
        prop_assert!(now(vault.open(&context, &altered)).is_err());
    }
}

#[test]
fn a_message_moved_to_another_tenant_record_or_purpose_is_refused() {
    let (_, vault) = memory_vault();
    for purpose in PURPOSES {
        let home = context("tenant-1", "record-1", purpose);
        let sealed = now(vault.seal(&home, &Secret::from("token"))).unwrap();
        let moved = PURPOSES
            .into_iter()
            .filter(|other| *other != purpose)
            .map(|other| context("tenant-1", "record-1", other))
            .chain([
                context("tenant-2", "record-1", purpose),
                context("tenant-1", "record-2", purpose),
                context("record-1", "tenant-1", purpose),
            ]);
        for elsewhere in moved {
            let refused = now(vault.open(&elsewhere, sealed.as_bytes()));
            assert!(matches!(refused, Err(Error::ContextMismatch)), "{elsewhere:?}");
        }
    }
}

#[test]
fn a_context_rewritten_in_the_message_is_refused_by_the_key_service() {
    let (_, vault) = memory_vault();
    let sealed = now(vault.seal(&account("mine"), &Secret::from("token"))).unwrap();
    let mut forged = sealed.into_bytes();
    let at = forged.windows(4).position(|bytes| bytes == b"mine");
    let at = at.unwrap();
    forged[at..at + 4].copy_from_slice(b"hers");
    let refused = now(vault.open(&account("hers"), &forged));
    assert!(matches!(refused, Err(Error::Keys(error)) if error.kind() == KeyErrorKind::Refused));
}

#[test]
fn a_message_under_another_kms_key_is_refused_unasked() {
    let (_, tokens) = memory_vault();
    let secrets = std::sync::Arc::new(vault::memory::MemoryKeys::new(arn("app-secrets")).unwrap());
    let sealed = now(tokens.seal(&account("a"), &Secret::from("token"))).unwrap();
    let refused = now(Vault::new(secrets.clone()).open(&account("a"), sealed.as_bytes()));
    assert!(matches!(refused, Err(Error::ForeignKey)));
    assert_eq!(secrets.decrypt_calls(), 0);
}

/// A key service whose `decrypt` answers with another data key, or whose `generate` answers under
/// another KMS key.
struct Lying<K> {
    honest: K,
    key: KeyArn,
}

impl<K: DataKeys> DataKeys for Lying<K> {
    fn key(&self) -> &KeyArn {
        &self.key
    }

    async fn generate(&self, context: &EncryptionContext) -> Result<GeneratedDataKey, KeyError> {
        self.honest.generate(context).await
    }

    async fn decrypt(&self, encrypted: &EncryptedDataKey, context: &EncryptionContext) -> Result<DataKey, KeyError> {
        self.honest.decrypt(encrypted, context).await?;
        DataKey::from_vec(vec![0; DataKey::LEN])
    }
}

#[test]
fn a_data_key_that_the_message_does_not_commit_to_is_refused() {
    let (keys, vault) = memory_vault();
    let context = context("tenant-1", "a", Purpose::AppSecret);
    let sealed = now(vault.seal(&context, &Secret::from("token"))).unwrap();
    let lying = Vault::new(Lying { key: keys.key().clone(), honest: keys });
    let refused = now(lying.open(&context, sealed.as_bytes()));
    assert!(matches!(refused, Err(Error::CommitmentMismatch)));
}

#[test]
fn a_commitment_rewritten_in_the_message_is_refused() {
    let (_, vault) = memory_vault();
    let mut sealed = now(vault.seal(&account("a"), &Secret::from("token"))).unwrap().into_bytes();
    // From the end: the frame's tag, content, length, IV and two numbers, and the header's tag.
    let after = sealed.len() - (16 + 5 + 4 + 12 + 8) - 16;
    sealed[after - 1] ^= 1;
    let refused = now(vault.open(&account("a"), &sealed));
    assert!(matches!(refused, Err(Error::CommitmentMismatch)));
    sealed[after - 1] ^= 1;
    sealed[after] ^= 1;
    let refused = now(vault.open(&account("a"), &sealed));
    assert!(matches!(refused, Err(Error::Tampered)));
}

#[test]
fn a_data_key_under_another_kms_key_is_not_sealed_with() {
    let lying = Vault::new(Lying { key: arn("another"), honest: memory_keys() });
    let refused = now(lying.seal(&account("a"), &Secret::from("token")));
    assert!(matches!(refused, Err(Error::ForeignKey)));
}
