//! Files: from their owner to S3, from S3 to Flickr, each once.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use api::{CreateUploadAnswer, JobErrorCode, JobState, JobTarget, JobView, SubmitJobRequest, UploadState, UploadView};
use domain::upload::MAX_PHOTO_BYTES;
use futures_util::{StreamExt, stream};
use reqwest::{Body, StatusCode};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::Command,
};

use crate::{
    crash::kill_workers,
    stack::{Flickr, Hub, client, env, exclusive_stack, request, result, shared_stack, until},
};

/// How a JPEG begins: Flickr looks at it.
const JPEG: [u8; 4] = [0xff, 0xd8, 0xff, 0xe0];

/// A JPEG of at least 4 bytes, as far as Flickr looks at it, that no other file of these tests is.
pub fn bytes(seed: u32, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) << 32 | 0x9e37_79b9;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes = Vec::with_capacity(length + 8);
    bytes.extend(JPEG);
    while bytes.len() < length {
        bytes.extend(next());
    }
    bytes.truncate(length);
    bytes
}

/// In hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

/// An upload of a JPEG, which must be accepted.
pub async fn create(hub: &Hub, user_id: &str, name: &str, bytes: &[u8], with_digest: bool) -> CreateUploadAnswer {
    let digest = with_digest.then(|| sha256(bytes));
    let details = json!({ "user_id": user_id, "file_name": name, "content_type": "image/jpeg", "bytes": bytes.len(), "sha256": digest });
    let answer = hub.post("/v1/uploads", &details).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.data()
}

/// Sends a file to the URL of its upload.
async fn put(upload: &CreateUploadAnswer, bytes: Vec<u8>) -> StatusCode {
    put_to(upload.url.as_ref().unwrap(), upload.headers.as_ref().unwrap(), bytes).await
}

/// Sends bytes to a URL that FlickrHub gave.
pub async fn put_to(url: &str, headers: &BTreeMap<String, String>, bytes: Vec<u8>) -> StatusCode {
    let http = client().no_proxy().build().unwrap();
    let mut request = http.put(url).body(Body::from(bytes));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send().await.unwrap().status()
}

/// A job that sends the file of an upload.
pub fn file_request(user_id: &str, upload_id: &str, target: JobTarget, params: &Value) -> SubmitJobRequest {
    let upload_id = Some(upload_id.to_owned());
    SubmitJobRequest { method: None, upload_id, target: Some(target), ..request(user_id, "flickr.test.null", params) }
}

/// Hands a file over and asks for its upload.
async fn submit(hub: &Hub, user_id: &str, name: &str, bytes: Vec<u8>, params: &Value) -> JobView {
    let upload = create(hub, user_id, name, &bytes, bytes.len().is_multiple_of(2)).await;
    assert_eq!(put(&upload, bytes).await, StatusCode::OK);
    hub.accept(&file_request(user_id, &upload.upload_id, JobTarget::Upload, params)).await
}

/// Hands a file over, and asks for a job that sends it.
pub async fn send_file(hub: &Hub, user_id: &str, target: JobTarget, params: &Value) -> JobView {
    let content = bytes(1_000, 3_000);
    let upload = create(hub, user_id, "a.jpg", &content, true).await;
    assert_eq!(put(&upload, content).await, StatusCode::OK);
    hub.accept(&file_request(user_id, &upload.upload_id, target, params)).await
}

