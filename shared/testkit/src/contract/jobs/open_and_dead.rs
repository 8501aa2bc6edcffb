//! The list of all jobs that are open or dead.

use std::collections::BTreeMap;

use domain::{
    JobRef,
    job::{Event, Failure, FailureCode, StoredResult, WaitReason},
};
use hub::ports::{Clock, DeadJobs, Entropy, Jobs};

use super::super::steps::{claim_id, committed, held, insert, job};

/// Low enough that a store with the jobs of other suites has several pages.
const LIMIT: u16 = 50;

/// The list of all jobs that are open or dead, page by page.
pub async fn open_and_dead_jobs(ports: &(impl Clock + Entropy + Jobs + DeadJobs)) {
    let now = ports.now();
    let by = claim_id(ports);
    let failure = || Failure::new(FailureCode::AttemptsExhausted, "m");
    let mut jobs = Vec::new();
    for _ in 0..6 {
        let job = job(ports, &format!(r#"{{"text": "{}"}}"#, "x".repeat(2_000)), now);
        insert(ports, &job).await;
        jobs.push(job);
    }
    let mut running = Vec::new();
    for job in &jobs[1..] {
        running.push(held(ports, job, &by, now).await);
    }
    let defer = Event::Defer { claim: by.clone(), due_at: now, reason: WaitReason::Outage, attempted: true };
    committed(ports, &running[1], defer, now).await;
    committed(ports, &running[2], Event::GiveUp(by.clone(), failure()), now).await;
    let discarded = committed(ports, &running[3], Event::GiveUp(by.clone(), failure()), now).await;
    assert!(ports.discard_dead_job(&discarded).await.unwrap());
    let completed = Event::complete(by.clone(), StoredResult::Inline("{}".to_owned()));
    committed(ports, &running[4], completed, now).await;

    // Others have jobs in the same store.
    let mut times: BTreeMap<JobRef, u32> = BTreeMap::new();
    let mut cursor = None;
    loop {
        let page = ports.open_and_dead_jobs(cursor.as_deref(), LIMIT).await.unwrap();
        assert!(page.items.len() <= usize::from(LIMIT));
        for job in page.items {
            *times.entry(job).or_default() += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let listed: Vec<u32> = jobs.iter().map(|job| times.get(&job.reference()).copied().unwrap_or_default()).collect();
    assert_eq!(listed, [1, 1, 1, 1, 1, 0], "waiting, running, deferred, dead, discarded, completed");
}
