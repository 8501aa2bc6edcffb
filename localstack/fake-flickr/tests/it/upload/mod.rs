//! Uploads, replacements and tickets.

mod body;
mod connection;
mod dedup;
mod faults;
mod files;
mod head;
mod lags;
mod replace;
mod tickets;
mod videos;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::client::{JPEG, multipart_body, pairs, post_multipart, urlencoded};
use crate::fixture::{Fixture, UPLOAD};

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
    let reply = fixture.upload(&client, &params).await;
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
        ("sha256", json!(hex::encode(Sha256::digest(JPEG.bytes)))),
        ("bytes", json!(JPEG.bytes.len())),
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
    assert!(call["bytes_received"].as_u64().unwrap() > JPEG.bytes.len() as u64);
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
    fixture.upload(&client, &[]).await;
    assert_eq!(fixture.photos().await[0]["title"], "sea side");
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
    assert_eq!(fixture.calls().await[0]["account"], "12037949@N01");
}

#[tokio::test]
async fn every_text_is_signed_and_nothing_of_the_photo_is() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let signed = client.signed("POST", UPLOAD, &[("title", "T"), ("description", "")]);
    let send = async |fields| fixture.send(post_multipart(UPLOAD, multipart_body(&fields, Some(JPEG)))).await;

    let with_one_more = [signed.clone(), pairs(&[("tags", "sea")])].concat();
    let unsigned = send(with_one_more).await;
    assert_eq!((unsigned.status, unsigned.body.starts_with("oauth_problem=signature_invalid")), (401, true));
    let without_the_empty = signed.iter().filter(|(name, _)| name != "description").cloned().collect();
    assert_eq!(send(without_the_empty).await.status, 401, "an empty text is signed, too");
    assert!(fixture.photos().await.is_empty());
    send(signed).await.photo_id();
}

#[tokio::test]
async fn settings_beyond_flickrs_levels_count_as_absent() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    for (sent, expected) in [("4", json!([4, 1, 1])), ("2", json!([2, 2, 2])), ("9", json!([1, 1, 1]))] {
        fixture.upload(&client, &[("content_type", sent), ("safety_level", sent), ("hidden", sent)]).await;
        let photos = fixture.photos().await;
        let photo = photos.last().unwrap();
        let levels = json!([photo["content_type"], photo["safety_level"], photo["hidden"]]);
        // Safety has three levels, and `hidden` two.
        assert_eq!(levels, expected, "{sent}");
    }
}
