//! The program itself, over real connections.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program(&[&["--port", "0"], arguments].concat()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("fake Flickr listening on ").unwrap().to_owned();
        Self { child, url }
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// Sends a request and returns everything that arrives until the server closes the connection.
    fn exchange(&self, head: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port().parse().unwrap())).unwrap();
        let length = body.len();
        let host = self.url.split("//").nth(1).unwrap();
        write!(stream, "{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
            .unwrap();
        stream.write_all(body).unwrap();
        let mut reply = Vec::new();
        // A reset ends the reply like a close does.
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8(reply).unwrap()
    }

    fn control(&self, path: &str, body: &Value) {
        let reply = self.exchange(&format!("POST {path}"), body.to_string().as_bytes());
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    }

    fn terminate(mut self) -> Option<i32> {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-flickr"));
    command.args(arguments).env_remove("FLICKR_API_KEY").env_remove("FLICKR_API_SECRET").env_remove("FAKE_FLICKR_PORT");
    command
}

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
