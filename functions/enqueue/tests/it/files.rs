//! Jobs that send files.

use domain::upload::FileSource;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{Scene, scene};

const URL: &str = "https://photos.example/a.jpg?signature=1";

/// A job that sends the file at [`URL`].
fn from_url(scene: &Scene, target: &str) -> Value {
    let params = if target == "replace" { json!({ "photo_id": "1" }) } else { json!({ "title": "Harbour" }) };
    json!({ "target": target, "source_url": URL, "params": params, "user_id": scene.user })
}

#[tokio::test]
async fn a_job_may_name_the_url_of_its_file() {
    for target in ["upload", "replace"] {
        let scene = scene().await;
        let answer = scene.post(&[], &from_url(&scene, target)).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        assert_eq!((&answer.data()["target"], &answer.data()["method"]), (&json!(target), &Value::Null));
        assert!(!answer.text.contains("signature"), "what may be a secret is not told: {}", answer.text);
        let jobs = scene.world.jobs();
        assert_eq!(jobs[0].spec.work.file(), Some(&FileSource::Url(URL.to_owned())));
    }
}

#[tokio::test]
async fn another_url_is_another_job() {
    let scene = scene().await;
    let key = [("idempotency-key", "k-1")];
    let mut body = from_url(&scene, "upload");
    let first = scene.post(&key, &body).await.data();
    assert_eq!(scene.post(&key, &body).await.data()["job_id"], first["job_id"]);
    body["source_url"] = json!("https://photos.example/b.jpg");
    assert_eq!(scene.post(&key, &body).await.problem(), "ERR_IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_file_comes_from_one_place_that_is_allowed() {
    let scene = scene().await;
    let upload_id = format!("upl_{}", "0".repeat(32));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = from_url(&scene, "upload");
        change(&mut body);
        body
    };
    let at = |url: &str| with(&|body| body["source_url"] = json!(url));
    let rest = |field: &str, value: &str| {
        let mut body = scene.body();
        body[field] = json!(value);
        body
    };
    for (body, field, says) in [
        (with(&|body| body["upload_id"] = json!(upload_id)), "source_url", "together with `upload_id`"),
        (with(&|body| body["source_url"] = Value::Null), "upload_id", "`source_url`"),
        (with(&|body| body["method"] = json!("flickr.test.echo")), "method", "`rest`"),
        (with(&|body| body["cache"] = json!({})), "cache", "never cached"),
        (with(&|body| body["source_url"] = json!(1)), "source_url", ""),
        (rest("source_url", URL), "source_url", "`upload` or `replace`"),
        (rest("upload_id", &upload_id), "upload_id", "`upload` or `replace`"),
        (at("photos.example/a.jpg"), "source_url", "cannot be read"),
        (at("http://photos.example/a.jpg"), "source_url", "https://"),
        (at("https://user:canary@photos.example/a.jpg"), "source_url", "a user or a password"),
        (at("https://photos.example:22/a.jpg"), "source_url", "port 22"),
        (at("https://10.0.0.1/a.jpg"), "source_url", "a private address"),
        (at("https://2130706433/a.jpg"), "source_url", "a loopback address"),
    ] {
        let answer = scene.post(&[], &body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::BAD_REQUEST, "ERR_INVALID_REQUEST"));
        let detail = &answer.json()["error"]["details"][0];
        assert_eq!(detail["field"], field, "{body}: {}", answer.text);
        assert!(detail["message"].as_str().unwrap().contains(says), "{body}: {}", answer.text);
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    assert!(scene.world.jobs().is_empty() && scene.world.queue().is_empty());
}
