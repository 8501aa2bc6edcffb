use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
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
    Upload { id: UploadId::from_bytes([2; 16]), account, file, sha256, multipart: None, pinned_etag: None, created_at }
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
async fn other_bytes_than_those_that_are_pinned_are_not_read() {
    let body = "<Error><Code>PreconditionFailed</Code><Message>x</Message></Error>";
    let aws = Answering::text(412, body);
    let pinned = Upload { pinned_etag: Some("\"e1\"".to_owned()), ..upload(None) };
    assert!(bucket(&aws).read(&pinned).await.unwrap().is_none());
    assert_eq!(aws.headers().get("if-match").map(String::as_str), Some("\"e1\""));
}

#[tokio::test]
async fn a_file_is_read_to_its_end() {
    let aws = Answering::text(200, "three bytes and more");
    let chunks = bucket(&aws).read(&upload(None)).await.unwrap().unwrap();
    let read: Vec<u8> = chunks.map(|chunk| chunk.unwrap().to_vec()).concat().await;
    assert_eq!(read, b"three bytes and more");
}

fn parts() -> BTreeMap<u32, StoredPart> {
    [(1, "one"), (2, "two")].map(|(number, etag)| (number, StoredPart { bytes: 7, etag: etag.to_owned() })).into()
}

#[tokio::test]
async fn the_request_that_stores_a_part_promises_its_length_alone_and_asks_nothing_of_aws() {
    let aws = Answering::new(500, &json!({}));
    let part = Part { number: 2, bytes: 8_388_608 };
    let request = bucket(&aws).part_url(&upload(None), &MultipartId::new("an/id"), part).await.unwrap();
    assert_eq!(request.headers, [("content-length".to_owned(), "8388608".to_owned())]);
    for expected in ["X-Amz-SignedHeaders=content-length%3Bhost&", "X-Amz-Expires=900&", "partNumber=2", "an%2Fid"] {
        assert!(request.url.contains(expected), "{expected}: {}", request.url);
    }
    assert!(!request.url.to_lowercase().contains("crc32"), "{}", request.url);
    assert!(aws.requests().is_empty());
}

#[tokio::test]
async fn all_parts_are_listed_page_by_page() {
    fn page(number: u32, more: bool) -> String {
        format!(
            "<ListPartsResult><IsTruncated>{more}</IsTruncated><NextPartNumberMarker>{number}</NextPartNumberMarker>\
             <Part><PartNumber>{number}</PartNumber><ETag>&quot;e{number}&quot;</ETag><Size>7</Size></Part>\
             </ListPartsResult>"
        )
    }
    let aws = Answering::by(|request| {
        let is_first = !request.uri().contains("part-number-marker");
        let body = if is_first { page(1, true) } else { page(2, false) };
        HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body))
    });
    let found = bucket(&aws).parts(&upload(None), &MultipartId::new("id")).await.unwrap().unwrap();
    let found: Vec<_> = found.iter().map(|(number, part)| (*number, part.bytes, part.etag.as_str())).collect();
    assert_eq!(found, [(1, 7, "\"e1\""), (2, 7, "\"e2\"")]);
    assert_eq!(aws.asked().len(), 2);
}

#[tokio::test]
async fn parts_that_are_no_more_are_none_and_another_failure_is_one() {
    for (status, code, completes, lists) in [
        (404, "NoSuchUpload", Some(true), Some(true)),
        (412, "PreconditionFailed", Some(true), None),
        (409, "ConditionalRequestConflict", None, None),
        (400, "InvalidPart", None, None),
        (403, "AccessDenied", None, None),
    ] {
        let body = format!("<Error><Code>{code}</Code><Message>x</Message></Error>");
        let (aws, id) = (Answering::text(status, &body), MultipartId::new("id"));
        let found = bucket(&aws).complete(&upload(None), &id, &parts()).await;
        assert_eq!(found.as_ref().ok().map(Option::is_none), completes, "{code}: {found:?}");
        if let Err(error) = found {
            assert_eq!(error.kind() == ports::ErrorKind::Unavailable, code != "AccessDenied", "{code}");
        }
        let found = bucket(&aws).parts(&upload(None), &id).await;
        assert_eq!(found.as_ref().ok().map(Option::is_none), lists, "{code}: {found:?}");
    }
}

#[tokio::test]
async fn parts_are_put_together_where_no_file_is_and_together_have_its_length() {
    let body = "<CompleteMultipartUploadResult><ETag>whole</ETag></CompleteMultipartUploadResult>";
    let aws = Answering::text(200, body);
    let stored = bucket(&aws).complete(&upload(None), &MultipartId::new("id"), &parts()).await.unwrap();
    assert_eq!(stored, Some(StoredFile { bytes: 14, etag: "whole".to_owned() }));
    let headers = aws.headers();
    let of = |name: &str| headers.get(name).map(String::as_str);
    assert_eq!((of("if-none-match"), of("x-amz-mp-object-size")), (Some("*"), Some("14")));
    let sent = &aws.requests()[0];
    assert!(sent.find("one").unwrap() < sent.find("two").unwrap(), "{sent}");
}
