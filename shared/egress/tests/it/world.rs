//! Servers, names that are told what to answer, and clients.

use std::{
    collections::VecDeque,
    error::Error as StdError,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, routing::any};
use axum_server::tls_rustls::RustlsConfig;
use domain::egress::Policy;
use egress::{Client, Error, Limits, Network};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::{RootCertStore, ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What is in the query of every URL, and must be in no error.
pub const CANARY: &str = "signature-canary";

/// A name of a host in these tests.
pub const NAME: &str = "photos.example";

/// Long enough that no test reaches it.
pub const LONG: Duration = Duration::from_secs(60);

/// Limits that no test reaches, apart from the one that it lowers.
pub const GENEROUS: Limits =
    Limits { head: LONG, total: LONG, stall: LONG, min_bytes_per_second: 0, pace_window: LONG, max_bytes: 1 << 30 };

/// A server that gives each connection to a function, and records the heads of requests.
pub struct Server {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Reads a request's head, with the body that follows it at once, and gives the connection to `handle`.
    pub async fn handling<F>(handle: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let record = heads.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let head = read_head(&mut stream).await;
                record.lock().unwrap().push(head);
                tokio::spawn(handle(stream));
            }
        });
        Self { address, heads }
    }

    /// Answers every request with `answer` and closes.
    pub async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::handling(move |mut stream| {
            let answer = answer.clone();
            async move { write(&mut stream, &answer).await }
        })
        .await
    }

    /// Answers with `beginning`, and then with `more` every few milliseconds until the other side is gone.
    pub async fn trickling(beginning: &'static str, more: &'static str) -> Self {
        Self::handling(move |mut stream| async move {
            write(&mut stream, beginning.as_bytes()).await;
            while stream.write_all(more.as_bytes()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }

    /// Answers with `beginning`, and then with nothing.
    pub async fn stalling(beginning: &'static str) -> Self {
        Self::handling(move |mut stream| async move {
            write(&mut stream, beginning.as_bytes()).await;
            std::future::pending().await
        })
        .await
    }

    /// The requests so far, as they were sent.
    pub fn requests(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// Its URL, with the canary in the query.
    pub fn url(&self) -> String {
        format!("http://{}/photo.jpg?X-Amz-Signature={CANARY}", self.address)
    }
}

/// A server of HTTPS for [`NAME`], and who trusts it.
pub async fn https_server() -> (SocketAddr, RootCertStore) {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(any(|| async { "a photo" }));
    let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(config))).unwrap();
    tokio::spawn(server.serve(router.into_make_service()));
    (address, roots)
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => head.extend_from_slice(&buffer[..read]),
        }
    }
    String::from_utf8(head).unwrap()
}

/// Writes, and ignores a broken connection.
pub async fn write(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes).await;
}

/// A resolver that gives one answer after the other, then none, and counts the questions.
#[derive(Clone, Default)]
pub struct Names {
    answers: Arc<Mutex<VecDeque<Vec<IpAddr>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    pub fn answering(answers: &[&[&str]]) -> Self {
        let answers = answers.iter().map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect());
        Self { answers: Arc::new(Mutex::new(answers.collect())), ..Self::default() }
    }

    /// The names that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        self.asked.lock().unwrap().push(name.as_str().to_owned());
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            let answer = answer.ok_or_else(|| io::Error::other("no answer left"))?;
            let addresses: Addrs = Box::new(answer.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

/// A resolver that never answers.
pub struct NoAnswer;

impl Resolve for NoAnswer {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(std::future::pending())
    }
}

/// A client of this machine's servers.
pub fn client() -> Client {
    Client::new(Policy::default().local(), LONG).unwrap()
}

/// A client with these names.
pub fn client_with(names: impl Resolve + 'static, policy: Policy) -> Client {
    Client::on(Network { names: Arc::new(names), ..Network::default() }, policy, LONG).unwrap()
}

/// The whole body at `url`.
pub async fn fetch(client: &Client, url: &str, limits: Limits) -> Result<Vec<u8>, Error> {
    let mut download = client.get(url, limits).await?;
    let mut body = Vec::new();
    while let Some(chunk) = download.chunk().await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The error of fetching `url`. None of its texts has the canary.
pub async fn failure(client: &Client, url: &str, limits: Limits) -> Error {
    let error = fetch(client, url, limits).await.unwrap_err();
    let mut texts = vec![format!("{error:?}")];
    let mut cause: Option<&dyn StdError> = Some(&error);
    while let Some(found) = cause {
        texts.push(found.to_string());
        cause = found.source();
    }
    assert!(!texts.iter().any(|text| text.contains("canary")), "{texts:?}");
    error
}
