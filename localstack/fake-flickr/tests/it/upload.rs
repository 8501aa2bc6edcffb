//! Uploads, replacements and tickets.

use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::client::{Client, multipart_body, post_multipart, urlencoded};
use crate::fixture::{Fixture, Reply};

const UPLOAD: &str = "/services/upload/";
const REPLACE: &str = "/services/replace/";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a photo";

async fn upload(fixture: &Fixture, client: &Client, params: &[(&str, &str)]) -> Reply {
    fixture.send(client.multipart(UPLOAD, params, Some(JPEG))).await
}

async fn ticket_of(fixture: &Fixture, client: &Client, ticket: &str) -> serde_json::Value {
    let answer = fixture.rest(client, "flickr.photos.upload.checkTickets", &[("tickets", ticket)]).await;
    answer["uploader"]["ticket"][0].clone()
}

fn error(reply: &Reply) -> &str {
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/xml; charset=utf-8"));
    reply.body.split("<err ").nth(1).unwrap().split(" />").next().unwrap()
}

#[tokio::test]
async fn a_photo_is_stored_with_its_parameters() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let params = [
        ("title", "Tïtle"),
        ("description", "Words"),
        ("tags", "sea \"two words\" flickrhub:job=a-1"),
        ("is_public", "0"),
        ("is_family", "1"),
        ("safety_level", "2"),
        ("hidden", "2"),
        ("format", "json"),
    ];
    let reply = upload(&fixture, &client, &params).await;
    let id = reply.element("photoid");
    assert_eq!(
        reply.body,
        format!("<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"ok\">\n<photoid>{id}</photoid>\n</rsp>\n")
    );
    let photo = &fixture.photos().await[0];
    for (name, expected) in [
        ("id", json!(id)),
        ("owner", json!("12037949@N01")),
        ("title", json!("Tïtle")),
        ("description", json!("Words")),
        ("tags", json!(["sea", "two words", "flickrhub:job=a-1"])),
        ("sha256", json!(hex::encode(Sha256::digest(JPEG)))),
        ("bytes", json!(JPEG.len())),
        ("filename", json!("/tmp/sea side.jpg")),
        ("is_public", json!(false)),
        ("is_friend", json!(false)),
        ("is_family", json!(true)),
        ("safety_level", json!(2)),
        ("hidden", json!(2)),
        ("media", json!("photo")),
    ] {
        assert_eq!(photo[name], expected, "{name}");
    }
    let call = &fixture.calls().await[0];
    assert_eq!((&call["path"], &call["verb"], &call["method"]), (&json!(UPLOAD), &json!("POST"), &json!(null)));
    assert!(call["bytes_received"].as_u64().unwrap() > JPEG.len() as u64);
}

#[tokio::test]
async fn the_file_can_precede_the_parameters_and_oauth_can_be_repeated() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    for path in ["/services/upload", UPLOAD] {
        let signed = client.signed("POST", path, &[("title", "T")]);
        let file = multipart_body(&vec![], Some(JPEG));
        let file = file.strip_suffix(b"--bound--\r\n").unwrap();
        let body = [file, &multipart_body(&signed, None)].concat();
        let twice = format!("{path}?{}", urlencoded(&signed));
        let reply = fixture.send(post_multipart(&twice, body)).await;
        assert!(reply.body.contains("<photoid>"), "{}", reply.body);
    }
    assert_eq!(fixture.photos().await.len(), 2);
}

#[tokio::test]
async fn a_photo_without_a_title_is_titled_by_its_file_name() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    upload(&fixture, &client, &[]).await;
    assert_eq!(fixture.photos().await[0]["title"], "sea side");
}

#[tokio::test]
async fn invalid_uploads_are_refused() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/config", json!({"max_photo_bytes": 100})).await;
    for (file, expected) in [
        (None, "code=\"2\" msg=\"No photo specified\""),
        (Some(&b""[..]), "code=\"4\" msg=\"Filesize was zero\""),
        (Some(b"plain text"), "code=\"5\" msg=\"Filetype was not recognised\""),
        (Some(&[JPEG, &[0; 100]].concat()), "code=\"8\" msg=\"Filesize was too large\""),
    ] {
        let reply = fixture.send(client.multipart(UPLOAD, &[("title", "T")], file)).await;
        assert_eq!(error(&reply), expected);
    }
    let reader = fixture.client_of(json!({"perms": "read"})).await;
    let expected = "code=\"99\" msg=\"Insufficient permissions. Method requires write privileges; read granted.\"";
    assert_eq!(error(&upload(&fixture, &reader, &[]).await), expected);
    let stranger = Client { token: Some(("72-1".into(), "x".into())), ..client.clone() };
    assert_eq!(error(&upload(&fixture, &stranger, &[]).await), "code=\"98\" msg=\"Invalid auth token\"");
    assert!(fixture.photos().await.is_empty());

    fixture.control("/_fake/config", json!({"check_file_type": false})).await;
    let reply = fixture.send(client.multipart(UPLOAD, &[], Some(b"plain text"))).await;
    assert!(reply.body.contains("<photoid>"));
}

