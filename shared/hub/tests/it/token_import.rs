//! Accounts that are connected by tokens which somebody has in clear.

use std::{cell::Cell, sync::Arc, time::Duration};

use domain::{
    AccountRef, AppId, UserId,
    account::{Perms, Status},
    budget::Limit,
    outcome::{Class, Outcome},
};
use hub::{
    Kind,
    budget::Grants,
    connect::App,
    credentials::{AppCredentials, TokenCredentials},
    ports::{Accounts, Apps, TokenOwner},
    token_import::{ExistingToken, Import, Imported},
};
use testkit::{Call, Fault, FaultPoint, ScriptedFlickr, World, build};
use vault::memory::MemoryKeys;

type Importing = Import<World, ScriptedFlickr, Arc<MemoryKeys>>;

/// One call at once, and 60 an hour, to a Flickr that says whose the token `one` is.
fn scene() -> Importing {
    let (world, flickr) = (World::new(build::NOW, 1), ScriptedFlickr::default());
    let owner = TokenOwner { nsid: "1@N00".to_owned(), username: "ada".to_owned(), fullname: "Ada L.".to_owned() };
    flickr.own("one", owner);
    flickr.grant(Perms::Read);
    Import {
        tenant: build::tenant(&world),
        ports: world,
        flickr,
        vaults: build::vaults(),
        keyed_hash: build::keyed_hash(),
        limit: Limit { calls_per_hour: 300, burst_calls: 5 },
        grants: Grants::default(),
        replace: false,
    }
}

fn existing(token: &str, nsid: Option<&str>) -> ExistingToken {
    ExistingToken {
        app: App::Given(AppCredentials::new("key", "canary-app-secret")),
        token: TokenCredentials::new(token, "canary-secret"),
        nsid: nsid.map(str::to_owned),
    }
}

/// What becomes of a token that has not to wait.
async fn imported(import: &Importing, existing: &ExistingToken) -> Imported {
    import.import(existing, async |_| panic!("it waits")).await.unwrap()
}

fn user(import: &Importing) -> UserId {
    UserId::of(&import.tenant, "1@N00")
}

async fn stored_token(import: &Importing) -> Option<String> {
    let stored = import.ports.account(&AccountRef::new(&import.tenant, &user(import))).await.unwrap()?;
    Some(import.vaults.open_account(&stored).await.unwrap().token().to_owned())
}

#[tokio::test]
async fn a_token_is_verified_sealed_and_stored_with_its_app_and_the_second_time_nothing_is_asked() {
    for nsid in [Some("1@N00"), None] {
        let import = scene();
        let token = existing("one", nsid);
        let Imported::Connected(account) = imported(&import, &token).await else { panic!("not connected") };
        assert_eq!((&account.user, &*account.nsid, &*account.username), (&user(&import), "1@N00", "ada"));
        assert_eq!((account.perms, account.perms_confirmed, account.status), (Perms::Read, true, Status::Connected));
        assert_eq!(account.connected_at, build::NOW);
        let app = import.vaults.open_app(&import.ports, &import.tenant, &account.app).await.unwrap();
        assert_eq!(app, AppCredentials::new("key", "canary-app-secret"));
        assert_eq!(stored_token(&import).await.as_deref(), Some("one"));
        for sealed in import.ports.sealed() {
            assert!(!sealed.windows(6).any(|window| window == b"canary"), "a secret lies in clear");
        }

        // One call at once is all there is: a second one would have to wait.
        if nsid.is_some() {
            assert_eq!(imported(&import, &token).await, Imported::AlreadyConnected(user(&import)));
            assert_eq!(import.flickr.checked_tokens(), ["one"]);
        }
    }
}

#[tokio::test]
async fn each_verification_is_a_call_of_the_apps_budget_and_waits_for_it() {
    let import = scene();
    imported(&import, &existing("one", Some("1@N00"))).await;
    assert_eq!(import.ports.count(Call::ChangeBudget), 1);

    let waited = Cell::new(Duration::ZERO);
    let wait = async |length| {
        waited.set(waited.get() + length);
        import.ports.pass(length);
    };
    let second = import.import(&existing("two", Some("2@N00")), wait).await.unwrap();
    assert!(matches!(second, Imported::Connected(_)));
    // Logins have a fifth of 300 calls an hour: one a minute.
    assert_eq!(waited.get(), Duration::from_secs(60));
    assert_eq!(import.flickr.checked_tokens(), ["one", "two"]);
}

