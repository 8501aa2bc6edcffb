//! What is sent, and what becomes of a POST.

use std::time::Duration;

use egress::{Answer, Error, Limits};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::world::{CANARY, GENEROUS, Server, client, fetch};

async fn post(server: &Server, limits: Limits) -> Result<Answer, Error> {
    let headers = [("content-type", "application/json"), ("webhook-signature", CANARY)];
    let headers: HeaderMap = headers
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    client().post(&server.url(), headers, "{\"a\":1}".into(), limits).await
}

#[tokio::test]
async fn a_get_carries_nothing_but_what_it_needs() {
    let answer = "HTTP/1.1 200 OK\r\nset-cookie: a=b; Path=/\r\ncontent-length: 2\r\n\r\nok";
    let server = Server::answering(answer).await;
    let client = client();
    for _ in 0..2 {
        fetch(&client, &server.url(), GENEROUS).await.unwrap();
    }
    let requests = server.requests();
    assert_eq!((requests.len(), &requests[0]), (2, &requests[1]));
    let mut lines = requests[0].trim_end().split("\r\n");
    assert_eq!(lines.next(), Some(&*format!("GET /photo.jpg?X-Amz-Signature={CANARY} HTTP/1.1")));
    let mut names: Vec<&str> = lines.filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
    assert!(requests[0].contains("accept-encoding: identity\r\n"));
}

#[tokio::test]
async fn a_post_is_sent_once_and_answered_whatever_the_status() {
    for status in [200, 204, 400, 410, 500, 503] {
        let server = Server::answering(format!("HTTP/1.1 {status} X\r\nconnection: close\r\n\r\n")).await;
        let answer = post(&server, GENEROUS).await.unwrap();
        assert_eq!(answer, Answer { status, body: Vec::new(), is_whole: true });
        let [request] = &*server.requests() else { panic!("not one request") };
        for part in
            ["POST /photo.jpg?", "content-length: 7\r\n", "content-type: application/json\r\n", "webhook-signature: "]
        {
            assert!(request.contains(part), "{request}");
        }
    }
}

#[tokio::test]
async fn a_redirect_of_a_post_is_an_error() {
    let server = Server::answering("HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:1/\r\n\r\n").await;
    assert!(matches!(post(&server, GENEROUS).await, Err(Error::Redirect(307))));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_is_cut_at_its_cap() {
    let limits = Limits { max_bytes: 5, ..GENEROUS };
    for (body, is_whole) in [("12345", true), ("1234567", false)] {
        let server =
            Server::answering(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        let answer = post(&server, limits).await.unwrap();
        assert_eq!((answer.status, &*answer.body, answer.is_whole), (200, &b"12345"[..], is_whole));
    }
}

#[tokio::test]
async fn an_answer_that_stalls_or_breaks_after_its_status_is_an_answer() {
    let stalling = Server::stalling("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    let broken = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    for server in [stalling, broken] {
        let answer = post(&server, Limits { stall: Duration::from_millis(100), ..GENEROUS }).await.unwrap();
        assert_eq!((answer.status, &*answer.body, answer.is_whole), (200, &b"half"[..], false));
    }
}
