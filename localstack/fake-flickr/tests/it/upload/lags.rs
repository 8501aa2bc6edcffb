//! What Flickr does not know yet of a photo that it has just taken.

use serde_json::{Value, json};

use crate::client::Client;
use crate::fixture::Fixture;

const AN_HOUR: u64 = 3_600_000;
const BY_TAG: [(&str, &str); 2] = [("user_id", "me"), ("tags", "sea")];
const BY_MACHINE_TAG: [(&str, &str); 2] = [("user_id", "me"), ("machine_tags", "a:b=c")];
const BY_USER: [(&str, &str); 1] = [("user_id", "me")];

/// The total and the number of entries of each way to find a photo: in the list of the newest, and by three searches.
async fn found(fixture: &Fixture, client: &Client) -> Vec<[Value; 2]> {
    let mut counts = Vec::new();
    for (method, params) in [
        ("flickr.people.getPhotos", &BY_USER[..]),
        ("flickr.photos.search", &BY_USER),
        ("flickr.photos.search", &BY_TAG),
        ("flickr.photos.search", &BY_MACHINE_TAG),
    ] {
        let photos = fixture.rest(client, method, params).await["photos"].clone();
        counts.push([photos["total"].clone(), json!(photos["photo"].as_array().unwrap().len())]);
    }
    counts
}

#[tokio::test]
async fn lists_and_searches_are_behind() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let none = [json!(0), json!(0)];
    let one = [json!(1), json!(1)];
    for (config, expected) in [
        (json!({}), [&one, &one, &one, &one]),
        (json!({"index_lag_ms": AN_HOUR}), [&none, &none, &none, &none]),
        (json!({"tag_lag_ms": AN_HOUR}), [&one, &one, &none, &none]),
        (json!({"index_lag_ms": 20, "tag_lag_ms": 20}), [&one, &one, &one, &one]),
    ] {
        fixture.control("/_fake/reset", json!({})).await;
        let client = Client { token: fixture.client().await.token, ..client.clone() };
        fixture.control("/_fake/config", config.clone()).await;
        let id = fixture.upload(&client, &[("tags", "sea a:b=c")]).await.photo_id();
        assert_eq!(fixture.rest(&client, "flickr.photos.getInfo", &[("photo_id", &id)]).await["stat"], "ok");
        if config["index_lag_ms"] == 20 {
            fixture.until(async || found(&fixture, &client).await[3] == one).await;
        }
        assert_eq!(found(&fixture, &client).await.iter().collect::<Vec<_>>(), expected, "{config}");
    }
}

#[tokio::test]
async fn a_count_may_come_without_entries() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/config", json!({"index_lag_ms": AN_HOUR, "total_counts_unlisted": true})).await;
    fixture.upload(&client, &[("tags", "sea a:b=c")]).await;
    assert_eq!(found(&fixture, &client).await, vec![[json!(1), json!(0)]; 4]);
}

#[tokio::test]
async fn a_fresh_id_is_unknown_to_other_methods() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let old = fixture.upload(&client, &[]).await.photo_id();
    let params = [("title", "Set"), ("primary_photo_id", old.as_str())];
    let set = fixture.rest(&client, "flickr.photosets.create", &params).await["photoset"]["id"].clone();
    fixture.control("/_fake/config", json!({"id_lag_ms": AN_HOUR})).await;
    let fresh = fixture.upload(&client, &[]).await.photo_id();
    let photo = ("photo_id", fresh.as_str());
    for (method, params, expected) in [
        ("flickr.photos.getInfo", vec![photo], (1, format!("Photo \"{fresh}\" not found (invalid ID)"))),
        ("flickr.photos.addTags", vec![photo, ("tags", "sea")], (1, "Photo not found".to_owned())),
        ("flickr.photos.delete", vec![photo], (1, "Photo not found".to_owned())),
        (
            "flickr.photosets.addPhoto",
            vec![photo, ("photoset_id", set.as_str().unwrap())],
            (2, "Photo not found".to_owned()),
        ),
        (
            "flickr.photosets.create",
            vec![("title", "Set"), ("primary_photo_id", &fresh)],
            (2, "Invalid primary photo id".to_owned()),
        ),
    ] {
        let answer = fixture.rest(&client, method, &params).await;
        assert_eq!((&answer["code"], &answer["message"]), (&json!(expected.0), &json!(expected.1)), "{method}");
    }
    assert_eq!(fixture.replace(&client, &[photo], crate::client::JPEG).await.code(), 2);
    fixture.control("/_fake/config", json!({"id_lag_ms": 20})).await;
    let known = fixture.upload(&client, &[]).await.photo_id();
    let info = async || fixture.rest(&client, "flickr.photos.getInfo", &[("photo_id", &known)]).await;
    fixture.until(async || info().await["stat"] == "ok").await;
}