/// The photos of an account at Flickr.
pub async fn photos(flickr: &Flickr, nsid: &str) -> Vec<Value> {
    let photos = flickr.control_get(&format!("/_fake/photos?user={nsid}")).await;
    photos["photos"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_file_becomes_a_photo_with_its_fields() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let content = bytes(1, 100_000);
    let upload = create(&hub, &account.user_id, "Übung \"1\".JPG", &content, true).await;
    let path = format!("/v1/uploads/{}", upload.upload_id);
    let view: UploadView = hub.get(&path).await.data();
    assert_eq!((view.state, view.bytes, view.user_id), (UploadState::Pending, 100_000, account.user_id.clone()));
    let early = hub
        .post(
            "/v1/flickr/rest",
            &json!(file_request(&account.user_id, &upload.upload_id, JobTarget::Upload, &json!({}))),
        )
        .await;
    assert_eq!((early.status, early.problem()), (StatusCode::CONFLICT, "ERR_UPLOAD_NOT_ARRIVED"));

    assert_eq!(put(&upload, content.clone()).await, StatusCode::OK);
    let view: UploadView = hub.get(&path).await.data();
    assert_eq!(view.state, UploadState::Arrived);
    let params = json!({ "tags": ["sea", "two words"], "is_public": false, "description": "a <b>day</b>" });
    let job = hub.accept(&file_request(&account.user_id, &upload.upload_id, JobTarget::Upload, &params)).await;
    assert_eq!((job.target, job.method.as_ref()), (JobTarget::Upload, None));
    let job = hub.ended(&job.job_id).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    let photos = photos(&flickr, &account.nsid).await;
    assert_eq!(photos.len(), 1);
    let photo = &photos[0];
    assert_eq!((&photo["sha256"], &photo["title"]), (&json!(sha256(&content)), &json!("Übung \"1\"")));
    assert_eq!((&photo["filename"], &photo["is_public"]), (&json!("bung__1.jpg"), &json!(false)));
    let made = result(&job);
    assert_eq!(made["photo_id"], photo["id"]);
    assert_eq!(
        made["url"],
        format!("https://www.flickr.com/photos/{}/{}", account.nsid, photo["id"].as_str().unwrap())
    );
    assert_eq!(hub.get(&path).await.problem(), "ERR_UPLOAD_NOT_FOUND", "a file that has arrived is not kept");
}

#[tokio::test]
async fn what_cannot_be_uploaded_is_refused_before_a_byte_is_sent() {
    let _shared = shared_stack().await;
    let hub = Hub::first();
    let account = hub.connect().await;
    let details = |more: Value| {
        let mut details =
            json!({ "user_id": account.user_id, "file_name": "a.jpg", "content_type": "image/jpeg", "bytes": 3 });
        details.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        details
    };
    for (more, field) in [
        (json!({ "bytes": 0 }), "bytes"),
        (json!({ "bytes": MAX_PHOTO_BYTES + 1 }), "bytes"),
        (json!({ "content_type": "text/html" }), "content_type"),
        (json!({ "file_name": "a\r\nx: y.jpg" }), "file_name"),
        (json!({ "sha256": "abc" }), "sha256"),
        (json!({ "user_id": "usr_x" }), "user_id"),
    ] {
        let answer = hub.post("/v1/uploads", &details(more)).await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::BAD_REQUEST, "ERR_INVALID_REQUEST"));
        assert!(answer.text.contains(field), "{field}: {}", answer.text);
    }
    let nobody = json!({ "user_id": format!("usr_{}", "0".repeat(32)) });
    assert_eq!(hub.post("/v1/uploads", &details(nobody)).await.problem(), "ERR_ACCOUNT_NOT_FOUND");
    for id in ["upl_x", "x", &format!("upl_{}", "0".repeat(32))] {
        assert_eq!(hub.get(&format!("/v1/uploads/{id}")).await.problem(), "ERR_UPLOAD_NOT_FOUND");
    }

    let upload = create(&hub, &account.user_id, "a.jpg", &bytes(2, 10), true).await;
    assert!(!put(&upload, bytes(3, 10)).await.is_success(), "other bytes than were announced");
    assert_eq!(put(&upload, bytes(2, 10)).await, StatusCode::OK);
    assert!(!put(&upload, bytes(2, 10)).await.is_success(), "a file is stored once");
    for params in [json!({ "titel": 1 }), json!({ "tags": vec!["t"; 75] }), json!({ "async": 1 })] {
        let job = json!(file_request(&account.user_id, &upload.upload_id, JobTarget::Upload, &params));
        assert_eq!(hub.post("/v1/flickr/rest", &job).await.problem(), "ERR_INVALID_REQUEST");
    }
    let other = hub.connect().await;
    let job = json!(file_request(&other.user_id, &upload.upload_id, JobTarget::Upload, &json!({})));
    assert_eq!(hub.post("/v1/flickr/rest", &job).await.problem(), "ERR_UPLOAD_NOT_FOUND");
}

