//! Which signed requests are accepted, and how the others are refused.

use axum::body::Body;
use axum::http::Request;
use proptest::prelude::*;
use serde_json::json;

use crate::client::{self, Client, Pairs, authorization, multipart_body, pairs, post_multipart, urlencoded};
use crate::fixture::{Fixture, HOST};

const REST: &str = "/services/rest";
const LOGIN: [(&str, &str); 3] = [("method", "flickr.test.login"), ("format", "json"), ("nojsoncallback", "1")];

fn header_only(header: String, query: &str) -> Request<Body> {
    let path = format!("{REST}?{query}");
    Request::get(path).header("host", HOST).header("authorization", header).body(Body::empty()).unwrap()
}

async fn assert_logged_in(fixture: &Fixture, request: Request<Body>) {
    let reply = fixture.send(request).await;
    assert!(reply.body.contains("\"stat\":\"ok\""), "{} {}", reply.status, reply.body);
}

async fn assert_problem(fixture: &Fixture, request: Request<Body>, status: u16, body: &str) {
    let reply = fixture.send(request).await;
    assert_eq!((reply.status, &*reply.body), (status, body));
    assert_eq!(reply.header("content-type"), "text/plain;charset=UTF-8");
}

#[tokio::test]
async fn oauth_parameters_are_accepted_in_four_places() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    for path in [REST, "/services/rest/"] {
        assert_logged_in(&fixture, client.form(path, &LOGIN)).await;
        assert_logged_in(&fixture, client.query(path, &LOGIN)).await;
        assert_logged_in(&fixture, client.multipart(path, &LOGIN, None)).await;
        let signed = client.signed("POST", path, &LOGIN);
        let twice = post_multipart(&format!("{path}?{}", urlencoded(&signed)), multipart_body(&signed, None));
        assert_logged_in(&fixture, twice).await;
    }
    for separator in [",", ", ", " , "] {
        let header = authorization(&client.sign("GET", REST, &pairs(&LOGIN)), separator);
        assert_logged_in(&fixture, header_only(header, &urlencoded(&pairs(&LOGIN)))).await;
    }
    let signed = client.signed("POST", REST, &LOGIN);
    let empty = Request::post(format!("{REST}?{}", urlencoded(&signed))).header("host", HOST).body(Body::empty());
    assert_logged_in(&fixture, empty.unwrap()).await;
}

#[tokio::test]
async fn any_text_can_be_signed_in_every_place() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let text = "Ünï ©ödé +%20&=!'()*~/\r\n\"<>";
    let params = [LOGIN[0], LOGIN[1], LOGIN[2], ("extra", text), ("api_key", client.key.as_str())];
    assert_logged_in(&fixture, client.form(REST, &params)).await;
    assert_logged_in(&fixture, client.query(REST, &params)).await;
    assert_logged_in(&fixture, client.multipart(REST, &params, None)).await;
}

#[tokio::test]
async fn the_base_url_is_the_one_the_client_signed() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let at = |origin: &str| Client { origin: origin.into(), ..client.clone() };
    for origin in ["https://www.flickr.com", "https://api.flickr.com", "https://up.flickr.com"] {
        assert_logged_in(&fixture, at(origin).query(REST, &LOGIN)).await;
    }
    let mut proxied = at("https://flickr.test").query(REST, &LOGIN);
    proxied.headers_mut().insert("x-forwarded-proto", "https".parse().unwrap());
    proxied.headers_mut().insert("x-forwarded-host", "Flickr.test:443".parse().unwrap());
    assert_logged_in(&fixture, proxied).await;
    for origin in ["http://elsewhere.test", "http://api.flickr.com", &format!("https://{HOST}")] {
        assert_eq!(fixture.send(at(origin).query(REST, &LOGIN)).await.status, 401, "{origin}");
    }
}

