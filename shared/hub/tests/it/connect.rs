//! Connecting an account.

use std::{sync::Arc, time::Duration};

use domain::{
    TenantId,
    account::Perms,
    budget::Limit,
    login::Mode,
    outcome::{Class, Outcome},
    timing::LOGIN_LIFETIME,
};
use hub::{
    Kind, accounts,
    budget::Limits,
    connect::{AllowedReturnUrls, App, Callback, Complete, Connect, Landing, Start, Started},
    credentials::AppCredentials,
    keyed_hash::KeyedHash,
    ports::FindLine,
};
use testkit::{Fault, Moment, ScriptedFlickr, World, build};
use vault::memory::MemoryKeys;

const RETURN_URL: &str = "https://shop.example/back?from=flickr";

fn connect() -> Connect<World, ScriptedFlickr, Arc<MemoryKeys>> {
    Connect {
        ports: World::new(build::NOW, 1),
        flickr: ScriptedFlickr::default(),
        vaults: build::vaults(),
        keyed_hash: KeyedHash::new(&[7; 32]).unwrap(),
        return_urls: AllowedReturnUrls::parse(RETURN_URL).unwrap(),
        limits: Limits::default(),
    }
}

fn wish(return_url: Option<&str>) -> Start {
    Start {
        app: App::Given(AppCredentials::new("key", "canary-app-secret")),
        perms: Perms::Write,
        mode: None,
        return_url: return_url.map(str::to_owned),
        callback_url: "https://hub.example/api/v1/auth/callback".to_owned(),
    }
}

