//! Which files are taken.

use serde_json::json;

use crate::client::{CLIP, Client, File, JPEG};
use crate::fixture::{Fixture, UPLOAD};

#[tokio::test]
async fn invalid_uploads_are_refused() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/config", json!({"max_photo_bytes": 100, "max_video_bytes": 200})).await;
    let [large, small] = [[JPEG.bytes, &[0; 100]].concat(), [CLIP.bytes, &[0; 100]].concat()];
    for (file, code) in [
        (None, 2),
        (Some(File { bytes: b"", ..JPEG }), 4),
        (Some(File { bytes: b"plain text", ..JPEG }), 5),
        (Some(File { bytes: &large, ..JPEG }), 8),
    ] {
        let reply = fixture.send(client.multipart(UPLOAD, &[("title", "T")], file)).await;
        assert_eq!(reply.code(), code, "{}", reply.body);
    }
    fixture.control("/_fake/config", json!({"too_large_code": 93})).await;
    let reply = fixture.upload_file(&client, &[], File { bytes: &large, ..JPEG }).await;
    assert!(reply.body.contains("code=\"93\" msg=\"POST size too large!\""), "{}", reply.body);
    let reader = fixture.client_of(json!({"perms": "read"})).await;
    let reply = fixture.upload(&reader, &[]).await;
    assert_eq!(reply.code(), 99);
    assert!(reply.body.contains("Insufficient permissions. Method requires write privileges; read granted."));
    let stranger = Client { token: Some(("72-1".into(), "x".into())), ..client.clone() };
    assert_eq!(fixture.upload(&stranger, &[]).await.code(), 98);
    assert!(fixture.photos().await.is_empty());
    fixture.upload_file(&client, &[], File { bytes: &small, ..CLIP }).await.photo_id();
}

#[tokio::test]
async fn the_kind_is_read_off_name_type_and_bytes() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let stream = b"\x47\x40\0\x10 a stream";
    for (name, content_type, bytes, kind) in [
        ("clip.MTS", None, &stream[..], Some("mts")),
        ("x", Some("video/mp2t"), stream, Some("mts")),
        ("dummy name", None, stream, None),
        ("dummy name", None, CLIP.bytes, None),
        ("dummy name", None, JPEG.bytes, Some("jpg")),
        ("sea.webp", Some("image/webp"), b"RIFF0000WEBPVP8 ", None),
        ("sea.srw", Some("image/x-samsung-srw"), b"II*\0", None),
    ] {
        let reply = fixture.upload_file(&client, &[], File { name, content_type, bytes }).await;
        match kind {
            None => assert_eq!(reply.code(), 5, "{name} {content_type:?}"),
            Some(kind) => {
                let id = reply.photo_id();
                let photos = fixture.photos().await;
                let photo = photos.iter().find(|photo| photo["id"] == json!(id)).unwrap();
                assert_eq!((&photo["file_kind"], &photo["filename"]), (&json!(kind), &json!(name)));
                assert_eq!(photo["file_content_type"], json!(content_type));
            }
        }
    }
    let webp = File { name: "sea.webp", content_type: None, bytes: b"RIFF0000WEBPVP8 " };
    fixture.control("/_fake/config", json!({"refused_kinds": []})).await;
    fixture.upload_file(&client, &[], webp).await.photo_id();
    fixture.control("/_fake/config", json!({"check_file_type": false})).await;
    fixture.upload_file(&client, &[], File { bytes: b"plain text", ..JPEG }).await.photo_id();
}

#[tokio::test]
async fn a_photo_has_75_tags() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let tags: Vec<_> = (0..80).map(|number| format!("tag{number}")).collect();
    let tags = tags.join(" ");
    fixture.upload(&client, &[("tags", &tags)]).await.photo_id();
    assert_eq!(fixture.photos().await[0]["tags"].as_array().unwrap().len(), 75);
    fixture.control("/_fake/config", json!({"refuse_excess_tags": true})).await;
    assert_eq!(fixture.upload(&client, &[("tags", &tags)]).await.code(), 3);
}

#[tokio::test]
async fn a_free_account_holds_so_many_items_all_of_them_safe() {
    let fixture = Fixture::new();
    fixture.control("/_fake/users", json!({"username": "poor", "pro": false})).await;
    let poor = fixture.client_of(json!({"user": "poor"})).await;
    assert_eq!(fixture.upload(&poor, &[("safety_level", "2")]).await.code(), 15);
    fixture.control("/_fake/config", json!({"free_account_items": 1})).await;
    fixture.upload(&poor, &[("safety_level", "1")]).await.photo_id();
    assert_eq!(fixture.upload(&poor, &[]).await.code(), 6);
    let pro = fixture.client().await;
    fixture.upload(&pro, &[("safety_level", "3")]).await.photo_id();
    fixture.upload(&pro, &[]).await.photo_id();
}
