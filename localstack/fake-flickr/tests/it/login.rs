//! The login, from a request token to an access token.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::client::Client;
use crate::fixture::{Fixture, HOST, Reply};

fn value(body: &str, name: &str) -> String {
    let pair = body.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    pair.unwrap().to_owned()
}

async fn request_token(fixture: &Fixture, callback: &str) -> Client {
    let request = Client::default().form("/services/oauth/request_token", &[("oauth_callback", callback)]);
    let reply = fixture.send(request).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let token = (value(&reply.body, "oauth_token"), value(&reply.body, "oauth_token_secret"));
    Client { token: Some(token), ..Client::default() }
}

async fn exchange(fixture: &Fixture, client: &Client, verifier: &str) -> Reply {
    fixture.send(client.query("/services/oauth/access_token", &[("oauth_verifier", verifier)])).await
}

async fn decide(fixture: &Fixture, form: String) -> Reply {
    let request = Request::post("/services/oauth/authorize").header("host", HOST).body(Body::from(form)).unwrap();
    fixture.send(request).await
}

fn token_of(client: &Client) -> &str {
    &client.token.as_ref().unwrap().0
}

#[tokio::test]
async fn the_bodies_equal_flickrs() {
    let fixture = Fixture::new();
    for slash in ["", "/"] {
        let path = format!("/services/oauth/request_token{slash}");
        for request in [
            Client::default().query(&path, &[("oauth_callback", "oob")]),
            Client::default().form(&path, &[("oauth_callback", "oob")]),
            Client::default().multipart(&path, &[("oauth_callback", "oob")], None),
        ] {
            let reply = fixture.send(request).await;
            assert_eq!((reply.status, reply.header("content-type")), (200, "text/plain;charset=UTF-8"));
            let names: Vec<_> = reply.body.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
            assert_eq!(names, ["oauth_callback_confirmed", "oauth_token", "oauth_token_secret"]);
            assert!(reply.body.starts_with("oauth_callback_confirmed=true&"));
            assert_eq!(value(&reply.body, "oauth_token").len(), 34);
            assert_eq!(value(&reply.body, "oauth_token_secret").len(), 16);
        }
    }

    let client = request_token(&fixture, "oob").await;
    let approval = fixture.control("/_fake/approve", json!({"oauth_token": token_of(&client), "perms": "write"})).await;
    let reply = exchange(&fixture, &client, approval["oauth_verifier"].as_str().unwrap()).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/plain;charset=UTF-8"));
    let (token, secret) = (value(&reply.body, "oauth_token"), value(&reply.body, "oauth_token_secret"));
    let expected = format!(
        "fullname=Ada%20Lovelace&oauth_token={token}&oauth_token_secret={secret}&user_nsid=12037949%40N01&username=ada"
    );
    assert_eq!(reply.body, expected);

    let client = Client { token: Some((token.clone(), secret)), ..Client::default() };
    let checked = fixture.rest(&client, "flickr.auth.oauth.checkToken", &[]).await;
    assert_eq!(checked["oauth"]["perms"]["_content"], "write");
    assert_eq!(checked["oauth"]["token"]["_content"], token);
    assert_eq!(checked["oauth"]["user"]["nsid"], "12037949@N01");
}

/// The permission is in the URL of the consent page, where the user can change it: an app may get less than it asked for.
#[tokio::test]
async fn a_token_may_do_what_the_user_granted() {
    let fixture = Fixture::new();
    for granted in ["read", "write", "delete"] {
        let client = request_token(&fixture, "oob").await;
        let form = format!("oauth_token={}&perms={granted}&new_user=mary&decision=approve", token_of(&client));
        let shown = decide(&fixture, form).await;
        let reply = exchange(&fixture, &client, shown.element("code")).await;
        let token = (value(&reply.body, "oauth_token"), value(&reply.body, "oauth_token_secret"));
        let client = Client { token: Some(token), ..Client::default() };
        let checked = fixture.rest(&client, "flickr.auth.oauth.checkToken", &[]).await;
        assert_eq!((&checked["stat"], &checked["oauth"]["perms"]["_content"]), (&json!("ok"), &json!(granted)));
        let login = fixture.rest(&client, "flickr.photos.delete", &[("photo_id", "1")]).await;
        let refused = format!("Insufficient permissions. Method requires delete privileges; {granted} granted.");
        assert_eq!(login["message"] == refused, granted != "delete", "{login}");
    }
}

#[tokio::test]
async fn a_callback_receives_token_and_verifier() {
    let fixture = Fixture::new();
    let client = request_token(&fixture, "https://app.test/back?state=a%26b#top").await;
    let approval = fixture.control("/_fake/approve", json!({"oauth_token": token_of(&client), "user": "grace"})).await;
    let verifier = approval["oauth_verifier"].as_str().unwrap();
    assert_eq!(verifier.len(), 16);
    let expected =
        format!("https://app.test/back?state=a%26b&oauth_token={}&oauth_verifier={verifier}#top", token_of(&client));
    assert_eq!(approval["redirect_to"], expected);
    let reply = exchange(&fixture, &client, verifier).await;
    assert!(reply.body.ends_with("&username=grace"), "{}", reply.body);
}

