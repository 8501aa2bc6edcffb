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
    call::{MethodName, Params},
    outcome::Finding,
};
use flickr::{Client, Deadlines, Hosts};
use hub::{
    credentials::{AppCredentials, TokenCredentials},
    ports::{Answer, CallFlickr, Clock, Entropy},
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

/// What a server heard.
#[derive(Debug, Clone)]
pub struct Heard {
    pub verb: String,
    pub path: String,
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Heard {
    /// The fields of the `Authorization` header, as they were sent.
    pub fn oauth(&self) -> BTreeMap<String, String> {
        let fields = self.headers["authorization"].strip_prefix("OAuth ").unwrap().split(", ");
        let pairs = fields.map(|field| field.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
    }
}

/// A server that answers every request in one way, and remembers what it heard.
pub struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Server {
    /// One that gives `answer`'s answer.
    pub async fn answering<R: IntoResponse>(answer: impl Fn() -> R + Clone + Send + Sync + 'static) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = heard.clone();
        let router = Router::new().fallback(move |request: Request| {
            let (answer, hearing) = (answer.clone(), hearing.clone());
            async move {
                let one = listen(request).await;
                hearing.lock().unwrap().push(one);
                answer().into_response()
            }
        });
        let (listener, address) = listener().await;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, heard }
    }

    /// One that does `deed` with each connection.
    pub async fn doing<F>(deed: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (listener, address) = listener().await;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(deed(stream));
            }
        });
        Self { address, heard: Arc::default() }
    }

    /// All it heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The one request it heard.
    pub fn heard_one(&self) -> Heard {
        match &*self.heard() {
            [one] => one.clone(),
            all => panic!("{} requests", all.len()),
        }
    }

    /// A client of it.
    pub fn client(&self) -> Client<Ports> {
        client(&self.url("http"))
    }

    /// A client of it that waits no longer than [`SHORT`].
    pub fn impatient_client(&self) -> Client<Ports> {
        impatient_client(&self.url("http"))
    }

    /// Its address as `scheme` says.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }
}

/// An address where nobody listens.
pub async fn nobody() -> String {
    let (listener, address) = listener().await;
    drop(listener);
    format!("http://{address}")
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn listen(request: Request) -> Heard {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Heard {
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
pub async fn hear_out(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Writes, and minds no broken connection.
pub async fn say(stream: &mut TcpStream, text: &str) {
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

/// The same, waiting no longer than [`SHORT`].
pub fn impatient_client(url: &str) -> Client<Ports> {
    Client::with_deadlines(hosts(url), Ports::default(), SHORT).unwrap()
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

/// Calls `method` with `given` for the first time.
pub async fn call(client: &Client<Ports>, method: &str, given: serde_json::Value) -> Answer {
    let method: MethodName = method.parse().unwrap();
    let params = Params::from_json(given.as_object().unwrap()).unwrap();
    client.call(&app(), &token(), &method, &params, false).await
}

/// Looks whether a call of `method` with `given` took effect.
pub async fn check(client: &Client<Ports>, method: &str, given: serde_json::Value) -> (Finding, Option<String>) {
    let method: MethodName = method.parse().unwrap();
    let params = Params::from_json(given.as_object().unwrap()).unwrap();
    client.check(&app(), &token(), &method, &params).await
}

/// Deadlines short enough for a test.
const SHORT: Deadlines = Deadlines {
    connect: Duration::from_millis(200),
    call: Duration::from_millis(400),
    login: Duration::from_millis(400),
};