#[tokio::test]
async fn twenty_five_files_arrive_once_each_whatever_flickr_answers() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let of_uploads = |fault: &'static str, more: Value| {
        let (flickr, nsid) = (&flickr, &account.nsid);
        async move {
            let mut fault =
                json!({ "fault": fault, "times": 1, "match": { "account": nsid, "path": "/services/upload*" } });
            fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            flickr.control("/_fake/faults", &fault).await;
        }
    };
    for _ in 0..3 {
        of_uploads("502", json!({})).await;
        of_uploads("accept_then_drop", json!({})).await;
        of_uploads("slow", json!({ "delay_ms": 3_000 })).await;
    }
    of_uploads("act_after_error", json!({ "delay_ms": 4_000 })).await;
    let files: Vec<Vec<u8>> = (0..25).map(|number| bytes(100 + number, 5 + 40_000 * number as usize)).collect();
    let jobs: Vec<JobView> = stream::iter(files.iter().cloned().enumerate())
        .map(|(number, file)| {
            let (hub, user_id) = (&hub, &account.user_id);
            async move { submit(hub, user_id, &format!("{number}.jpg"), file, &json!({})).await }
        })
        .buffered(5)
        .collect()
        .await;
    for job in jobs {
        let job = hub.ended(&job.job_id).await;
        assert_eq!(job.state, JobState::Completed, "{job:?}");
    }
    let photos = photos(&flickr, &account.nsid).await;
    let arrived: BTreeSet<String> = photos.iter().map(|photo| photo["sha256"].as_str().unwrap().to_owned()).collect();
    assert_eq!(photos.len(), 25, "each once");
    assert_eq!(arrived, files.iter().map(|file| sha256(file)).collect(), "byte for byte");
}

#[tokio::test]
async fn a_file_of_200_mb_arrives() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let content = bytes(5, usize::try_from(MAX_PHOTO_BYTES).unwrap());
    let digest = sha256(&content);
    let job = submit(&hub, &account.user_id, "large.jpg", content, &json!({})).await;
    let job = hub.ended(&job.job_id).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    let photos = photos(&flickr, &account.nsid).await;
    assert_eq!((photos.len(), &photos[0]["sha256"]), (1, &json!(digest)));
    let calls = flickr.control_get("/_fake/calls").await;
    let calls = calls["calls"].as_array().unwrap().iter();
    let sent: Vec<&Value> = calls
        .filter(|call| call["account"] == account.nsid && call["path"].as_str().unwrap().contains("/upload"))
        .collect();
    assert_eq!(sent.len(), 1);
    let head = sent[0]["head"].to_string().to_ascii_lowercase();
    assert!(
        head.contains("content-length") && !head.contains("transfer-encoding") && !head.contains("expect"),
        "{head}"
    );
}

#[tokio::test]
async fn who_may_upload_no_more_learns_what_flickr_shows_of_that() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    flickr.fault(&account.nsid, "upload_error_6", &json!({})).await;
    let job = submit(&hub, &account.user_id, "a.jpg", bytes(24, 1_000), &json!({})).await;
    let error = hub.ended(&job.job_id).await.error.unwrap();
    assert_eq!((error.code, error.flickr_code), (JobErrorCode::QuotaExceeded, Some(6)));
    assert!(error.message.contains("Flickr shows a Pro account"), "{}", error.message);
}

#[tokio::test]
async fn the_same_bytes_are_one_photo_and_a_deleted_one_comes_back() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let content = bytes(6, 5_000);
    let first = hub.ended(&submit(&hub, &account.user_id, "a.jpg", content.clone(), &json!({})).await.job_id).await;
    let photo_id = result(&first)["photo_id"].clone();
    let second = hub.ended(&submit(&hub, &account.user_id, "b.jpg", content.clone(), &json!({})).await.job_id).await;
    assert_eq!((&result(&second)["photo_id"], &result(&second)["duplicate_of"]), (&photo_id, &photo_id));
    assert_eq!(photos(&flickr, &account.nsid).await.len(), 1);

    let deleted = hub.submit(&account.user_id, "flickr.photos.delete", &json!({ "photo_id": photo_id })).await;
    let deleted = hub.ended(&deleted).await;
    assert_eq!(deleted.state, JobState::Failed, "the account only grants to write: {deleted:?}");
    let again =
        hub.ended(&submit(&hub, &account.user_id, "c.jpg", content, &json!({ "dedup_check": 0 })).await.job_id).await;
    assert_ne!(result(&again)["photo_id"], photo_id);
    assert_eq!(photos(&flickr, &account.nsid).await.len(), 2, "the caller asked for it");
}

