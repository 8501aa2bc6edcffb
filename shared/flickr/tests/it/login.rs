//! The two steps of the login.

use axum::http::StatusCode;
use domain::{account::Perms, outcome::Class};
use hub::ports::FlickrLogin;

use crate::world::{Server, app, client, hear_out, nobody, token};

#[tokio::test]
async fn a_request_token_is_asked_for_with_the_callback() {
    let server =
        Server::answering(|| "oauth_callback_confirmed=true&oauth_token=7215-new&oauth_token_secret=5ec").await;
    let client = server.client();
    let given = client.request_token(&app(), "https://hub.example/back?state=a b").await.unwrap();
    assert_eq!((given.token(), given.secret()), ("7215-new", "5ec"));
    assert_eq!(
        client.authorize_url(given.token(), Perms::Delete),
        format!("{}/services/oauth/authorize?oauth_token=7215-new&perms=delete", server.url("http"))
    );

    let heard = server.heard_one();
    assert_eq!((&*heard.verb, &*heard.path), ("POST", "/services/oauth/request_token"));
    assert_eq!(heard.headers["content-length"], "0");
    assert_eq!(heard.oauth()["oauth_callback"], "https%3A%2F%2Fhub.example%2Fback%3Fstate%3Da%20b");
    assert!(!heard.oauth().contains_key("oauth_token"));
}

#[tokio::test]
async fn an_access_token_is_asked_for_with_the_verifier() {
    let server =
        Server::answering(|| "fullname=&oauth_token=7215-a&oauth_token_secret=5ec&user_nsid=12%40N01&username=J%20F")
            .await;
    let access = server.client().access_token(&app(), &token(), "209-263-338").await.unwrap();
    assert_eq!((access.token.token(), access.token.secret()), ("7215-a", "5ec"));
    assert_eq!((&*access.nsid, &*access.username, &*access.fullname), ("12@N01", "J F", ""));

    let heard = server.heard_one();
    assert_eq!((&*heard.verb, &*heard.path), ("POST", "/services/oauth/access_token"));
    let oauth = heard.oauth();
    assert_eq!((&*oauth["oauth_verifier"], &*oauth["oauth_token"]), ("209-263-338", "7215-token"));
}

#[tokio::test]
async fn a_refusal_says_whose_fault_it_is() {
    let table = [
        ("oauth_problem=consumer_key_unknown", Class::App),
        ("oauth_problem=token_rejected", Class::Account),
        ("oauth_problem=verifier_invalid", Class::Permanent),
        ("oauth_problem=signature_invalid&debug_sbs=POST&app-key", Class::App),
    ];
    for (body, class) in table {
        let server = Server::answering(move || (StatusCode::UNAUTHORIZED, body)).await;
        let outcome = server.client().access_token(&app(), &token(), "v").await.unwrap_err();
        assert_eq!(outcome.class, class, "{body}");
        assert!(!outcome.message.contains("app-key"), "{}", outcome.message);
    }
}

#[tokio::test]
async fn a_login_waits_its_own_deadline() {
    let server = Server::doing(|mut stream| async move {
        hear_out(&mut stream).await;
        std::future::pending().await
    })
    .await;
    let client = server.impatient_client();
    assert_eq!(client.request_token(&app(), "oob").await.unwrap_err().class, Class::Transient);
    assert_eq!(client.access_token(&app(), &token(), "v").await.unwrap_err().class, Class::UnknownOutcome);
}

#[tokio::test]
async fn a_login_that_was_not_sent_is_transient() {
    let client = client(&nobody().await);
    assert_eq!(client.access_token(&app(), &token(), "v").await.unwrap_err().class, Class::Transient);
}
