//! Accepting jobs.

use std::{pin::pin, time::Duration};

use domain::{
    AccountRef, Timestamp, TraceId, UserId,
    budget::{Limit, Signal},
    idempotency::Key,
    job::{JobSpec, Start},
    tenant::{JobQuotas, QuotaWindow},
    timing::JOB_DEADLINE,
};
use futures_util::FutureExt;
use hub::{
    Error, Kind,
    limits::Limits,
    ports::{Accounts, Clock},
    submit::{Accepted, SubmitRequest},
    tenants::Principal,
};
use testkit::{Call, Fault, FaultPoint, Injection, Scene, build};

/// What [`Scene::request`] asks for, in the name of another tenant.
async fn request_as(scene: &Scene, principal: &Principal, spec: JobSpec, key: &str) -> Result<Accepted, Error> {
    let (key, trace) = (Some(Key::parse(key).unwrap()), TraceId::from_bytes([3; 16]));
    scene.submit.accept(principal, SubmitRequest { spec, start: Start::Now, key, trace }).await
}

fn read(scene: &Scene) -> JobSpec {
    scene.spec(0, "flickr.test.echo", "{}")
}

fn write(scene: &Scene, title: &str) -> JobSpec {
    scene.spec(0, "flickr.photos.setMeta", &format!(r#"{{"title": "{title}"}}"#))
}

fn kind<T: std::fmt::Debug>(refused: Result<T, Error>) -> Kind {
    refused.unwrap_err().kind().clone()
}

#[tokio::test]
async fn a_job_is_written_once_and_sent_once() {
    let scene = Scene::new().await;
    let spec = scene.spec(0, "flickr.test.echo", r#"{"a": "canary-param"}"#);
    let accepted = scene.request(spec, None).await.unwrap();
    assert!(!accepted.replayed);
    assert_eq!(scene.world.calls(), [Call::SubmitContext, Call::CountPending, Call::Insert, Call::Send]);
    assert_eq!(scene.world.jobs(), std::slice::from_ref(&accepted.job));
    let sent = scene.world.queue().pop().unwrap();
    assert_eq!((&sent.dispatch.job, sent.dispatch.fencing_number), (&accepted.job.id, 1));
    let body = serde_json::to_string(&sent.dispatch).unwrap();
    assert!(!body.contains("canary"), "a message holds ids and numbers alone: {body}");
}

#[tokio::test]
async fn one_key_makes_one_job() {
    let scene = Scene::new().await;
    let first = scene.request(write(&scene, "a"), Some("k")).await.unwrap();
    scene.pass_seconds(1);
    let second = scene.request(write(&scene, "a"), Some("\"k\"")).await.unwrap();
    assert!(second.replayed);
    assert_eq!(first.job, second.job);
    assert_eq!(scene.world.jobs().len(), 1);

    assert_eq!(kind(scene.request(write(&scene, "b"), Some("k")).await), Kind::KeyReused);
    let third = scene.request(write(&scene, "a"), Some("l")).await.unwrap();
    assert_ne!(third.job.id, first.job.id);
}

#[tokio::test]
async fn a_key_is_its_tenants_only() {
    let scene = Scene::new().await;
    let other = build::principal(&scene.world).await;
    scene.world.save_account(&build::account(other.tenant(), "1@N00", build::NOW)).await.unwrap();
    let one = scene.request(read(&scene), Some("k")).await.unwrap();
    let spec = build::spec(&build::account_ref(other.tenant(), "1@N00"), "flickr.test.echo", "{}");
    let two = request_as(&scene, &other, spec, "k").await.unwrap();
    assert_ne!(one.job.id, two.job.id);
    assert!(!two.replayed);
}

#[tokio::test]
async fn a_foreign_account_answers_as_an_unknown_one() {
    let scene = Scene::new().await;
    let other = build::principal(&scene.world).await;
    let own = &scene.accounts[0];
    let foreign_id = AccountRef { tenant: other.tenant().clone(), user: own.user.clone() };
    let unknown = AccountRef { tenant: own.tenant.clone(), user: UserId::of(&own.tenant, "nobody") };
    for (principal, account) in [(&other, own), (&other, &foreign_id), (&scene.principal, &unknown)] {
        let spec = build::spec(account, "flickr.test.echo", "{}");
        assert_eq!(kind(request_as(&scene, principal, spec, "k").await), Kind::AccountNotFound);
    }
    assert!(scene.world.jobs().is_empty());
}

#[tokio::test]
async fn an_old_key_answers_its_job_though_the_account_is_gone_and_makes_no_second_one() {
    let scene = Scene::new().await;
    let first = scene.request(write(&scene, "a"), Some("k")).await.unwrap();
    scene.pass_seconds(1);
    scene.world.remove_account(&scene.accounts[0]).await.unwrap();
    let again = scene.request(write(&scene, "a"), Some("k")).await.unwrap();
    assert_eq!((again.replayed, &again.job.id), (true, &first.job.id));
    assert_eq!(kind(scene.request(write(&scene, "b"), Some("k")).await), Kind::KeyReused);
    assert_eq!(kind(scene.request(write(&scene, "a"), Some("new")).await), Kind::AccountNotFound);
    let account = build::account(scene.principal.tenant(), "1@N00", scene.world.now());
    scene.world.save_account(&account).await.unwrap();
    let reconnected = scene.request(write(&scene, "a"), Some("k")).await.unwrap();
    assert_eq!((reconnected.replayed, scene.world.jobs().len()), (true, 1));
}

#[tokio::test]
async fn a_job_can_be_asked_for_later() {
    let scene = Scene::new().await;
    let second = Duration::from_secs(1);
    let request = async |start| scene.request_at(read(&scene), None, start).await;
    let soon = request(Start::After(60 * second)).await.unwrap().job;
    assert_eq!((soon.state.phase.name(), soon.state.due_at), ("scheduled", build::NOW + 60 * second));
    assert_eq!(scene.world.queue()[0].visible_at, build::NOW + 60 * second, "the queue's own delay carries it");
    let year = 366 * 24 * 3600 * second;
    let late = request(Start::At(build::NOW + year)).await.unwrap().job;
    assert_eq!(late.deadline(), build::NOW + year + JOB_DEADLINE);
    assert_eq!(scene.world.queue().len(), 1, "the sweep will send what the queue cannot carry");

    let past = Timestamp::from_milliseconds(build::NOW.as_milliseconds() - 1);
    for (start, field) in [
        (Start::At(past), "run_at"),
        (Start::At(build::NOW + year + second), "run_at"),
        (Start::After(year + second), "delay_seconds"),
    ] {
        let refused = kind(request(start).await);
        assert!(matches!(&refused, Kind::InvalidField { field: named, .. } if *named == field), "{refused:?}");
    }
}

#[tokio::test]
async fn a_key_answers_its_job_though_the_time_it_was_for_has_passed() {
    let scene = Scene::new().await;
    let at = Start::At(build::NOW + Duration::from_secs(10));
    let first = scene.request_at(read(&scene), Some("k"), at).await.unwrap();
    scene.pass_seconds(20);
    let again = scene.request_at(read(&scene), Some("k"), at).await.unwrap();
    assert_eq!((again.replayed, again.job.id), (true, first.job.id));
}

#[tokio::test]
async fn another_time_is_another_payload() {
    let scene = Scene::new().await;
    let after = |seconds| Start::After(Duration::from_secs(seconds));
    scene.request_at(read(&scene), Some("k"), after(60)).await.unwrap();
    scene.pass_seconds(5);
    assert!(scene.request_at(read(&scene), Some("k"), after(60)).await.unwrap().replayed);
    assert_eq!(kind(scene.request_at(read(&scene), Some("k"), after(61)).await), Kind::KeyReused);
}

#[tokio::test]
async fn asking_again_after_any_failure_makes_one_job_that_counts_once() {
    let calls = [Call::SubmitContext, Call::CountPending, Call::Insert, Call::Send];
    for (number, call) in calls.into_iter().enumerate() {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let scene = Scene::new().await;
            scene.world.fault(number, point, Fault::Fail);
            let first = scene.request(read(&scene), Some("k")).await;
            assert_eq!(scene.world.calls()[number], call);
            let written = call == Call::Send || call == Call::Insert && point == FaultPoint::After;
            assert_eq!(first.is_ok(), written, "what is written is accepted: {call:?} {point:?}");
            scene.pass_seconds(1);
            let accepted = scene.request(read(&scene), Some("k")).await.unwrap();
            assert_eq!(scene.world.jobs(), [accepted.job], "{call:?} {point:?}");
            // A count whose answer was lost, or whose job was not seen to be written, stays too high.
            let lost = call == Call::CountPending && point == FaultPoint::After
                || call == Call::Insert && point == FaultPoint::Before;
            assert_eq!(scene.pending(0).await, 1 + u32::from(lost), "{call:?} {point:?}");
        }
    }
}

/// Has the next request, and no other, be on its way for two seconds when it has read that there is no such job yet.
fn delay_next_count(scene: &Scene) {
    let mut waits = true;
    scene.world.set_fault_plan(Box::new(move |call, point| {
        let waits = call == Call::CountPending && point == FaultPoint::Before && std::mem::take(&mut waits);
        if waits { Injection::Wait(Duration::from_secs(2)) } else { Injection::Pass }
    }));
}

#[tokio::test]
async fn of_two_requests_with_one_key_at_once_one_counts() {
    let scene = Scene::new().await;
    delay_next_count(&scene);
    let mut slow = pin!(scene.request(read(&scene), Some("k")));
    assert!((&mut slow).now_or_never().is_none());
    scene.pass_seconds(1);
    let first = scene.request(read(&scene), Some("k")).await.unwrap();
    scene.pass_seconds(3);
    let second = slow.await.unwrap();
    assert_eq!((second.replayed, second.job.id), (true, first.job.id));
    assert_eq!((scene.world.jobs().len(), scene.pending(0).await), (1, 1));
}

#[tokio::test]
async fn the_request_that_lost_the_last_place_to_its_own_key_is_answered_by_its_job() {
    let scene = Scene::with_limits(Limits { max_pending_jobs: 1, ..Limits::default() }).await;
    delay_next_count(&scene);
    let mut slow = pin!(scene.request(read(&scene), Some("k")));
    assert!((&mut slow).now_or_never().is_none());
    let first = scene.request(read(&scene), Some("k")).await.unwrap();
    scene.pass_seconds(3);
    assert_eq!(slow.await.unwrap().job.id, first.job.id);
}

#[tokio::test]
async fn those_that_are_scheduled_for_a_later_day_leave_todays_jobs_their_room() {
    let scene = Scene::with_limits(Limits { max_pending_jobs: 2, ..Limits::default() }).await;
    let days = |days: u64| Start::After(Duration::from_secs(days * 24 * 60 * 60));
    for start in [days(300), days(300), days(1), days(1), Start::Now, Start::Now] {
        scene.request_at(read(&scene), None, start).await.unwrap();
    }
    for start in [days(300), days(1), Start::Now, Start::After(Duration::from_secs(60))] {
        let refused = kind(scene.request_at(read(&scene), None, start).await);
        assert!(matches!(refused, Kind::TooManyPending { .. }), "{start:?}: {refused:?}");
    }
    scene.request_at(read(&scene), None, days(2)).await.unwrap();

    // A day later those of yesterday and today can run.
    scene.pass_seconds(24 * 60 * 60);
    assert!(matches!(kind(scene.request(read(&scene), None).await), Kind::TooManyPending { .. }));
}

#[tokio::test]
async fn an_account_with_too_many_pending_jobs_is_told_when_to_come_back() {
    let limits = Limits { max_pending_jobs: 20, ..Limits::default() };
    let mut scene = Scene::with_limits(limits).await;
    let first = scene.request(write(&scene, "a"), Some("k")).await.unwrap();
    for _ in 1..20 {
        scene.request(write(&scene, "a"), None).await.unwrap();
    }
    scene.world.forget_calls();
    let refusal = async |scene: &Scene| match kind(scene.request(write(scene, "a"), Some("new")).await) {
        Kind::TooManyPending { retry_after } => retry_after.as_secs(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(&scene).await, 3, "two jobs at 3,330 an hour");
    let calls = [Call::SubmitContext, Call::CountPending, Call::Job];
    assert_eq!(scene.world.calls(), calls, "nothing is written, and nothing sent");
    assert_eq!((scene.world.jobs().len(), scene.pending(0).await), (20, 20));

    scene.pass_seconds(1);
    let again = scene.request(write(&scene, "a"), Some("k")).await.unwrap();
    assert_eq!((again.replayed, &again.job.id), (true, &first.job.id), "an old key needs no room");
    assert_eq!(kind(scene.request(write(&scene, "b"), Some("k")).await), Kind::KeyReused);
    scene.request(scene.spec(1, "flickr.test.echo", "{}"), None).await.unwrap();

    scene.record(&Signal::Throttled);
    assert_eq!(refusal(&scene).await, 5, "two jobs at the learned half of it");
    let account = Some(Limit { calls_per_hour: 360, burst_calls: 36 });
    scene.set_limits(Limits { account, ..limits }).await;
    assert_eq!(refusal(&scene).await, 20, "two jobs at the account's own rate");
    scene.set_limits(Limits { account, max_pending_jobs: 21, ..limits }).await;
    let accepted = scene.request(write(&scene, "a"), Some("new")).await.unwrap();
    assert!(!accepted.replayed, "a refusal is not remembered");
}

/// A scene whose principal is held to these quotas.
async fn scene_with_quotas(per_hour: Option<u32>, per_day: Option<u32>) -> Scene {
    let limits = Limits { job_quotas: JobQuotas { per_hour, per_day }, ..Limits::default() };
    Scene::with_limits(limits).await
}

#[tokio::test]
async fn a_tenant_without_a_quota_is_not_counted_and_one_with_both_is_counted_once() {
    for (per_hour, per_day, counts) in [(None, None, 0), (Some(9), None, 1), (None, Some(9), 1), (Some(9), Some(9), 1)]
    {
        let scene = scene_with_quotas(per_hour, per_day).await;
        scene.world.forget_calls();
        scene.request(read(&scene), None).await.unwrap();
        assert_eq!(scene.world.count(Call::CountJob), counts, "{per_hour:?} {per_day:?}");
    }
}

#[tokio::test]
async fn what_is_not_accepted_is_not_counted() {
    let scene = scene_with_quotas(Some(1), None).await;
    // A crash, or a lost answer, may leave a count too high: only what was refused is counted down.
    let first = scene.request(read(&scene), Some("k")).await.unwrap();
    assert!(scene.request(read(&scene), Some("k")).await.unwrap().replayed);
    let refused = scene.request(read(&scene), None).await.unwrap_err();
    let Kind::QuotaExceeded { quota, retry_after } = refused.kind() else { panic!("{refused:?}") };
    assert_eq!((quota.window, quota.jobs), (QuotaWindow::Hour, 1));
    let pending = scene.pending(0).await;
    assert_eq!(pending, 1, "it does not stay counted as pending");
    scene.world.pass(*retry_after);
    assert!(!scene.request(read(&scene), None).await.unwrap().replayed);
    assert_eq!(scene.world.jobs().iter().filter(|job| job.id == first.job.id).count(), 1);
}
