//! Envelopes, codes and permissions of the REST endpoint.

use serde_json::{Value, json};

use crate::client::{self, Client, pairs};
use crate::fixture::{Fixture, Reply};

const KEY: (&str, &str) = ("api_key", "0123456789abcdef0123456789abcdef");
const JSON: [(&str, &str); 2] = [("format", "json"), ("nojsoncallback", "1")];

async fn unsigned(fixture: &Fixture, params: &[(&str, &str)]) -> Reply {
    fixture.send(client::get("/services/rest/", &pairs(params))).await
}

fn assert_fails(answer: &Value, code: i64, message: &str) {
    assert_eq!(answer, &json!({"stat": "fail", "code": code, "message": message}));
}

#[tokio::test]
async fn echo_in_every_format() {
    let fixture = Fixture::new();
    let echo = [KEY, ("method", "flickr.test.echo"), ("name", "a<b")];

    let reply = unsigned(&fixture, &echo).await;
    assert_eq!(reply.header("content-type"), "text/xml; charset=utf-8");
    assert!(reply.header("x-flickr-api-request").starts_with("Root=1-"));
    assert_eq!(
        reply.body,
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"ok\">\n<api_key>{}</api_key>\n\
             <method>flickr.test.echo</method>\n<name>a&lt;b</name>\n</rsp>\n",
            KEY.1
        )
    );

    let reply = unsigned(&fixture, &[&echo[..], &JSON].concat()).await;
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.json()["name"], json!({"_content": "a<b"}));
    assert_eq!(reply.json()["stat"], "ok");

    let reply = unsigned(&fixture, &[&echo[..], &[("format", "json")]].concat()).await;
    assert_eq!(reply.header("content-type"), "text/javascript; charset=utf-8");
    assert!(reply.body.starts_with("jsonFlickrApi({") && reply.body.ends_with("})"));

    let reply = unsigned(&fixture, &[&echo[..], &[("format", "json"), ("jsoncallback", "mine")]].concat()).await;
    assert!(reply.body.starts_with("mine({"));

    let reply = unsigned(&fixture, &[&echo[..], &[("format", "yaml")]].concat()).await;
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("<err code=\"111\" msg=\"Format &quot;yaml&quot; not found\" />"));
}

#[tokio::test]
async fn echo_omits_oauth_parameters() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let echoed = fixture.rest(&client, "flickr.test.echo", &[("a", "1"), ("stat", "mine")]).await;
    let names: Vec<_> = echoed.as_object().unwrap().keys().collect();
    assert_eq!(names, ["a", "format", "method", "nojsoncallback", "stat"]);
    assert_eq!(echoed["stat"], "ok");
}

#[tokio::test]
async fn invalid_keys() {
    let fixture = Fixture::new();
    let call = |key| {
        let params = [("api_key", key), ("method", "flickr.test.echo"), JSON[0], JSON[1]];
        let request = client::get("/services/rest", &pairs(&params));
        fixture.send(request)
    };
    assert_fails(&call("short").await.json(), 100, "Invalid API Key (Key has invalid format)");
    assert_fails(&call("").await.json(), 100, "Invalid API Key (Key has invalid format)");
    assert_fails(&call("ffffffffffffffffffffffffffffffff").await.json(), 100, "Invalid API Key (Key not found)");
    fixture.control("/_fake/apps", json!({"key": KEY.1, "disabled": true})).await;
    assert_fails(&call(KEY.1).await.json(), 100, "Invalid API Key (Key has expired)");

    let signed = Client { key: "short".into(), ..Client::default() };
    let answer = fixture.rest(&signed, "flickr.test.echo", &[]).await;
    assert_fails(&answer, 100, "Invalid API Key (Key has invalid format)");
}

#[tokio::test]
async fn unknown_and_unimplemented_methods() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let answer = fixture.rest(&client, "flickr.photos.doesNotExist", &[]).await;
    assert_fails(&answer, 112, "Method \"flickr.photos.doesNotExist\" not found");
    let answer = fixture.rest(&client, "flickr.galleries.create", &[]).await;
    assert_eq!((&answer["stat"], &answer["code"]), (&json!("fail"), &json!(0)));
    assert!(answer["message"].as_str().unwrap().contains("does not play it"));
    let answer = unsigned(&fixture, &[KEY, JSON[0], JSON[1]]).await.json();
    assert_fails(&answer, 112, "Method \"unknown\" not found");
}

#[tokio::test]
async fn every_method_requires_its_permission() {
    let fixture = Fixture::new();
    let refusal = |needed: &str, granted: &str| {
        format!("Insufficient permissions. Method requires {needed} privileges; {granted} granted.")
    };
    let reader = fixture.client_of(json!({"perms": "read"})).await;
    let writer = fixture.client_of(json!({"perms": "write"})).await;
    let nobody = Client::default();
    for (client, method, needed, granted) in [
        (&nobody, "flickr.test.null", "read", "none"),
        (&reader, "flickr.photos.setMeta", "write", "read"),
        (&writer, "flickr.photos.delete", "delete", "write"),
        (&reader, "flickr.galleries.create", "write", "read"),
    ] {
        assert_fails(&fixture.rest(client, method, &[]).await, 99, &refusal(needed, granted));
    }
    let answer = unsigned(&fixture, &[KEY, ("method", "flickr.test.login"), JSON[0], JSON[1]]).await.json();
    assert_fails(&answer, 99, &refusal("read", "none"));
    assert_eq!(fixture.rest(&reader, "flickr.test.null", &[]).await, json!({"stat": "ok"}));
}

#[tokio::test]
async fn a_revoked_token_and_a_token_of_another_key_are_invalid() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let answer = fixture.rest(&client, "flickr.test.login", &[]).await;
    let user = json!({"id": "12037949@N01", "username": {"_content": "ada"}, "path_alias": null});
    assert_eq!(answer, json!({"user": user, "stat": "ok"}));

    let app = fixture.control("/_fake/apps", json!({})).await;
    let text = |name: &str| app[name].as_str().unwrap().to_owned();
    let stranger = Client { key: text("key"), secret: text("secret"), ..client.clone() };
    assert_fails(&fixture.rest(&stranger, "flickr.test.login", &[]).await, 98, "Invalid auth token");

    let token = &client.token.as_ref().unwrap().0;
    assert_eq!(fixture.control("/_fake/revoke", json!({"oauth_token": token})).await, json!({"revoked": 1}));
    assert_fails(&fixture.rest(&client, "flickr.test.login", &[]).await, 98, "Invalid auth token");
}

#[tokio::test]
async fn check_token_without_a_token_or_a_signature() {
    let fixture = Fixture::new();
    let method = "flickr.auth.oauth.checkToken";
    assert_fails(&fixture.rest(&Client::default(), method, &[]).await, 98, "Invalid token");
    let answer = unsigned(&fixture, &[KEY, ("method", method), JSON[0], JSON[1]]).await.json();
    assert_fails(&answer, 97, "Missing signature");
}
