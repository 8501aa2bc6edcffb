//! Whether a write took effect.

use axum::response::{IntoResponse, Response};
use domain::{outcome::Class, verification::Verified};
use hub::ports::VerifyAnswer;
use serde_json::json;

use crate::world::{Server, client, json as answer, unused_address, verify};

const INFO: &str = r#"{"photo":{"id":"1","title":{"_content":"é & ü"},"description":{"_content":"d"}},"stat":"ok"}"#;

#[tokio::test]
async fn a_write_is_verified_by_one_signed_read() {
    let server = Server::answering(|| answer(INFO)).await;
    let given = json!({"photo_id": "1", "title": "é & ü"});
    let VerifyAnswer { verified, result, outcome } = verify(&server.client(), "flickr.photos.setMeta", &given).await;
    assert_eq!((verified, result.as_deref()), (Verified::Done, Some(r#"{"stat":"ok"}"#)));
    assert_eq!(outcome.unwrap().class, Class::Done);
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
        assert_eq!(verify(&client, "flickr.photos.comments.addComment", &given).await.verified, verified, "{text}");
    }
}

#[tokio::test]
async fn a_comment_that_flickr_rewrote_is_found() {
    let list = r#"{"comments":{"comment":[{"datecreate":"1790000000","_content":"look &quot;here&quot; <a href=\"http:\/\/x.y\" rel=\"nofollow\">http:\/\/x.y<\/a>"}]},"stat":"ok"}"#;
    let server = Server::answering(move || answer(list)).await;
    for method in ["flickr.photos.comments.addComment", "flickr.photosets.comments.addComment"] {
        let given = json!({"photo_id": "1", "photoset_id": "1", "comment_text": "look \"here\" http://x.y "});
        assert_eq!(verify(&server.client(), method, &given).await.verified, Verified::Done, "{method}");
    }
}

#[tokio::test]
async fn what_the_read_does_not_show_is_not_seen() {
    let answers: [(fn() -> Response, Class); 5] = [
        (|| answer(r#"{"photo":{"title":{"_content":"other"}},"stat":"ok"}"#), Class::Done),
        (|| answer(r#"{"stat":"fail","code":1,"message":"Photo not found"}"#), Class::Permanent),
        (|| answer("<html>"), Class::Transient),
        (|| http_status(429), Class::Throttled),
        (|| http_status(502), Class::Transient),
    ];
    let given = json!({"photo_id": "1", "title": "t"});
    let not_seen = |answer: VerifyAnswer| {
        assert_eq!((answer.verified, answer.result), (Verified::NotSeen, None));
        answer.outcome.map(|outcome| outcome.class)
    };
    for (number, (one, class)) in answers.into_iter().enumerate() {
        let server = Server::answering(one).await;
        let answer = verify(&server.client(), "flickr.photos.setMeta", &given).await;
        assert_eq!(not_seen(answer), Some(class), "{number}");
        assert_eq!(server.requests().len(), 1, "{number}");
    }
    let unanswered = verify(&client(&unused_address().await), "flickr.photos.setMeta", &given).await;
    assert_eq!(not_seen(unanswered), Some(Class::Transient));
}

#[tokio::test]
async fn what_cannot_be_verified_sends_no_request() {
    let server = Server::answering(|| answer(INFO)).await;
    for (method, given) in [
        ("flickr.photosets.create", json!({"title": "t", "primary_photo_id": "1"})),
        ("flickr.photos.setMeta", json!({"title": "é & ü"})),
    ] {
        assert_eq!(verify(&server.client(), method, &given).await, VerifyAnswer::not_seen(None), "{method}");
    }
    assert!(server.requests().is_empty());
}

fn http_status(status: u16) -> Response {
    axum::http::StatusCode::from_u16(status).unwrap().into_response()
}
