//! What is sealed can be opened.

use proptest::prelude::*;
use vault::{Error, KeyErrorKind, MAX_MESSAGE_BYTES, MAX_SECRET_BYTES, Secret};

use crate::world::{account, any_context, memory_vault, now};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_secret_comes_back(
        context in any_context(),
        secret in prop::collection::vec(any::<u8>(), 0..10_000),
    ) {
        let (_, vault) = memory_vault();
        let sealed = now(vault.seal(&context, &Secret::from(secret.clone()))).unwrap();
        let opened = now(vault.open(&context, sealed.as_bytes())).unwrap();
        prop_assert_eq!(opened.expose(), secret);
    }
}

#[test]
fn lengths_around_the_frame_length_come_back() {
    let (_, vault) = memory_vault();
    let context = account("a");
    for len in [0, 1, 4095, 4096, 4097, 8191, 8192, 8193, MAX_SECRET_BYTES] {
        let secret = vec![0x5e; len];
        let sealed = now(vault.seal(&context, &Secret::from(secret.clone()))).unwrap();
        assert!(sealed.as_bytes().len() <= MAX_MESSAGE_BYTES);
        let opened = now(vault.open(&context, sealed.as_bytes())).unwrap();
        assert_eq!(opened.expose(), secret, "{len}");
    }
}

#[test]
fn a_secret_that_could_not_be_read_again_is_not_sealed() {
    let (keys, vault) = memory_vault();
    let secret = Secret::from(vec![0; MAX_SECRET_BYTES + 1]);
    let refused = now(vault.seal(&account("a"), &secret));
    assert!(matches!(refused, Err(Error::TooLong { what: "secret" })));
    assert_eq!(keys.generate_calls(), 0);
}

#[test]
fn each_message_has_a_data_key_of_its_own() {
    let (keys, vault) = memory_vault();
    let secret = Secret::from("the same");
    let one = now(vault.seal(&account("a"), &secret)).unwrap();
    let other = now(vault.seal(&account("a"), &secret)).unwrap();
    assert_ne!(one, other);
    assert_eq!(keys.generate_calls(), 2);
}

#[test]
fn a_secret_is_not_in_its_message_nor_in_any_debug_output() {
    let (_, vault) = memory_vault();
    let canary = "canary-8f14e45f";
    let sealed = now(vault.seal(&account("a"), &Secret::from(canary))).unwrap();
    let in_clear = sealed.as_bytes().windows(canary.len()).any(|bytes| bytes == canary.as_bytes());
    assert!(!in_clear);
    let opened = now(vault.open(&account("a"), sealed.as_bytes())).unwrap();
    let printed = format!("{opened:?} {sealed:?} {vault:?}");
    assert!(!printed.contains(canary), "{printed}");
}

#[test]
fn rewrapping_changes_the_message_and_not_the_secret() {
    let (keys, vault) = memory_vault();
    let context = account("a");
    let sealed = now(vault.seal(&context, &Secret::from("token"))).unwrap();
    let rewrapped = now(vault.rewrap(&context, sealed.as_bytes())).unwrap();
    assert_ne!(rewrapped, sealed);
    assert_eq!((keys.generate_calls(), keys.decrypt_calls()), (2, 1));
    let opened = now(vault.open(&context, rewrapped.as_bytes())).unwrap();
    assert_eq!(opened.expose_str(), Ok("token"));
}

#[test]
fn a_failure_of_the_key_service_is_told_by_kind() {
    let (keys, vault) = memory_vault();
    let context = account("a");
    let sealed = now(vault.seal(&context, &Secret::from("token"))).unwrap();
    for (kind, retryable) in
        [(KeyErrorKind::Throttled, true), (KeyErrorKind::Unavailable, true), (KeyErrorKind::Refused, false)]
    {
        keys.fail_with(Some(kind));
        let errors = [
            now(vault.seal(&context, &Secret::from("token"))).unwrap_err(),
            now(vault.open(&context, sealed.as_bytes())).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.is_retryable(), retryable);
            assert!(matches!(error, Error::Keys(error) if error.kind() == kind));
        }
    }
    keys.fail_with(None);
    assert!(now(vault.open(&context, sealed.as_bytes())).is_ok());
}
