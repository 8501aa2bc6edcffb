use std::time::Duration;

use domain::{
    ClaimId, Timestamp,
    job::{Event, Failure, FailureCode, Job, StoredResult, step},
    timing::{JOB_RETENTION, LEASE},
};
use hub::ports::{
    ClaimJob, Claimed, Clock, Entropy, FindJob, FindObject, FindResult, InsertJob, Inserted, KeepObject, KeepResult,
    SaveJob,
};

use crate::build;

/// A job of a tenant of its own, with `params`.
fn job(ports: &(impl Clock + Entropy), params: &str) -> Job {
    let tenant = build::tenant(ports);
    let user = build::account(&tenant, "1@N00", ports.now()).account.user;
    build::job(&tenant, ports.random(), build::order(&user, "flickr.test.echo", params), ports.now())
}

fn claim(ports: &impl Entropy) -> ClaimId {
    ClaimId::from_bytes(ports.random())
}

async fn claimed(ports: &impl ClaimJob, job: &Job, dispatch: u32, by: &ClaimId, now: Timestamp) -> Claimed {
    ports.claim_job(&job.tenant, &job.id, dispatch, by, now + LEASE, now).await.unwrap()
}

fn held(claimed: Claimed) -> Job {
    match claimed {
        Claimed::Held(job) => *job,
        other => panic!("not held: {other:?}"),
    }
}

fn after(job: &Job, event: Event, now: Timestamp) -> Job {
    Job { state: step(&job.state, event, now).unwrap().0, ..job.clone() }
}

/// Inserting and finding jobs, small and large.
pub async fn insertion(ports: &(impl Clock + Entropy + InsertJob + FindJob)) {
    let large = format!(r#"{{"text": "{}"}}"#, "é".repeat(30_000));
    for params in [r#"{"a": "1"}"#, &large] {
        let mut job = job(ports, params);
        job.order.meta = Some(r#"{"k":[1,null]}"#.to_owned());
        assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap(), None);
        assert_eq!(ports.insert_job(&job).await.unwrap(), Inserted::New);
        assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap(), Some(job.clone()));
        assert_eq!(ports.job(&build::tenant(ports), &job.id).await.unwrap(), None, "a job is its tenant's only");

        assert_eq!(ports.insert_job(&job).await.unwrap(), Inserted::New, "an insertion may be repeated");
        let mut other = job.clone();
        other.order = build::order(&job.order.user, "flickr.test.null", params);
        let found = Inserted::Exists(Box::new(job.clone()));
        assert_eq!(ports.insert_job(&other).await.unwrap(), found, "what is there stays");
        assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap(), Some(job));
    }
}

/// Claiming jobs: what [`step`] says, decided in one conditional write.
pub async fn claims(ports: &(impl Clock + Entropy + InsertJob + FindJob + ClaimJob + SaveJob)) {
    let now = ports.now();
    let job = job(ports, "{}");
    let (one, two) = (claim(ports), claim(ports));
    assert_eq!(claimed(ports, &job, 1, &one, now).await, Claimed::Unknown);
    ports.insert_job(&job).await.unwrap();

    assert_eq!(claimed(ports, &job, 2, &one, now).await, Claimed::Refused(Box::new(job.clone())), "another dispatch");
    let running = held(claimed(ports, &job, 1, &one, now).await);
    let event = Event::Claim { dispatch: 1, claim: one.clone(), lease_until: now + LEASE };
    assert_eq!(running, after(&job, event, now), "the claim is what `step` says");
    assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap(), Some(running.clone()));

    assert_eq!(held(claimed(ports, &job, 1, &one, now).await), running, "a claim may be repeated");
    let last = now + (LEASE - Duration::from_millis(1));
    assert_eq!(claimed(ports, &job, 1, &two, last).await, Claimed::Refused(Box::new(running.clone())), "held");

    let later = now + LEASE;
    let taken = held(claimed(ports, &job, 1, &two, later).await);
    assert_eq!((taken.state.attempts, taken.state.started_at), (2, Some(now)), "a lease that ran out is taken over");

    let calling = after(&taken, Event::Calling(two.clone()), later);
    assert!(ports.save_job(&calling, &two).await.unwrap());
    let refused = claimed(ports, &job, 1, &one, later + LEASE + LEASE).await;
    assert_eq!(refused, Claimed::Refused(Box::new(calling)), "a write that may have been sent is not taken over");
}

