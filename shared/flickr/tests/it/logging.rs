//! What is logged, down to the finest level.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    thread,
};

use axum::{http::StatusCode, response::Response};
use domain::outcome::Class;
use hub::ports::{FileRequest, FlickrLogin};
use serde_json::json;

use crate::{
    file_world::{of_chunks, request, send},
    world::{Server, app, call, verify},
};

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn flickrs_request_id_is_logged_and_no_secret_is() {
    let log = Log::default();
    let (writer, mine) = (log.clone(), thread::current().id());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || if thread::current().id() == mine { writer.clone() } else { Log::default() })
        .finish();
    // For the whole process: a callsite that another thread reaches first, without a subscriber, would be disabled for
    // all threads.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let server = Server::answering(|| {
        Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header("x-flickr-api-request", "Root=1-67890")
            .header("set-cookie", "ccc=cookie-canary")
            .body("oauth_problem=signature_invalid&debug_sbs=GET&7215-token&sbs-canary".to_owned())
            .unwrap()
    })
    .await;
    let client = server.client();
    let answer = call(&client, "flickr.photos.getInfo", &json!({"photo_id": "parameter-canary"})).await;
    assert_eq!(answer.outcome.class, Class::Signature);
    client.request_token(&app(), "https://hub.example/?state=state-canary").await.unwrap_err();
    verify(&client, "flickr.photos.setMeta", &json!({"photo_id": "parameter-canary", "title": "title-canary"})).await;
    let fields = vec![("title".to_owned(), "title-canary".to_owned())];
    let file =
        FileRequest { fields, name: "name-canary.jpg".to_owned(), ..request(6, of_chunks(vec!["canary".into()])) };
    send(&client, file).await;

    let logged = log.text();
    assert!(logged.contains("Root=1-67890") && logged.contains("status=401"), "{logged}");
    for secret in ["canary", "7215-token", "app-key", "oauth_signature"] {
        assert!(!logged.contains(secret), "{secret} in {logged}");
    }
    assert_eq!(answer.outcome.message, "oauth_problem=signature_invalid");
}
