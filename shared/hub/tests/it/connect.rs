//! Connecting an account.

use std::{sync::Arc, time::Duration};

use domain::{
    AppId, TenantId,
    account::Perms,
    budget::Limit,
    login::Mode,
    outcome::{Class, Outcome},
    timing::LOGIN_LIFETIME,
};
use hub::{
    Kind, accounts,
    budget::Grants,
    connect::{AllowedReturnUrls, App, Callback, Complete, Connect, Landing, Start, Started},
    credentials::AppCredentials,
    limits::Limits,
    ports::FairQueues,
    tenants::Principal,
};
use testkit::{Call, Fault, FaultPoint, ScriptedFlickr, World, build};
use vault::{Vault, memory::MemoryKeys};

const RETURN_URL: &str = "https://shop.example/back?from=flickr";

async fn connect() -> (Connect<World, ScriptedFlickr, Arc<MemoryKeys>>, Principal) {
    connect_with(Limits::default()).await
}

async fn connect_with(limits: Limits) -> (Connect<World, ScriptedFlickr, Arc<MemoryKeys>>, Principal) {
    let connect = Connect {
        ports: World::new(build::NOW, 1),
        flickr: ScriptedFlickr::default(),
        vaults: build::vaults(),
        keyed_hash: build::keyed_hash(),
        return_urls: AllowedReturnUrls::parse(RETURN_URL),
        grants: Grants::default(),
    };
    let principal = build::principal_of(&connect.ports, &TenantId::from_bytes([1; 16]), limits).await;
    connect.ports.forget_calls();
    (connect, principal)
}