#[tokio::test]
async fn the_page_asks_for_consent_and_shows_an_out_of_band_code() {
    let fixture = Fixture::new();
    let client = request_token(&fixture, "oob").await;
    let page = fixture.get(&format!("/services/oauth/authorize?oauth_token={}&perms=write", token_of(&client))).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("value=\"approve\"") && page.body.contains("value=\"decline\""));
    assert!(page.body.contains("<code>write</code>"));

    let form = format!("oauth_token={}&perms=write&user=12037949%40N01&new_user=&decision=approve", token_of(&client));
    let shown = decide(&fixture, form).await;
    let code = shown.element("code");
    let shape: String = code.chars().map(|c| if c.is_ascii_digit() { 'N' } else { c }).collect();
    assert_eq!(shape, "NNN-NNN-NNN");
    assert_eq!(exchange(&fixture, &client, code).await.status, 200);
}

#[tokio::test]
async fn approval_redirects_to_the_callback_and_decline_to_the_home_page() {
    let fixture = Fixture::new();
    let client = request_token(&fixture, "http://localhost:9/cb").await;
    let form =
        |decision: &str| format!("oauth_token={}&perms=read&new_user=mary&decision={decision}", token_of(&client));
    let declined = decide(&fixture, form("decline")).await;
    assert_eq!((declined.status, declined.header("location")), (302, "/"));
    let approved = decide(&fixture, form("approve")).await;
    assert_eq!(approved.status, 302);
    let to = approved.header("location");
    assert!(to.starts_with(&format!("http://localhost:9/cb?oauth_token={}&oauth_verifier=", token_of(&client))));
    let verifier = value(to, "oauth_verifier");
    assert!(exchange(&fixture, &client, &verifier).await.body.ends_with("&username=mary"));
}

#[tokio::test]
async fn the_page_names_what_it_does_not_recognise() {
    let fixture = Fixture::new();
    let client = request_token(&fixture, "oob").await;
    let page = |query: String| fixture.get_owned(format!("/services/oauth/authorize?{query}"));
    let token = token_of(&client);
    assert!(page(format!("oauth_token={token}")).await.body.contains("recognise the permission set"));
    assert!(page(format!("oauth_token={token}&perms=all")).await.body.contains("recognise the permission set"));
    assert!(page("oauth_token=72-1&perms=read".into()).await.body.contains("recognise the oauth_token"));
    fixture.control("/_fake/apps", json!({"key": client.key, "disabled": true})).await;
    assert!(page(format!("oauth_token={token}&perms=read")).await.body.contains("recognise the API key"));
    fixture.control("/_fake/apps", json!({"key": client.key})).await;
    fixture.control("/_fake/approve", json!({"oauth_token": token})).await;
    let used = page(format!("oauth_token={token}&perms=read")).await;
    assert!(used.status == 400 && used.body.contains("recognise the oauth_token"));
}

#[tokio::test]
async fn invalid_exchanges_are_refused() {
    let fixture = Fixture::new();
    let client = request_token(&fixture, "oob").await;

    let reply = exchange(&fixture, &client, "111-111-111").await;
    assert_eq!((reply.status, &*reply.body), (401, "oauth_problem=verifier_invalid"), "not approved yet");

    let approval = fixture.control("/_fake/approve", json!({"oauth_token": token_of(&client)})).await;
    let verifier = approval["oauth_verifier"].as_str().unwrap();
    assert_eq!(exchange(&fixture, &client, "000-000-000").await.body, "oauth_problem=verifier_invalid");

    let reply = fixture.send(client.query("/services/oauth/access_token", &[])).await;
    let absent = "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_verifier";
    assert_eq!((reply.status, &*reply.body), (400, absent));

    let other = fixture.control("/_fake/apps", json!({})).await;
    let text = |name: &str| other[name].as_str().unwrap().to_owned();
    let stranger = Client { key: text("key"), secret: text("secret"), ..client.clone() };
    assert_eq!(exchange(&fixture, &stranger, verifier).await.body, "oauth_problem=token_rejected");

    assert_eq!(exchange(&fixture, &client, verifier).await.status, 200);
    let reply = exchange(&fixture, &client, verifier).await;
    assert_eq!((reply.status, &*reply.body), (401, "oauth_problem=token_rejected"), "used");
}

#[tokio::test]
async fn invalid_requests_for_a_request_token_are_refused() {
    let fixture = Fixture::new();
    let path = "/services/oauth/request_token";
    let reply = fixture.send(Client::default().query(path, &[])).await;
    let absent = "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_callback";
    assert_eq!((reply.status, &*reply.body), (400, absent));

    let reply = fixture.send(Client::default().query(path, &[("oauth_callback", "nowhere")])).await;
    let rejected = "oauth_problem=parameter_rejected&oauth_parameters_rejected=oauth_callback";
    assert_eq!((reply.status, &*reply.body), (400, rejected));

    for key in ["", "ffffffffffffffffffffffffffffffff"] {
        let client = Client { key: key.into(), ..Client::default() };
        let reply = fixture.send(client.query(path, &[("oauth_callback", "oob")])).await;
        assert_eq!((reply.status, &*reply.body), (401, "oauth_problem=consumer_key_unknown"));
    }
}

#[tokio::test]
async fn an_expired_request_token_is_rejected() {
    let fixture = Fixture::new();
    let client = request_token(&fixture, "oob").await;
    fixture.control("/_fake/config", json!({"request_token_life_seconds": 0})).await;
    let reply = fixture.try_control("/_fake/approve", json!({"oauth_token": token_of(&client)})).await;
    assert_eq!(reply.status, 404);
    assert_eq!(exchange(&fixture, &client, "111-111-111").await.body, "oauth_problem=token_rejected");
}
