//! Bounds on size, time and pace.

use std::time::Duration;

use domain::egress::Policy;
use egress::{Client, Error, Limits, Step};

use crate::world::{GENEROUS, Server, client, failure, fetch};

const SHORT: Duration = Duration::from_millis(100);
const MAX: u64 = 1000;
const SMALL: Limits = Limits { max_bytes: MAX, ..GENEROUS };

fn of_length(bytes: u64) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{}", "x".repeat(bytes as usize))
}

#[tokio::test]
async fn a_body_up_to_the_cap_comes_whole() {
    let server = Server::answering(of_length(MAX)).await;
    assert_eq!(fetch(&client(), &server.url(), SMALL).await.unwrap().len() as u64, MAX);
}

#[tokio::test]
async fn a_body_that_says_to_be_longer_is_refused_before_it_comes() {
    let server = Server::stalling("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n").await;
    let error = client().get(&server.url(), SMALL).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge(MAX)) && !error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn a_body_without_a_length_is_counted_as_it_comes() {
    for head in ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        let server = Server::trickling(
            head,
            "64\r\n0123456789012345678901234567890123456789\
            012345678901234567890123456789012345678901234567890123456789\r\n",
        )
        .await;
        let mut download = client().get(&server.url(), SMALL).await.unwrap();
        assert_eq!(download.content_length(), None);
        let mut received = 0;
        let error = loop {
            match download.chunk().await {
                Ok(chunk) => received += chunk.unwrap().len() as u64,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::TooLarge(MAX)) && received <= MAX, "{error:?} after {received}");
        assert!(download.chunk().await.is_err(), "a body that failed looks whole");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_never_whole() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    let mut download = client().get(&server.url(), GENEROUS).await.unwrap();
    assert_eq!(download.chunk().await.unwrap().unwrap(), "half");
    for _ in 0..3 {
        let error = download.chunk().await.unwrap_err();
        assert!(matches!(error, Error::Connection(_)) && error.is_transient(), "{error:?}");
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up() {
    for (beginning, more) in [
        ("", ""),
        ("HTTP/1.1 200 OK\r\nx: ", "y"),
        ("HTTP/1.1 200 OK\r\n", ""),
        ("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
    ] {
        let server = match more {
            "" => Server::stalling(beginning).await,
            _ => Server::trickling(beginning, more).await,
        };
        let error = failure(&client(), &server.url(), Limits { head: SHORT, ..GENEROUS }).await;
        assert!(matches!(error, Error::Timeout(Step::Waiting)) && error.is_transient(), "{beginning:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_head_of_any_length_is_refused() {
    let server = Server::handling(|mut stream| async move {
        crate::world::write(&mut stream, b"HTTP/1.1 200 OK\r\nx: ").await;
        for _ in 0..1000 {
            crate::world::write(&mut stream, &[b'y'; 10_000]).await;
        }
    })
    .await;
    let error = failure(&client(), &server.url(), GENEROUS).await;
    assert!(matches!(error, Error::Connection(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_stops_sending_is_given_up() {
    let server = Server::stalling("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    let error = failure(&client(), &server.url(), Limits { stall: SHORT, ..GENEROUS }).await;
    assert!(matches!(error, Error::Stalled) && error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn a_server_that_trickles_is_given_up() {
    let server = Server::trickling("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", "x").await;
    let slow = Limits { min_bytes_per_second: 1_000_000, pace_window: SHORT, ..GENEROUS };
    let error = failure(&client(), &server.url(), slow).await;
    assert!(matches!(error, Error::TooSlow) && error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn silence_counts_as_slow() {
    let server = Server::stalling("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n").await;
    let slow = Limits { min_bytes_per_second: 1000, pace_window: SHORT, ..GENEROUS };
    let error = failure(&client(), &server.url(), slow).await;
    assert!(matches!(error, Error::TooSlow), "{error:?}");
}

#[tokio::test]
async fn a_server_that_sends_for_ever_is_given_up() {
    let server = Server::handling(|mut stream| async move {
        crate::world::write(&mut stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400));
        loop {
            tokio::task::yield_now().await;
            crate::world::write(&mut stream, chunk.as_bytes()).await;
        }
    })
    .await;
    let error = failure(&client(), &server.url(), Limits { total: 10 * SHORT, max_bytes: u64::MAX, ..GENEROUS }).await;
    assert!(matches!(error, Error::Timeout(Step::Reading)) && error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn a_handshake_that_hangs_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let impatient = Client::new(Policy::default().local(), SHORT).unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let error = failure(&impatient, &url, GENEROUS).await;
    assert!(matches!(error, Error::Timeout(Step::Connecting)) && error.is_transient(), "{error:?}");
}
