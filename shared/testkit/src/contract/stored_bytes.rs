//! Counts of stored bytes.

use std::time::Duration;

use domain::{Day, timing::UPLOAD_RETENTION};
use futures_util::future::join_all;
use hub::ports::{Clock, Entropy, StoredBytes};

use crate::build;

/// Counting stored bytes: up to a bound that holds for many at once, each day and tenant by itself, and never below
/// zero.
pub async fn stored_bytes(ports: &(impl Clock + Entropy + StoredBytes)) {
    let (tenant, stranger) = (build::tenant(ports), build::tenant(ports));
    let today = Day::of(ports.now());
    let counts = async |tenant, from| ports.stored_bytes(tenant, from).await.unwrap();
    let count = async |day, bytes, most| ports.count_bytes(&tenant, day, bytes, most).await.unwrap();
    assert!(counts(&tenant, today).await.is_empty());
    ports.discount_bytes(&tenant, today, 1).await.unwrap();
    assert!(!count(today, 6, 5).await, "more than all that may be");

    // More than a number of 32 bits, and than a number of 53 bits with room for rounding.
    const LARGE: u64 = 1_073_741_823;
    const MOST: u64 = 5 * LARGE + 1;
    let several = join_all((0..9).map(|_| ports.count_bytes(&tenant, today, LARGE, MOST))).await;
    assert_eq!(several.iter().filter(|counted| *counted.as_ref().unwrap()).count(), 5);
    assert_eq!(counts(&tenant, today).await, [(today, 5 * LARGE)].into());
    assert!(count(today, 1, MOST).await && !count(today, 1, MOST).await, "to the byte");
    ports.discount_bytes(&tenant, today, LARGE + 1).await.unwrap();
    assert_eq!(counts(&tenant, today).await, [(today, 4 * LARGE)].into());

    let oldest = Day::of(ports.now().before(UPLOAD_RETENTION));
    let tomorrow = Day::of(ports.now() + Duration::from_secs(24 * 60 * 60));
    assert!(count(oldest, 7, 7).await && count(tomorrow, 8, 8).await, "each day counts for itself");
    let all = [(oldest, 7), (today, 4 * LARGE), (tomorrow, 8)];
    assert_eq!(counts(&tenant, oldest).await, all.into());
    assert_eq!(counts(&tenant, today).await, all[1..].iter().copied().collect());
    assert!(counts(&stranger, oldest).await.is_empty(), "each tenant counts for itself");
    assert!(count(today, 1, u64::MAX).await, "there need not be a bound");

    ports.discount_bytes(&tenant, tomorrow, 9).await.unwrap();
    assert_eq!(counts(&tenant, tomorrow).await, [(tomorrow, 8)].into(), "there is no debt");
    ports.discount_bytes(&tenant, tomorrow, 8).await.unwrap();
    assert_eq!(counts(&tenant, tomorrow).await.values().sum::<u64>(), 0);
}
