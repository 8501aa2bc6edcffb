//! Looking whether a write took effect.

use axum::response::{IntoResponse, Response};
use domain::outcome::Finding;
use serde_json::json;

use crate::world::{Server, check, client, json as answer, nobody};

const INFO: &str = r#"{"photo":{"id":"1","title":{"_content":"é & ü"},"description":{"_content":"d"}},"stat":"ok"}"#;

#[tokio::test]
async fn a_write_is_looked_for_by_one_signed_read() {
    let server = Server::answering(|| answer(INFO)).await;
    let given = json!({"photo_id": "1", "title": "é & ü"});
    let found = check(&server.client(), "flickr.photos.setMeta", given.clone()).await;
    assert_eq!(found, (Finding::Done, Some(r#"{"stat":"ok"}"#.to_owned())));
    let heard = server.heard_one();
    assert_eq!(
        (&*heard.verb, &*heard.query),
        ("GET", "method=flickr.photos.getInfo&format=json&nojsoncallback=1&photo_id=1")
    );
    assert_eq!(heard.oauth()["oauth_token"], "7215-token");
}

#[tokio::test]
async fn a_comment_is_looked_for_among_the_photos_comments() {
    let list = r#"{"comments":{"photo_id":"1","comment":[{"datecreate":"1790000000","_content":"Hi"}]},"stat":"ok"}"#;
    let server = Server::answering(move || answer(list)).await;
    let client = server.client();
    for (text, finding) in [("Hi", Finding::Done), ("Hi!", Finding::NotSeen)] {
        let given = json!({"photo_id": "1", "comment_text": text});
        assert_eq!(check(&client, "flickr.photos.comments.addComment", given).await.0, finding, "{text}");
    }
}

#[tokio::test]
async fn what_the_read_does_not_show_is_not_seen() {
    let answers: [fn() -> Response; 5] = [
        || answer(r#"{"photo":{"title":{"_content":"other"}},"stat":"ok"}"#),
        || answer(r#"{"stat":"fail","code":1,"message":"Photo not found"}"#),
        || answer("<html>"),
        || http_status(429),
        || http_status(502),
    ];
    let given = json!({"photo_id": "1", "title": "t"});
    for (number, one) in answers.into_iter().enumerate() {
        let server = Server::answering(one).await;
        let found = check(&server.client(), "flickr.photos.setMeta", given.clone()).await;
        assert_eq!(found, (Finding::NotSeen, None), "{number}");
        assert_eq!(server.heard().len(), 1, "{number}");
    }
    assert_eq!(check(&client(&nobody().await), "flickr.photos.setMeta", given.clone()).await, (Finding::NotSeen, None));
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_not_asked() {
    let server = Server::answering(|| answer(INFO)).await;
    for (method, given) in [
        ("flickr.photosets.create", json!({"title": "t", "primary_photo_id": "1"})),
        ("flickr.photos.setMeta", json!({"title": "é & ü"})),
    ] {
        assert_eq!(check(&server.client(), method, given).await, (Finding::NotSeen, None), "{method}");
    }
    assert!(server.heard().is_empty());
}

fn http_status(status: u16) -> Response {
    axum::http::StatusCode::from_u16(status).unwrap().into_response()
}
