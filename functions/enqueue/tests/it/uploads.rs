//! Files that come in parts, and how many bytes of files may be stored.

use domain::{
    AccountRef,
    upload::{MediaFile, Multipart, MultipartId, PART_BYTES, Part, Upload},
};
use http::{Method, StatusCode};
use hub::tenants;
use serde_json::{Value, json};
use testkit::build;

use crate::{API_KEY, MAX_STORED_BYTES, OTHER_API_KEY, Scene, scene};

fn details(scene: &Scene, bytes: u64, more: &Value) -> Value {
    let mut details =
        json!({ "user_id": scene.user, "file_name": "a.mp4", "content_type": "video/mp4", "bytes": bytes });
    details.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    details
}

/// An upload whose file comes in parts: its path.
async fn create(scene: &Scene, bytes: u64) -> String {
    let details = details(scene, bytes, &json!({ "multipart": true, "sha256": "0".repeat(64) }));
    let answer = scene.ask(Method::POST, "/v1/uploads", API_KEY, &details).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let data = answer.data();
    let parts = bytes.div_ceil(PART_BYTES);
    assert_eq!(data["multipart"], json!({ "part_bytes": PART_BYTES, "parts": parts }));
    assert_eq!((&data["url"], &data["headers"], &data["expires_at"]), (&Value::Null, &Value::Null, &Value::Null));
    format!("/v1/uploads/{}", data["upload_id"].as_str().unwrap())
}

/// Stores a part as its owner does.
fn store(scene: &Scene, path: &str, number: u32, bytes: u64) {
    let upload = Upload {
        id: path.rsplit('/').next().unwrap().parse().unwrap(),
        account: AccountRef::new(&scene.tenant, &scene.user),
        file: MediaFile::new("a.mp4", "video/mp4".parse().unwrap(), bytes).unwrap(),
        sha256: None,
        multipart: Some(Multipart { id: MultipartId::new(""), declared_sha256: None }),
        pinned_etag: None,
        created_at: build::NOW,
    };
    let length = usize::try_from(bytes).unwrap();
    scene.world.store_part(&upload, Part { number, bytes }, vec![0; length]).unwrap();
}

#[tokio::test]
async fn a_file_comes_in_parts_that_are_asked_for_again() {
    let scene = scene().await;
    let path = create(&scene, PART_BYTES + 7).await;
    let get = async |query: &str| scene.ask(Method::GET, &format!("{path}/parts{query}"), API_KEY, &Value::Null).await;
    let complete = async |key: &str| scene.ask(Method::POST, &format!("{path}/complete"), key, &Value::Null).await;
    let first = get("?limit=1").await.data();
    assert_eq!((&first["next_from"], first["parts"].as_array().unwrap().len()), (&json!(2), 1));
    let part = &first["parts"][0];
    assert_eq!(
        (&part["part_number"], &part["bytes"], &part["state"]),
        (&json!(1), &json!(PART_BYTES), &json!("pending"))
    );
    assert!(part["url"].as_str().unwrap().starts_with("https://"));
    assert_eq!(part["headers"], json!({ "content-length": PART_BYTES.to_string() }));

    store(&scene, &path, 1, PART_BYTES);
    let refused = complete(API_KEY).await;
    assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::CONFLICT, "ERR_UPLOAD_INCOMPLETE"));
    let details = &refused.json()["error"]["details"];
    let message = "part 2 has not arrived";
    let missing = json!([{ "field": "parts.2", "message": message }]);
    assert_eq!(*details, missing);

    store(&scene, &path, 2, 7);
    for _ in 0..2 {
        let answer = complete(API_KEY).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!((&answer.data()["state"], &answer.data()["sha256"]), (&json!("arrived"), &json!("0".repeat(64))));
        let parts = get("").await.data();
        assert_eq!((&parts["parts"][1]["state"], &parts["parts"][1]["url"]), (&json!("arrived"), &Value::Null));
    }
}

#[tokio::test]
async fn parts_are_their_owners_alone_and_asked_for_within_bounds() {
    let scene = scene().await;
    tenants::create(&scene.world, &build::keyed_hash(), "Other", OTHER_API_KEY).await.unwrap();
    let path = create(&scene, 7).await;
    let unknown = format!("/v1/uploads/upl_{}", "0".repeat(32));
    for (key, path) in [(OTHER_API_KEY, path.as_str()), (API_KEY, &unknown), (API_KEY, "/v1/uploads/x")] {
        for (method, action) in [(Method::GET, "parts"), (Method::POST, "complete")] {
            let answer = scene.ask(method, &format!("{path}/{action}"), key, &Value::Null).await;
            assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::NOT_FOUND, "ERR_UPLOAD_NOT_FOUND"));
        }
    }
    for query in ["from=0", "from=2", "limit=0", "limit=101", "limit=x", "to=1"] {
        let answer = scene.ask(Method::GET, &format!("{path}/parts?{query}"), API_KEY, &Value::Null).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::BAD_REQUEST, "ERR_INVALID_REQUEST"),
            "{query}"
        );
    }
    let once = scene.ask(Method::POST, "/v1/uploads", API_KEY, &details(&scene, 7, &json!({}))).await.data();
    assert_eq!((once["url"].is_string(), &once["multipart"]), (true, &Value::Null));
    let path = format!("/v1/uploads/{}/complete", once["upload_id"].as_str().unwrap());
    let answer = scene.ask(Method::POST, &path, API_KEY, &Value::Null).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::BAD_REQUEST, "ERR_INVALID_REQUEST"));
}

#[tokio::test]
async fn an_id_that_is_no_text_is_an_unknown_path() {
    let scene = scene().await;
    for (method, path) in [(Method::GET, "/v1/uploads/%FF/parts"), (Method::POST, "/v1/uploads/%FF/complete")] {
        let answer = scene.ask(method, path, API_KEY, &Value::Null).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::NOT_FOUND, "ERR_NOT_FOUND"), "{path}");
    }
}

#[tokio::test]
async fn more_bytes_than_may_be_stored_are_refused_with_the_limit() {
    let scene = scene().await;
    let post = async |bytes| scene.ask(Method::POST, "/v1/uploads", API_KEY, &details(&scene, bytes, &json!({}))).await;
    assert_eq!(post(MAX_STORED_BYTES - 7).await.status, StatusCode::CREATED);
    let answer = post(8).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::TOO_MANY_REQUESTS, "ERR_TOO_MANY_BYTES"));
    assert!(answer.text.contains("999999993 of 1000000000 bytes"), "{}", answer.text);
    assert_eq!(answer.headers["retry-after"], "60");
    assert_eq!(post(7).await.status, StatusCode::CREATED);
}
