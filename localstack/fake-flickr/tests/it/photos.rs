//! Photos, sets and favourites through the REST methods.

use serde_json::{Value, json};

use crate::client::Client;
use crate::fixture::Fixture;

async fn seed(fixture: &Fixture, photos: Value) -> Vec<String> {
    let seeded = fixture.control("/_fake/photos", photos).await;
    serde_json::from_value(seeded["ids"].clone()).unwrap()
}

async fn found(fixture: &Fixture, client: &Client, params: &[(&str, &str)]) -> Vec<String> {
    let answer = fixture.rest(client, "flickr.photos.search", params).await;
    let photos = answer["photos"]["photo"].as_array().unwrap();
    photos.iter().map(|photo| photo["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn search_by_tag_machine_tag_text_and_owner() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let sea = seed(&fixture, json!({"tags": "sea \"New York\" flickrhub:job=ab-12", "title": "One"})).await.remove(0);
    let hill =
        seed(&fixture, json!({"tags": "hill sea flickrhub:job=cd34", "description": "a Green hill"})).await.remove(0);
    let hers = seed(&fixture, json!({"user": "grace", "tags": "sea"})).await.remove(0);
    seed(&fixture, json!({"user": "grace", "tags": "sea", "is_public": false})).await;

    for (params, expected) in [
        (&[("user_id", "me")][..], vec![&hill, &sea]),
        (&[("user_id", "12037949@N01"), ("sort", "date-posted-asc")], vec![&sea, &hill]),
        (&[("tags", "SEA")], vec![&hers, &hill, &sea]),
        (&[("tags", "new york,hill")], vec![&hill, &sea]),
        (&[("tags", "sea,hill"), ("tag_mode", "all")], vec![&hill]),
        (&[("tags", "sea,-hill"), ("user_id", "me")], vec![&sea]),
        (&[("machine_tags", "flickrhub:job=ab-12")], vec![&sea]),
        (&[("machine_tags", "flickrhub:job=")], vec![&hill, &sea]),
        (&[("machine_tags", "flickrhub:job=ab12,flickrhub:job=cd34"), ("machine_tag_mode", "all")], vec![]),
        (&[("tags", "flickrhub:job=cd34")], vec![&hill]),
        (&[("text", "green")], vec![&hill]),
        (&[("user_id", "me"), ("per_page", "1"), ("page", "2")], vec![&sea]),
        (&[("user_id", "me"), ("per_page", "1"), ("page", "3")], vec![]),
        (&[("user_id", "me"), ("min_upload_date", "4102444800")], vec![]),
    ] {
        let expected: Vec<String> = expected.into_iter().cloned().collect();
        assert_eq!(found(&fixture, &client, params).await, expected, "{params:?}");
    }
}

#[tokio::test]
async fn invalid_searches_are_refused() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    for (params, code) in [(&[][..], 3), (&[("user_id", "1@N00")], 2), (&[("machine_tags", "nocolon")], 11)] {
        assert_eq!(fixture.rest(&client, "flickr.photos.search", params).await["code"], code, "{params:?}");
    }
    assert_eq!(fixture.rest(&Client::default(), "flickr.photos.search", &[("user_id", "me")]).await["code"], 2);
}

#[tokio::test]
async fn extras_and_pages() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    seed(&fixture, json!({"count": 3, "description": "long", "tags": "sea a:b=c"})).await;
    let extras = ("extras", "description, license,date_upload,tags,machine_tags,owner_name,media,url_o");
    let answer = fixture.rest(&client, "flickr.photos.search", &[("user_id", "me"), ("per_page", "2"), extras]).await;
    let photos = &answer["photos"];
    assert_eq!(
        (&photos["page"], &photos["pages"], &photos["perpage"], &photos["total"]),
        (&json!(1), &json!(2), &json!(2), &json!(3))
    );
    let photo = &photos["photo"][0];
    assert_eq!(photo["description"], json!({"_content": "long"}));
    assert_eq!(photo["tags"], "sea a:b=c");
    assert_eq!(photo["machine_tags"], "a:b=c");
    assert_eq!(photo["ownername"], "ada");
    assert!(photo["dateupload"].is_string() && photo["id"].is_string() && photo["ispublic"].is_number());
}

#[tokio::test]
async fn pages_beyond_four_thousand_results_repeat() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    seed(&fixture, json!({"count": 4200})).await;
    let page = |number: &'static str| [("user_id", "me"), ("per_page", "500"), ("page", number)];
    let eighth = found(&fixture, &client, &page("8")).await;
    assert_eq!(eighth.len(), 500);
    assert_eq!(found(&fixture, &client, &page("9")).await, eighth);
}

#[tokio::test]
async fn answers_of_several_megabytes() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    seed(&fixture, json!({"count": 500, "description_bytes": 10_000})).await;
    let params = [
        ("method", "flickr.photos.search"),
        ("format", "json"),
        ("nojsoncallback", "1"),
        ("user_id", "me"),
        ("per_page", "500"),
        ("extras", "description"),
    ];
    let reply = fixture.send(client.query("/services/rest", &params)).await;
    assert!(reply.body.len() > 5_000_000);
}

