use std::collections::BTreeMap;

use domain::{
    AccountRef, TenantId, Timestamp, UploadId, UserId,
    upload::{MediaFile, Sha256},
};
use futures_util::StreamExt;
use serde_json::json;

use super::*;
use crate::answering::Answering;

fn upload(sha256: Option<Sha256>) -> Upload {
    let tenant = TenantId::from_bytes([1; 16]);
    let file = MediaFile::new("a.jpg", "image/jpeg".parse().unwrap(), 12_345).unwrap();
    let account = AccountRef { user: UserId::of(&tenant, "1@N00"), tenant };
    let created_at = Timestamp::from_milliseconds(1_790_000_000_123);
    Upload { id: UploadId::from_bytes([2; 16]), account, file, sha256, created_at }
}

fn bucket(aws: &Answering) -> UploadsBucket {
    UploadsBucket::new(&aws.config(), "uploads")
}

#[tokio::test]
async fn the_request_that_stores_a_file_promises_all_that_is_known_of_it_and_asks_nothing_of_aws() {
    let aws = Answering::new(500, &json!({}));
    for (sha256, checksum) in [(None, None), (Some(Sha256::from_bytes(&[0; 32])), Some("A".repeat(43) + "="))] {
        let UploadUrl { url, headers } = bucket(&aws).url(&upload(sha256)).await.unwrap();
        let headers: BTreeMap<String, String> = headers.into_iter().collect();
        let mut expected: BTreeMap<String, String> =
            [("content-length", "12345"), ("content-type", "image/jpeg"), ("if-none-match", "*")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        expected.extend(checksum.map(|checksum| ("x-amz-checksum-sha256".to_owned(), checksum)));
        assert_eq!(headers, expected);
        let signed: Vec<&str> = headers.keys().map(String::as_str).collect();
        let signed = signed.join("%3B").replace("%3Bif-none", "%3Bhost%3Bif-none");
        assert!(url.contains(&format!("X-Amz-SignedHeaders={signed}&")), "{url}");
        assert!(url.contains("X-Amz-Expires=900&"), "{url}");
        let object = format!("/{}/{}?", upload(None).account.tenant, upload(None).id);
        assert!(url.contains(&object), "{url}");
        assert!(!url.to_lowercase().contains("crc32"), "{url}");
    }
    assert!(aws.requests().is_empty());
}

#[tokio::test]
async fn a_file_that_is_not_stored_is_none_and_another_failure_is_one() {
    for (status, is_absent) in [(404, true), (403, false), (503, false)] {
        // An answer to HEAD has no body.
        let aws = Answering::text(status, "");
        let found = bucket(&aws).describe(&upload(None)).await;
        assert_eq!(found.as_ref().is_ok_and(Option::is_none), is_absent, "{found:?}");
        assert_eq!(found.is_err(), !is_absent);
    }
    let body = "<Error><Code>NoSuchKey</Code><Message>x</Message></Error>";
    let found = bucket(&Answering::text(404, body)).read(&upload(None)).await.unwrap();
    assert!(found.is_none());
    assert!(bucket(&Answering::text(503, "")).read(&upload(None)).await.is_err());
}

#[tokio::test]
async fn a_file_is_read_to_its_end() {
    let aws = Answering::text(200, "three bytes and more");
    let chunks = bucket(&aws).read(&upload(None)).await.unwrap().unwrap();
    let read: Vec<u8> = chunks.map(|chunk| chunk.unwrap().to_vec()).concat().await;
    assert_eq!(read, b"three bytes and more");
}
