//! Videos, which are processed after their upload.

use serde_json::{Value, json};

use crate::client::{CLIP, Client};
use crate::fixture::Fixture;

const AN_HOUR: u64 = 3_600_000;

async fn info(fixture: &Fixture, client: &Client, id: &str) -> Value {
    fixture.rest(client, "flickr.photos.getInfo", &[("photo_id", id)]).await
}

async fn set_perms(fixture: &Fixture, client: &Client, id: &str) -> Value {
    let params = [("photo_id", id), ("is_public", "0"), ("is_friend", "1"), ("is_family", "0")];
    fixture.rest(client, "flickr.photos.setPerms", &params).await
}

#[tokio::test]
async fn a_video_has_an_id_at_once_and_is_processed_later() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/config", json!({"video_processing_ms": AN_HOUR})).await;
    let id = fixture.upload_file(&client, &[], CLIP).await.photo_id();
    let video = info(&fixture, &client, &id).await["photo"].clone();
    let pending = json!({"ready": 0, "failed": 0, "pending": 1, "duration": 0, "width": 0, "height": 0});
    assert_eq!((&video["media"], &video["video"]), (&json!("video"), &pending));
    assert_eq!(set_perms(&fixture, &client, &id).await["code"], 1);
    assert_eq!(fixture.photos().await[0]["media_status"], "processing");

    fixture.control("/_fake/config", json!({"video_processing_ms": 0, "numbers_as_strings": true})).await;
    let id = fixture.upload_file(&client, &[], CLIP).await.photo_id();
    let ready = json!(
        {"ready": "1", "failed": "0", "pending": "0", "duration": "10", "width": "1280", "height": "720"}
    );
    assert_eq!(info(&fixture, &client, &id).await["photo"]["video"], ready);
    assert_eq!(set_perms(&fixture, &client, &id).await["photoid"]["_content"], json!(id));
}

#[tokio::test]
async fn a_video_may_fail_hang_or_be_unknown_meanwhile() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    for (fault, state) in [("video_failed", "failed"), ("video_stuck", "pending")] {
        fixture.fault(json!({"fault": fault, "times": 1})).await;
        let id = fixture.upload_file(&client, &[], CLIP).await.photo_id();
        let video = info(&fixture, &client, &id).await["photo"]["video"].clone();
        assert_eq!((&video[state], &video["ready"]), (&json!(1), &json!(0)), "{fault}");
    }
    fixture.control("/_fake/config", json!({"pending_videos_have_info": false, "video_processing_ms": AN_HOUR})).await;
    let id = fixture.upload_file(&client, &[], CLIP).await.photo_id();
    assert_eq!(info(&fixture, &client, &id).await["code"], 1);
}

#[tokio::test]
async fn a_photo_has_no_processing_and_its_permissions_change() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    assert_eq!(info(&fixture, &client, &id).await["photo"]["video"], Value::Null);
    assert_eq!(set_perms(&fixture, &client, &id).await["stat"], "ok");
    let photo = &fixture.photos().await[0];
    assert_eq!(json!([photo["is_public"], photo["is_friend"], photo["is_family"]]), json!([false, true, false]));
    let params = [("photo_id", id.as_str()), ("is_public", "0")];
    assert_eq!(fixture.rest(&client, "flickr.photos.setPerms", &params).await["code"], 2);
}
