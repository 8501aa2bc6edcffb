//! What can happen to a request on its way.

use std::time::{Duration, Instant};

use axum::{body::Body, http::StatusCode, response::Response};
use domain::outcome::{
    Class::{self, Permanent, Throttled, Transient, UnknownOutcome},
    Outcome,
};
use flickr::{Client, MAX_BODY_BYTES};
use serde_json::json;

use crate::world::{
    Ports, Server, call, client, impatient_client, json as answer, read_head, reset, unused_address, write,
};

const READ: &str = "flickr.photos.getInfo";
const WRITE: &str = "flickr.photosets.create";

async fn outcome(client: &Client<Ports>, method: &str) -> Outcome {
    let answer = call(client, method, &json!({"photo_id": "1"})).await;
    assert_eq!(answer.result, None);
    answer.outcome
}

/// The classes of a read and of a non-idempotent write.
async fn classes(client: &Client<Ports>) -> (Class, Class) {
    (outcome(client, READ).await.class, outcome(client, WRITE).await.class)
}

#[tokio::test]
async fn what_could_not_be_sent_is_transient_even_for_a_write() {
    let refused = client(&unused_address().await);
    assert_eq!(classes(&refused).await, (Transient, Transient));
    let message = outcome(&refused, WRITE).await.message;
    assert!(message.starts_with("not sent: ") && message.contains("refused"), "{message}");

    let unknown_host = client("http://flickr.invalid");
    assert_eq!(classes(&unknown_host).await, (Transient, Transient));

    let plain = Server::answering(|| answer("{\"stat\":\"ok\"}")).await;
    assert_eq!(classes(&client(&plain.url("https"))).await, (Transient, Transient));
    assert!(plain.requests().is_empty());
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_sends_nothing() {
    let silent = Server::handling(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    assert_eq!(classes(&impatient_client(&silent.url("https"))).await, (Transient, Transient));
}

#[tokio::test]
async fn a_deadline_ends_a_call_that_gets_no_answer() {
    let server = Server::handling(|mut stream| async move {
        read_head(&mut stream).await;
        std::future::pending().await
    })
    .await;
    let client = server.impatient_client();
    let begun = Instant::now();
    assert_eq!(classes(&client).await, (Transient, UnknownOutcome));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(outcome(&client, WRITE).await.message, "no answer: 400 ms passed");
}

#[tokio::test]
async fn a_deadline_ends_a_body_that_trickles() {
    let server = Server::handling(|mut stream| async move {
        read_head(&mut stream).await;
        write(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{").await;
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            write(&mut stream, " ").await;
        }
    })
    .await;
    assert_eq!(classes(&server.impatient_client()).await, (Transient, UnknownOutcome));
}

#[tokio::test]
async fn a_reset_leaves_a_write_in_doubt() {
    let before = Server::handling(|stream| async move { reset(stream) }).await;
    assert_eq!(classes(&before.client()).await, (Transient, UnknownOutcome));

    let after = Server::handling(|mut stream| async move {
        read_head(&mut stream).await;
        reset(stream);
    })
    .await;
    assert_eq!(classes(&after.client()).await, (Transient, UnknownOutcome));

    let halfway = Server::handling(|mut stream| async move {
        read_head(&mut stream).await;
        write(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"stat\":\"ok\"").await;
    })
    .await;
    assert_eq!(classes(&halfway.client()).await, (Transient, UnknownOutcome));
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    let connections = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counter = connections.clone();
    let server = Server::handling(move |mut stream| {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            read_head(&mut stream).await;
            reset(stream);
        }
    })
    .await;
    outcome(&server.client(), READ).await;
    assert_eq!(connections.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Server::answering(|| answer("{\"stat\":\"ok\"}")).await;
    let location = target.url("http");
    let server = Server::answering(move || {
        Response::builder()
            .status(StatusCode::TEMPORARY_REDIRECT)
            .header("location", &location)
            .body(Body::empty())
            .unwrap()
    })
    .await;
    assert_eq!(classes(&server.client()).await, (Transient, UnknownOutcome));
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn a_body_is_read_up_to_a_cap() {
    let longest = Server::answering(|| {
        let empty = "{\"a\":\"\",\"stat\":\"ok\"}".len();
        answer(format!("{{\"a\":\"{}\",\"stat\":\"ok\"}}", "x".repeat(MAX_BODY_BYTES - empty)))
    })
    .await;
    let done = call(&longest.client(), READ, &json!({})).await;
    assert_eq!(done.result.map(|text| text.len()), Some(MAX_BODY_BYTES));

    let over = Server::answering(|| answer("x".repeat(MAX_BODY_BYTES + 1))).await;
    assert_eq!(classes(&over.client()).await, (Permanent, UnknownOutcome));

    let endless = Server::handling(|mut stream| async move {
        read_head(&mut stream).await;
        write(&mut stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        for _ in 0..10_000 {
            write(&mut stream, &chunk).await;
        }
    })
    .await;
    assert_eq!(
        outcome(&endless.client(), READ).await.message,
        format!("HTTP 200: the answer is longer than {MAX_BODY_BYTES} bytes")
    );
}

#[tokio::test]
async fn a_throttled_call_says_how_long_to_wait() {
    for (header, seconds) in [(Some("120"), Some(120)), (Some("Mon, 21 Sep 2026 14:14:20 GMT"), Some(59)), (None, None)]
    {
        let server = Server::answering(move || {
            let mut response = Response::builder().status(StatusCode::TOO_MANY_REQUESTS);
            if let Some(value) = header {
                response = response.header("retry-after", value);
            }
            response.body(Body::from("<html><body><h1>429 Too Many Requests</h1></body></html>")).unwrap()
        })
        .await;
        let outcome = outcome(&server.client(), WRITE).await;
        assert_eq!((outcome.class, outcome.retry_after.map(|wait| wait.as_secs())), (Throttled, seconds));
    }
}

#[tokio::test]
async fn a_failure_of_the_api_comes_with_status_200() {
    let server =
        Server::answering(|| answer("{\"stat\":\"fail\",\"code\":1,\"message\":\"No 7215-token here\"}")).await;
    let outcome = outcome(&server.client(), WRITE).await;
    assert_eq!((outcome.class, outcome.flickr_code, &*outcome.message), (Permanent, Some(1), "No *** here"));
}
