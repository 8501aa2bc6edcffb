//! Uploads over real connections: their size, their end, and how they are read.

use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::{Client, authorization};
use crate::fixture::UPLOAD;
use crate::server::{Server, read_all};

const MIB: usize = 1 << 20;

/// A client that signs for Flickr's own host, as one that is redirected does.
fn client(server: &Server) -> Client {
    let token = server.control("/_fake/tokens", &json!({}));
    let text = |name: &str| token[name].as_str().unwrap().to_owned();
    let origin = "https://up.flickr.com".to_owned();
    Client { token: Some((text("oauth_token"), text("oauth_token_secret"))), origin, ..Client::default() }
}

/// A connection on which the head of an upload of `megabytes` was sent, and the file itself.
fn begin(server: &Server, length_header: &str, megabytes: usize) -> (TcpStream, Vec<u8>) {
    let mut file = vec![7; megabytes * MIB];
    file[..4].copy_from_slice(b"\xff\xd8\xff\xe0");
    let before = "--bound\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\n";
    let body = [before.as_bytes(), &file, b"\r\n--bound--\r\n"].concat();
    let authorization = authorization(&client(server).sign("POST", UPLOAD, &vec![]), ", ");
    let (host, length) = (server.host(), length_header.replace("{}", &body.len().to_string()));
    let mut stream = server.connect();
    write!(
        stream,
        "POST {UPLOAD} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n{length}\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=bound\r\n\r\n"
    )
    .unwrap();
    (stream, body)
}

fn photos(server: &Server) -> Vec<Value> {
    server.control_get("/_fake/photos")["photos"].as_array().unwrap().clone()
}

/// The one call, once it is in the journal.
fn call(server: &Server) -> Value {
    loop {
        if let Some(call) = server.control_get("/_fake/calls")["calls"].as_array().unwrap().first() {
            return call.clone();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_large_file_is_hashed_and_not_held() {
    let server = Server::start(&[]);
    let (mut stream, body) = begin(&server, "Content-Length: {}", 64);
    stream.write_all(&body).unwrap();
    let reply = read_all(&mut stream);
    assert!(reply.contains("<photoid>"), "{reply}");
    let file = &body[body.len() - 13 - 64 * MIB..body.len() - 13];
    assert_eq!(photos(&server)[0]["sha256"], hex::encode(Sha256::digest(file)));
    assert_eq!(photos(&server)[0]["bytes"], 64 * MIB);
    let peak = server.peak_memory();
    assert!(peak < 40 * MIB as u64, "{peak} bytes");
}

#[test]
fn a_chunked_body_is_answered_411() {
    let server = Server::start(&[]);
    let (mut stream, body) = begin(&server, "Transfer-Encoding: chunked", 1);
    write!(stream, "{:x}\r\n", body.len()).unwrap();
    stream.write_all(&body).unwrap();
    stream.write_all(b"\r\n0\r\n\r\n").unwrap();
    let reply = read_all(&mut stream);
    assert!(reply.starts_with("HTTP/1.1 411") && !reply.contains("<rsp"), "{reply}");
    assert!(photos(&server).is_empty());
    let headers = call(&server)["head"]["headers"].clone();
    assert!(headers.as_array().unwrap().contains(&json!(["transfer-encoding", "chunked"])), "{headers}");
}

#[test]
fn an_upload_that_the_client_cuts_is_in_the_journal_without_an_answer() {
    let server = Server::start(&[]);
    let (mut stream, body) = begin(&server, "Content-Length: {}", 1);
    stream.write_all(&body[..body.len() / 2]).unwrap();
    drop(stream);
    let call = call(&server);
    assert_eq!((&call["answer"]["status"], &call["account"]), (&json!(null), &json!("12037949@N01")));
    assert!(call["bytes_received"].as_u64().unwrap() <= body.len() as u64 / 2);
    assert!(photos(&server).is_empty());
}

#[test]
fn a_stalled_server_holds_the_client_back() {
    let server = Server::start(&[]);
    server.control("/_fake/faults", &json!({"fault": "stall", "times": 1, "after_bytes": 1, "delay_ms": 2000}));
    let (mut stream, body) = begin(&server, "Content-Length: {}", 64);
    stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let error = stream.write_all(&body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    drop(stream);
    let call = call(&server);
    assert_eq!((&call["fault"], &call["answer"]["status"]), (&json!("stall"), &json!(null)));
    assert!(call["bytes_received"].as_u64().unwrap() < body.len() as u64);
    assert!(photos(&server).is_empty());
}

#[test]
fn a_reset_in_the_body_ends_the_connection_before_all_is_sent() {
    let server = Server::start(&[]);
    server.control("/_fake/faults", &json!({"fault": "reset_in_body", "times": 1, "after_bytes": MIB}));
    let (mut stream, body) = begin(&server, "Content-Length: {}", 64);
    let error = stream.write_all(&body).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
    assert_eq!(read_all(&mut stream), "");
    assert!(call(&server)["bytes_received"].as_u64().unwrap() < body.len() as u64 / 2);
    assert!(photos(&server).is_empty());
}
