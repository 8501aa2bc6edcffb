//! The two steps of the login, and the question what was granted.

use axum::http::StatusCode;
use domain::{account::Perms, outcome::Class};
use hub::ports::FlickrLogin;

use crate::world::{Server, app, client, json, read_head, token, unused_address};

#[tokio::test]
async fn a_request_token_is_requested_with_the_callback() {
    let server =
        Server::answering(|| "oauth_callback_confirmed=true&oauth_token=7215-new&oauth_token_secret=5ec").await;
    let client = server.client();
    let given = client.request_token(&app(), "https://hub.example/back?state=a b").await.unwrap();
    assert_eq!((given.token(), given.secret()), ("7215-new", "5ec"));
    assert_eq!(
        client.authorize_url(given.token(), Perms::Delete),
        format!("{}/services/oauth/authorize?oauth_token=7215-new&perms=delete", server.url("http"))
    );

    let request = server.only_request();
    assert_eq!((&*request.verb, &*request.path), ("POST", "/services/oauth/request_token"));
    assert_eq!(request.headers["content-length"], "0");
    assert_eq!(request.oauth()["oauth_callback"], "https%3A%2F%2Fhub.example%2Fback%3Fstate%3Da%20b");
    assert!(!request.oauth().contains_key("oauth_token"));
}

#[tokio::test]
async fn an_access_token_is_requested_with_the_verifier() {
    let server =
        Server::answering(|| "fullname=&oauth_token=7215-a&oauth_token_secret=5ec&user_nsid=12%40N01&username=J%20F")
            .await;
    let access = server.client().access_token(&app(), &token(), "209-263-338").await.unwrap();
    assert_eq!((access.token.token(), access.token.secret()), ("7215-a", "5ec"));
    assert_eq!((&*access.nsid, &*access.username, &*access.fullname), ("12@N01", "J F", ""));

    let request = server.only_request();
    assert_eq!((&*request.verb, &*request.path), ("POST", "/services/oauth/access_token"));
    let oauth = request.oauth();
    assert_eq!((&*oauth["oauth_verifier"], &*oauth["oauth_token"]), ("209-263-338", "7215-token"));
}

const CHECKED: &str = r#"{"oauth":{"token":{"_content":"7215-token"},"perms":{"_content":"read"},
    "user":{"nsid":"12@N01","username":"J","fullname":""}},"stat":"ok"}"#;

#[tokio::test]
async fn what_was_granted_is_asked_of_the_api_with_the_token_in_the_header_alone() {
    let server = Server::answering(|| json(CHECKED)).await;
    assert_eq!(server.client().check_token(&app(), &token()).await.unwrap().perms, Perms::Read);

    let request = server.only_request();
    assert_eq!((&*request.verb, &*request.path), ("GET", "/services/rest"));
    assert_eq!(request.query, "method=flickr.auth.oauth.checkToken&format=json&nojsoncallback=1");
    assert_eq!(&*request.oauth()["oauth_token"], "7215-token");
}

#[tokio::test]
async fn where_flickr_does_not_say_what_was_granted_it_is_not_made_up() {
    for (answer, class) in [
        (r#"{"stat":"fail","code":98,"message":"Invalid token"}"#.to_owned(), Class::Account),
        (r#"{"stat":"fail","code":105,"message":"Service currently unavailable"}"#.to_owned(), Class::Transient),
        (CHECKED.replace("7215-token", "7215-other"), Class::Transient),
        (CHECKED.replace("read", "none"), Class::Transient),
        ("<html>".to_owned(), Class::Transient),
    ] {
        let body = answer.clone();
        let server = Server::answering(move || json(body.clone())).await;
        let outcome = server.client().check_token(&app(), &token()).await.unwrap_err();
        assert_eq!(outcome.class, class, "{answer}");
        assert!(!outcome.message.contains("7215"), "{}", outcome.message);
    }
}

#[tokio::test]
async fn a_refusal_says_whose_fault_it_is() {
    let table = [
        ("oauth_problem=consumer_key_unknown", Class::App),
        ("oauth_problem=token_rejected", Class::Account),
        ("oauth_problem=verifier_invalid", Class::Permanent),
        ("oauth_problem=signature_invalid&debug_sbs=POST&app-key", Class::Signature),
    ];
    for (body, class) in table {
        let server = Server::answering(move || (StatusCode::UNAUTHORIZED, body)).await;
        let outcome = server.client().access_token(&app(), &token(), "v").await.unwrap_err();
        assert_eq!(outcome.class, class, "{body}");
        assert!(!outcome.message.contains("app-key"), "{}", outcome.message);
    }
}

#[tokio::test]
async fn a_login_has_its_own_deadline() {
    let server = Server::handling(|mut stream| async move {
        read_head(&mut stream).await;
        std::future::pending().await
    })
    .await;
    let client = server.impatient_client();
    assert_eq!(client.request_token(&app(), "oob").await.unwrap_err().class, Class::Transient);
    assert_eq!(client.access_token(&app(), &token(), "v").await.unwrap_err().class, Class::UnknownOutcome);
    assert_eq!(client.check_token(&app(), &token()).await.unwrap_err().class, Class::Transient);
}

#[tokio::test]
async fn a_login_that_was_not_sent_is_transient() {
    let client = client(&unused_address().await);
    assert_eq!(client.access_token(&app(), &token(), "v").await.unwrap_err().class, Class::Transient);
}
