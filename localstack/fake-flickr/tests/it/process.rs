//! The program itself, over real connections.

use std::process::Output;

use serde_json::json;

use crate::server::{Server, program};

fn run(arguments: &[&str]) -> (Output, String) {
    let output = program(arguments).output().unwrap();
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    (output, error)
}

#[test]
fn it_listens_prints_its_url_and_stops_cleanly() {
    let server = Server::start(&[]);
    assert!(server.url.starts_with("http://127.0.0.1:"));
    assert!(server.exchange("GET /_fake/health", b"").ends_with("{\"status\":\"ok\"}"));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn the_flags_set_the_default_app() {
    let key = "abcdefabcdefabcdefabcdefabcdefab";
    let server = Server::start(&["--api-key", key, "--api-secret", "0000000000000001"]);
    let reply = server.exchange(&format!("GET /services/rest?method=flickr.test.echo&api_key={key}"), b"");
    assert!(reply.contains("stat=\"ok\""), "{reply}");
    let (output, error) = run(&["--api-key", "short"]);
    assert!(!output.status.success() && error.contains("not 32 hexadecimal digits"), "{error}");
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let server = Server::start(&[]);
    let (output, error) = run(&["--port", server.port()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains(&format!("cannot listen on 127.0.0.1:{}", server.port())), "{error}");
    assert!(error.to_lowercase().contains("in use"), "{error}");
}

#[test]
fn a_closed_connection_delivers_no_byte() {
    let server = Server::start(&[]);
    for fault in ["reset_before", "accept_then_drop"] {
        server.control("/_fake/faults", &json!({"fault": fault, "times": 1}));
        assert_eq!(server.exchange("POST /services/rest?method=flickr.test.echo", b"some body"), "", "{fault}");
    }
    assert!(server.exchange("GET /services/rest", b"").starts_with("HTTP/1.1 200"));
}

#[test]
fn with_tls_the_certificate_is_written() {
    let folder = std::env::temp_dir().join(format!("fake-flickr-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("authority.pem");
    let server = Server::start(&["--tls", "--tls-cert-out", file.to_str().unwrap()]);
    assert!(server.url.starts_with("https://127.0.0.1:"));
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    std::fs::remove_dir_all(&folder).unwrap();
    let (output, error) = run(&["--tls-cert-out", "anywhere"]);
    assert!(!output.status.success() && error.contains("--tls"), "{error}");
}