#[tokio::test]
async fn texts_are_rewritten_and_a_comment_is_made_once() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = seed(&fixture, json!({})).await.remove(0);
    let photo = ("photo_id", id.as_str());
    let text = " look \"here\" http://x.y\n";
    let shown = "look &quot;here&quot; <a href=\"http://x.y\" rel=\"nofollow\">http://x.y</a>";
    fixture.rest(&client, "flickr.photos.setMeta", &[photo, ("title", text), ("description", text)]).await;
    let info = fixture.rest(&client, "flickr.photos.getInfo", &[photo]).await;
    assert_eq!(info["photo"]["title"]["_content"], text.trim());
    assert_eq!(info["photo"]["description"]["_content"], shown);

    let add =
        async |text| fixture.rest(&client, "flickr.photos.comments.addComment", &[photo, ("comment_text", text)]).await;
    let first = add(text).await;
    assert_eq!(add("look \"here\" http://x.y").await, first);
    assert_ne!(add("look").await["comment"]["id"], first["comment"]["id"]);
    assert_eq!(add(" \n").await["code"], 8);
    let list = fixture.rest(&client, "flickr.photos.comments.getList", &[photo]).await;
    let comments = list["comments"]["comment"].as_array().unwrap();
    assert_eq!(
        (comments.len(), &comments[0]["_content"], &comments[0]["id"]),
        (2, &json!(shown), &first["comment"]["id"])
    );
    let missing = [("photo_id", "1"), ("comment_text", "x")];
    assert_eq!(fixture.rest(&client, "flickr.photos.comments.addComment", &missing).await["code"], 1);
}

#[tokio::test]
async fn a_photo_is_read_changed_and_deleted() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = seed(&fixture, json!({"title": "Old", "tags": "sea"})).await.remove(0);
    let photo = ("photo_id", id.as_str());
    let ok = json!({"stat": "ok"});

    let params = [photo, ("title", "New"), ("description", "Words")];
    assert_eq!(fixture.rest(&client, "flickr.photos.setMeta", &params).await, ok);
    let added = fixture.rest(&client, "flickr.photos.addTags", &[photo, ("tags", "Sea \"two words\"")]).await;
    assert_eq!(added["tags"]["tag"].as_array().unwrap().len(), 1);
    assert_eq!(fixture.rest(&client, "flickr.photos.licenses.setLicense", &[photo, ("license_id", "4")]).await, ok);
    let bad = fixture.rest(&client, "flickr.photos.licenses.setLicense", &[photo, ("license_id", "99")]).await;
    assert_eq!(bad["code"], 2);

    let info = fixture.rest(&client, "flickr.photos.getInfo", &[photo]).await;
    let info = &info["photo"];
    assert_eq!((&info["title"], &info["description"]), (&json!({"_content": "New"}), &json!({"_content": "Words"})));
    assert_eq!((&info["license"], &info["visibility"]["ispublic"]), (&json!("4"), &json!(1)));
    assert_eq!(info["tags"]["tag"][1]["raw"], "two words");
    assert_eq!(info["owner"]["username"], "ada");
    assert_eq!((&info["usage"]["candownload"], &info["notes"]), (&json!(1), &json!({"note": []})));

    assert_eq!(fixture.rest(&client, "flickr.photos.delete", &[photo]).await, ok);
    let gone = fixture.rest(&client, "flickr.photos.delete", &[photo]).await;
    assert_eq!(gone, json!({"stat": "fail", "code": 1, "message": "Photo not found"}));
    let gone = fixture.rest(&client, "flickr.photos.getInfo", &[photo]).await;
    assert_eq!(gone["message"], format!("Photo \"{id}\" not found (invalid ID)"));
}

#[tokio::test]
async fn only_the_owner_sees_a_private_photo() {
    let fixture = Fixture::new();
    let (ada, grace) = (fixture.client().await, fixture.client_of(json!({"user": "grace"})).await);
    let id = seed(&fixture, json!({"is_public": false})).await.remove(0);
    let photo = ("photo_id", id.as_str());
    assert_eq!(fixture.rest(&ada, "flickr.photos.getInfo", &[photo]).await["stat"], "ok");
    let refused = fixture.rest(&grace, "flickr.photos.getInfo", &[photo]).await;
    assert_eq!(refused, json!({"stat": "fail", "code": 2, "message": "Permission denied"}));
    assert_eq!(fixture.rest(&grace, "flickr.photos.setMeta", &[photo, ("title", "x")]).await["code"], 1);
    assert_eq!(fixture.rest(&grace, "flickr.favorites.add", &[photo]).await["code"], 4);
    let mine = [("user_id", "12037949@N01")];
    assert_eq!(fixture.rest(&ada, "flickr.people.getPhotos", &mine).await["photos"]["total"], 1);
    assert_eq!(fixture.rest(&grace, "flickr.people.getPhotos", &mine).await["photos"]["total"], 0);
}

