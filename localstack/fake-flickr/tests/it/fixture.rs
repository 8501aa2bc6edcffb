//! The server under test, driven in process.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use fake_flickr::{App, Fake, Scheme};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::client::{Client, File, JPEG};

pub const HOST: &str = "127.0.0.1:3001";
pub const UPLOAD: &str = "/services/upload/";
pub const REPLACE: &str = "/services/replace/";

pub struct Fixture {
    router: Router,
}

pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    /// With U+FFFD for what is no UTF-8.
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of the error, with the status and the type that errors have.
    pub fn code(&self) -> i64 {
        assert_eq!((self.status, self.header("content-type")), (200, "text/xml; charset=utf-8"), "{}", self.body);
        self.body.split("<err code=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
    }

    /// The id of a photo that was taken.
    pub fn photo_id(&self) -> String {
        assert!(self.body.contains("stat=\"ok\""), "{}", self.body);
        self.element("photoid").to_owned()
    }

    /// The text between two tags.
    pub fn element(&self, name: &str) -> &str {
        let (_, rest) = self.body.split_once(&format!("<{name}")).unwrap();
        rest.split_once('>').unwrap().1.split_once(&format!("</{name}>")).unwrap().0
    }
}

impl Fixture {
    pub fn new() -> Self {
        Self { router: Fake::new(App::default(), Scheme::Http, Vec::new()).router() }
    }

    /// Sends a request. Returns nothing if the connection closes before the end of the answer.
    pub async fn try_send(&self, request: Request<Body>) -> Option<Reply> {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.ok()?.to_bytes();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Some(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        self.try_send(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).header("host", HOST).body(Body::empty()).unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Request::delete(path).header("host", HOST).body(Body::empty()).unwrap()).await
    }

    /// Waits until `holds`.
    pub async fn until(&self, holds: impl AsyncFn() -> bool) {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn get_owned(&self, path: String) -> Reply {
        self.get(&path).await
    }

    /// Posts to the control API, which must succeed.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let reply = self.try_control(path, body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }

    pub async fn try_control(&self, path: &str, body: Value) -> Reply {
        self.send(Request::post(path).header("host", HOST).body(Body::from(body.to_string())).unwrap()).await
    }

    /// A client of the default app and user with all permissions.
    pub async fn client(&self) -> Client {
        self.client_of(json!({})).await
    }

    pub async fn client_of(&self, token: Value) -> Client {
        let token = self.control("/_fake/tokens", token).await;
        let text = |name: &str| token[name].as_str().unwrap().to_owned();
        Client { key: text("key"), token: Some((text("oauth_token"), text("oauth_token_secret"))), ..Client::default() }
    }

    /// Uploads a photo.
    pub async fn upload(&self, client: &Client, params: &[(&str, &str)]) -> Reply {
        self.upload_file(client, params, JPEG).await
    }

    pub async fn upload_file(&self, client: &Client, params: &[(&str, &str)], file: File<'_>) -> Reply {
        self.send(client.multipart(UPLOAD, params, Some(file))).await
    }

    pub async fn replace(&self, client: &Client, params: &[(&str, &str)], file: File<'_>) -> Reply {
        self.send(client.multipart(REPLACE, params, Some(file))).await
    }

    /// The state of each of these tickets.
    pub async fn tickets(&self, client: &Client, tickets: &[&str]) -> Vec<Value> {
        let list = tickets.join(",");
        let answer = self.rest(client, "flickr.photos.upload.checkTickets", &[("tickets", list.as_str())]).await;
        answer["uploader"]["ticket"].as_array().unwrap().clone()
    }

    /// Calls a REST method with POST and returns its JSON.
    pub async fn rest(&self, client: &Client, method: &str, params: &[(&str, &str)]) -> Value {
        let mut all = vec![("method", method), ("format", "json"), ("nojsoncallback", "1")];
        all.extend(params);
        let reply = self.send(client.form("/services/rest", &all)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }

    pub async fn calls(&self) -> Vec<Value> {
        self.get("/_fake/calls").await.json()["calls"].as_array().unwrap().clone()
    }

    pub async fn photos(&self) -> Vec<Value> {
        self.get("/_fake/photos").await.json()["photos"].as_array().unwrap().clone()
    }

    pub async fn fault(&self, fault: Value) {
        self.control("/_fake/faults", fault).await;
    }
}