#[tokio::test]
async fn a_wrong_signature_is_answered_with_the_base_string() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let wrong = Client { secret: "0000000000000000".into(), ..client.clone() };
    let signed = wrong.signed("GET", REST, &LOGIN);
    let unsigned: Pairs = signed.iter().filter(|(name, _)| name != "oauth_signature").cloned().collect();
    let base = fake_flickr::signature::base_string(
        "GET",
        &format!("http://{HOST}{REST}"),
        unsigned.iter().map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let body = format!("oauth_problem=signature_invalid&debug_sbs={base}");
    assert_problem(&fixture, client::get(REST, &signed), 401, &body).await;

    for (path, params) in
        [("/services/upload/", &[][..]), ("/services/oauth/request_token", &[("oauth_callback", "oob")])]
    {
        let reply = fixture.send(wrong.multipart(path, params, None)).await;
        assert!(reply.status == 401 && reply.body.starts_with("oauth_problem=signature_invalid&debug_sbs=POST&http"));
    }
}

#[tokio::test]
async fn a_changed_or_added_parameter_breaks_the_signature() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    for change in [("format", "rest"), ("extra", "1"), ("oauth_nonce", "another")] {
        let mut signed = client.signed("GET", REST, &LOGIN);
        signed.retain(|(name, _)| name != change.0);
        signed.extend(pairs(&[change]));
        assert_eq!(fixture.send(client::get(REST, &signed)).await.status, 401, "{change:?}");
    }
}

#[tokio::test]
async fn absent_parameters_are_named() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let mut signed = client.signed("GET", REST, &LOGIN);
    signed.retain(|(name, _)| !["oauth_signature_method", "oauth_nonce", "oauth_timestamp"].contains(&name.as_str()));
    let body = "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_signature_method%26oauth_nonce%26\
                oauth_timestamp";
    assert_problem(&fixture, client::get(REST, &signed), 400, body).await;
}

#[tokio::test]
async fn other_methods_and_versions_are_rejected() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    for (name, value, problem) in [
        ("oauth_signature_method", "PLAINTEXT", "signature_method_rejected"),
        ("oauth_version", "2.0", "version_rejected"),
    ] {
        let mut signed = client.signed("GET", REST, &LOGIN);
        signed.retain(|(known, _)| known != name);
        signed.extend(pairs(&[(name, value)]));
        assert_problem(&fixture, client::get(REST, &signed), 400, &format!("oauth_problem={problem}")).await;
    }
}

#[tokio::test]
async fn a_timestamp_outside_the_window_is_refused() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let at = |clock_offset_seconds| Client { clock_offset_seconds, ..client.clone() }.query(REST, &LOGIN);
    assert_logged_in(&fixture, at(29 * 60)).await;
    assert_logged_in(&fixture, at(-29 * 60)).await;
    for offset in [31 * 60, -31 * 60] {
        assert_problem(&fixture, at(offset), 401, "oauth_problem=timestamp_refused").await;
    }
    fixture.control("/_fake/config", json!({"timestamp_window_seconds": 7200})).await;
    assert_logged_in(&fixture, at(31 * 60)).await;
}

#[tokio::test]
async fn a_replayed_request_is_refused_unless_configured_otherwise() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let signed = client.signed("GET", REST, &LOGIN);
    assert_logged_in(&fixture, client::get(REST, &signed)).await;
    assert_problem(&fixture, client::get(REST, &signed), 401, "oauth_problem=nonce_used").await;
    fixture.control("/_fake/config", json!({"refuse_replayed_nonces": false})).await;
    assert_logged_in(&fixture, client::get(REST, &signed)).await;
}

#[tokio::test]
async fn a_refused_request_does_not_consume_its_nonce() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let signed = client.signed("GET", REST, &LOGIN);
    let mut broken = signed.clone();
    broken.extend(pairs(&[("extra", "1")]));
    assert_eq!(fixture.send(client::get(REST, &broken)).await.status, 401);
    assert_logged_in(&fixture, client::get(REST, &signed)).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_signed_request_is_accepted(
        extra in prop::collection::btree_map("[a-z]{1,6}_x", "[^\\x00]{0,12}", 0..5),
        place in 0..3,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::new();
            let client = fixture.client().await;
            let mut params = LOGIN.to_vec();
            params.extend(extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let request = match place {
                0 => client.form(REST, &params),
                1 => client.query(REST, &params),
                _ => client.multipart(REST, &params, None),
            };
            assert_logged_in(&fixture, request).await;
        });
    }
}