#[tokio::test]
async fn favourites_are_added_listed_and_removed() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let hers = seed(&fixture, json!({"user": "grace"})).await.remove(0);
    let own = seed(&fixture, json!({})).await.remove(0);
    let codes = |method: &'static str, id: String| {
        let (fixture, client) = (&fixture, &client);
        async move { fixture.rest(client, method, &[("photo_id", &id)]).await["code"].clone() }
    };
    assert_eq!(codes("flickr.favorites.add", hers.clone()).await, Value::Null);
    assert_eq!(codes("flickr.favorites.add", hers.clone()).await, 3);
    assert_eq!(codes("flickr.favorites.add", own).await, 2);
    assert_eq!(codes("flickr.favorites.add", "1".into()).await, 1);
    let list = fixture.rest(&client, "flickr.favorites.getList", &[]).await;
    assert_eq!(list["photos"]["photo"][0]["id"], hers);
    assert_eq!(codes("flickr.favorites.remove", hers.clone()).await, Value::Null);
    assert_eq!(codes("flickr.favorites.remove", hers).await, 1);
}

#[tokio::test]
async fn sets_hold_photos() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let ids = seed(&fixture, json!({"count": 2})).await;
    let params = [("title", "Set"), ("primary_photo_id", ids[0].as_str())];
    let set = fixture.rest(&client, "flickr.photosets.create", &params).await["photoset"]["id"].clone();
    let set = ("photoset_id", set.as_str().unwrap());
    assert_eq!(fixture.rest(&client, "flickr.photosets.create", &params[1..]).await["code"], 1);
    assert_eq!(fixture.rest(&client, "flickr.photosets.create", &params[..1]).await["code"], 2);
    let add = [set, ("photo_id", ids[1].as_str())];
    assert_eq!(fixture.rest(&client, "flickr.photosets.addPhoto", &add).await["stat"], "ok");
    assert_eq!(fixture.rest(&client, "flickr.photosets.addPhoto", &add).await["code"], 3);
    assert_eq!(fixture.rest(&client, "flickr.photosets.addPhoto", &add[1..]).await["code"], 1);
    let list = fixture.rest(&client, "flickr.photosets.getList", &[]).await;
    assert_eq!(list["photosets"]["photoset"][0]["count_photos"], 2);
    let photos = fixture.rest(&client, "flickr.photosets.getPhotos", &[set]).await;
    assert_eq!(photos["photoset"]["photo"].as_array().unwrap().len(), 2);

    for id in &ids {
        fixture.rest(&client, "flickr.photos.delete", &[("photo_id", id)]).await;
    }
    assert_eq!(fixture.rest(&client, "flickr.photosets.getPhotos", &[set]).await["code"], 1, "an empty set is deleted");
}

#[tokio::test]
async fn people() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    seed(&fixture, json!({"count": 2, "bytes": 1024})).await;
    let info = fixture.rest(&client, "flickr.people.getInfo", &[("user_id", "12037949@N01")]).await;
    assert_eq!(info["person"]["realname"], json!({"_content": "Ada Lovelace"}));
    assert_eq!(fixture.rest(&client, "flickr.people.getInfo", &[("user_id", "1@N00")]).await["code"], 1);
    assert_eq!(fixture.rest(&client, "flickr.people.getPhotos", &[]).await["code"], 1);
    let status = fixture.rest(&client, "flickr.people.getUploadStatus", &[]).await;
    assert_eq!(status["user"]["filesize"]["maxbytes"], 209_715_200);
    assert_eq!(status["user"]["bandwidth"]["usedbytes"], 2048);
    assert_eq!(status["user"]["sets"], json!({"created": null, "remaining": "lots"}));
    let bandwidth = &status["user"]["bandwidth"];
    let number = |name: &str| bandwidth[name].as_u64().unwrap();
    assert!(number("maxbytes") > 1 << 32);
    assert_eq!(number("remainingbytes") + number("usedbytes"), number("maxbytes"));
    assert_eq!((number("usedkb"), number("remainingkb")), (2, (number("maxbytes") >> 10) - 2));
    let limits = fixture.rest(&client, "flickr.people.getLimits", &[]).await;
    let expected = json!({
        "nsid": "12037949@N01",
        "photos": {"maxdisplaypx": 6144, "maxupload": 209_715_200},
        "videos": {"maxduration": 600, "maxupload": 1_073_741_824},
    });
    assert_eq!(limits["person"], expected);
    assert_eq!(fixture.rest(&Client::default(), "flickr.people.getLimits", &[]).await["code"], 99);
}

#[tokio::test]
async fn a_setter_needs_post_and_something_to_set() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = seed(&fixture, json!({})).await.remove(0);
    assert_eq!(fixture.rest(&client, "flickr.photos.setMeta", &[("photo_id", &id)]).await["code"], 2);
    let params = [("method", "flickr.photos.setMeta"), ("photo_id", id.as_str()), ("title", "x")];
    let by_get = fixture.send(client.query("/services/rest", &params)).await;
    assert!(by_get.body.contains("<err code=\"116\""), "{}", by_get.body);
    fixture.control("/_fake/config", json!({"setters_require_post": false})).await;
    assert!(fixture.send(client.query("/services/rest", &params)).await.body.contains("stat=\"ok\""));
}
