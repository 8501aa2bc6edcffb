//! Whole events of API Gateway, filled by a stranger.

use lambda_runtime::{Context, LambdaEvent};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};

use crate::scene::{KEYS, Scene};

const EVENTS: usize = 10_000;

/// A text that a stranger may send where API Gateway passes it on.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        Just("https://h/v1/usage#".to_owned()),
        Just("../../v1/usage".to_owned()),
        Just("%FF%00%2e%2e".to_owned()),
        Just("a\r\nb: c\u{0}".to_owned()),
        Just("gzip".to_owned()),
        Just(KEYS[0].to_owned()),
        Just("application/json".to_owned()),
    ]
}

fn header_name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        proptest::sample::select(vec![
            "host",
            "Host",
            "X-Forwarded-Proto",
            "x-forwarded-host",
            "forwarded",
            "x-api-key",
            "X-API-KEY",
            "content-type",
            "content-encoding",
            "content-length",
            "traceparent",
            "x-amzn-trace-id",
            "cookie",
        ])
        .prop_map(str::to_owned),
    ]
}

fn route() -> impl Strategy<Value = (&'static str, &'static str)> {
    proptest::sample::select(vec![
        ("GET", "/v1/dlq"),
        ("POST", "/v1/dlq/replay"),
        ("DELETE", "/v1/dlq/{job_id}"),
        ("GET", "/v1/nothing/{proxy+}"),
    ])
}

fn body() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        text().prop_map(Value::from),
        Just(json!(r#"{"all": true, "dry_run": true}"#)),
        Just(json!("eyJhbGwiOnRydWV9")),
    ]
}

fn object(pairs: Vec<(String, String)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name, json!(value))).collect()
}

prop_compose! {
    fn event()(
        (method, resource) in route(),
        path in text(),
        headers in vec((header_name(), vec(text(), 0..3)), 0..6),
        has_key in any::<bool>(),
        job in text(),
        query in vec((text(), text()), 0..3),
        body in body(),
        is_base64 in any::<bool>(),
        domain in proptest::option::of(text()),
        user_agent in text(),
    ) -> Value {
        let mut several: Map<String, Value> =
            headers.into_iter().map(|(name, values)| (name, json!(values))).collect();
        if has_key {
            several.insert("x-api-key".to_owned(), json!([KEYS[0]]));
        }
        let query = object(query);
        let repeated: Map<String, Value> = query.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
        json!({
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "headers": {},
            "multiValueHeaders": several,
            "queryStringParameters": query,
            "multiValueQueryStringParameters": repeated,
            "pathParameters": { "job_id": job },
            "stageVariables": null,
            "requestContext": {
                "requestId": "gateway-1",
                "domainName": domain,
                "httpMethod": method,
                "path": path,
                "resourcePath": resource,
                "identity": { "sourceIp": "192.0.2.1", "userAgent": user_agent },
            },
            "body": body,
            "isBase64Encoded": is_base64,
        })
    }
}

#[tokio::test]
async fn a_stranger_gets_an_answer_of_ours_and_rings_no_alarm() {
    let scene = Scene::new().await;
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let (strategy, mut accepted) = (event(), 0);
    for _ in 0..EVENTS {
        let event = strategy.new_tree(&mut runner).unwrap().current();
        let taken = scene.service.take(LambdaEvent::new(event.clone(), Context::default())).await;
        let answer = taken.unwrap_or_else(|error| panic!("{error}: {event}"));
        let status = answer["statusCode"].as_u64().unwrap();
        assert!(status < 500, "{answer}: {event}");
        let media_type = answer["multiValueHeaders"]["content-type"][0].as_str().unwrap_or_default();
        let expected = if status < 400 { "application/json" } else { "application/problem+json" };
        assert_eq!(media_type, expected, "{answer}: {event}");
        assert_eq!(answer["multiValueHeaders"]["x-request-id"], json!(["gateway-1"]), "{event}");
        accepted += u32::from(status < 400);
    }
    assert!(accepted > 100, "some are harmless: {accepted}");
}
