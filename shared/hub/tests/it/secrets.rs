//! No secret leaves a use case in clear.

use domain::account::Perms;
use hub::{
    budget::Grants,
    connect::{AllowedReturnUrls, App, Complete, Connect, Start},
    credentials::AppCredentials,
};
use testkit::{ScriptedFlickr, World, build};

#[tokio::test]
async fn what_is_stored_of_a_login_holds_no_secret_in_clear() {
    let connect = Connect {
        ports: World::new(build::NOW, 1),
        flickr: ScriptedFlickr::default(),
        vaults: build::vaults(),
        keyed_hash: build::keyed_hash(),
        return_urls: AllowedReturnUrls::default(),
        grants: Grants::default(),
    };
    let principal = build::principal(&connect.ports).await;
    let request = Start {
        app: App::Given(AppCredentials::new("canary-key", "canary-app-secret")),
        perms: Perms::Read,
        mode: None,
        return_url: None,
        callback_url: String::new(),
    };
    let started = connect.start(&principal, request).await.unwrap();
    assert_eq!(connect.ports.sealed().len(), 2, "the app's secret and the request token's");
    let pending = connect.ports.sealed();
    let consent = Complete { oauth_token: started.oauth_token, oauth_verifier: "v".to_owned(), state: None };
    connect.complete(&principal, consent).await.unwrap();
    for sealed in pending.into_iter().chain(connect.ports.sealed()) {
        let found = sealed.windows(6).any(|window| window == b"canary");
        assert!(!found, "a secret lies in clear");
    }
}