fn consent(started: &Started, state: Option<&str>) -> Complete {
    Complete {
        oauth_token: started.oauth_token.clone(),
        oauth_verifier: "123-456-789".to_owned(),
        state: state.map(str::to_owned),
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, hub::Error>) -> Kind {
    result.unwrap_err().kind().clone()
}

const TENANT: [u8; 16] = [1; 16];

#[tokio::test]
async fn a_login_by_hand_connects_the_account() {
    let connect = connect();
    let tenant = TenantId::from_bytes(TENANT);
    let started = connect.start(&tenant, wish(None)).await.unwrap();
    assert_eq!(started.mode, Mode::Oob);
    assert_eq!(connect.flickr.callbacks(), ["oob"]);
    assert!(started.authorize_url.contains("perms=write"));

    let account = connect.complete(&tenant, consent(&started, None)).await.unwrap();
    assert_eq!((account.nsid.as_str(), account.perms), (ScriptedFlickr::NSID, Perms::Write));
    assert_eq!(accounts::get(&connect.ports, &tenant, &account.user).await.unwrap(), account);

    assert_eq!(refused(connect.complete(&tenant, consent(&started, None)).await), Kind::LoginNotFound, "used once");
}

#[tokio::test]
async fn a_user_who_connects_twice_is_the_same_user() {
    let connect = connect();
    let tenant = TenantId::from_bytes(TENANT);
    let first = connect.start(&tenant, wish(None)).await.unwrap();
    let first_account = connect.complete(&tenant, consent(&first, None)).await.unwrap();
    connect.ports.pass(Duration::from_secs(60));
    let again = Start { app: App::Kept(first.app.clone()), ..wish(None) };
    let second = connect.start(&tenant, again).await.unwrap();
    let second_account = connect.complete(&tenant, consent(&second, None)).await.unwrap();
    assert_eq!(first_account.user, second_account.user);
    assert!(second_account.connected_at > first_account.connected_at);
    assert_eq!(accounts::list(&connect.ports, &tenant, None).await.unwrap().accounts, [second_account]);
}

#[tokio::test]
async fn a_browser_is_sent_back_with_token_verifier_and_state() {
    let connect = connect();
    let tenant = TenantId::from_bytes(TENANT);
    let started = connect.start(&tenant, wish(Some(RETURN_URL))).await.unwrap();
    assert_eq!(started.mode, Mode::Callback);
    let state = started.state.clone();
    assert_eq!(connect.flickr.callbacks(), [format!("https://hub.example/api/v1/auth/callback?state={state}")]);

    let back = Callback { oauth_token: started.oauth_token.clone(), oauth_verifier: "v".to_owned(), state };
    let landing = connect.callback(&back).await.unwrap();
    let Callback { oauth_token, state, .. } = &back;
    let expected = format!("{RETURN_URL}&oauth_token={oauth_token}&oauth_verifier=v&state={state}");
    assert_eq!(landing, Landing::Redirect(expected));
    assert_eq!(connect.callback(&back).await.unwrap(), landing, "a reload of the page uses nothing up");

    let wrong = TenantId::from_bytes(TENANT).to_string() + ".00000000000000000000000000000000";
    for state in [wrong.as_str(), "x", ""] {
        let back = Callback { state: state.to_owned(), ..back.clone() };
        assert_eq!(refused(connect.callback(&back).await), Kind::LoginNotFound, "{state}");
    }
    for state in [None, Some("x"), Some(wrong.as_str())] {
        assert_eq!(refused(connect.complete(&tenant, consent(&started, state)).await), Kind::LoginNotFound);
    }
    connect.complete(&tenant, consent(&started, Some(&started.state))).await.unwrap();
    assert_eq!(refused(connect.callback(&back).await), Kind::LoginNotFound);
}

#[tokio::test]
async fn a_callback_without_return_url_shows_the_code() {
    let connect = connect();
    let tenant = TenantId::from_bytes(TENANT);
    let started = connect.start(&tenant, Start { mode: Some(Mode::Callback), ..wish(None) }).await.unwrap();
    let back = Callback { oauth_token: started.oauth_token, oauth_verifier: "v".to_owned(), state: started.state };
    assert_eq!(connect.callback(&back).await.unwrap(), Landing::ShowCode);
}

#[tokio::test]
async fn a_login_is_its_tenants_and_lives_ten_minutes() {
    let connect = connect();
    let (tenant, other) = (TenantId::from_bytes(TENANT), TenantId::from_bytes([2; 16]));
    let started = connect.start(&tenant, wish(None)).await.unwrap();
    for state in [None, Some(started.state.as_str())] {
        assert_eq!(refused(connect.complete(&other, consent(&started, state)).await), Kind::LoginNotFound);
    }
    connect.ports.pass(LOGIN_LIFETIME);
    assert_eq!(refused(connect.complete(&tenant, consent(&started, None)).await), Kind::LoginNotFound);
    let back = Callback { oauth_token: started.oauth_token, oauth_verifier: "v".to_owned(), state: started.state };
    assert_eq!(refused(connect.callback(&back).await), Kind::LoginNotFound);
}

#[tokio::test]
async fn what_flickr_refuses_keeps_nothing() {
    let connect = connect();
    let tenant = TenantId::from_bytes(TENANT);
    connect.flickr.answer([Outcome::new(Class::App, "consumer_key_unknown"), Outcome::new(Class::Throttled, "429")]);
    assert!(matches!(refused(connect.start(&tenant, wish(None)).await), Kind::AppRefused(_)));
    assert!(matches!(refused(connect.start(&tenant, wish(None)).await), Kind::FlickrUnavailable(_)));
    assert!(connect.ports.sealed().is_empty());

    let started = connect.start(&tenant, wish(None)).await.unwrap();
    connect.flickr.answer([Outcome::new(Class::Permanent, "verifier_invalid")]);
    assert!(matches!(refused(connect.complete(&tenant, consent(&started, None)).await), Kind::VerifierRefused(_)));
    assert!(accounts::list(&connect.ports, &tenant, None).await.unwrap().accounts.is_empty());
}

#[tokio::test]
async fn a_return_url_must_be_listed_and_fit_its_mode() {
    let connect = connect();
    let tenant = TenantId::from_bytes(TENANT);
    assert_eq!(refused(connect.start(&tenant, wish(Some("https://evil.example/"))).await), Kind::ReturnUrlNotAllowed);
    let mixed = Start { mode: Some(Mode::Oob), ..wish(Some(RETURN_URL)) };
    assert!(matches!(refused(connect.start(&tenant, mixed).await), Kind::InvalidField { field: "mode", .. }));
    let foreign = Start { app: App::Kept(domain::AppId::from_bytes([1; 16])), ..wish(None) };
    assert_eq!(refused(connect.start(&tenant, foreign).await), Kind::AppNotFound);
    assert!(connect.flickr.callbacks().is_empty(), "Flickr is not asked for what is refused anyway");
}

#[tokio::test]
async fn a_spent_budget_stops_logins_and_uses_none_up() {
    let limit = Limit { calls_per_hour: 3_600, burst_calls: 1 };
    let connect = Connect { limits: Limits { app: limit, account: None }, ..connect() };
    let tenant = TenantId::from_bytes(TENANT);
    let started = connect.start(&tenant, wish(None)).await.unwrap();

    let spent = Kind::BudgetSpent { retry_after: Duration::from_secs(5) };
    assert_eq!(refused(connect.complete(&tenant, consent(&started, None)).await), spent);
    assert_eq!(refused(connect.start(&tenant, wish(None)).await), spent);
    assert_eq!(connect.flickr.callbacks().len(), 1, "Flickr was asked once");

    connect.ports.pass(Duration::from_secs(5));
    connect.complete(&tenant, consent(&started, None)).await.unwrap();
}

#[tokio::test]
async fn a_budget_that_does_not_hear_of_a_call_fails_no_login() {
    let connect = connect();
    let tenant = TenantId::from_bytes(TENANT);
    connect.flickr.answer([Outcome::new(Class::Throttled, "429")]);
    // The call after the grants' is the one that tells of the refusal.
    connect.ports.fault(3, Moment::Before, Fault::Fail);
    assert!(matches!(refused(connect.start(&tenant, wish(None)).await), Kind::FlickrUnavailable(_)));
    assert_eq!(connect.ports.calls(), ["app", "change_budget", "change_budget", "change_budget"]);
}

/// A key is public: it is in each authorize URL. A budget is of a key with its secret (promise I5).
#[tokio::test]
async fn who_knows_a_public_key_can_neither_drain_its_budget_nor_open_its_circuit() {
    let connect = connect();
    let (owner, stranger) = (TenantId::from_bytes(TENANT), TenantId::from_bytes([2; 16]));
    let started = connect.start(&owner, wish(None)).await.unwrap();
    let before = connect.ports.budget_and_line(&started.app).await.unwrap();

    let (mut told, mut stopped) = (0, 0);
    for number in 0..400 {
        let guess = App::Given(AppCredentials::new("key", format!("guess {number}")));
        connect.flickr.answer_once(Outcome::new(Class::Throttled, "429"));
        match refused(connect.start(&stranger, Start { app: guess, ..wish(None) }).await) {
            Kind::FlickrUnavailable(_) => told += 1,
            Kind::BudgetSpent { .. } => stopped += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((told, stopped), (20, 380), "Flickr hears little of its guesses");
    assert_eq!(connect.ports.budget_and_line(&started.app).await.unwrap(), before);
    let kept = Start { app: App::Kept(started.app.clone()), ..wish(None) };
    assert_eq!(refused(connect.start(&stranger, kept).await), Kind::AppNotFound);
    connect.flickr.forget_answers();
    connect.complete(&owner, consent(&started, None)).await.unwrap();
}
