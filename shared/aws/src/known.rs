//! What the vault table has said and need not say again to this process.
//!
//! Only what was found is remembered: what is absent is asked for each time, so that a new tenant or
//! app works at once. Each memory is bounded; one that is full begins anew.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{AppId, TenantId, Timestamp, UserId};
use hub::keyed_hash::ApiKeyHash;

/// The most accounts, the most apps, and the most API keys, that are remembered.
const MAX_REMEMBERED: usize = 1_000;

/// How long it is remembered whose an API key is: so much longer a removed one may work.
const KEY_KEPT: Duration = Duration::from_secs(60);

/// What is remembered, by what it is asked for.
type Memory<K, V> = Arc<Mutex<HashMap<K, V>>>;

/// The sealed credentials of Flickr apps. An [`AppId`] is a hash of key *and* secret, so whatever
/// was kept under a tenant and an app opens to the same: it never goes out of date.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownApps(Memory<(TenantId, AppId), Vec<u8>>);

impl KnownApps {
    /// The app's sealed credentials.
    pub(crate) fn recall(&self, tenant: &TenantId, app: &AppId) -> Option<Vec<u8>> {
        lock(&self.0).get(&(tenant.clone(), app.clone())).cloned()
    }

    /// Remembers an app's sealed credentials, for as long as the process lives.
    pub(crate) fn remember(&self, tenant: &TenantId, app: &AppId, sealed: &[u8]) {
        insert(&self.0, (tenant.clone(), app.clone()), sealed.to_vec());
    }
}

/// Which Flickr apps accounts have. One that is connected anew may get another: what is remembered says
/// only what to read beside the account, which says which it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownAccounts(Memory<(TenantId, UserId), AppId>);

impl KnownAccounts {
    /// The app that the account was seen to have last.
    pub(crate) fn recall(&self, tenant: &TenantId, user: &UserId) -> Option<AppId> {
        lock(&self.0).get(&(tenant.clone(), user.clone())).cloned()
    }

    /// Remembers the account's app, until another is seen.
    pub(crate) fn remember(&self, tenant: &TenantId, user: &UserId, app: &AppId) {
        insert(&self.0, (tenant.clone(), user.clone()), app.clone());
    }
}

/// Whose API keys are. A key may be taken from its tenant, so this is remembered for a minute only.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownKeys(Memory<ApiKeyHash, (TenantId, Timestamp)>);

impl KnownKeys {
    /// Whose the key is, as far as that may be known without asking at `now`.
    pub(crate) fn recall(&self, key: &ApiKeyHash, now: Timestamp) -> Option<TenantId> {
        let known = lock(&self.0);
        let (tenant, asked_at) = known.get(key)?;
        // A clock that was set back tells nothing of an age.
        (*asked_at <= now && now < *asked_at + KEY_KEPT).then(|| tenant.clone())
    }

    /// Remembers whose the key was when the table was asked, at `asked_at`.
    pub(crate) fn remember(&self, key: &ApiKeyHash, tenant: &TenantId, asked_at: Timestamp) {
        insert(&self.0, key.clone(), (tenant.clone(), asked_at));
    }
}

fn lock<K, V>(known: &Mutex<HashMap<K, V>>) -> MutexGuard<'_, HashMap<K, V>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn insert<K: Eq + Hash, V>(known: &Mutex<HashMap<K, V>>, key: K, value: V) {
    let mut known = lock(known);
    if known.len() >= MAX_REMEMBERED && !known.contains_key(&key) {
        known.clear();
    }
    known.insert(key, value);
}

#[cfg(test)]
mod tests {
    use hub::keyed_hash::KeyedHash;

    use super::*;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

    fn tenant(number: u8) -> TenantId {
        TenantId::from_bytes([number; 16])
    }

    fn key(text: &str) -> ApiKeyHash {
        KeyedHash::new(&[7; 32]).unwrap().api_key(text)
    }

    #[test]
    fn an_app_is_known_to_its_tenant_alone_as_it_was_kept_last() {
        let (known, app) = (KnownApps::default(), AppId::from_bytes([9; 16]));
        assert_eq!(known.recall(&tenant(1), &app), None);
        known.remember(&tenant(1), &app, &[1, 2]);
        known.remember(&tenant(1), &app, &[3]);
        assert_eq!(known.clone().recall(&tenant(1), &app), Some(vec![3]), "a clone knows the same");
        assert_eq!(known.recall(&tenant(2), &app), None);
        assert_eq!(known.recall(&tenant(1), &AppId::from_bytes([8; 16])), None);
    }

    #[test]
    fn an_account_is_known_with_the_app_that_was_seen_last() {
        let (known, user) = (KnownAccounts::default(), UserId::of(&tenant(1), "1@N00"));
        assert_eq!(known.recall(&tenant(1), &user), None);
        for app in [8, 9].map(|number| AppId::from_bytes([number; 16])) {
            known.remember(&tenant(1), &user, &app);
            assert_eq!(known.clone().recall(&tenant(1), &user), Some(app));
        }
        assert_eq!(known.recall(&tenant(2), &user), None);
        assert_eq!(known.recall(&tenant(1), &UserId::of(&tenant(1), "2@N00")), None);
    }

    #[test]
    fn a_key_is_known_for_a_minute_from_when_it_was_asked_for() {
        let known = KnownKeys::default();
        assert_eq!(known.recall(&key("one"), NOW), None);
        known.remember(&key("one"), &tenant(1), NOW);
        let almost = NOW + (KEY_KEPT - Duration::from_millis(1));
        let earlier = Timestamp::from_milliseconds(NOW.as_milliseconds() - 1);
        for (now, expected) in
            [(NOW, Some(tenant(1))), (almost, Some(tenant(1))), (NOW + KEY_KEPT, None), (earlier, None)]
        {
            assert_eq!(known.recall(&key("one"), now), expected, "{now:?}");
        }
        assert_eq!(known.recall(&key("two"), NOW), None);
        known.remember(&key("one"), &tenant(2), almost);
        assert_eq!(known.recall(&key("one"), NOW + KEY_KEPT), Some(tenant(2)), "what was found last counts");
    }

    #[test]
    fn no_more_are_known_than_may_be() {
        let (keys, apps, app) = (KnownKeys::default(), KnownApps::default(), AppId::from_bytes([9; 16]));
        let number_of = |number: usize| TenantId::from_bytes(u128::try_from(number).unwrap().to_be_bytes());
        for number in 0..MAX_REMEMBERED {
            keys.remember(&key(&number.to_string()), &tenant(1), NOW);
            apps.remember(&number_of(number), &app, &[1]);
        }
        keys.remember(&key("0"), &tenant(2), NOW);
        apps.remember(&number_of(0), &app, &[2]);
        assert_eq!((lock(&keys.0).len(), lock(&apps.0).len()), (MAX_REMEMBERED, MAX_REMEMBERED));
        keys.remember(&key("more"), &tenant(3), NOW);
        apps.remember(&number_of(MAX_REMEMBERED), &app, &[3]);
        assert_eq!((lock(&keys.0).len(), lock(&apps.0).len()), (1, 1));
        assert_eq!(keys.recall(&key("more"), NOW), Some(tenant(3)));
    }
}
