//! Inserting jobs, once each, and no more than may be pending.

use domain::{
    JobRef,
    budget::MAX_PENDING,
    job::{Event, Job},
};
use futures_util::future::join_all;
use hub::ports::{Clock, Entropy, Inserted, Jobs};

use super::super::steps::{another, claim_id, committed, held, insert, job};
use crate::build;

/// Inserting and finding jobs, small and large.
pub async fn insertion(ports: &(impl Clock + Entropy + Jobs)) {
    let large = format!(r#"{{"text": "{}"}}"#, "é".repeat(30_000));
    for params in [r#"{"a": "1"}"#, &large] {
        let mut job = job(ports, params, ports.now());
        job.spec.meta = Some(r#"{"k":[1,null]}"#.to_owned());
        let found = async |job: &JobRef| ports.job(job).await.unwrap();
        assert_eq!(found(&job.reference()).await, None);
        insert(ports, &job).await;
        assert_eq!(found(&job.reference()).await, Some(job.clone()));
        let foreign = JobRef { tenant: build::tenant(ports), id: job.id.clone() };
        assert_eq!(found(&foreign).await, None, "a job is its tenant's only");

        insert(ports, &job).await; // An insertion may be repeated.
        let other = Job { spec: build::spec(&job.spec.account, "flickr.test.null", params), ..job.clone() };
        let exists = Inserted::Exists(Box::new(job.clone()));
        assert_eq!(ports.insert(&build::acceptance(&other), MAX_PENDING).await.unwrap(), exists);
        assert_eq!(found(&job.reference()).await, Some(job), "what is there stays");
    }
}

/// The most jobs of an account that may be pending.
pub async fn back_pressure(ports: &(impl Clock + Entropy + Jobs)) {
    let now = ports.now();
    let by = claim_id(ports);
    let first = job(ports, "{}", now);
    let account = &first.spec.account;
    let insert = async |job: &Job, max| ports.insert(&build::acceptance(job), max).await.unwrap();
    let pending = async || ports.pending_jobs(account).await.unwrap();

    let large = format!(r#"{{"text": "{}"}}"#, "x".repeat(5000));
    let (second, third) = (another(ports, &first, "{}"), another(ports, &first, &large));
    assert_eq!(insert(&first, 2).await, Inserted::New);
    assert_eq!(insert(&second, 2).await, Inserted::New);
    for refused in [&third, &another(ports, &first, "{}")] {
        assert_eq!(insert(refused, 2).await, Inserted::TooManyPending);
        assert_eq!(ports.job(&refused.reference()).await.unwrap(), None, "nothing of a refused job is written");
    }
    assert_eq!(pending().await, 2);

    assert_eq!(insert(&second, 2).await, Inserted::New, "a repetition needs no room");
    let other = Job { id: first.id.clone(), ..another(ports, &first, r#"{"b": "2"}"#) };
    let exists = Inserted::Exists(Box::new(first.clone()));
    assert_eq!(insert(&other, 2).await, exists, "nor does another with the id of one there");
    let mut neighbour = another(ports, &first, "{}");
    neighbour.spec.account = build::account_ref(&account.tenant, "2@N00");
    assert_eq!(insert(&neighbour, 2).await, Inserted::New, "each account counts for itself");

    let running = held(ports, &first, &by, now).await;
    assert_eq!(insert(&third, 2).await, Inserted::TooManyPending, "a running job is pending");
    committed(ports, &running, Event::Expire(by), now).await;
    assert_eq!(insert(&third, 2).await, Inserted::New, "an ended one makes room");
    assert_eq!(insert(&another(ports, &first, "{}"), 2).await, Inserted::TooManyPending);

    let many: Vec<_> = (0..6).map(|_| build::acceptance(&another(ports, &first, "{}"))).collect();
    let answers = join_all(many.iter().map(|acceptance| ports.insert(acceptance, 4))).await;
    let new = answers.iter().filter(|answer| matches!(answer, Ok(Inserted::New))).count();
    assert!(new <= 2, "{new} more than there was room for");
    assert_eq!(pending().await, 2 + u32::try_from(new).unwrap());
}
