//! How often the key service is asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use vault::{CachingKeys, DataKeys, EncryptionContext, KeyErrorKind, Limits, Secret, Vault, memory::MemoryKeys};

use crate::world::{account, memory_keys, now};

const LIMITS: Limits = Limits { max_age: Duration::from_secs(60), max_uses: 100, max_entries: 3 };

/// A vault with a cache, its key service and its clock in milliseconds.
struct World<V> {
    keys: Arc<MemoryKeys>,
    clock: Arc<AtomicU64>,
    vault: V,
}

fn world(limits: Limits) -> World<Vault<impl DataKeys>> {
    let keys = memory_keys();
    let clock = Arc::new(AtomicU64::new(1_000_000));
    let time = clock.clone();
    let caching = CachingKeys::new(keys.clone(), limits, move || time.load(Ordering::Relaxed));
    World { keys, clock, vault: Vault::new(caching) }
}

impl<K: DataKeys> World<Vault<K>> {
    fn seal(&self, record: &str) -> (EncryptionContext, Vec<u8>) {
        let context = account(record);
        let sealed = now(self.vault.seal(&context, &Secret::from(record))).unwrap();
        (context, sealed.into_bytes())
    }

    /// Opens it, and tells how often the key service was asked for that.
    fn asked_to_open(&self, (context, sealed): &(EncryptionContext, Vec<u8>)) -> u32 {
        let before = self.keys.decrypt_calls();
        now(self.vault.open(context, sealed)).unwrap();
        self.keys.decrypt_calls() - before
    }
}

#[test]
fn a_record_is_asked_for_once() {
    let world = world(LIMITS);
    let sealed = world.seal("a");
    assert_eq!(world.asked_to_open(&sealed), 1);
    for _ in 0..50 {
        assert_eq!(world.asked_to_open(&sealed), 0);
    }
}

#[test]
fn the_vault_can_be_shared_and_its_work_moved_between_threads() {
    fn assert_movable<T: Send>(future: T) -> T {
        future
    }
    fn assert_shareable<T: Send + Sync>(_: &T) {}
    let world = world(LIMITS);
    let (context, sealed) = world.seal("a");
    assert_shareable(&world.vault);
    let rewrapped = now(assert_movable(world.vault.rewrap(&context, &sealed)));
    assert!(rewrapped.is_ok());
}

#[test]
fn every_seal_gets_a_fresh_key() {
    let world = world(LIMITS);
    for _ in 0..3 {
        world.seal("a");
    }
    assert_eq!(world.keys.generate_calls(), 3);
}

#[test]
fn a_key_is_forgotten_with_age() {
    let world = world(LIMITS);
    let sealed = world.seal("a");
    assert_eq!(world.asked_to_open(&sealed), 1);
    world.clock.fetch_add(59_999, Ordering::Relaxed);
    assert_eq!(world.asked_to_open(&sealed), 0);
    world.clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(world.asked_to_open(&sealed), 1);
}

#[test]
fn a_clock_set_back_makes_no_key_older_than_allowed() {
    let world = world(LIMITS);
    let sealed = world.seal("a");
    assert_eq!(world.asked_to_open(&sealed), 1);
    world.clock.fetch_sub(1, Ordering::Relaxed);
    assert_eq!(world.asked_to_open(&sealed), 1);
}

#[test]
fn a_key_is_forgotten_after_its_uses() {
    let world = world(Limits { max_uses: 3, ..LIMITS });
    let sealed = world.seal("a");
    let asked: Vec<_> = (0..7).map(|_| world.asked_to_open(&sealed)).collect();
    assert_eq!(asked, [1, 0, 0, 1, 0, 0, 1]);
}

#[test]
fn the_oldest_key_makes_room() {
    let world = world(LIMITS);
    let records: Vec<_> = ["a", "b", "c", "d"].map(|name| world.seal(name)).into();
    for sealed in &records[..3] {
        assert_eq!(world.asked_to_open(sealed), 1);
        world.clock.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(world.asked_to_open(&records[0]), 0);
    assert_eq!(world.asked_to_open(&records[3]), 1);
    let asked: Vec<_> = [1, 2, 3, 0].map(|i| world.asked_to_open(&records[i])).into();
    assert_eq!(asked, [0, 0, 0, 1]);
}

#[test]
fn one_key_makes_room_when_all_are_of_one_age() {
    let world = world(LIMITS);
    let records: Vec<_> = ["a", "b", "c", "d"].map(|name| world.seal(name)).into();
    for sealed in &records {
        assert_eq!(world.asked_to_open(sealed), 1);
    }
    assert_eq!(world.asked_to_open(&records[3]), 0);
    let asked: u32 = [0, 1, 2].iter().map(|&i| world.asked_to_open(&records[i])).sum();
    assert!(asked >= 1);
}

#[test]
fn a_limit_of_zero_switches_the_cache_off() {
    for limits in [
        Limits { max_age: Duration::ZERO, ..LIMITS },
        Limits { max_uses: 0, ..LIMITS },
        Limits { max_entries: 0, ..LIMITS },
    ] {
        let world = world(limits);
        let sealed = world.seal("a");
        assert_eq!(world.asked_to_open(&sealed), 1);
        assert_eq!(world.asked_to_open(&sealed), 1);
    }
}

#[test]
fn a_key_is_remembered_for_its_context_and_ciphertext_only() {
    let keys = memory_keys();
    let caching = CachingKeys::new(keys.clone(), LIMITS, || 0);
    let encrypted = now(caching.generate(&account("a"))).unwrap().encrypted;
    assert!(now(caching.decrypt(&encrypted, &account("a"))).is_ok());

    let mut altered = encrypted.clone();
    altered.ciphertext[20] ^= 1;
    let mut elsewhere = encrypted.clone();
    elsewhere.key = crate::world::arn("another");
    for (encrypted, context) in [(&encrypted, account("b")), (&altered, account("a")), (&elsewhere, account("a"))] {
        let refused = now(caching.decrypt(encrypted, &context)).unwrap_err();
        assert_eq!(refused.kind(), KeyErrorKind::Refused);
    }
    assert_eq!(keys.decrypt_calls(), 4);
}

#[test]
fn a_failure_is_not_remembered() {
    let world = world(LIMITS);
    let sealed = world.seal("a");
    world.keys.fail_with(Some(KeyErrorKind::Throttled));
    assert!(now(world.vault.open(&sealed.0, &sealed.1)).is_err());
    world.keys.fail_with(None);
    assert_eq!(world.asked_to_open(&sealed), 1);
    assert_eq!(world.asked_to_open(&sealed), 0);
}

#[test]
fn a_remembered_key_outlives_an_outage() {
    let world = world(LIMITS);
    let sealed = world.seal("a");
    assert_eq!(world.asked_to_open(&sealed), 1);
    world.keys.fail_with(Some(KeyErrorKind::Unavailable));
    assert_eq!(world.asked_to_open(&sealed), 0);
}
