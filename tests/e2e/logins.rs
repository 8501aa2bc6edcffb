//! Logins: whose they are, and how often they can be used.

use api::{AccountView, CompleteLoginRequest, LoginMode, Permission, StartLoginAnswer};
use serde_json::{Value, json};

use crate::{
    emulator::another_tenant,
    stack::{Flickr, Hub, completion, env, shared_stack},
};

/// A Flickr app of a test's own, to begin logins with: those of all other tests share the few calls
/// that logins have of one app.
async fn own_app(flickr: &Flickr) -> Value {
    let app = flickr.control("/_fake/apps", &json!({})).await;
    json!({ "api_key": app["key"], "api_secret": app["secret"] })
}

#[tokio::test]
async fn a_login_of_another_tenant_a_used_one_and_an_unknown_one_are_refused_alike() {
    let _shared = shared_stack().await;
    let (hub, other, flickr) = (Hub::first(), another_tenant().await, Flickr::new());
    let started: StartLoginAnswer = hub.start(&json!({})).await.data();
    let consent = flickr.approve(&started, Permission::Write).await;
    let request = completion(&started, &consent, None);
    let foreign = other.complete(&request).await;
    assert_eq!((foreign.status.as_u16(), foreign.problem()), (400, "ERR_INVALID_STATE"));
    let account: AccountView = hub.complete(&request).await.data();
    let used = hub.complete(&request).await;
    let unknown = hub.post("/v1/auth/complete", &json!({ "oauth_token": "x", "oauth_verifier": "y" })).await;
    for answer in [used, unknown] {
        assert_eq!(answer.problem(), "ERR_INVALID_STATE");
        assert_eq!(answer.json()["detail"], foreign.json()["detail"]);
    }

    let path = format!("/v1/accounts/{}", account.user_id);
    assert_eq!(other.get(&path).await.problem(), "ERR_ACCOUNT_NOT_FOUND");
    let job = json!({ "method": "flickr.test.login", "user_id": account.user_id });
    assert_eq!(other.post("/v1/flickr/rest", &job).await.problem(), "ERR_ACCOUNT_NOT_FOUND");
    let id = hub.submit(&account.user_id, "flickr.test.login", &json!({})).await;
    assert_eq!(other.get(&format!("/v1/flickr/jobs/{id}")).await.problem(), "ERR_JOB_NOT_FOUND");
}

#[tokio::test]
async fn an_account_has_the_permissions_that_the_user_granted() {
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let app = own_app(&flickr).await;
    for granted in [Permission::Read, Permission::Delete] {
        let started: StartLoginAnswer = hub.start(&app).await.data();
        let consent = flickr.approve(&started, granted).await;
        let account: AccountView = hub.complete(&completion(&started, &consent, None)).await.data();
        assert_eq!((account.perms, account.perms_confirmed), (granted, true), "to write was asked for");
        assert_eq!(hub.get(&format!("/v1/accounts/{}", account.user_id)).await.data::<AccountView>(), account);
    }
}

#[tokio::test]
async fn a_login_is_not_lost_when_flickr_does_not_say_what_it_granted() {
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let user = flickr.control("/_fake/users", &json!({})).await;
    let started: StartLoginAnswer = hub.start(&own_app(&flickr).await).await.data();
    let consent = flickr.approve_as(&user, &started, Permission::Read).await;
    flickr.fault(user["nsid"].as_str().unwrap(), "503", &json!({})).await;
    let account: AccountView = hub.complete(&completion(&started, &consent, None)).await.data();
    assert_eq!((account.perms, account.perms_confirmed), (Permission::Write, false), "what was asked for");
}

#[tokio::test]
async fn a_browser_goes_from_flickr_through_the_callback_to_the_tenants_page() {
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let return_url = env("FLICKRHUB_RETURN_URL");
    let started: StartLoginAnswer = hub.start(&json!({ "return_url": return_url })).await.data();
    assert_eq!(started.mode, LoginMode::Callback);
    let state = started.state.as_str();
    let consent = flickr.approve(&started, Permission::Write).await;

    let back = consent["redirect_to"].as_str().unwrap();
    let path = back.strip_prefix(&env("FLICKRHUB_URL")).expect("Flickr sends the browser to FlickrHub");
    let browser = Hub::with_key(None);
    let landing = browser.get(path).await;
    assert_eq!(landing.status, 303, "{}", landing.text);
    let location = landing.headers["location"].to_str().unwrap();
    assert!(location.starts_with(&return_url) && location.contains(state), "{location}");

    for wrong in [None, Some("x"), Some("ten_00000000000000000000000000000000.0")] {
        let refused = hub.complete(&completion(&started, &consent, wrong)).await;
        assert_eq!(refused.problem(), "ERR_INVALID_STATE", "{wrong:?}");
    }
    let tampered = path.replace(state, &format!("{state}0"));
    assert_eq!(browser.get(&tampered).await.problem(), "ERR_INVALID_STATE");
    assert!(hub.complete(&completion(&started, &consent, Some(state))).await.status.is_success());
    assert_eq!(browser.get(path).await.problem(), "ERR_INVALID_STATE", "a used login");
}

#[tokio::test]
async fn an_unlisted_return_url_and_a_refused_app_are_told() {
    let hub = Hub::first();
    let unlisted = hub.start(&json!({ "return_url": "https://evil.example/" })).await;
    assert_eq!((unlisted.status.as_u16(), unlisted.problem()), (422, "ERR_RETURN_URL_NOT_ALLOWED"));
    let refused = hub.start(&json!({ "api_key": "00000000000000000000000000000000" })).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (422, "ERR_FLICKR_APP_REFUSED"));
    let flickr = Flickr::new();
    let started: StartLoginAnswer = hub.start(&own_app(&flickr).await).await.data();
    let consent = flickr.approve(&started, Permission::Write).await;
    let right = completion(&started, &consent, None);
    let wrong = CompleteLoginRequest { oauth_verifier: "000-000-000".to_owned(), ..right };
    assert_eq!(hub.complete(&wrong).await.problem(), "ERR_VERIFIER_REFUSED");
}

#[tokio::test]
async fn a_user_who_connects_again_is_the_same_user_and_can_be_disconnected() {
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let user = flickr.control("/_fake/users", &json!({})).await;
    let (app, mut users) = (own_app(&flickr).await, Vec::new());
    for _ in 0..2 {
        let started: StartLoginAnswer = hub.start(&app).await.data();
        let consent = flickr.approve_as(&user, &started, Permission::Write).await;
        users.push(hub.complete(&completion(&started, &consent, None)).await.data::<AccountView>().user_id);
    }
    assert_eq!(users[0], users[1]);
    let path = format!("/v1/accounts/{}", users[0]);
    assert!(hub.call(reqwest::Method::DELETE, &path, &[], None).await.status.is_success());
    assert_eq!(hub.get(&path).await.problem(), "ERR_ACCOUNT_NOT_FOUND");
}
