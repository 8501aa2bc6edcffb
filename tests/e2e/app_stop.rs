//! An app that Flickr refuses is stopped once, for all of its jobs, and visibly.

use api::{CircuitView, JobState, WaitingFor};
use serde_json::json;

use crate::stack::{Flickr, Hub, shared_stack, until};

#[tokio::test]
async fn the_jobs_of_a_disabled_app_spend_one_call_and_go_on_when_a_login_shows_that_it_works_again() {
    const METHOD: &str = "flickr.test.login";
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let app = flickr.control("/_fake/apps", &json!({})).await;
    let account = hub.connect_with(&app).await;
    let disabled = |disabled: bool| json!({ "key": app["key"], "secret": app["secret"], "disabled": disabled });
    flickr.control("/_fake/apps", &disabled(true)).await;

    let first = hub.submit(&account.user_id, METHOD, &json!({})).await;
    let usage = until("the app to be stopped", async || {
        Some(hub.usage_of(&account.app_id).await).filter(|usage| usage.stopped.is_some())
    });
    let usage = usage.await;
    assert_eq!((usage.circuit, usage.remaining_calls, usage.open_until.is_some()), (CircuitView::Open, 0, true));
    assert!(usage.stopped.as_ref().unwrap().message.starts_with("Invalid API Key"), "{usage:?}");

    let mut jobs = vec![first];
    for _ in 0..3 {
        jobs.push(hub.submit(&account.user_id, METHOD, &json!({})).await);
    }
    for id in &jobs {
        let waiting = hub.job(id).await.waiting.unwrap();
        assert_eq!(waiting.reason, WaitingFor::AppStopped, "{waiting:?}");
        assert!(waiting.message.contains("Invalid API Key"), "{waiting:?}");
    }
    assert_eq!(flickr.calls(&account.nsid, METHOD).await.len(), 1);

    flickr.control("/_fake/apps", &disabled(false)).await;
    let login = json!({ "api_key": app["key"], "api_secret": app["secret"] });
    assert_eq!(hub.start(&login).await.status.as_u16(), 200);
    assert_eq!(hub.usage_of(&account.app_id).await.stopped, None);
    for id in &jobs[1..] {
        let ended = hub.ended(id).await;
        assert_eq!(ended.state, JobState::Completed, "{ended:?}");
    }
}
