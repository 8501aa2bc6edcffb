//! Both kinds of events, as AWS Lambda hands them over.

use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::scene::{KEYS, Scene};

async fn take(scene: &Scene, payload: Value) -> Result<Value, lambda_runtime::Error> {
    scene.service.take(LambdaEvent::new(payload, Context::default())).await
}

/// A request as API Gateway's REST APIs send it.
fn request(method: &str, path: &str, key: &str, body: Option<&Value>) -> Value {
    json!({
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": { "x-api-key": key, "content-type": "application/json", "Host": "hub.example" },
        "multiValueHeaders": { "x-api-key": [key], "content-type": ["application/json"], "Host": ["hub.example"] },
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": null,
        "stageVariables": null,
        "requestContext": {
            "requestId": "gateway-1",
            "httpMethod": method,
            "path": path,
            "resourcePath": path,
            "identity": { "sourceIp": "192.0.2.1" },
        },
        "body": body.map(Value::to_string),
        "isBase64Encoded": false,
    })
}

#[tokio::test]
async fn a_request_is_answered_as_api_gateway_reads_it() {
    let scene = Scene::new().await;
    let job = scene.dead(0, 1).await;
    let answer = take(&scene, request("GET", "/v1/dlq", KEYS[0], None)).await.unwrap();
    assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(false)));
    assert_eq!(answer["multiValueHeaders"]["x-request-id"], json!(["gateway-1"]));
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["request_id"], &body["data"]["jobs"][0]["job_id"]), (&json!("gateway-1"), &json!(job.id)));

    let replay = json!({ "job_ids": [job.id] });
    let answer = take(&scene, request("POST", "/v1/dlq/replay", KEYS[0], Some(&replay))).await.unwrap();
    assert_eq!(answer["statusCode"], 200);
    assert_eq!(scene.job(&job.id).state.run, 2);

    let refused = take(&scene, request("GET", "/v1/dlq", "wrong-key-of-twenty-letters", None)).await.unwrap();
    assert_eq!(refused["statusCode"], 401);
    assert_eq!(refused["multiValueHeaders"]["content-type"], json!(["application/problem+json"]));
}

#[tokio::test]
async fn a_batch_of_messages_is_answered_as_sqs_reads_it() {
    let scene = Scene::new().await;
    let held = scene.running(0, 1).await;
    let record = |id: &str, body: &str| {
        json!({
            "messageId": id,
            "receiptHandle": "r",
            "body": body,
            "attributes": { "ApproximateReceiveCount": "1" },
            "messageAttributes": {},
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:dead",
            "awsRegion": "us-east-1",
        })
    };
    let message = serde_json::to_string(&hub::message::Dispatch::of(&held)).unwrap();
    let payload = json!({ "Records": [record("m-1", "}{"), record("m-2", &message)] });
    let answer = take(&scene, payload).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "m-2" }] }));
    assert_eq!(scene.world.quarantined()["m-1"], "}{");
}

#[tokio::test]
async fn an_event_of_neither_kind_fails() {
    let scene = Scene::new().await;
    for payload in [json!(null), json!({}), json!("x"), json!({ "Records": 5 }), json!({ "Records": [{ "body": 1 }] })]
    {
        assert!(take(&scene, payload.clone()).await.is_err(), "{payload}");
    }
}
