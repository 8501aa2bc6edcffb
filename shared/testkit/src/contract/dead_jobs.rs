//! The list of dead jobs, and messages that cannot be read.

use std::time::Duration;

use domain::{
    JobId,
    job::{Event, Failure, FailureCode},
};
use hub::ports::{Clock, DeadJobs, Entropy, Jobs, ListedDeadJob};

use super::steps::{another, claim_id, committed, held, insert, job};
use crate::build;

/// The list of dead jobs: who dies enters it, who is replayed or discarded leaves it.
pub async fn dead_jobs(ports: &(impl Clock + Entropy + Jobs + DeadJobs)) {
    let (now, by) = (ports.now(), claim_id(ports));
    let failure = Failure::new(FailureCode::WorkerCrashed, "x");
    let first = job(ports, "{}", now);
    let tenant = first.tenant();
    let mut dead = Vec::new();
    for seconds in 0..3u64 {
        let job = another(ports, &first, "{}");
        insert(ports, &job).await;
        let running = held(ports, &job, &by, now).await;
        let at = now + Duration::from_secs(seconds);
        dead.push(committed(ports, &running, Event::GiveUp(by.clone(), failure.clone()), at).await);
    }
    let ids = |list: &[ListedDeadJob]| list.iter().map(|listed| listed.id.clone()).collect::<Vec<JobId>>();
    let all: Vec<JobId> = dead.iter().map(|job| job.id.clone()).collect();
    let listed = ports.dead_jobs(tenant, None, 10).await.unwrap();
    assert_eq!(ids(&listed), all, "the longest dead first");
    assert_eq!(ids(&ports.dead_jobs(tenant, Some(&listed[0].cursor), 1).await.unwrap()), all[1..2]);
    assert_eq!(ports.dead_jobs(&build::tenant(ports), None, 10).await.unwrap(), []);

    let replayed = committed(ports, &dead[0], Event::Replay { force: false, admission: None }, now).await;
    held(ports, &replayed, &by, now).await;
    assert!(!ports.discard_dead_job(&replayed).await.unwrap(), "it is not on the list");
    assert!(ports.discard_dead_job(&dead[1]).await.unwrap());
    assert!(!ports.discard_dead_job(&dead[1]).await.unwrap());
    assert_eq!(ids(&ports.dead_jobs(tenant, None, 10).await.unwrap()), all[2..]);
    assert_eq!(ports.job(&dead[1].reference()).await.unwrap(), Some(dead[1].clone()), "it stays dead");
}

/// Storing messages that cannot be read, whatever they hold.
pub async fn quarantine(ports: &(impl Clock + Entropy + DeadJobs)) {
    let message_id = build::tenant(ports).to_string();
    for _ in 0..2 {
        ports.quarantine(&message_id, "}{ \u{0} é", ports.now() + Duration::from_secs(60)).await.unwrap();
    }
}