#[tokio::test]
async fn a_photo_gets_another_file() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let made = hub.ended(&submit(&hub, &account.user_id, "a.jpg", bytes(7, 2_000), &json!({})).await.job_id).await;
    let photo_id = result(&made)["photo_id"].as_str().unwrap().to_owned();
    let content = bytes(8, 3_001);
    let upload = create(&hub, &account.user_id, "b.jpg", &content, false).await;
    assert_eq!(put(&upload, content.clone()).await, StatusCode::OK);
    let fault = json!({ "fault": "accept_then_drop", "times": 1, "match": { "account": account.nsid, "path": "/services/replace*" } });
    flickr.control("/_fake/faults", &fault).await;
    let params = json!({ "photo_id": photo_id });
    let job = hub.accept(&file_request(&account.user_id, &upload.upload_id, JobTarget::Replace, &params)).await;
    let job = hub.ended(&job.job_id).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    let photos = photos(&flickr, &account.nsid).await;
    assert_eq!((photos.len(), &photos[0]["sha256"]), (1, &json!(sha256(&content))));
    assert_eq!((&photos[0]["id"], &photos[0]["replacements"]), (&json!(photo_id), &json!(1)));
}

#[tokio::test]
async fn a_ticket_is_followed_to_its_photo() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let params = json!({ "async": 1, "dedup_check": 0 });
    let job = hub.ended(&submit(&hub, &account.user_id, "a.jpg", bytes(9, 2_000), &params).await.job_id).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    let photos = photos(&flickr, &account.nsid).await;
    assert_eq!((photos.len(), &photos[0]["id"]), (1, &result(&job)["photo_id"]));

    let failed = json!({ "fault": "ticket_failed", "times": 1, "match": { "account": account.nsid } });
    flickr.control("/_fake/faults", &failed).await;
    let job = hub.ended(&submit(&hub, &account.user_id, "b.jpg", bytes(10, 2_000), &params).await.job_id).await;
    assert_eq!(job.error.unwrap().code, JobErrorCode::FlickrRejected);
}

/// A server on this machine with a JPEG at `/photo`, which breaks off the first time; its URL, and how often it was
/// asked.
async fn file_server(content: Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let sent = if counted.fetch_add(1, Ordering::SeqCst) == 0 { content.len() / 2 } else { content.len() };
            // Whoever asks may go away early.
            let _ = serve_file(connection, &content, sent).await;
        }
    });
    (url, asked)
}

/// Answers the one request of a connection, with so many of the bytes.
async fn serve_file(mut connection: TcpStream, content: &[u8], sent: usize) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await?);
    }
    let (status, header, body) = match String::from_utf8_lossy(&head).split_whitespace().nth(1) {
        Some("/photo") => ("200 OK", "content-type: image/jpeg", content),
        Some("/elsewhere") => ("302 Found", "location: /photo", &b""[..]),
        _ => ("404 Not Found", "content-type: image/jpeg", &b""[..]),
    };
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    connection.write_all(answer.as_bytes()).await?;
    connection.write_all(&body[..sent.min(body.len())]).await
}

fn source_request(user_id: &str, url: &str, target: JobTarget, params: &Value) -> SubmitJobRequest {
    SubmitJobRequest { upload_id: None, source_url: Some(url.to_owned()), ..file_request(user_id, "", target, params) }
}

#[tokio::test]
async fn files_are_fetched_from_their_urls() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let mut params = json!({});
    let fault =
        json!({ "fault": "502", "times": 1, "match": { "account": account.nsid, "path": "/services/upload*" } });
    flickr.control("/_fake/faults", &fault).await;
    for target in [JobTarget::Upload, JobTarget::Replace] {
        // Half of it is more than one part in S3.
        let content = bytes(if target == JobTarget::Upload { 12 } else { 13 }, 20_000_001);
        let (server, asked) = file_server(content.clone()).await;
        let url = format!("{server}/photo");
        let job = hub.accept(&source_request(&account.user_id, &url, target, &params)).await;
        let job = hub.ended(&job.job_id).await;
        assert_eq!(job.state, JobState::Completed, "{job:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 2, "what came whole is sent again, and not fetched again");
        let photos = photos(&flickr, &account.nsid).await;
        assert_eq!((photos.len(), &photos[0]["sha256"]), (1, &json!(sha256(&content))));
        assert_eq!(photos[0]["id"], result(&job)["photo_id"]);
        params = json!({ "photo_id": photos[0]["id"] });
    }
}

