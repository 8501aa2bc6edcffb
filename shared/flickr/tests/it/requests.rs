//! What a REST call sends.

use domain::outcome::Class;
use flickr::oauth;
use hub::credentials::AppCredentials;
use serde_json::json;

use crate::world::{Received, Server, call, json as answer};

const OK: &str = "{\"stat\":\"ok\"}";

/// The signature that `request` should carry, computed from the request alone.
fn expected_signature(request: &Received) -> String {
    signature_with(request, "token-secret-canary")
}

/// The same with another token's secret.
fn signature_with(request: &Received, token_secret: &str) -> String {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let form = if request.verb == "GET" { &request.query } else { &request.body };
    let sent = form.split('&').filter_map(|pair| pair.split_once('='));
    let mut all: Vec<(String, String)> = sent.map(|(name, value)| (decode(name), decode(value))).collect();
    all.extend(request.oauth().into_iter().filter(|(name, _)| name != "oauth_signature").map(|(n, v)| (n, decode(&v))));
    let pairs: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let url = url::Url::parse(&format!("http://{}{}", request.headers["host"], request.path)).unwrap();
    let base = oauth::base_string(&request.verb, &url, &pairs);
    oauth::percent_encode(&oauth::sign(&base, "app-secret-canary", token_secret))
}

#[tokio::test]
async fn a_read_is_got_with_its_parameters_in_the_query() {
    let server = Server::answering(|| answer(OK)).await;
    let done = call(&server.client(), "flickr.photos.search", &json!({"text": "a+b & ü*~", "page": 2})).await;
    assert_eq!(done.result.as_deref(), Some(OK));

    let request = server.only_request();
    assert_eq!((&*request.verb, &*request.path), ("GET", "/services/rest"));
    assert_eq!(
        request.query,
        "method=flickr.photos.search&format=json&nojsoncallback=1&page=2&text=a%2Bb%20%26%20%C3%BC%2A~"
    );
    assert_eq!(request.body, "");
    assert_eq!(request.oauth()["oauth_signature"], expected_signature(&request));
    assert_eq!(request.headers["user-agent"], concat!("FlickrHub/", env!("CARGO_PKG_VERSION")));
    assert!(!request.headers.contains_key("cookie"));
}

#[tokio::test]
async fn a_write_is_posted_with_its_parameters_in_the_body() {
    let server = Server::answering(|| answer(OK)).await;
    call(&server.client(), "flickr.photos.setMeta", &json!({"photo_id": "1", "title": "é"})).await;

    let request = server.only_request();
    assert_eq!((&*request.verb, &*request.query), ("POST", ""));
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.body, "method=flickr.photos.setMeta&format=json&nojsoncallback=1&photo_id=1&title=%C3%A9");
    assert_eq!(request.oauth()["oauth_signature"], expected_signature(&request));
}

#[tokio::test]
async fn a_call_in_the_name_of_no_account_is_signed_by_the_app_alone() {
    let server = Server::answering(|| answer(OK)).await;
    let app = AppCredentials::new("app-key-canary", "app-secret-canary");
    let outcome = server.client().call_as_app(&app, &"flickr.test.echo".parse().unwrap()).await;
    assert_eq!(outcome.class, Class::Done);

    let request = server.only_request();
    assert_eq!(request.query, "method=flickr.test.echo&format=json&nojsoncallback=1");
    assert!(!request.oauth().contains_key("oauth_token"));
    assert_eq!(request.oauth()["oauth_consumer_key"], "app-key-canary");
    assert_eq!(request.oauth()["oauth_signature"], signature_with(&request, ""));
}

#[tokio::test]
async fn a_read_too_long_for_a_url_is_posted() {
    let server = Server::answering(|| answer(OK)).await;
    call(&server.client(), "flickr.photos.search", &json!({"text": "x".repeat(5000)})).await;
    let request = server.only_request();
    assert_eq!((&*request.verb, &*request.query), ("POST", ""));
    assert_eq!(request.oauth()["oauth_signature"], expected_signature(&request));
}

#[tokio::test]
async fn the_longest_call_of_flickr_is_posted_whole() {
    let server = Server::answering(|| answer(OK)).await;
    let ids = vec!["5346123456789012"; 5000].join(",");
    let given = json!({"photoset_id": "1", "primary_photo_id": "5346123456789012", "photo_ids": ids});
    call(&server.client(), "flickr.photosets.editPhotos", &given).await;
    let request = server.only_request();
    assert_eq!((&*request.verb, &*request.query), ("POST", ""));
    assert!(request.body.contains(&format!("photo_ids={}&", ids.replace(',', "%2C"))));
    assert_eq!(request.oauth()["oauth_signature"], expected_signature(&request));
}

#[tokio::test]
async fn each_request_is_signed_anew_and_sends_no_secret() {
    let server = Server::answering(|| answer(OK)).await;
    let client = server.client();
    for _ in 0..2 {
        call(&client, "flickr.test.login", &json!({})).await;
    }
    let requests = server.requests();
    let [first, second] = [requests[0].oauth(), requests[1].oauth()];
    assert_eq!(first["oauth_nonce"].len(), 32);
    assert_ne!(first["oauth_nonce"], second["oauth_nonce"]);
    assert_eq!(first["oauth_timestamp"], "1790000000");
    assert_eq!((&*first["oauth_consumer_key"], &*first["oauth_token"]), ("app-key", "7215-token"));
    assert!(!format!("{requests:?}{client:?}").contains("canary"));
}
