//! The response cache.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    AccountRef, Day, JobId,
    cache::{CacheEntry, CacheGenerations, CacheKey, CacheStats, CacheTag, CacheTags, Invalidation},
    call::{MethodName, Params, RestCall},
    timing::VERIFICATION,
};
use hub::ports::{Accounts, CacheView, Clock, Entropy, NewCacheEntry, ResponseCache};

use crate::build;

fn key(photo: u32) -> CacheKey {
    let params = serde_json::json!({ "photo_id": photo });
    let params = Params::from_json(&params.to_string()).unwrap();
    CacheKey::of(&RestCall { method: "flickr.photos.getInfo".parse().unwrap(), params })
}

fn tags(some: &[CacheTag]) -> CacheTags {
    some.iter().copied().collect()
}

async fn view(ports: &impl ResponseCache, account: &AccountRef, photo: u32) -> CacheView {
    ports.look_up(account, &key(photo)).await.unwrap().1
}

async fn generations(ports: &impl ResponseCache, account: &AccountRef) -> CacheGenerations {
    view(ports, account, 1).await.generations
}

/// Entries: found by their key and account alone, each led by one job at a time.
pub async fn cache_entries(ports: &(impl Clock + Entropy + Accounts + ResponseCache)) {
    let now = ports.now();
    let account = build::account_ref(&build::tenant(ports), "1@N00");
    let sealed = build::account(&account.tenant, "1@N00", now);
    assert_eq!(ports.look_up(&account, &key(1)).await.unwrap(), (None, CacheView::default()));
    ports.save_account(&sealed).await.unwrap();
    assert_eq!(ports.look_up(&account, &key(1)).await.unwrap(), (Some(sealed), CacheView::default()));

    let entry = |number, as_of| CacheEntry { leader: JobId::from_bytes([number; 16]), generation: 7, as_of };
    let (first, second, third) = (entry(1, now), entry(2, now), entry(2, now + Duration::from_millis(1)));
    let set = async |entry: &CacheEntry, seen: Option<&CacheEntry>| {
        ports.set_entry(NewCacheEntry { account: &account, key: &key(1), entry, seen }).await.unwrap()
    };
    assert!(set(&first, None).await);
    assert!(set(&first, None).await, "repeating what was done is a success");
    assert!(!set(&second, None).await, "another leads");
    assert!(!set(&third, Some(&second)).await);
    assert_eq!(view(ports, &account, 1).await.entry, Some(first.clone()));
    assert!(set(&second, Some(&first)).await);
    assert!(!set(&first, Some(&first)).await);
    assert!(set(&third, Some(&second)).await, "a leader may ask anew");
    assert_eq!(view(ports, &account, 1).await.entry, Some(third));

    // Neither another key, nor another account, nor another tenant has it.
    assert_eq!(view(ports, &account, 2).await, CacheView::default());
    let neighbour = build::account_ref(&account.tenant, "2@N00");
    let stranger = AccountRef { tenant: build::tenant(ports), ..account.clone() };
    for other in [&neighbour, &stranger] {
        assert_eq!(view(ports, other, 1).await, CacheView::default());
    }
}

/// Invalidation, for one account each.
pub async fn invalidation(ports: &(impl Clock + Entropy + ResponseCache)) {
    let now = ports.now();
    let account = build::account_ref(&build::tenant(ports), "1@N00");
    let some =
        Invalidation { tags: tags(&[CacheTag::Photos, CacheTag::Tags]), written_at: Some(now), unsettled_until: None };
    let all = Invalidation { tags: CacheTags::all(), written_at: None, unsettled_until: Some(now + VERIFICATION) };
    let mut expected = CacheGenerations::default();
    for invalidation in [&some, &all, &some] {
        ports.invalidate(&account, invalidation).await.unwrap();
        expected = expected.after(invalidation);
        assert_eq!(generations(ports, &account).await, expected);
    }
    assert_eq!(expected.by_tag[&CacheTag::Photos], 3);
    assert_eq!(expected.unsettled_until, Some(now + VERIFICATION), "one that is settled settles no other");
    let neighbour = build::account_ref(&account.tenant, "2@N00");
    assert_eq!(generations(ports, &neighbour).await, CacheGenerations::default());
}

/// Statistics: added up by tenant, day and method.
pub async fn cache_stats(ports: &(impl Entropy + ResponseCache)) {
    let (tenant, stranger) = (build::tenant(ports), build::tenant(ports));
    let days = ["2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"];
    let days = days.map(|text| Day::of(text.parse().unwrap()));
    let (info, sizes): (MethodName, MethodName) =
        ("flickr.photos.getInfo".parse().unwrap(), "flickr.photos.getSizes".parse().unwrap());
    let some = CacheStats { hits: 3, misses: 1, ..CacheStats::default() };
    let more = CacheStats { hits: 1, shared: 2, bypassed: 4, unavailable: 5, ..CacheStats::default() };
    for (tenant, day, method, stats) in [
        (&tenant, &days[0], &info, &some),
        (&tenant, &days[1], &info, &some),
        (&tenant, &days[1], &info, &more),
        (&tenant, &days[2], &sizes, &some),
        (&stranger, &days[2], &sizes, &more),
    ] {
        ports.record_stats(tenant, day, method, stats).await.unwrap();
    }
    let total = async |from: &Day| {
        let mut sums: BTreeMap<MethodName, CacheStats> = BTreeMap::new();
        for (method, stats) in ports.stats(&tenant, from).await.unwrap() {
            *sums.entry(method).or_default() += stats;
        }
        sums
    };
    let both = CacheStats { hits: 4, shared: 2, misses: 1, bypassed: 4, unavailable: 5 };
    assert_eq!(total(&days[1]).await, [(info.clone(), both), (sizes.clone(), some)].into());
    let all = CacheStats { hits: 7, misses: 2, ..both };
    assert_eq!(total(&days[0]).await[&info], all);
    assert_eq!(total(&days[2]).await, [(sizes, some)].into());
}