fn request(return_url: Option<&str>) -> Start {
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

#[tokio::test]
async fn a_login_by_hand_connects_the_account() {
    let (connect, principal) = connect().await;
    let started = connect.start(&principal, request(None)).await.unwrap();
    assert_eq!(started.mode, Mode::Oob);
    assert_eq!(connect.flickr.callbacks(), ["oob"]);
    assert!(started.authorize_url.contains("perms=write"));

    let account = connect.complete(&principal, consent(&started, None)).await.unwrap();
    assert_eq!((account.nsid.as_str(), account.perms), (ScriptedFlickr::NSID, Perms::Write));
    assert!(account.perms_confirmed);
    assert_eq!(accounts::get(&connect.ports, &principal, &account.user).await.unwrap(), account);

    assert_eq!(refused(connect.complete(&principal, consent(&started, None)).await), Kind::LoginNotFound, "used once");
}

#[tokio::test]
async fn a_user_who_connects_twice_is_the_same_user() {
    let (connect, principal) = connect().await;
    let first = connect.start(&principal, request(None)).await.unwrap();
    let first_account = connect.complete(&principal, consent(&first, None)).await.unwrap();
    connect.ports.pass(Duration::from_secs(60));
    let again = Start { app: App::Stored(first.app.clone()), ..request(None) };
    let second = connect.start(&principal, again).await.unwrap();
    let second_account = connect.complete(&principal, consent(&second, None)).await.unwrap();
    assert_eq!(first_account.user, second_account.user);
    assert!(second_account.connected_at > first_account.connected_at);
    let forgotten = connect.ports.calls().into_iter().filter(|call| *call == Call::Invalidate).count();
    assert_eq!(forgotten, 2, "what was cached may be more than the new token may see");
    assert_eq!(accounts::list(&connect.ports, &principal, None).await.unwrap().items, [second_account]);
}

#[tokio::test]
async fn a_browser_is_sent_back_with_token_verifier_and_state() {
    let (connect, principal) = connect().await;
    let started = connect.start(&principal, request(Some(RETURN_URL))).await.unwrap();
    assert_eq!(started.mode, Mode::Callback);
    let state = started.state.clone();
    assert_eq!(connect.flickr.callbacks(), [format!("https://hub.example/api/v1/auth/callback?state={state}")]);

    let back = Callback { oauth_token: started.oauth_token.clone(), oauth_verifier: "v".to_owned(), state };
    let landing = connect.callback(&back).await.unwrap();
    let Callback { oauth_token, state, .. } = &back;
    let expected = format!("{RETURN_URL}&oauth_token={oauth_token}&oauth_verifier=v&state={state}");
    assert_eq!(landing, Landing::Redirect(expected));
    assert_eq!(connect.callback(&back).await.unwrap(), landing, "a reload of the page uses nothing up");

    let wrong = principal.tenant().to_string() + ".00000000000000000000000000000000";
    for state in [wrong.as_str(), "x", ""] {
        let back = Callback { state: state.to_owned(), ..back.clone() };
        assert_eq!(refused(connect.callback(&back).await), Kind::LoginNotFound, "{state}");
    }
    for state in [None, Some("x"), Some(wrong.as_str())] {
        assert_eq!(refused(connect.complete(&principal, consent(&started, state)).await), Kind::LoginNotFound);
    }
    connect.complete(&principal, consent(&started, Some(&started.state))).await.unwrap();
    assert_eq!(refused(connect.callback(&back).await), Kind::LoginNotFound);
}

#[tokio::test]
async fn a_callback_without_return_url_shows_the_code() {
    let (connect, principal) = connect().await;
    let started = connect.start(&principal, Start { mode: Some(Mode::Callback), ..request(None) }).await.unwrap();
    let back = Callback { oauth_token: started.oauth_token, oauth_verifier: "v".to_owned(), state: started.state };
    assert_eq!(connect.callback(&back).await.unwrap(), Landing::ShowCode);
}

#[tokio::test]
async fn a_login_is_its_tenants_and_lives_ten_minutes() {
    let (connect, principal) = connect().await;
    let other = build::principal(&connect.ports).await;
    let started = connect.start(&principal, request(None)).await.unwrap();
    for state in [None, Some(started.state.as_str())] {
        assert_eq!(refused(connect.complete(&other, consent(&started, state)).await), Kind::LoginNotFound);
    }
    connect.ports.pass(LOGIN_LIFETIME);
    assert_eq!(refused(connect.complete(&principal, consent(&started, None)).await), Kind::LoginNotFound);
    let back = Callback { oauth_token: started.oauth_token, oauth_verifier: "v".to_owned(), state: started.state };
    assert_eq!(refused(connect.callback(&back).await), Kind::LoginNotFound);
}

#[tokio::test]
async fn of_what_flickr_refuses_nothing_is_stored() {
    let (connect, principal) = connect().await;
    connect.flickr.answer([Outcome::new(Class::App, "consumer_key_unknown"), Outcome::new(Class::Throttled, "429")]);
    assert!(matches!(refused(connect.start(&principal, request(None)).await), Kind::AppRefused(_)));
    assert!(matches!(refused(connect.start(&principal, request(None)).await), Kind::FlickrUnavailable(_)));
    assert!(connect.ports.sealed().is_empty());

    let started = connect.start(&principal, request(None)).await.unwrap();
    connect.flickr.answer([Outcome::new(Class::Permanent, "verifier_invalid")]);
    assert!(matches!(refused(connect.complete(&principal, consent(&started, None)).await), Kind::VerifierRefused(_)));
    assert!(accounts::list(&connect.ports, &principal, None).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_return_url_must_be_listed_and_fit_its_mode() {
    let (connect, principal) = connect().await;
    assert_eq!(
        refused(connect.start(&principal, request(Some("https://evil.example/"))).await),
        Kind::ReturnUrlNotAllowed
    );
    let mixed = Start { mode: Some(Mode::Oob), ..request(Some(RETURN_URL)) };
    assert!(matches!(refused(connect.start(&principal, mixed).await), Kind::InvalidField { field: "mode", .. }));
    let foreign = Start { app: App::Stored(AppId::from_bytes([1; 16])), ..request(None) };
    assert_eq!(refused(connect.start(&principal, foreign).await), Kind::AppNotFound);
    assert!(connect.flickr.callbacks().is_empty(), "Flickr is not asked for what is refused anyway");
}

#[tokio::test]
async fn a_spent_budget_stops_logins_and_uses_none_up() {
    let app = Limit { calls_per_hour: 3_600, burst_calls: 1 };
    let (connect, principal) = connect_with(Limits { app, ..Limits::default() }).await;
    let started = connect.start(&principal, request(None)).await.unwrap();

    let spent = Kind::BudgetSpent { retry_after: Duration::from_secs(5) };
    assert_eq!(refused(connect.complete(&principal, consent(&started, None)).await), spent);
    assert_eq!(refused(connect.start(&principal, request(None)).await), spent);
    assert_eq!(connect.flickr.callbacks().len(), 1, "Flickr was asked once");

    connect.ports.pass(Duration::from_secs(5));
    let account = connect.complete(&principal, consent(&started, None)).await.unwrap();
    assert!(!account.perms_confirmed, "no call was left to ask for the permissions");
}

#[tokio::test]
async fn an_account_has_the_permissions_that_flickr_granted() {
    let (connect, principal) = connect().await;
    for granted in Perms::ALL {
        connect.flickr.grant(granted);
        let started = connect.start(&principal, request(None)).await.unwrap();
        let account = connect.complete(&principal, consent(&started, None)).await.unwrap();
        assert_eq!((account.perms, account.perms_confirmed), (granted, true), "to write was asked for");
        assert_eq!(accounts::get(&connect.ports, &principal, &account.user).await.unwrap(), account);
    }
}

/// The exchange cannot be repeated, so the login must not be lost for a question that can be asked again.
#[tokio::test]
async fn where_flickr_does_not_say_what_it_granted_the_account_is_connected_unconfirmed() {
    let done = || Outcome::new(Class::Done, "ok");
    for class in [Class::Transient, Class::Throttled, Class::Permanent, Class::Account, Class::App] {
        let (connect, principal) = connect().await;
        connect.flickr.grant(Perms::Read);
        let started = connect.start(&principal, request(None)).await.unwrap();
        connect.flickr.answer([done(), Outcome::new(class, "canary")]);
        let account = connect.complete(&principal, consent(&started, None)).await.unwrap();
        assert_eq!((account.perms, account.perms_confirmed), (Perms::Write, false), "{class:?}");
        assert_eq!(accounts::get(&connect.ports, &principal, &account.user).await.unwrap(), account);
    }
}

#[tokio::test]
async fn to_ask_for_the_permissions_takes_a_call_and_a_failure_of_its_grant_loses_no_login() {
    const STEPS: [Call; 10] = [
        Call::Login,
        Call::App,
        Call::Budget,
        Call::ChangeBudget,
        Call::ChangeBudget,
        Call::TakeLogin,
        // Of the tenant's logins and of the app, to ask for the permissions.
        Call::ChangeBudget,
        Call::ChangeBudget,
        Call::Invalidate,
        Call::SaveAccount,
    ];
    for fault in [None, Some((6, FaultPoint::Before)), Some((7, FaultPoint::Before)), Some((7, FaultPoint::After))] {
        let (connect, principal) = connect().await;
        let started = connect.start(&principal, request(None)).await.unwrap();
        connect.ports.forget_calls();
        if let Some((number, point)) = fault {
            connect.ports.fault(number, point, Fault::Fail);
        }
        let account = connect.complete(&principal, consent(&started, None)).await.unwrap();
        assert_eq!(account.perms_confirmed, fault.is_none(), "{fault:?}");
        match fault {
            None => assert_eq!(connect.ports.calls(), STEPS),
            Some(_) => assert_eq!(accounts::get(&connect.ports, &principal, &account.user).await.unwrap(), account),
        }
    }
}

#[tokio::test]
async fn a_call_that_cannot_be_recorded_fails_no_login() {
    let (connect, principal) = connect().await;
    connect.flickr.answer([Outcome::new(Class::Throttled, "429")]);
    // The call after those of the two grants records the refusal.
    connect.ports.fault(5, FaultPoint::Before, Fault::Fail);
    assert!(matches!(refused(connect.start(&principal, request(None)).await), Kind::FlickrUnavailable(_)));
    let grants = [Call::Budget, Call::ChangeBudget, Call::Budget, Call::ChangeBudget];
    assert_eq!(connect.ports.calls(), [&[Call::App][..], &grants, &[Call::ChangeBudget]].concat());
}

/// A key is public: it is in each authorize URL. A budget is of a key with its secret (promise I5).
#[tokio::test]
async fn who_knows_a_public_key_can_neither_drain_its_budget_nor_open_its_circuit() {
    let (connect, owner) = connect().await;
    let stranger = build::principal(&connect.ports).await;
    let started = connect.start(&owner, request(None)).await.unwrap();
    let before = connect.ports.budget_and_queue(&started.app).await.unwrap();

    let (mut sent, mut stopped) = (0, 0);
    for number in 0..400 {
        let guess = App::Given(AppCredentials::new("key", format!("guess {number}")));
        connect.flickr.answer_once(Outcome::new(Class::Throttled, "429"));
        match refused(connect.start(&stranger, Start { app: guess, ..request(None) }).await) {
            Kind::FlickrUnavailable(_) => sent += 1,
            Kind::BudgetSpent { .. } => stopped += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((sent, stopped), (20, 380), "few of its guesses reach Flickr");
    assert_eq!(connect.ports.budget_and_queue(&started.app).await.unwrap(), before);
    let stored = Start { app: App::Stored(started.app.clone()), ..request(None) };
    assert_eq!(refused(connect.start(&stranger, stored).await), Kind::AppNotFound);
    connect.flickr.forget_answers();
    connect.complete(&owner, consent(&started, None)).await.unwrap();
}

#[tokio::test]
async fn a_login_that_cannot_be_completed_spends_nothing_of_the_apps_budget() {
    let (connect, principal) = connect().await;
    let started = connect.start(&principal, request(Some(RETURN_URL))).await.unwrap();
    let before = connect.ports.budget_and_queue(&started.app).await.unwrap();
    let wrong = Some("ten_01010101010101010101010101010101.0");
    for consent in [consent(&started, wrong), consent(&started, None)] {
        for _ in 0..30 {
            assert_eq!(refused(connect.complete(&principal, consent.clone()).await), Kind::LoginNotFound);
        }
    }
    assert_eq!(connect.ports.budget_and_queue(&started.app).await.unwrap(), before);
    assert_eq!(connect.flickr.calls(), Vec::<String>::new());
    connect.complete(&principal, consent(&started, Some(&started.state))).await.unwrap();
}

#[tokio::test]
async fn an_app_is_sealed_and_stored_once() {
    let (mut connect, principal) = connect().await;
    let key = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000003".parse().unwrap();
    let keys = Arc::new(MemoryKeys::new(key).unwrap());
    connect.vaults.secrets = Vault::new(Arc::clone(&keys));
    for stored in [1, 1] {
        connect.start(&principal, request(None)).await.unwrap();
        let saved = connect.ports.calls().into_iter().filter(|call| *call == Call::SaveApp).count();
        assert_eq!(keys.generate_calls(), 1, "it is sealed when it is new");
        assert_eq!(saved, stored, "the id of an app is a hash of its credentials: they are there already");
    }
}
