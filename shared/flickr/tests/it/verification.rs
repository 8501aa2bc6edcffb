//! Whether a write took effect.

use axum::response::{IntoResponse, Response};
use domain::verification::Verified;
use serde_json::json;

use crate::world::{Server, client, json as answer, unused_address, verify};

const INFO: &str = r#"{"photo":{"id":"1","title":{"_content":"é & ü"},"description":{"_content":"d"}},"stat":"ok"}"#;

#[tokio::test]
async fn a_write_is_verified_by_one_signed_read() {
    let server = Server::answering(|| answer(INFO)).await;
    let given = json!({"photo_id": "1", "title": "é & ü"});
    let verified = verify(&server.client(), "flickr.photos.setMeta", &given).await;
    assert_eq!(verified, (Verified::Done, Some(r#"{"stat":"ok"}"#.to_owned())));
    let request = server.only_request();
    assert_eq!(
        (&*request.verb, &*request.query),
        ("GET", "method=flickr.photos.getInfo&format=json&nojsoncallback=1&photo_id=1")
    );
    assert_eq!(request.oauth()["oauth_token"], "7215-token");
}

#[tokio::test]
async fn a_comment_is_searched_for_among_the_photos_comments() {
    let list = r#"{"comments":{"photo_id":"1","comment":[{"datecreate":"1790000000","_content":"Hi"}]},"stat":"ok"}"#;
    let server = Server::answering(move || answer(list)).await;
    let client = server.client();
    for (text, verified) in [("Hi", Verified::Done), ("Hi!", Verified::NotSeen)] {
        let given = json!({"photo_id": "1", "comment_text": text});
        assert_eq!(verify(&client, "flickr.photos.comments.addComment", &given).await.0, verified, "{text}");
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
        let verified = verify(&server.client(), "flickr.photos.setMeta", &given).await;
        assert_eq!(verified, (Verified::NotSeen, None), "{number}");
        assert_eq!(server.requests().len(), 1, "{number}");
    }
    assert_eq!(
        verify(&client(&unused_address().await), "flickr.photos.setMeta", &given).await,
        (Verified::NotSeen, None)
    );
}

#[tokio::test]
async fn what_cannot_be_verified_sends_no_request() {
    let server = Server::answering(|| answer(INFO)).await;
    for (method, given) in [
        ("flickr.photosets.create", json!({"title": "t", "primary_photo_id": "1"})),
        ("flickr.photos.setMeta", json!({"title": "é & ü"})),
    ] {
        assert_eq!(verify(&server.client(), method, &given).await, (Verified::NotSeen, None), "{method}");
    }
    assert!(server.requests().is_empty());
}

fn http_status(status: u16) -> Response {
    axum::http::StatusCode::from_u16(status).unwrap().into_response()
}
