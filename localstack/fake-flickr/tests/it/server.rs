//! The program itself, as a process of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = program(&[&["--port", "0"], arguments].concat()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("fake Flickr listening on ").unwrap().to_owned();
        Self { child, url }
    }

    pub fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// Sends a request and returns everything that arrives until the server closes the connection.
    pub fn exchange(&self, head: &str, body: &[u8]) -> String {
        let mut stream = self.connect();
        let length = body.len();
        let host = self.host();
        write!(stream, "{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
            .unwrap();
        stream.write_all(body).unwrap();
        read_all(&mut stream)
    }

    pub fn host(&self) -> &str {
        self.url.split("//").nth(1).unwrap()
    }

    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port().parse().unwrap())).unwrap()
    }

    pub fn control(&self, path: &str, body: &Value) -> Value {
        json_of(&self.exchange(&format!("POST {path}"), body.to_string().as_bytes()))
    }

    pub fn control_get(&self, path: &str) -> Value {
        json_of(&self.exchange(&format!("GET {path}"), b""))
    }

    /// The most memory that the process ever had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    }

    pub fn terminate(mut self) -> Option<i32> {
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

pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-flickr"));
    command.args(arguments).env_remove("FLICKR_API_KEY").env_remove("FLICKR_API_SECRET").env_remove("FAKE_FLICKR_PORT");
    command
}

/// Everything that arrives until the connection ends.
pub fn read_all(stream: &mut TcpStream) -> String {
    let mut reply = Vec::new();
    // A reset ends the reply like a close does.
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8(reply).unwrap()
}

fn json_of(reply: &str) -> Value {
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
}
