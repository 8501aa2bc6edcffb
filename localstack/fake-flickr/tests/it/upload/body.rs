//! Faults that strike while a file arrives. Those that need a real connection are in `process.rs`.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_file_is_read_slowly_or_with_a_pause_and_is_taken_in_the_end() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    // The file is only a part of the request that is read over the time.
    for (fault, after_bytes, at_least) in [("read_slowly", None, 4), ("stall", Some(1), 390), ("stall", None, 390)] {
        fixture.fault(json!({"fault": fault, "times": 1, "delay_ms": 400, "after_bytes": after_bytes})).await;
        let start = Instant::now();
        fixture.upload(&client, &[]).await.photo_id();
        assert!(start.elapsed() >= Duration::from_millis(at_least), "{fault}");
    }
    let faults: Vec<_> = fixture.calls().await.iter().map(|call| call["fault"].clone()).collect();
    assert_eq!(faults, ["read_slowly", "stall", "stall"]);
}

#[tokio::test]
async fn the_server_hangs_up_or_answers_before_the_end() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.fault(json!({"fault": "reset_in_body", "times": 1, "after_bytes": 1})).await;
    assert!(fixture.try_send(client.multipart("/services/upload", &[], Some(crate::client::JPEG))).await.is_none());
    for status in [413, 502] {
        fixture.fault(json!({"fault": format!("{status}_in_body"), "times": 1, "after_bytes": 1})).await;
        assert_eq!(fixture.upload(&client, &[]).await.status, status);
    }
    assert!(fixture.photos().await.is_empty());
    let calls = fixture.calls().await;
    let statuses: Vec<_> = calls.iter().map(|call| call["answer"]["status"].clone()).collect();
    assert_eq!(statuses, [json!(null), json!(413), json!(502)]);
    assert!(calls.iter().all(|call| call["account"] == "12037949@N01"));
}

#[tokio::test]
async fn a_fault_in_the_body_matches_the_account_that_the_texts_before_it_name() {
    let fixture = Fixture::new();
    let (ada, grace) = (fixture.client().await, fixture.client_of(json!({"user": "grace"})).await);
    let matching = json!({"account": "12037949@N01", "path": "/services/upload"});
    fixture.fault(json!({"fault": "502_in_body", "times": 1, "after_bytes": 1, "match": matching})).await;
    fixture.upload(&grace, &[]).await.photo_id();
    fixture.rest(&ada, "flickr.test.null", &[]).await;
    assert_eq!(fixture.upload(&ada, &[]).await.status, 502);
    fixture.upload(&ada, &[]).await.photo_id();
}
