//! Replacements.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::{CLIP, Client, File, JPEG};
use crate::fixture::{Fixture, REPLACE};

const PNG: File<'_> = File { bytes: b"\x89PNG another", ..JPEG };

async fn info(fixture: &Fixture, client: &Client, id: &str) -> Value {
    fixture.rest(client, "flickr.photos.getInfo", &[("photo_id", id)]).await["photo"].clone()
}

#[tokio::test]
async fn a_photo_keeps_its_id_and_texts_and_gets_new_bytes_and_secrets() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[("title", "Kept"), ("tags", "sea")]).await.photo_id();
    let seconds = |info: &Value| info["dates"]["lastupdate"].as_str().unwrap().parse::<u64>().unwrap();
    let mut before = info(&fixture, &client, &id).await;
    for file in [PNG, PNG] {
        let reply = fixture.replace(&client, &[("photo_id", &id), ("title", "Other")], file).await;
        assert_eq!(reply.photo_id(), id);
        let after = info(&fixture, &client, &id).await;
        for name in ["secret", "originalsecret"] {
            assert_ne!(after[name], before[name]);
            assert!(reply.body.contains(&format!("{name}=\"{}\"", after[name].as_str().unwrap())), "{}", reply.body);
        }
        assert!(seconds(&after) > seconds(&before), "also within one second");
        before = after;
    }
    let photo = &fixture.photos().await[0];
    assert_eq!((&photo["title"], &photo["tags"]), (&json!("Kept"), &json!(["sea"])));
    assert_eq!((&photo["replacements"], &photo["bytes"]), (&json!(2), &json!(PNG.bytes.len())));
    assert_eq!(photo["sha256"], hex::encode(Sha256::digest(PNG.bytes)));
}

#[tokio::test]
async fn a_replacement_is_refused_with_the_codes_of_its_endpoint() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    let video = fixture.upload_file(&client, &[], CLIP).await.photo_id();
    let hers = fixture.control("/_fake/photos", json!({"user": "grace"})).await["ids"][0].as_str().unwrap().to_owned();
    fixture.control("/_fake/users", json!({"username": "poor", "pro": false})).await;
    let poor = fixture.client_of(json!({"user": "poor"})).await;
    fixture.control("/_fake/config", json!({"max_photo_bytes": 100})).await;
    let large = [PNG.bytes, &[0; 100]].concat();
    for (client, photo, file, code) in [
        (&poor, &id, Some(PNG), 1),
        (&client, &id, None, 2),
        (&client, &id, Some(File { bytes: b"", ..PNG }), 4),
        (&client, &id, Some(File { bytes: b"text", ..PNG }), 5),
        (&client, &id, Some(CLIP), 8),
        (&client, &video, Some(PNG), 8),
        (&client, &id, Some(File { bytes: &large, ..PNG }), 93),
        (&client, &hers, Some(PNG), 2),
        (&client, &"1".to_owned(), Some(PNG), 2),
    ] {
        let reply = fixture.send(client.multipart(REPLACE, &[("photo_id", photo)], file)).await;
        assert_eq!(reply.code(), code, "{}", reply.body);
    }
    assert!(fixture.replace(&client, &[("photo_id", &id)], CLIP).await.body.contains("Videos can't be replaced"));
    fixture.control("/_fake/config", json!({"replace_not_found_code": 99})).await;
    assert_eq!(fixture.replace(&client, &[("photo_id", &hers)], PNG).await.code(), 99);
    assert!(fixture.photos().await.iter().all(|photo| photo["replacements"] == 0));
}

#[tokio::test]
async fn a_replacement_by_ticket_has_the_photos_own_id() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    let params = [("photo_id", id.as_str()), ("async", "1")];
    let reply = fixture.replace(&client, &params, PNG).await;
    let ticket = reply.element("ticketid");
    assert_eq!(fixture.tickets(&client, &[ticket]).await[0]["photoid"], json!(id));

    fixture.fault(json!({"fault": "ticket_failed", "times": 1})).await;
    assert_eq!(fixture.tickets(&client, &[ticket]).await[0]["complete"], 2);
    assert_eq!(fixture.photos().await.len(), 1, "a replacement that fails deletes no photo");
}
