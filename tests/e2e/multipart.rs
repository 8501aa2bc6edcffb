//! Files that come in parts: what a client that stopped has not sent, it sends when it comes back.

use api::{
    CreateUploadAnswer, JobErrorCode, JobState, JobTarget, MultipartView, UploadPartView, UploadPartsAnswer,
    UploadState, UploadView,
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    stack::{Flickr, Hub, shared_stack},
    uploads::{bytes, file_request, photos, put_to, sha256},
};

/// How many bytes each part has but the last.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// An upload in parts of a JPEG with so many bytes, as its owner describes it.
async fn create(hub: &Hub, user_id: &str, length: usize, sha256: Option<&str>) -> CreateUploadAnswer {
    let details = json!({
        "user_id": user_id, "file_name": "large.jpg", "content_type": "image/jpeg", "bytes": length,
        "sha256": sha256, "multipart": true,
    });
    let answer = hub.post("/v1/uploads", &details).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.data()
}

async fn parts(hub: &Hub, upload_id: &str, query: &str) -> UploadPartsAnswer {
    hub.get(&format!("/v1/uploads/{upload_id}/parts{query}")).await.data()
}

/// The bytes of a part of a file.
fn of_part(content: &[u8], part: &UploadPartView) -> Vec<u8> {
    let start = usize::try_from(part.offset).unwrap();
    content[start..start + usize::try_from(part.bytes).unwrap()].to_vec()
}

/// Sends those of the parts that have not arrived, up to so many; how many it sent.
async fn send(hub: &Hub, upload_id: &str, content: &[u8], most: usize) -> usize {
    let parts = parts(hub, upload_id, "").await.parts;
    let missing = parts.iter().filter(|part| part.state == UploadState::Pending).take(most);
    let mut sent = 0;
    for part in missing {
        let (url, headers) = (part.url.as_ref().unwrap(), part.headers.as_ref().unwrap());
        assert_eq!(put_to(url, headers, of_part(content, part)).await, StatusCode::OK);
        sent += 1;
    }
    sent
}

#[tokio::test]
async fn a_client_that_stopped_goes_on_with_the_parts_that_are_missing() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let content = bytes(30, 2 * PART_BYTES + 1_000_003);
    let digest = sha256(&content);
    let upload = create(&hub, &account.user_id, content.len(), Some(&digest)).await;
    assert_eq!(
        (&upload.url, upload.multipart),
        (&None, Some(MultipartView { part_bytes: PART_BYTES as u64, parts: 3 }))
    );
    let id = upload.upload_id;
    assert_eq!(send(&hub, &id, &content, 2).await, 2);

    // Another process of the client knows the id alone.
    let left = parts(&hub, &id, "?from=2&limit=2").await;
    let states: Vec<(u32, UploadState)> = left.parts.iter().map(|part| (part.part_number, part.state)).collect();
    assert_eq!((states, left.next_from), (vec![(2, UploadState::Arrived), (3, UploadState::Pending)], None));
    let path = format!("/v1/uploads/{id}/complete");
    let early = hub.post(&path, &Value::Null).await;
    assert_eq!((early.status, early.problem()), (StatusCode::CONFLICT, "ERR_UPLOAD_INCOMPLETE"));
    assert!(early.text.contains("part 3 has not arrived"), "{}", early.text);
    let request = json!(file_request(&account.user_id, &id, JobTarget::Upload, &json!({})));
    assert_eq!(hub.post("/v1/flickr/rest", &request).await.problem(), "ERR_UPLOAD_NOT_ARRIVED");

    assert_eq!(send(&hub, &id, &content, 3).await, 1);
    for _ in 0..2 {
        let answer = hub.post(&path, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let view: UploadView = answer.data();
        assert_eq!((view.state, view.sha256.as_ref()), (UploadState::Arrived, Some(&digest)));
    }
    assert_eq!(send(&hub, &id, &content, 3).await, 0, "nothing is to come");
    let job = hub.accept(&file_request(&account.user_id, &id, JobTarget::Upload, &json!({}))).await;
    let job = hub.ended(&job.job_id).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    let photos = photos(&flickr, &account.nsid).await;
    assert_eq!((photos.len(), &photos[0]["sha256"]), (1, &json!(digest)), "byte for byte");
}

#[tokio::test]
async fn a_file_in_parts_whose_sha256_is_another_is_not_sent() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let content = bytes(31, 1_000);
    let upload = create(&hub, &account.user_id, content.len(), Some(&sha256(b"another"))).await;
    let id = &upload.upload_id;
    assert_eq!(send(&hub, id, &content, 1).await, 1);
    assert_eq!(hub.post(&format!("/v1/uploads/{id}/complete"), &Value::Null).await.status, StatusCode::OK);
    // Without deduplication nobody else would need the checksum.
    let params = json!({ "dedup_check": 0 });
    let job = hub.accept(&file_request(&account.user_id, id, JobTarget::Upload, &params)).await;
    let job = hub.ended(&job.job_id).await;
    assert_eq!(job.error.unwrap().code, JobErrorCode::ChecksumMismatch);
    assert!(photos(&flickr, &account.nsid).await.is_empty());
}