#[tokio::test]
async fn a_duplicate_is_refused_only_on_request_and_in_the_same_account() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let first = upload(&fixture, &client, &[]).await;
    let id = first.element("photoid");
    let reply = upload(&fixture, &client, &[("dedup_check", "1")]).await;
    assert_eq!(error(&reply), "code=\"9\" msg=\"Duplicate photo/video detected\"");
    assert_eq!(reply.element("duplicate_photo_id"), id);
    assert!(upload(&fixture, &client, &[]).await.body.contains("<photoid>"));
    let grace = fixture.client_of(json!({"user": "grace"})).await;
    assert!(upload(&fixture, &grace, &[("dedup_check", "1")]).await.body.contains("<photoid>"));
    assert_eq!(fixture.photos().await.len(), 3);
}

#[tokio::test]
async fn a_photo_is_replaced() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = upload(&fixture, &client, &[("title", "Kept")]).await.element("photoid").to_owned();
    let other = b"\x89PNG another";
    let reply = fixture.send(client.multipart(REPLACE, &[("photo_id", &id)], Some(other))).await;
    assert!(reply.body.contains("<photoid secret=\"") && reply.body.contains(" originalsecret=\""));
    assert_eq!(reply.element("photoid"), id);
    let photo = &fixture.photos().await[0];
    assert_eq!((&photo["title"], &photo["replacements"]), (&json!("Kept"), &json!(1)));
    assert_eq!(photo["sha256"], hex::encode(Sha256::digest(other)));

    let reply = fixture.send(client.multipart(REPLACE, &[("photo_id", "1")], Some(other))).await;
    assert_eq!(error(&reply), "code=\"2\" msg=\"Photo not found\"");
    fixture.control("/_fake/users", json!({"username": "poor", "pro": false})).await;
    let poor = fixture.client_of(json!({"user": "poor"})).await;
    let reply = fixture.send(poor.multipart(REPLACE, &[("photo_id", &id)], Some(other))).await;
    assert_eq!(error(&reply), "code=\"1\" msg=\"Not a pro account\"");
}

#[tokio::test]
async fn a_ticket_is_pending_for_its_polls_then_complete() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/config", json!({"ticket_pending_polls": 2})).await;
    let reply = upload(&fixture, &client, &[("async", "1")]).await;
    let ticket = reply.element("ticketid");
    assert!(ticket.contains('-'));
    for _ in 0..2 {
        assert_eq!(ticket_of(&fixture, &client, ticket).await, json!({"id": ticket, "complete": 0}));
    }
    let id = &fixture.photos().await[0]["id"];
    let done = json!({"id": ticket, "complete": 1, "photoid": id, "imported": null});
    assert_eq!(ticket_of(&fixture, &client, ticket).await, done);
    assert_eq!(ticket_of(&fixture, &client, "1-2").await, json!({"id": "1-2", "invalid": 1}));

    let list = format!("{ticket},1-2");
    let params = [("method", "flickr.photos.upload.checkTickets"), ("tickets", list.as_str())];
    let xml = fixture.send(client.query("/services/rest", &params)).await.body;
    let expected = format!(
        "<uploader>\n\t<ticket id=\"{ticket}\" complete=\"1\" photoid={id} />\n\t<ticket id=\"1-2\" invalid=\"1\" \
         />\n</uploader>"
    );
    assert!(xml.contains(&expected), "{xml}");
}

#[tokio::test]
async fn a_search_finds_a_photo_only_after_the_lag() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/config", json!({"index_lag_ms": 300})).await;
    let reply = upload(&fixture, &client, &[("tags", "sea")]).await;
    let id = reply.element("photoid");
    let total = |method: &'static str| {
        let (fixture, client) = (&fixture, &client);
        async move { fixture.rest(client, method, &[("user_id", "me")]).await["photos"]["total"].clone() }
    };
    assert_eq!(total("flickr.photos.search").await, 0);
    assert_eq!(total("flickr.people.getPhotos").await, 0);
    assert_eq!(fixture.rest(&client, "flickr.photos.getInfo", &[("photo_id", id)]).await["stat"], "ok");
    tokio::time::sleep(Duration::from_millis(320)).await;
    assert_eq!(total("flickr.photos.search").await, 1);
    assert_eq!(total("flickr.people.getPhotos").await, 1);
}

#[tokio::test]
async fn a_truncated_body_is_not_an_upload() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let mut body = multipart_body(&client.signed("POST", UPLOAD, &[]), Some(JPEG));
    body.truncate(body.len() - 20);
    assert_eq!(fixture.send(post_multipart(UPLOAD, body)).await.status, 400);
    assert!(fixture.photos().await.is_empty());
    assert_eq!(fixture.calls().await[0]["answer"]["status"], 400);
}
