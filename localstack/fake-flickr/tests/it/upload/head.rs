//! The heads of uploads in the journal.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::client::{Client, File, JPEG, authorization, multipart_body, pairs};
use crate::fixture::{Fixture, HOST, UPLOAD};

fn request(client: &Client, file: File<'_>) -> Request<Body> {
    let fields = pairs(&[("title", "canary")]);
    let oauth = client.sign("POST", UPLOAD, &fields);
    let body = multipart_body(&fields, Some(file));
    Request::post(format!("{UPLOAD}?"))
        .header("Host", HOST)
        .header("Content-Length", body.len())
        .header("Content-Type", "multipart/form-data; boundary=bound")
        .header("Authorization", authorization(&oauth, ","))
        .header("Expect", "100-continue")
        .body(Body::from(body))
        .unwrap()
}

#[tokio::test]
async fn a_head_is_kept_as_it_came_and_without_secrets() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let file = File { name: "clip \u{dc}.mts", content_type: Some("video/mp2t"), ..JPEG };
    let request = request(&client, file);
    let length = request.headers()["content-length"].to_str().unwrap().to_owned();
    fixture.send(request).await;
    let head = fixture.calls().await[0]["head"].clone();
    let expected = json!({
        "request_line": "POST /services/upload/?<redacted> HTTP/1.1",
        "headers": [
            ["host", HOST],
            ["content-length", length],
            ["content-type", "multipart/form-data; boundary=bound"],
            ["authorization", "OAuth <redacted>"],
            ["expect", "100-continue"],
        ],
        "parts": [
            {"headers": [["content-disposition", "form-data; name=\"title\""]], "bytes": 6},
            {
                "headers": [
                    ["content-disposition", "form-data; name=\"photo\"; filename=\"clip \u{dc}.mts\""],
                    ["content-type", "video/mp2t"],
                ],
                "bytes": JPEG.bytes.len(),
            },
        ],
    });
    assert_eq!(head, expected);
    let journal = fixture.get("/_fake/calls").await.body;
    let (token, secret) = client.token.unwrap();
    for canary in [token.as_str(), &secret, "oauth_signature", "canary"] {
        assert!(!journal.contains(canary), "{canary}");
    }
}

#[tokio::test]
async fn an_injected_header_shows() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.upload_file(&client, &[], File { name: "a.jpg\"\r\nX-Evil: \"1", ..JPEG }).await;
    let parts = fixture.calls().await[0]["head"]["parts"].clone();
    let photo = parts.as_array().unwrap().last().unwrap();
    assert_eq!(photo["headers"][1], json!(["x-evil", "\"1\""]));
}

#[tokio::test]
async fn other_calls_have_no_head() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.rest(&client, "flickr.test.echo", &[]).await;
    assert_eq!(fixture.calls().await[0]["head"], json!(null));
}

#[tokio::test]
async fn a_body_without_a_length_is_refused() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    for path in [UPLOAD, "/services/replace"] {
        let without_length = || {
            let mut request = client.multipart(path, &[], Some(JPEG));
            request.headers_mut().remove("content-length");
            request
        };
        let reply = fixture.send(without_length()).await;
        assert_eq!((reply.status, reply.header("content-type")), (411, "text/html; charset=utf-8"));
        assert!(!reply.body.contains("<rsp"));
    }
    assert!(fixture.photos().await.is_empty());
    fixture.control("/_fake/config", json!({"length_required": false})).await;
    let mut request = client.multipart(UPLOAD, &[], Some(JPEG));
    request.headers_mut().remove("content-length");
    fixture.send(request).await.photo_id();
}
