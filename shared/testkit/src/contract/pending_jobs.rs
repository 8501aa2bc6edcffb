//! Counts of pending jobs.

use std::time::Duration;

use domain::{AccountRef, Day};
use futures_util::future::join_all;
use hub::ports::{Clock, Entropy, PendingJobs};

use crate::build;

/// Counting pending jobs: up to a bound that holds for many at once, each day and account by itself, and never below
/// zero.
pub async fn pending_jobs(ports: &(impl Clock + Entropy + PendingJobs)) {
    let account = build::account_ref(&build::tenant(ports), "1@N00");
    let now = ports.now();
    let today = Day::of(now);
    let counts = async |account: &AccountRef, from| ports.pending_jobs(account, from).await.unwrap();
    assert!(counts(&account, today).await.is_empty());
    ports.discount_pending(&account, today).await.unwrap();
    assert!(!ports.count_pending(&account, today, 0).await.unwrap());

    let several = join_all((0..9).map(|_| ports.count_pending(&account, today, 5))).await;
    assert_eq!(several.iter().filter(|counted| *counted.as_ref().unwrap()).count(), 5);
    assert_eq!(counts(&account, today).await, [(today, 5)].into());
    ports.discount_pending(&account, today).await.unwrap();
    for counted in [true, false] {
        assert_eq!(ports.count_pending(&account, today, 5).await.unwrap(), counted, "who leaves makes room");
    }

    let later = Day::of(now + Duration::from_secs(300 * 24 * 60 * 60));
    for day in [later, today.before()] {
        assert!(ports.count_pending(&account, day, 1).await.unwrap(), "each day counts for itself");
    }
    let all = [(today.before(), 1), (today, 5), (later, 1)];
    assert_eq!(counts(&account, today.before()).await, all.into());
    assert_eq!(counts(&account, today).await, all[1..].iter().copied().collect());
    let neighbour = build::account_ref(&account.tenant, "2@N00");
    let stranger = AccountRef { tenant: build::tenant(ports), ..account.clone() };
    for other in [neighbour, stranger] {
        assert!(counts(&other, today.before()).await.is_empty(), "each account counts for itself");
    }

    for _ in 0..7 {
        ports.discount_pending(&account, today).await.unwrap();
    }
    assert_eq!(counts(&account, today).await.get(&today).copied().unwrap_or_default(), 0, "there is no debt");
    assert!(ports.count_pending(&account, today, 1).await.unwrap());
}
