//! What a server may answer to a GET.

use std::net::TcpListener;

use domain::egress::Policy;
use egress::{Client, Error};

use crate::world::{CANARY, GENEROUS, LONG, NAME, Names, Server, client, client_with, failure, fetch, https_server};

#[tokio::test]
async fn a_body_is_given_byte_for_byte_with_what_is_known_of_it() {
    let body: Vec<u8> = (0..8_000_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(&body);
    let server = Server::answering(answer).await;
    let download = client().get(&server.url(), GENEROUS).await.unwrap();
    assert_eq!(download.content_type(), Some("image/jpeg"));
    assert_eq!(download.content_length(), Some(body.len() as u64));
    drop(download);
    assert!(fetch(&client(), &server.url(), GENEROUS).await.unwrap() == body);
}

#[tokio::test]
async fn a_redirect_is_an_error_and_not_followed() {
    let target = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for status in [301, 302, 303, 307, 308] {
        let location = target.url();
        let redirect = Server::answering(format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\n\r\n")).await;
        let error = failure(&client(), &redirect.url(), GENEROUS).await;
        assert!(matches!(error, Error::Redirect(found) if found == status) && !error.is_transient(), "{error:?}");
        assert_eq!(redirect.requests().len(), 1);
    }
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn any_other_status_is_an_error_that_may_pass_or_not() {
    let statuses = [
        (204, false),
        (206, false),
        (400, false),
        (403, false),
        (404, false),
        (408, true),
        (410, false),
        (425, true),
        (429, true),
        (500, true),
        (503, true),
    ];
    for (status, passes) in statuses {
        let server =
            Server::answering(format!("HTTP/1.1 {status} X\r\nretry-after: 0\r\nconnection: close\r\n\r\n")).await;
        let error = failure(&client(), &server.url(), GENEROUS).await;
        assert!(matches!(error, Error::Status(found) if found == status), "{error:?}");
        assert_eq!(error.is_transient(), passes, "{status}");
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd").await;
    let error = failure(&client(), &server.url(), GENEROUS).await;
    assert!(matches!(error, Error::Compressed) && !error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn what_is_not_http_or_not_there_is_a_failed_connection() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let noise = Server::answering("220 smtp.example ESMTP\r\n").await;
    let silent = Server::answering("").await;
    for url in [format!("http://{closed}/?{CANARY}"), noise.url(), silent.url()] {
        let error = failure(&client(), &url, GENEROUS).await;
        assert!(matches!(error, Error::Connection(_)) && error.is_transient(), "{error:?}");
    }
    assert_eq!((noise.requests().len(), silent.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_certificate_of_nobody_trusted_or_of_another_host_is_refused() {
    let (address, roots) = https_server().await;
    let port = address.port();
    let policy = Policy::default().with_ports([port]).local();
    let untrusting = client_with(Names::answering(&[&["127.0.0.1"]]), policy.clone());
    let network = egress::Network { roots, ..egress::Network::default() };
    let elsewhere = Client::on(network, policy, LONG).unwrap();
    for (client, host) in [(untrusting, NAME), (elsewhere, "127.0.0.1")] {
        let error = failure(&client, &format!("https://{host}:{port}/?{CANARY}"), GENEROUS).await;
        assert!(matches!(error, Error::Certificate(_)) && !error.is_transient(), "{host}: {error:?}");
    }
}