#[tokio::test]
async fn an_account_that_is_connected_with_another_token_keeps_it_unless_it_is_to_be_replaced() {
    for nsid in [Some("1@N00"), None] {
        let mut import = scene();
        let (stored, _) = build::sealed_account(&import.vaults, &import.tenant, "1@N00", build::NOW).await;
        import.ports.save_account(&stored).await.unwrap();
        let token = existing("one", nsid);
        assert_eq!(imported(&import, &token).await, Imported::OtherToken(user(&import)));
        assert_eq!(stored_token(&import).await, Some(build::token_of(&user(&import))));
        assert_eq!(import.flickr.checked_tokens().len(), usize::from(nsid.is_none()), "who is known costs no call");

        import.ports.pass(Duration::from_secs(60));
        import.replace = true;
        assert!(matches!(imported(&import, &token).await, Imported::Connected(_)));
        assert_eq!(stored_token(&import).await.as_deref(), Some("one"));
        assert_eq!(import.ports.count(Call::Invalidate), 1, "what was cached under the other token is not given");
    }
}

#[tokio::test]
async fn an_account_that_its_user_connects_meanwhile_keeps_that_token() {
    let import = scene();
    imported(&import, &existing("other", Some("3@N00"))).await;
    let (later, _) = build::sealed_account(&import.vaults, &import.tenant, "1@N00", build::NOW).await;
    let wait = async |length| {
        import.ports.save_account(&later).await.unwrap();
        import.ports.pass(length);
    };
    let kept = import.import(&existing("one", Some("1@N00")), wait).await.unwrap();
    assert_eq!(kept, Imported::OtherToken(user(&import)));
    assert_eq!(stored_token(&import).await, Some(build::token_of(&user(&import))));
}

#[tokio::test]
async fn nothing_is_stored_of_a_token_that_flickr_does_not_accept() {
    for (class, is_refused) in [
        (Class::Account, true),
        (Class::App, true),
        (Class::Signature, true),
        (Class::Permanent, true),
        (Class::Transient, false),
        (Class::Throttled, false),
        (Class::Clock, false),
    ] {
        let import = scene();
        import.flickr.answer_once(Outcome::new(class, "no"));
        let expected =
            if is_refused { Imported::Refused("no".to_owned()) } else { Imported::NotVerified("no".to_owned()) };
        assert_eq!(imported(&import, &existing("one", Some("1@N00"))).await, expected, "{class:?}");
        assert!(import.ports.sealed().is_empty(), "{class:?}");
    }
    let import = scene();
    let another = imported(&import, &existing("one", Some("2@N00"))).await;
    assert_eq!(another, Imported::Refused("Flickr says that the token is another account's".to_owned()));
    assert!(import.ports.sealed().is_empty());
    let import = scene();
    let nobodys = imported(&import, &existing("unknown", None)).await;
    assert_eq!(nobodys, Imported::Refused("nobody says whose the token is".to_owned()));
    let import = scene();
    assert!(matches!(imported(&import, &existing("unknown", Some("2@N00"))).await, Imported::Connected(_)));
}

#[tokio::test]
async fn a_token_of_a_stored_app_is_imported_and_one_of_an_unknown_app_is_not() {
    let import = scene();
    let Imported::Connected(account) = imported(&import, &existing("one", None)).await else { panic!("not connected") };
    import.ports.pass(Duration::from_secs(60));
    let of = |app| ExistingToken { app: App::Stored(app), ..existing("two", Some("2@N00")) };
    let Imported::Connected(second) = imported(&import, &of(account.app.clone())).await else {
        panic!("not connected")
    };
    assert_eq!(second.app, account.app);
    let unknown = import.import(&of(AppId::from_bytes([0; 16])), async |_| {}).await.unwrap_err();
    assert_eq!(*unknown.kind(), Kind::AppNotFound);
}

#[tokio::test]
async fn after_a_failure_of_any_call_the_import_can_be_repeated() {
    let import = scene();
    imported(&import, &existing("one", Some("1@N00"))).await;
    let calls = import.ports.calls().len();
    for number in 0..calls {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let import = scene();
            import.ports.fault(number, point, Fault::Fail);
            let token = existing("one", Some("1@N00"));
            let _ = import.import(&token, async |_| {}).await;
            import.ports.pass(Duration::from_secs(300));
            let again = import.import(&token, async |length| import.ports.pass(length)).await.unwrap();
            let is_connected = matches!(again, Imported::Connected(_) | Imported::AlreadyConnected(_));
            assert!(is_connected, "{number} {point:?}: {again:?}");
            assert_eq!(stored_token(&import).await.as_deref(), Some("one"), "{number} {point:?}");
            let app = import.keyed_hash.flickr_app("key", "canary-app-secret");
            assert!(import.ports.app(&import.tenant, &app).await.unwrap().is_some());
        }
    }
}
