//! Duplicates, by `dedup_check`.

use serde_json::json;

use crate::client::{Client, File, JPEG};
use crate::fixture::{Fixture, Reply};

const CHECK: [(&str, &str); 1] = [("dedup_check", "1")];
const REVIVE: [(&str, &str); 1] = [("dedup_check", "2")];

async fn delete(fixture: &Fixture, client: &Client, id: &str) {
    let answer = fixture.rest(client, "flickr.photos.delete", &[("photo_id", id)]).await;
    assert_eq!(answer["stat"], "ok");
}

fn assert_duplicate(reply: &Reply, id: &str, status: &str) {
    assert_eq!(reply.code(), 9);
    let named = [reply.element("duplicate_photo_id"), reply.element("duplicate_photo_status")];
    assert_eq!(named, [id, status]);
}

#[tokio::test]
async fn a_duplicate_is_refused_only_on_request_and_in_the_same_account() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    let reply = fixture.upload(&client, &CHECK).await;
    assert_duplicate(&reply, &id, "0");
    assert!(
        reply.body.contains("\n\t<err code=\"9\" msg=\"Duplicate photo/video detected\" />\n\t<duplicate_photo_id>")
    );
    assert_duplicate(&fixture.upload(&client, &REVIVE).await, &id, "0");
    fixture.upload(&client, &[]).await.photo_id();
    fixture.upload(&client, &[("dedup_check", "0")]).await.photo_id();
    let renamed = File { name: "other.jpg", bytes: b"\xff\xd8\xff\xe1 other", ..JPEG };
    fixture.upload_file(&client, &CHECK, renamed).await.photo_id();
    let grace = fixture.client_of(json!({"user": "grace"})).await;
    fixture.upload(&grace, &CHECK).await.photo_id();
    assert_eq!(fixture.photos().await.len(), 5);
}

#[tokio::test]
async fn a_deleted_original_is_a_duplicate_for_value_1_and_lives_again_for_value_2() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[("title", "Old"), ("tags", "sea")]).await.photo_id();
    delete(&fixture, &client, &id).await;
    assert!(fixture.photos().await.is_empty());
    assert_eq!(fixture.get("/_fake/photos").await.json()["deleted"][0]["id"], json!(id));

    assert_duplicate(&fixture.upload(&client, &CHECK).await, &id, "DELETED");
    assert_eq!(fixture.rest(&client, "flickr.photos.getInfo", &[("photo_id", &id)]).await["code"], 1);
    let again = fixture.upload(&client, &[REVIVE[0], ("title", "New")]).await.photo_id();
    assert_eq!(again, id);
    let photos = fixture.photos().await;
    assert_eq!((photos.len(), &photos[0]["title"], &photos[0]["tags"]), (1, &json!("Old"), &json!(["sea"])));
    assert_duplicate(&fixture.upload(&client, &CHECK).await, &id, "0");

    fixture.control("/_fake/config", json!({"revival_renews": true})).await;
    delete(&fixture, &client, &id).await;
    assert_eq!(fixture.upload(&client, &[REVIVE[0], ("title", "New")]).await.photo_id(), id);
    assert_eq!(fixture.photos().await[0]["title"], "New");
}

#[tokio::test]
async fn an_original_that_exists_counts_before_a_deleted_one() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let deleted = fixture.upload(&client, &[]).await.photo_id();
    delete(&fixture, &client, &deleted).await;
    let living = fixture.upload(&client, &[]).await.photo_id();
    assert_duplicate(&fixture.upload(&client, &CHECK).await, &living, "0");
    assert_duplicate(&fixture.upload(&client, &REVIVE).await, &living, "0");
}

#[tokio::test]
async fn an_original_is_found_only_after_the_lag() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/config", json!({"dedup_lag_ms": 3_600_000})).await;
    for _ in 0..2 {
        fixture.upload(&client, &CHECK).await.photo_id();
    }
    fixture.control("/_fake/config", json!({"dedup_lag_ms": 0})).await;
    let known = fixture.upload(&client, &CHECK).await.photo_id();
    assert_duplicate(&fixture.upload(&client, &CHECK).await, &known, "0");
}

#[tokio::test]
async fn the_bytes_after_a_replacement_are_those_that_count() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    let other = File { bytes: b"\x89PNG another", ..JPEG };
    fixture.replace(&client, &[("photo_id", &id)], other).await.photo_id();
    assert_duplicate(&fixture.upload_file(&client, &CHECK, other).await, &id, "0");
    fixture.upload(&client, &CHECK).await.photo_id();
}

#[tokio::test]
async fn the_form_of_the_error_can_be_chosen() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    let config = json!({"error_details_as_attributes": true, "duplicate_status": "ACTIVE"});
    fixture.control("/_fake/config", config).await;
    let body = fixture.upload(&client, &CHECK).await.body;
    let expected = format!(" duplicate_photo_id=\"{id}\" duplicate_photo_status=\"ACTIVE\" />\n</rsp>");
    assert!(body.contains(&expected), "{body}");
}

#[tokio::test]
async fn a_duplicate_can_be_a_ticket_that_fails() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    let params = [CHECK[0], ("async", "1")];
    assert_duplicate(&fixture.upload(&client, &params).await, &id, "0");
    fixture.control("/_fake/config", json!({"duplicates_get_tickets": true})).await;
    let reply = fixture.upload(&client, &params).await;
    assert_eq!(fixture.tickets(&client, &[reply.element("ticketid")]).await[0]["complete"], 2);
    assert_eq!(fixture.photos().await.len(), 1);
}

#[tokio::test]
async fn the_control_api_deletes_as_an_owner_does() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    assert_eq!(fixture.delete(&format!("/_fake/photos?id={id}")).await.status, 200);
    assert_eq!(fixture.delete(&format!("/_fake/photos?id={id}")).await.status, 404);
    assert_duplicate(&fixture.upload(&client, &CHECK).await, &id, "DELETED");
}
