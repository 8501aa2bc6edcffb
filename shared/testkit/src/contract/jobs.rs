use std::time::Duration;

use domain::{
    ClaimId, JobId, Timestamp,
    budget::MAX_PENDING,
    job::{CLOCK_SKEW, Event, Failure, FailureCode, Job, Phase, State, StoredResult, step},
    timing::{LEASE, RECORD_RETENTION},
};
use futures_util::future::join_all;
use hub::ports::{
    ClaimJob, Claimed, Clock, CountPending, DiscardDead, Due, Entropy, FindJob, FindObject, FindResult, InsertJob,
    Inserted, KeepObject, KeepResult, LOOK_SHARDS, ListDead, ListDue, Look, PostponeLook, Quarantine, SaveJob,
    SettleJob,
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
        assert_eq!(ports.insert_job(&job, MAX_PENDING).await.unwrap(), Inserted::New);
        assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap(), Some(job.clone()));
        assert_eq!(ports.job(&build::tenant(ports), &job.id).await.unwrap(), None, "a job is its tenant's only");

        assert_eq!(ports.insert_job(&job, MAX_PENDING).await.unwrap(), Inserted::New, "an insertion may be repeated");
        let mut other = job.clone();
        other.order = build::order(&job.order.user, "flickr.test.null", params);
        let found = Inserted::Exists(Box::new(job.clone()));
        assert_eq!(ports.insert_job(&other, MAX_PENDING).await.unwrap(), found, "what is there stays");
        assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap(), Some(job));
    }
}

