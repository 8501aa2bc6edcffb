//! Accepting jobs.

use std::time::Duration;

use domain::{TenantId, TraceId, UserId, idempotency::Key, job::Order};
use hub::{
    Kind,
    ports::SaveAccount,
    submit::{Accepted, Submit},
};
use testkit::{Fault, Moment, ScriptedFlickr, World, build};

async fn submit() -> (Submit<World, ScriptedFlickr>, TenantId, UserId) {
    let ports = World::new(build::NOW, 1);
    let tenant = build::tenant(&ports);
    let account = build::account(&tenant, "1@N00", build::NOW);
    ports.save_account(&account).await.unwrap();
    ports.forget_calls();
    (Submit { ports, catalogue: ScriptedFlickr::default() }, tenant, account.account.user)
}

async fn accept(
    submit: &Submit<World, ScriptedFlickr>,
    tenant: &TenantId,
    order: Order,
    key: Option<&str>,
) -> Result<Accepted, hub::Error> {
    let key = key.map(|key| Key::parse(key).unwrap());
    submit.accept(tenant, order, key.as_ref(), TraceId::from_bytes([3; 16])).await
}

#[tokio::test]
async fn a_job_is_written_once_and_sent_once() {
    let (submit, tenant, user) = submit().await;
    let order = build::order(&user, "flickr.test.echo", r#"{"a": "canary-param"}"#);
    let accepted = accept(&submit, &tenant, order, None).await.unwrap();
    assert!(!accepted.replayed);
    assert_eq!(submit.ports.calls(), ["account", "insert_job", "send_dispatch"]);
    assert_eq!(submit.ports.jobs(), std::slice::from_ref(&accepted.job));
    let sent = submit.ports.queue().pop().unwrap();
    assert_eq!((&sent.dispatch.job, sent.dispatch.dispatch), (&accepted.job.id, 1));
    let body = serde_json::to_string(&sent.dispatch).unwrap();
    assert!(!body.contains("canary"), "a message holds ids and numbers alone: {body}");
}

#[tokio::test]
async fn one_key_makes_one_job() {
    let (submit, tenant, user) = submit().await;
    let order = || build::order(&user, "flickr.photos.setMeta", r#"{"title": "a"}"#);
    let first = accept(&submit, &tenant, order(), Some("k")).await.unwrap();
    submit.ports.pass(Duration::from_secs(1));
    let second = accept(&submit, &tenant, order(), Some("\"k\"")).await.unwrap();
    assert!(second.replayed);
    assert_eq!(first.job, second.job);
    assert_eq!(submit.ports.jobs().len(), 1);

    let other = build::order(&user, "flickr.photos.setMeta", r#"{"title": "b"}"#);
    let refused = accept(&submit, &tenant, other, Some("k")).await.unwrap_err();
    assert_eq!(*refused.kind(), Kind::KeyReused);
    let third = accept(&submit, &tenant, order(), Some("l")).await.unwrap();
    assert_ne!(third.job.id, first.job.id);
}

#[tokio::test]
async fn a_key_is_its_tenants_only() {
    let (submit, tenant, user) = submit().await;
    let other = build::tenant(&submit.ports);
    let foreign = build::account(&other, "1@N00", build::NOW);
    submit.ports.save_account(&foreign).await.unwrap();
    let one = accept(&submit, &tenant, build::order(&user, "flickr.test.echo", "{}"), Some("k")).await.unwrap();
    let order = build::order(&foreign.account.user, "flickr.test.echo", "{}");
    let two = accept(&submit, &other, order, Some("k")).await.unwrap();
    assert_ne!(one.job.id, two.job.id);
    assert!(!two.replayed);
}

#[tokio::test]
async fn a_foreign_account_answers_as_an_unknown_one() {
    let (submit, tenant, user) = submit().await;
    let other = build::tenant(&submit.ports);
    let unknown = UserId::of(&tenant, "nobody");
    for (tenant, user) in [(&other, &user), (&tenant, &unknown)] {
        let refused = accept(&submit, tenant, build::order(user, "flickr.test.echo", "{}"), None).await.unwrap_err();
        assert_eq!(*refused.kind(), Kind::AccountNotFound);
    }
    assert!(submit.ports.jobs().is_empty());
}

#[tokio::test]
async fn asking_again_after_any_failure_makes_one_job_and_a_message() {
    for call in 0..3 {
        for moment in [Moment::Before, Moment::After] {
            let (submit, tenant, user) = submit().await;
            let order = || build::order(&user, "flickr.test.echo", "{}");
            submit.ports.fault(call, moment, Fault::Fail);
            let failed = accept(&submit, &tenant, order(), Some("k")).await.unwrap_err();
            assert_eq!(*failed.kind(), Kind::Unavailable, "{call} {moment:?}");
            submit.ports.pass(Duration::from_secs(1));
            let accepted = accept(&submit, &tenant, order(), Some("k")).await.unwrap();
            assert_eq!(submit.ports.jobs(), [accepted.job], "{call} {moment:?}");
            assert!(!submit.ports.queue().is_empty(), "{call} {moment:?}");
        }
    }
}
