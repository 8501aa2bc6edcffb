//! Copying into the audit log, in process.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::io::Write;

use audit::{Delivery, Error, take};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::{Call, Fault, FaultPoint, World, build};

const GROUP: &str = "/aws/lambda/flickrhub-enqueue";
const STREAM: &str = "2026-11-30/flickrhub-enqueue";
/// 2026-11-30T12:00:00Z, in milliseconds.
const NOON: i64 = 1_796_040_000_000;

fn world() -> World {
    World::new(build::NOW, 1)
}

fn delivered(bytes: &[u8]) -> Delivery {
    let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
    compressed.write_all(bytes).unwrap();
    let data = STANDARD.encode(compressed.finish().unwrap());
    serde_json::from_value(json!({ "awslogs": { "data": data } })).unwrap()
}

/// As CloudWatch Logs delivers these lines.
fn delivery(lines: &[(i64, &str)]) -> Delivery {
    let events: Vec<Value> = lines
        .iter()
        .map(|(timestamp, message)| json!({ "id": "1", "timestamp": timestamp, "message": message }))
        .collect();
    let payload = json!({
        "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": GROUP,
        "logStream": "2026/11/30/[$LATEST]0", "subscriptionFilters": ["f"], "logEvents": events,
    });
    delivered(payload.to_string().as_bytes())
}

#[tokio::test]
async fn an_audited_line_is_copied_and_says_who_logged_it() {
    let world = world();
    let line = json!({ "timestamp": "t", "level": "INFO", "target": "audited", "event": "change", "status": 202 });
    assert_eq!(take(&world, &delivery(&[(NOON, &line.to_string())])).await.unwrap(), 1);
    let copies = world.audit_lines(STREAM);
    assert_eq!(copies.len(), 1);
    let expected = json!({
        "timestamp": "t", "event": "change", "status": 202, "log_group": GROUP, "log_stream": "2026/11/30/[$LATEST]0",
    });
    assert_eq!(serde_json::from_str::<Value>(&copies[0]).unwrap(), expected);
}

#[tokio::test]
async fn a_line_cannot_say_that_another_logged_it() {
    let world = world();
    let line = json!({ "target": "audited", "log_group": "/aws/lambda/flickrhub-oauth" }).to_string();
    take(&world, &delivery(&[(NOON, &line)])).await.unwrap();
    assert!(world.audit_lines(STREAM)[0].contains(GROUP) && !world.audit_lines(STREAM)[0].contains("oauth"));
}

#[tokio::test]
async fn what_is_not_audited_is_not_copied() {
    let world = world();
    let others = [
        "START RequestId: 1 audited",
        "",
        "[]",
        r#""audited""#,
        r#"{"target":"edge::serve","message":"audited"}"#,
        r#"{"target":["audited"]}"#,
        r#"{"span":{"target":"audited"}}"#,
    ];
    let lines: Vec<(i64, &str)> = others.iter().map(|line| (NOON, *line)).collect();
    assert_eq!(take(&world, &delivery(&lines)).await.unwrap(), 0);
    let test = delivered(br#"{"messageType":"CONTROL_MESSAGE","logGroup":"","logEvents":[]}"#);
    assert_eq!(take(&world, &test).await.unwrap(), 0);
    assert_eq!(world.count(Call::AppendToAuditLog), 0);
}

#[tokio::test]
async fn each_day_has_a_stream_of_its_own() {
    let world = world();
    let (line, day) = (r#"{"target":"audited"}"#, 24 * 60 * 60 * 1000);
    take(&world, &delivery(&[(NOON, line), (NOON + day, line), (NOON + 1, line)])).await.unwrap();
    let lines = |stream: &str| world.audit_lines(stream).len();
    assert_eq!((lines(STREAM), lines("2026-12-01/flickrhub-enqueue")), (2, 1));
    assert_eq!(world.count(Call::AppendToAuditLog), 2);
}

#[tokio::test]
async fn a_delivery_that_fails_is_delivered_again_and_loses_nothing() {
    for point in [FaultPoint::Before, FaultPoint::After] {
        let (world, line) = (world(), delivery(&[(NOON, r#"{"target":"audited"}"#)]));
        world.fault_next(point, Fault::Fail);
        assert!(matches!(take(&world, &line).await, Err(Error::AuditLog(_))), "{point:?}");
        take(&world, &line).await.unwrap();
        assert!(!world.audit_lines(STREAM).is_empty());
    }
}

#[tokio::test]
async fn what_is_no_delivery_is_refused_and_not_quoted() {
    let bad = [
        serde_json::from_value(json!({ "awslogs": { "data": "}{" } })).unwrap(),
        serde_json::from_value(json!({ "awslogs": { "data": STANDARD.encode("canary") } })).unwrap(),
        delivered(b"canary"),
        delivered(br#"{"logEvents":"canary"}"#),
    ];
    for delivery in bad {
        let error = take(&world(), &delivery).await.unwrap_err();
        assert!(matches!(error, Error::Malformed(_)) && !hub::chain(&error).contains("canary"), "{error:?}");
    }
}

proptest! {
    /// Whatever bytes come, they are copied as they are or not at all.
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _ = runtime.block_on(take(&world(), &delivered(&bytes)));
        runtime.block_on(take(&world(), &delivery(&[(NOON, &text), (i64::MAX, &text)]))).unwrap();
    }
}