/// The most jobs of an account that may be pending.
pub async fn pressure<P>(ports: &P)
where
    P: Clock + Entropy + InsertJob + FindJob + ClaimJob + SaveJob + CountPending,
{
    let now = ports.now();
    let one = claim(ports);
    let first = job(ports, "{}");
    let (tenant, user) = (first.tenant.clone(), first.order.user.clone());
    let another = |params: &str| {
        let order = build::order(&user, "flickr.test.echo", params);
        build::job(&tenant, ports.random(), order, now)
    };
    let pending = async || ports.pending(&tenant, &user).await.unwrap();

    let (second, third) = (another("{}"), another(&format!(r#"{{"text": "{}"}}"#, "x".repeat(5000))));
    assert_eq!(ports.insert_job(&first, 2).await.unwrap(), Inserted::New);
    assert_eq!(ports.insert_job(&second, 2).await.unwrap(), Inserted::New);
    for refused in [&third, &another("{}")] {
        assert_eq!(ports.insert_job(refused, 2).await.unwrap(), Inserted::TooMany);
        assert_eq!(ports.job(&tenant, &refused.id).await.unwrap(), None, "nothing of a refused job is written");
    }
    assert_eq!(pending().await, 2);

    assert_eq!(ports.insert_job(&second, 2).await.unwrap(), Inserted::New, "a repetition needs no room");
    let mut other = another(r#"{"b": "2"}"#);
    other.id = first.id.clone();
    let found = Inserted::Exists(Box::new(first.clone()));
    assert_eq!(ports.insert_job(&other, 2).await.unwrap(), found, "nor does another with the id of one there");
    let mut neighbour = another("{}");
    neighbour.order.user = domain::UserId::of(&tenant, "2@N00");
    assert_eq!(ports.insert_job(&neighbour, 2).await.unwrap(), Inserted::New, "each account counts for itself");

    let running = held(claimed(ports, &first, 1, &one, now).await);
    assert_eq!(ports.insert_job(&third, 2).await.unwrap(), Inserted::TooMany, "a running job is pending");
    assert!(ports.save_job(&after(&running, Event::Expire(one), now), &running.state, Look::AsTold).await.unwrap());
    assert_eq!(ports.insert_job(&third, 2).await.unwrap(), Inserted::New, "an ended one makes room");
    assert_eq!(ports.insert_job(&another("{}"), 2).await.unwrap(), Inserted::TooMany);

    let crowd: Vec<Job> = (0..6).map(|_| another("{}")).collect();
    let answers = join_all(crowd.iter().map(|job| ports.insert_job(job, 4))).await;
    let new = answers.iter().filter(|answer| matches!(answer, Ok(Inserted::New))).count();
    assert!(new <= 2, "{new} more than there was room for");
    assert_eq!(pending().await, 2 + u32::try_from(new).unwrap());
}

/// Claiming jobs: what [`step`] says, decided in one conditional write.
pub async fn claims(ports: &(impl Clock + Entropy + InsertJob + FindJob + ClaimJob + SaveJob)) {
    let now = ports.now();
    let job = job(ports, "{}");
    let (one, two) = (claim(ports), claim(ports));
    assert_eq!(claimed(ports, &job, 1, &one, now).await, Claimed::Unknown);
    ports.insert_job(&job, MAX_PENDING).await.unwrap();

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
    assert!(ports.save_job(&calling, &taken.state, Look::AsTold).await.unwrap());
    let refused = claimed(ports, &job, 1, &one, later + LEASE + LEASE).await;
    assert_eq!(refused, Claimed::Refused(Box::new(calling)), "a write that may have been sent is not taken over");
}

/// Moving jobs on, with the count of pending jobs and the lists of open and dead ones.
pub async fn saving<P>(ports: &P)
where
    P: Clock + Entropy + InsertJob + FindJob + ClaimJob + SaveJob + CountPending,
{
    let now = ports.now();
    let (one, two) = (claim(ports), claim(ports));
    let failure = || Failure { code: FailureCode::FlickrRejected, message: "no".to_owned(), flickr_code: Some(1) };
    let ends = [
        Event::Complete(one.clone(), StoredResult::Inline(r#"{"stat":"ok"}"#.to_owned())),
        Event::Complete(one.clone(), StoredResult::Beside),
        Event::Complete(one.clone(), StoredResult::Object { bytes: 5_000_000 }),
        Event::Fail(one.clone(), failure()),
        Event::Bury(one.clone(), failure()),
        Event::Expire(one.clone()),
    ];
    for end in ends {
        let job = job(ports, "{}");
        let pending = async || ports.pending(&job.tenant, &job.order.user).await.unwrap();
        assert_eq!(pending().await, 0);
        ports.insert_job(&job, MAX_PENDING).await.unwrap();
        ports.insert_job(&job, MAX_PENDING).await.unwrap();
        assert_eq!(pending().await, 1, "a repeated insertion counts once");
        let running = held(claimed(ports, &job, 1, &one, now).await);

        let defer = Event::Defer { claim: one.clone(), due_at: now, why: "busy".to_owned(), attempted: true };
        let deferred = after(&running, defer, now);
        assert!(!ports.save_job(&deferred, &job.state, Look::AsTold).await.unwrap(), "it is queued no more");
        let mut others = running.state.clone();
        if let Phase::Running(claim) = &mut others.phase {
            claim.id = two.clone();
        }
        assert!(!ports.save_job(&deferred, &others, Look::AsTold).await.unwrap(), "only the holder moves a job");
        assert!(ports.save_job(&deferred, &running.state, Look::AsTold).await.unwrap());
        assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap(), Some(deferred.clone()));
        assert!(ports.save_job(&deferred, &running.state, Look::AsTold).await.unwrap(), "a write may be repeated");
        assert!(matches!(claimed(ports, &job, 1, &two, now).await, Claimed::Refused(_)), "the old message is stale");

        let running = held(claimed(ports, &job, 2, &one, now).await);
        let ended = after(&running, end, now);
        assert_eq!(pending().await, 1);
        assert!(ports.save_job(&ended, &running.state, Look::AsTold).await.unwrap());
        assert!(ports.save_job(&ended, &running.state, Look::AsTold).await.unwrap(), "an end may be repeated");
        assert_eq!(pending().await, 0, "and counts once");
        assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap(), Some(ended.clone()));
        assert!(!ports.save_job(&deferred, &running.state, Look::AsTold).await.unwrap(), "an ended job stays ended");
        assert_eq!(claimed(ports, &job, 2, &two, now + LEASE).await, Claimed::Refused(Box::new(ended.clone())));

        let kept = now + RECORD_RETENTION;
        assert_eq!(claimed(ports, &job, 2, &two, kept).await, Claimed::Unknown, "past its retention it is absent");
        let state = State::first(kept, kept).0;
        let again = Job { created_at: kept, state, ..job.clone() };
        assert_eq!(ports.insert_job(&again, MAX_PENDING).await.unwrap(), Inserted::New, "and its id is free");
    }
    let unknown = job(ports, "{}");
    assert!(!ports.save_job(&unknown, &unknown.state, Look::AsTold).await.unwrap(), "an unknown job is nobody's");
}

/// Waiting and verifying jobs: what a claim finds, and what it says.
pub async fn waits(ports: &(impl Clock + Entropy + InsertJob + FindJob + ClaimJob + SaveJob)) {
    let now = ports.now();
    let one = claim(ports);
    let mut scheduled = job(ports, "{}");
    let at = now + Duration::from_secs(100_000);
    scheduled.state = State::first(at, now).0;
    ports.insert_job(&scheduled, MAX_PENDING).await.unwrap();
    assert_eq!(ports.job(&scheduled.tenant, &scheduled.id).await.unwrap(), Some(scheduled.clone()));
    let early = now + (Duration::from_secs(100_000) - CLOCK_SKEW - Duration::from_millis(1));
    let refused = Claimed::Refused(Box::new(scheduled.clone()));
    assert_eq!(claimed(ports, &scheduled, 1, &one, early).await, refused, "not before its time");
    let event = Event::Claim { dispatch: 1, claim: one.clone(), lease_until: at + LEASE };
    assert_eq!(held(claimed(ports, &scheduled, 1, &one, at).await), after(&scheduled, event, at));

    let written = job(ports, "{}");
    ports.insert_job(&written, MAX_PENDING).await.unwrap();
    let running = held(claimed(ports, &written, 1, &one, now).await);
    let calling = after(&running, Event::Calling(one.clone()), now);
    assert!(ports.save_job(&calling, &running.state, Look::AsTold).await.unwrap());
    let verifying = after(&calling, Event::Verify { claim: one.clone(), due_at: now }, now);
    assert!(ports.save_job(&verifying, &calling.state, Look::AsTold).await.unwrap());
    assert_eq!(ports.job(&written.tenant, &written.id).await.unwrap(), Some(verifying.clone()));
    let checking = held(claimed(ports, &written, 2, &one, now).await);
    let event = Event::Claim { dispatch: 2, claim: one, lease_until: now + LEASE };
    assert_eq!(checking, after(&verifying, event, now), "a check is what `step` says");
    let other = claim(ports);
    let later = now + LEASE;
    let event = Event::Claim { dispatch: 2, claim: other.clone(), lease_until: later + LEASE };
    assert_eq!(held(claimed(ports, &written, 2, &other, later).await), after(&checking, event, later));
}

/// The list of jobs to look at.
pub async fn looks<P>(ports: &P)
where
    P: Clock + Entropy + InsertJob + FindJob + ClaimJob + SaveJob + ListDue + PostponeLook + SettleJob + CountPending,
{
    let now = ports.now();
    let one = claim(ports);
    let job = job(ports, "{}");
    ports.insert_job(&job, MAX_PENDING).await.unwrap();
    let look_at = job.state.look_at().unwrap();
    let listed = async |by: Timestamp| {
        let mut found = Vec::new();
        for shard in 0..LOOK_SHARDS {
            let due = ports.due_jobs(shard, by, 1000).await.unwrap();
            assert!(due.is_sorted_by_key(|due| due.look_at), "the longest due first");
            assert!(due.iter().all(|due| due.look_at <= by));
            found.extend(due.into_iter().filter(|due| due.id == job.id));
        }
        found
    };
    let due = |look_at| Due { tenant: job.tenant.clone(), id: job.id.clone(), look_at };
    assert_eq!(listed(look_at).await, [due(look_at)]);
    assert_eq!(listed(now).await, []);

    let running = held(claimed(ports, &job, 1, &one, now).await);
    assert_eq!(listed(look_at).await, [due(look_at)], "a claim leaves the list alone");
    let later = look_at + Duration::from_secs(60);
    ports.postpone_look(&due(now), later).await.unwrap();
    assert_eq!(listed(look_at).await, [due(look_at)], "another look was set");
    ports.postpone_look(&due(look_at), later).await.unwrap();
    assert_eq!((listed(look_at).await, listed(later).await), (vec![], vec![due(later)]));

    let wait = now + Duration::from_secs(5000);
    let defer = Event::Defer { claim: one.clone(), due_at: wait, why: String::new(), attempted: true };
    let deferred = after(&running, defer, now);
    assert!(ports.save_job(&deferred, &running.state, Look::AsTold).await.unwrap());
    assert_eq!(listed(later).await, [due(later)]);
    let looked = after(&deferred, Event::Look, wait);
    assert!(ports.save_job(&looked, &deferred.state, Look::Anew).await.unwrap());
    let anew = looked.state.look_at().unwrap();
    assert_eq!((listed(later).await, listed(anew).await), (vec![], vec![due(anew)]));

    let running = held(claimed(ports, &job, looked.state.dispatch, &one, wait).await);
    assert!(!ports.settle_job(&job.tenant, &job.id).await.unwrap(), "an open job stays counted");
    let ended = after(&running, Event::Expire(one), wait);
    assert!(ports.save_job(&ended, &running.state, Look::AsTold).await.unwrap());
    assert_eq!(listed(anew).await, []);
    assert!(!ports.settle_job(&job.tenant, &job.id).await.unwrap(), "its count has followed already");
    assert_eq!(ports.pending(&job.tenant, &job.order.user).await.unwrap(), 0);
    ports.postpone_look(&due(anew), later).await.unwrap();
    assert_eq!(listed(anew).await, [], "an ended job is not listed again");
}

/// The desk of dead jobs.
pub async fn desk<P>(ports: &P)
where
    P: Clock + Entropy + InsertJob + FindJob + ClaimJob + SaveJob + ListDead + DiscardDead + CountPending + Quarantine,
{
    let now = ports.now();
    let one = claim(ports);
    let failure = Failure { code: FailureCode::WorkerCrashed, message: "x".to_owned(), flickr_code: None };
    let first = job(ports, "{}");
    let mut dead = Vec::new();
    for number in 0..3u64 {
        let job = Job { id: JobId::from_bytes(ports.random()), ..first.clone() };
        ports.insert_job(&job, MAX_PENDING).await.unwrap();
        let running = held(claimed(ports, &job, 1, &one, now).await);
        let event = Event::Bury(one.clone(), failure.clone());
        let buried = after(&running, event, now + Duration::from_secs(number));
        assert!(ports.save_job(&buried, &running.state, Look::AsTold).await.unwrap());
        dead.push(buried);
    }
    let ids = |list: &[(JobId, String)]| list.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    let all: Vec<_> = dead.iter().map(|job| job.id.clone()).collect();
    let listed = ports.dead_jobs(&first.tenant, None, 10).await.unwrap();
    assert_eq!(ids(&listed), all, "the longest dead first");
    assert_eq!(ids(&ports.dead_jobs(&first.tenant, Some(&listed[0].1), 1).await.unwrap()), all[1..2]);
    assert_eq!(ports.dead_jobs(&build::tenant(ports), None, 10).await.unwrap(), []);

    let replayed = after(&dead[0], Event::Replay { force: false }, now);
    assert!(ports.save_job(&replayed, &dead[0].state, Look::Anew).await.unwrap());
    assert_eq!(ports.pending(&first.tenant, &first.order.user).await.unwrap(), 1, "a replayed job is pending again");
    assert!(matches!(claimed(ports, &replayed, replayed.state.dispatch, &one, now).await, Claimed::Held(_)));
    assert!(ports.discard_dead(&dead[1]).await.unwrap());
    assert!(!ports.discard_dead(&dead[1]).await.unwrap());
    assert_eq!(ids(&ports.dead_jobs(&first.tenant, None, 10).await.unwrap()), all[2..]);
    assert_eq!(ports.job(&first.tenant, &dead[1].id).await.unwrap(), Some(dead[1].clone()), "it stays dead");

    ports.quarantine("message-1", "}{ \u{0} é", now + Duration::from_secs(60)).await.unwrap();
    ports.quarantine("message-1", "}{ \u{0} é", now + Duration::from_secs(60)).await.unwrap();
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
