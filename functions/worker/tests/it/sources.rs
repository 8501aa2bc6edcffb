//! Fetching files from a server on this machine.

use domain::egress::Policy;
use futures_util::StreamExt;
use hub::ports::{SourceFailure, Sources};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use worker::HttpSources;

/// A server that answers one request so, and then closes; its URL.
async fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a%20b.jpg?signature=canary", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.unwrap());
        }
        connection.write_all(answer).await.unwrap();
    });
    url
}

async fn failure(sources: &HttpSources, url: &str, max_bytes: u64) -> SourceFailure {
    let failure = sources.open(url, max_bytes).await.err().unwrap();
    assert!(!failure.message.contains("canary") && !failure.message.contains("127.0.0.1"), "{failure:?}");
    failure
}

fn local() -> HttpSources {
    HttpSources::new(Policy::default().local()).unwrap()
}

const FILE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: 5\r\n\r\nphoto";

#[tokio::test]
async fn a_file_comes_with_its_type_and_length() {
    let file = local().open(&server(FILE).await, 5).await.ok().unwrap();
    assert_eq!((file.content_type.as_deref(), file.bytes), (Some("image/jpeg"), Some(5)));
    let bytes: Vec<u8> = file.body.map(|chunk| chunk.unwrap().to_vec()).concat().await;
    assert_eq!(bytes, b"photo");
}

#[tokio::test]
async fn a_file_that_breaks_off_or_grows_too_long_ends_with_one_error() {
    for (answer, max_bytes, passes) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nphoto"[..], 50, true),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nmore than eight bytes", 8, false),
    ] {
        let file = local().open(&server(answer).await, max_bytes).await.ok().unwrap();
        let chunks: Vec<_> = file.body.collect().await;
        let errors: Vec<_> = chunks.into_iter().filter_map(Result::err).collect();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].kind() == hub::ports::ErrorKind::Unavailable, passes, "{:?}", errors[0]);
        assert!(!hub::chain(&errors[0]).contains("canary"));
    }
}

#[tokio::test]
async fn what_cannot_be_fetched_says_whether_it_may_pass() {
    let sources = local();
    for (answer, message, is_transient) in [
        (&b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"[..], "the server answered HTTP 404", false),
        (b"HTTP/1.1 503 Later\r\ncontent-length: 0\r\n\r\n", "the server answered HTTP 503", true),
        (
            b"HTTP/1.1 302 Found\r\nlocation: https://a.example/\r\ncontent-length: 0\r\n\r\n",
            "the server redirects (HTTP 302), which is not followed",
            false,
        ),
        (FILE, "the body is longer than 4 bytes", false),
        (b"", "the connection failed", true),
    ] {
        let expected = SourceFailure { message: message.to_owned(), is_transient };
        assert_eq!(failure(&sources, &server(answer).await, 4).await, expected);
    }
    let private = failure(&sources, "https://10.0.0.1/canary", 4).await;
    assert_eq!((private.message.contains("a private address"), private.is_transient), (true, false));
    let guarded = HttpSources::new(Policy::default()).unwrap();
    assert!(!failure(&guarded, &server(FILE).await, 5).await.is_transient);
}
