//! Servers that play Flickr, and a client of them.

use std::{
    collections::BTreeMap,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use domain::{
    Timestamp,
    call::{Params, RestCall},
};
use flickr::{Client, Deadlines, FileTimeouts, Hosts};
use hub::{
    credentials::{AppCredentials, TokenCredentials},
    ports::{Answer, Clock, Entropy, FlickrApi, Signing, VerifyAnswer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// A fixed time and counted randomness.
#[derive(Debug, Default)]
pub struct Ports {
    drawn: AtomicU8,
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(1_790_000_000_999)
    }
}

impl Entropy for Ports {
    fn random(&self) -> [u8; 16] {
        [self.drawn.fetch_add(1, Ordering::Relaxed); 16]
    }
}

/// A request as a server received it.
#[derive(Debug, Clone)]
pub struct Received {
    pub verb: String,
    pub path: String,
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    /// The fields of the `Authorization` header, as they were sent.
    pub fn oauth(&self) -> BTreeMap<String, String> {
        let fields = self.headers["authorization"].strip_prefix("OAuth ").unwrap().split(", ");
        let pairs = fields.map(|field| field.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
    }
}

/// A server that answers every request in one way, and records the requests.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// A server that answers with `answer`.
    pub async fn answering<R: IntoResponse>(answer: impl Fn() -> R + Clone + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let record = requests.clone();
        let router = Router::new().fallback(move |request: Request| {
            let (answer, record) = (answer.clone(), record.clone());
            async move {
                let one = receive(request).await;
                record.lock().unwrap().push(one);
                answer().into_response()
            }
        });
        let (listener, address) = listener().await;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, requests }
    }

    /// A server that gives each connection to `handle`.
    pub async fn handling<F>(handle: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (listener, address) = listener().await;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(handle(stream));
            }
        });
        Self { address, requests: Arc::default() }
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    /// The request, of which there must be one.
    pub fn only_request(&self) -> Received {
        match &*self.requests() {
            [one] => one.clone(),
            all => panic!("{} requests", all.len()),
        }
    }

    /// A client of it.
    pub fn client(&self) -> Client<Ports> {
        client(&self.url("http"))
    }

    /// A client of it that waits no longer than [`short`].
    pub fn impatient_client(&self) -> Client<Ports> {
        impatient_client(&self.url("http"))
    }

    /// Its URL, with `scheme`.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }
}

/// An address without a listener.
pub async fn unused_address() -> String {
    let (listener, address) = listener().await;
    drop(listener);
    format!("http://{address}")
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn receive(request: Request) -> Received {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Received {
        verb: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: String::from_utf8(axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap(),
    }
}

/// An answer of JSON.
pub fn json(text: impl Into<Body>) -> Response {
    Response::builder().header("content-type", "application/json").body(text.into()).unwrap()
}

/// Reads a request's head and leaves the stream open.
pub async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Writes, and ignores a broken connection.
pub async fn write(stream: &mut TcpStream, text: &str) {
    let _ = stream.write_all(text.as_bytes()).await;
}

/// Closes so that the other side sees a reset.
pub fn reset(stream: TcpStream) {
    socket_reset(&stream);
    drop(stream);
}

#[expect(deprecated, reason = "a linger of zero blocks nothing: it is how a reset is made")]
fn socket_reset(stream: &TcpStream) {
    stream.set_linger(Some(Duration::ZERO)).unwrap();
}

/// A client of the server at `url`.
pub fn client(url: &str) -> Client<Ports> {
    Client::new(hosts(url), Ports::default()).unwrap()
}

/// The same, waiting no longer than [`short`].
pub fn impatient_client(url: &str) -> Client<Ports> {
    Client::with_deadlines(hosts(url), Ports::default(), short()).unwrap()
}

fn hosts(url: &str) -> Hosts {
    Hosts::at(&Url::parse(url).unwrap()).unwrap()
}

pub fn app() -> AppCredentials {
    AppCredentials::new("app-key", "app-secret-canary")
}

pub fn token() -> TokenCredentials {
    TokenCredentials::new("7215-token", "token-secret-canary")
}

pub fn signing() -> Signing {
    Signing { app: app(), token: token(), connected_at: Timestamp::from_milliseconds(0) }
}

fn rest(method: &str, given: &serde_json::Value) -> RestCall {
    let params = Params::from_json(&given.to_string()).unwrap();
    RestCall { method: method.parse().unwrap(), params }
}

/// Calls `method` with `given` for the first time.
pub async fn call(client: &Client<Ports>, method: &str, given: &serde_json::Value) -> Answer {
    client.call(&signing(), &rest(method, given), false).await
}

/// Verifies whether a call of `method` with `given` took effect.
pub async fn verify(client: &Client<Ports>, method: &str, given: &serde_json::Value) -> VerifyAnswer {
    client.verify(&signing(), &rest(method, given)).await
}

/// Deadlines short enough for a test.
fn short() -> Deadlines {
    Deadlines {
        connect: Duration::from_millis(200),
        call: Duration::from_millis(400),
        login: Duration::from_millis(400),
        check_token: Duration::from_millis(400),
        file: FileTimeouts { stall: Duration::from_millis(400), answer: Duration::from_millis(400) },
    }
}