#[tokio::test]
async fn what_no_url_gives_ends_the_job() {
    let _shared = shared_stack().await;
    let hub = Hub::first();
    let account = hub.connect().await;
    for path in ["elsewhere", "nothing"] {
        let (server, asked) = file_server(bytes(14, 10)).await;
        let url = format!("{server}/{path}?signature=canary");
        let job = hub.accept(&source_request(&account.user_id, &url, JobTarget::Upload, &json!({}))).await;
        let error = hub.ended(&job.job_id).await.error.unwrap();
        assert_eq!(error.code, JobErrorCode::SourceRefused, "{path}");
        assert!(!error.message.contains("canary"), "{}", error.message);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "no redirect is followed, and a refusal is not asked again");
    }
}

#[tokio::test]
async fn a_url_that_is_not_allowed_makes_no_job() {
    let _shared = shared_stack().await;
    let hub = Hub::first();
    let account = hub.connect().await;
    for url in [
        "https://10.0.0.1/a.jpg",
        "https://169.254.169.254/latest/meta-data",
        "http://photos.example/a.jpg",
        "https://user:canary@photos.example/a.jpg",
        "https://photos.example:22/a.jpg",
    ] {
        let answer = hub
            .post("/v1/flickr/rest", &json!(source_request(&account.user_id, url, JobTarget::Upload, &json!({}))))
            .await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::BAD_REQUEST, "ERR_INVALID_REQUEST"), "{url}");
        assert!(answer.text.contains("source_url") && !answer.text.contains("canary"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_worker_that_is_killed_in_mid_upload_leaves_one_photo() {
    let exclusive = exclusive_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let fault = json!({ "fault": "accept_then_drop", "times": 1, "delay_ms": 20_000, "match": { "account": account.nsid, "path": "/services/upload*" } });
    flickr.control("/_fake/faults", &fault).await;
    let content = bytes(11, 300_000);
    let job = submit(&hub, &account.user_id, "a.jpg", content.clone(), &json!({})).await;
    until("the file to reach Flickr", async || (!photos(&flickr, &account.nsid).await.is_empty()).then_some(())).await;
    assert!(kill_workers("UPLOAD_WORKER_FUNCTION") > 0, "no worker process was found");
    drop(exclusive);
    let job = hub.ended(&job.job_id).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    let photos = photos(&flickr, &account.nsid).await;
    assert_eq!((photos.len(), &photos[0]["sha256"]), (1, &json!(sha256(&content))));
}

#[tokio::test]
async fn the_script_of_the_documentation_uploads_a_folder() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let folder = std::env::temp_dir().join(format!("flickrhub-{}", account.user_id));
    std::fs::create_dir_all(folder.join("album")).unwrap();
    let files = [
        ("a.jpg", bytes(20, 1_000)),
        ("album/b c.JPEG", bytes(21, 2_001)),
        ("in three parts.jpg", bytes(23, 17_000_000)),
        ("notes.txt", bytes(22, 10)),
    ];
    for (name, content) in &files {
        std::fs::write(folder.join(name), content).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/upload_folder.py");
    for round in 0..2 {
        let run = Command::new("python3")
            .args([script.as_os_str(), folder.as_os_str(), account.user_id.as_ref()])
            .env("FLICKRHUB_URL", env("FLICKRHUB_URL"))
            .env("FLICKRHUB_API_KEY", hub.api_key())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
        assert!(said.ends_with("3 uploaded, 0 failed\n"), "round {round}: {said}");
    }
    let photos = photos(&flickr, &account.nsid).await;
    let arrived: BTreeSet<&str> = photos.iter().map(|photo| photo["sha256"].as_str().unwrap()).collect();
    let expected = [0, 1, 2].map(|file: usize| sha256(&files[file].1));
    assert_eq!((photos.len(), arrived), (3, expected.iter().map(String::as_str).collect()));
    std::fs::remove_dir_all(&folder).unwrap();
}
