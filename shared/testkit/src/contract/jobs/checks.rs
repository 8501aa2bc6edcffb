//! The list of jobs to check.

use std::time::Duration;

use domain::{
    Timestamp,
    job::{Event, WaitReason},
};
use hub::ports::{Clock, DueCheck, Entropy, Jobs};

use super::super::steps::{claim_id, committed, held, insert, job};

/// The checks of a shard that are due by `until`, from a few pages.
async fn all_due(ports: &impl Jobs, shard: u8, until: Timestamp) -> Vec<DueCheck> {
    const PAGE_JOBS: u16 = 40;
    let mut due: Vec<DueCheck> = Vec::new();
    loop {
        let page = ports.due_checks(shard, until, due.last(), PAGE_JOBS).await.unwrap();
        assert!(page.iter().all(|check| !due.contains(check)), "a page begins behind the last one");
        let is_last = page.len() < usize::from(PAGE_JOBS);
        due.extend(page);
        if is_last {
            return due;
        }
    }
}

/// The list of jobs to check, page by page.
pub async fn pages_of_checks(ports: &(impl Clock + Entropy + Jobs)) {
    let now = ports.now();
    let mut ours = Vec::new();
    for _ in 0..3 {
        let job = job(ports, "{}", now);
        insert(ports, &job).await;
        ours.push((ports.shards().of(job.id.as_str()), job.reference(), job.next_check_at().unwrap()));
    }
    for (shard, job, at) in ours {
        let check = DueCheck { job, at };
        let whole = all_due(ports, shard, at).await;
        let place = whole.iter().position(|due| *due == check).unwrap();
        let before = place.checked_sub(1).map(|before| &whole[before]);
        let page = ports.due_checks(shard, at, before, 1000).await.unwrap();
        assert!(page.contains(&check) && before.is_none_or(|before| !page.contains(before)));
        // Who has moved on since is a place to go on from all the same.
        ports.postpone_check(&check, at + Duration::from_secs(60)).await.unwrap();
        let behind = ports.due_checks(shard, at, Some(&check), 1000).await.unwrap();
        assert!(!behind.contains(&check) && behind.iter().all(|due| due.at >= at));
    }
}

/// The list of jobs to check: what sets a job's next check, and what leaves it alone.
pub async fn checks(ports: &(impl Clock + Entropy + Jobs)) {
    let now = ports.now();
    let by = claim_id(ports);
    let job = job(ports, "{}", now);
    insert(ports, &job).await;
    let first_at = job.next_check_at().unwrap();
    let listed = async |until: Timestamp| {
        let mut found = Vec::new();
        for shard in ports.shards().all() {
            let due = all_due(ports, shard, until).await;
            assert!(due.is_sorted_by_key(|check| check.at), "the longest due first");
            assert!(due.iter().all(|check| check.at <= until));
            found.extend(due.into_iter().filter(|check| check.job == job.reference()));
        }
        found
    };
    let check = |at| DueCheck { job: job.reference(), at };
    assert_eq!(listed(first_at).await, [check(first_at)]);
    assert_eq!(listed(now).await, []);

    let running = held(ports, &job, &by, now).await;
    assert_eq!(listed(first_at).await, [check(first_at)], "a claim leaves the list alone");
    let later = first_at + Duration::from_secs(60);
    ports.postpone_check(&check(now), later).await.unwrap();
    assert_eq!(listed(first_at).await, [check(first_at)], "another check was set");
    ports.postpone_check(&check(first_at), later).await.unwrap();
    assert_eq!((listed(first_at).await, listed(later).await), (vec![], vec![check(later)]));

    let due_at = now + Duration::from_secs(5000);
    let defer = Event::Defer { claim: by.clone(), due_at, reason: WaitReason::Outage, attempted: true };
    let deferred = committed(ports, &running, defer, now).await;
    assert_eq!(listed(later).await, [check(later)], "what a worker does leaves the list alone");
    let checked = committed(ports, &deferred, Event::Check, due_at).await;
    let anew = checked.next_check_at().unwrap();
    assert_eq!((listed(later).await, listed(anew).await), (vec![], vec![check(anew)]));

    let running = held(ports, &checked, &by, due_at).await;
    committed(ports, &running, Event::Expire(by), due_at).await;
    assert_eq!(listed(anew).await, []);
    ports.postpone_check(&check(anew), later).await.unwrap();
    assert_eq!(listed(anew).await, [], "an ended job is not listed again");
}