/// Moving claimed jobs on.
pub async fn saving(ports: &(impl Clock + Entropy + InsertJob + FindJob + ClaimJob + SaveJob)) {
    let now = ports.now();
    let (one, two) = (claim(ports), claim(ports));
    let failure = Failure { code: FailureCode::FlickrRejected, message: "no".to_owned(), flickr_code: Some(1) };
    let ends = [
        Event::Complete(one.clone(), StoredResult::Inline(r#"{"stat":"ok"}"#.to_owned())),
        Event::Complete(one.clone(), StoredResult::Beside),
        Event::Fail(one.clone(), failure),
        Event::Expire(one.clone()),
    ];
    for end in ends {
        let job = job(ports, "{}");
        ports.insert_job(&job).await.unwrap();
        let running = held(claimed(ports, &job, 1, &one, now).await);

        let defer = Event::Defer { claim: one.clone(), due_at: now, why: "busy".to_owned(), attempted: true };
        let deferred = after(&running, defer, now);
        assert!(!ports.save_job(&deferred, &two).await.unwrap(), "only the holder moves a job");
        assert!(ports.save_job(&deferred, &one).await.unwrap());
        assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap(), Some(deferred.clone()));
        assert!(ports.save_job(&deferred, &one).await.unwrap(), "a write may be repeated");
        assert!(matches!(claimed(ports, &job, 1, &two, now).await, Claimed::Refused(_)), "the old message is stale");

        let running = held(claimed(ports, &job, 2, &one, now).await);
        let ended = after(&running, end, now);
        assert!(ports.save_job(&ended, &one).await.unwrap());
        assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap(), Some(ended.clone()));
        assert!(!ports.save_job(&running, &one).await.unwrap(), "an ended job stays ended");
        assert_eq!(claimed(ports, &job, 2, &two, now + LEASE).await, Claimed::Refused(Box::new(ended.clone())));

        let kept = now + JOB_RETENTION;
        assert_eq!(claimed(ports, &job, 2, &two, kept).await, Claimed::Unknown, "past its retention it is absent");
        let again = Job { created_at: kept, ..job };
        assert_eq!(ports.insert_job(&again).await.unwrap(), Inserted::New, "and its id is free");
    }
    assert!(!ports.save_job(&job(ports, "{}"), &one).await.unwrap(), "an unknown job is nobody's");
}

/// Keeping results beside jobs.
pub async fn results(ports: &(impl Clock + Entropy + KeepResult + FindResult)) {
    let (job, other) = (job(ports, "{}"), job(ports, "{}"));
    let end = ports.now() + Duration::from_secs(3600);
    let large = format!(r#"{{"text":"{}"}}"#, "é\\n ".repeat(700));
    assert_eq!(ports.result(&job.tenant, &job.id).await.unwrap(), None);
    for text in ["{ }", &large] {
        ports.keep_result(&job.tenant, &job.id, text, end).await.unwrap();
        assert_eq!(ports.result(&job.tenant, &job.id).await.unwrap().as_deref(), Some(text));
    }
    assert_eq!(ports.result(&other.tenant, &job.id).await.unwrap(), None);
}

/// Keeping results too long for a record.
pub async fn objects(ports: &(impl Clock + Entropy + KeepObject + FindObject)) {
    let (job, other) = (job(ports, "{}"), job(ports, "{}"));
    let large = format!(r#"{{"text":"{}"}}"#, "é\\n ✓".repeat(300_000));
    assert_eq!(ports.object(&job.tenant, &job.id).await.unwrap(), None);
    for text in [r#"{ "a" : 1.0 }"#, &large] {
        ports.keep_object(&job.tenant, &job.id, text).await.unwrap();
        assert!(ports.object(&job.tenant, &job.id).await.unwrap().as_deref() == Some(text), "byte for byte");
    }
    assert_eq!(ports.object(&other.tenant, &job.id).await.unwrap(), None);
    let url = ports.object_url(&job.tenant, &job.id).await.unwrap();
    assert!(url.starts_with("http") && url.contains(job.id.as_str()), "{url}");
}
