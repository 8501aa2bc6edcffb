//! The list of dead jobs, and messages that cannot be read.

use std::time::Duration;

use domain::{
    idempotency::Idempotency,
    job::{DeadJob, Event, Failure, FailureCode, dead_list_start},
};
use hub::ports::{Clock, DeadJobs, Entropy, Jobs, ListedDeadJob};

use super::steps::{another, claim_id, committed, held, insert, job, write_started};
use crate::build;

/// The list of dead jobs: who dies enters it with all that is shown of them, who is replayed or discarded leaves it.
pub async fn dead_jobs(ports: &(impl Clock + Entropy + Jobs + DeadJobs)) {
    let (now, by) = (ports.now(), claim_id(ports));
    let failure = Failure { flickr_code: Some(105), ..Failure::new(FailureCode::WorkerCrashed, "\"é\"") };
    let first = job(ports, "{}", now);
    let tenant = first.tenant();
    let mut dead = Vec::new();
    // One with little to say, one with much, one that may have taken effect.
    let metas = [None, Some(format!(r#"{{"a":"{}"}}"#, "x".repeat(4_000))), Some(r#"{"é":1.0}"#.to_owned())];
    for (seconds, meta) in (0..).zip(metas) {
        let mut job = another(ports, &first, r#"{"a": "a parameter"}"#);
        job.spec.meta = meta;
        job.idempotency = Idempotency::NonIdempotent;
        insert(ports, &job).await;
        let mut running = held(ports, &job, &by, now).await;
        if seconds == 2 {
            running = committed(ports, &running, write_started(&by), now).await;
        }
        let at = now + Duration::from_secs(seconds);
        dead.push(committed(ports, &running, Event::GiveUp(by.clone(), failure.clone()), at).await);
    }
    let said: Vec<DeadJob> = dead.iter().filter_map(DeadJob::of).collect();
    assert_eq!(said.iter().map(|job| job.in_doubt).collect::<Vec<_>>(), [false, false, true]);
    let all = ports.dead_jobs(tenant, "", 10).await.unwrap();
    assert_eq!(jobs(&all), said, "the longest dead first");
    assert!(all.iter().zip(&said).all(|(listed, job)| listed.cursor == job.cursor()), "{all:?}");
    assert_eq!(ports.dead_jobs(tenant, &all[0].cursor, 1).await.unwrap(), all[1..2]);
    assert_eq!(ports.dead_jobs(tenant, &all[2].cursor, 1).await.unwrap(), []);
    assert_eq!(ports.dead_jobs(tenant, &dead_list_start(now), 10).await.unwrap(), all, "none has expired");
    assert_eq!(ports.dead_jobs(&build::tenant(ports), "", 10).await.unwrap(), []);

    let replayed = committed(ports, &dead[0], Event::Replay { force: false, admission: None }, now).await;
    let running = held(ports, &replayed, &by, now).await;
    assert!(!ports.discard_dead_job(&replayed).await.unwrap(), "it is not on the list");
    assert!(ports.discard_dead_job(&dead[1]).await.unwrap());
    assert!(!ports.discard_dead_job(&dead[1]).await.unwrap());
    assert_eq!(ports.dead_jobs(tenant, "", 10).await.unwrap(), all[2..]);
    assert_eq!(ports.job(&dead[1].reference()).await.unwrap(), Some(dead[1].clone()), "it stays dead");

    let later = now + Duration::from_secs(9);
    let again = committed(ports, &running, Event::GiveUp(by, failure), later).await;
    let listed = ports.dead_jobs(tenant, &all[2].cursor, 10).await.unwrap();
    assert_eq!(jobs(&listed), [DeadJob::of(&again).unwrap()], "its second run died");
    let in_doubt = DeadJob { in_doubt: true, ..DeadJob::of(&again).unwrap() };
    committed(ports, &again, Event::Restored, later + Duration::from_secs(9)).await;
    let listed = ports.dead_jobs(tenant, &all[2].cursor, 10).await.unwrap();
    assert_eq!(jobs(&listed), [in_doubt], "the entry says so, in its place");
}

fn jobs(listed: &[ListedDeadJob]) -> Vec<DeadJob> {
    listed.iter().filter_map(|listed| listed.job.clone()).collect()
}

/// Storing messages that cannot be read, whatever they hold.
pub async fn quarantine(ports: &(impl Clock + Entropy + DeadJobs)) {
    let message_id = build::tenant(ports).to_string();
    for _ in 0..2 {
        ports.quarantine(&message_id, "}{ \u{0} é", ports.now() + Duration::from_secs(60)).await.unwrap();
    }
}
