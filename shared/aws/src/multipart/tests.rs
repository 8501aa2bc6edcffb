use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use futures_util::stream;

use super::*;
use crate::{answering::Answering, bucket};

/// S3, which takes everything.
fn s3(request: &HttpRequest) -> HttpResponse {
    answer(request, "none")
}

/// The same, but refuses a request whose method and URL hold `refused`.
fn answer(request: &HttpRequest, refused: &str) -> HttpResponse {
    let line = format!("{} {}", request.method(), request.uri());
    let status = if line.contains(refused) { 500 } else { 200 };
    let body = if line.contains("uploads") && line.starts_with("POST") {
        "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"
    } else if line.starts_with("POST") {
        "<CompleteMultipartUploadResult><ETag>whole</ETag></CompleteMultipartUploadResult>"
    } else {
        ""
    };
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    let number = line.split_once("partNumber=").map(|(_, rest)| rest.split('&').next().unwrap().to_owned());
    if let Some(number) = number {
        response.headers_mut().insert("etag", format!("etag-{number}"));
        response.headers_mut().insert("x-amz-checksum-crc32", format!("crc-{number}"));
    } else if line.starts_with("PUT") {
        response.headers_mut().insert("etag", "whole");
    }
    response
}

async fn store(aws: &Answering, chunks: Vec<ports::Result<Bytes>>) -> ports::Result<String> {
    let client = bucket::client(&aws.config());
    Object { client: &client, bucket: "files", key: "ten/upl" }.store(Box::pin(stream::iter(chunks))).await
}

/// So many bytes, in chunks whose length no part's is a multiple of.
fn chunks(bytes: usize) -> (String, Vec<ports::Result<Bytes>>) {
    let text: String = ('a'..='z').cycle().take(bytes).collect();
    let chunks = text.as_bytes().chunks(1_000_003).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    (text, chunks)
}

/// What was asked of S3, without host and escapes: the method, and what tells the operations apart.
fn operations(aws: &Answering) -> Vec<String> {
    let operation = |line: String| {
        let (method, url) = line.split_once(' ').unwrap();
        assert!(url.contains("/ten/upl"), "{line}");
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let parts = query.split('&').filter(|part| !part.starts_with("x-id=") && !part.is_empty());
        let mut parts: Vec<&str> = parts.map(|part| part.trim_end_matches('=')).collect();
        parts.sort_unstable();
        format!("{method} {}", parts.join("&"))
    };
    aws.asked().into_iter().map(operation).collect()
}

#[tokio::test]
async fn what_fits_into_a_part_is_stored_in_one_request() {
    for bytes in [0, 3, PART_BYTES - 1, PART_BYTES] {
        let aws = Answering::by(s3);
        let (text, chunks) = chunks(bytes);
        assert_eq!(store(&aws, chunks).await.unwrap(), "whole");
        assert_eq!(operations(&aws), ["PUT "]);
        assert!(aws.requests() == [text], "{bytes}");
    }
}

#[tokio::test]
async fn what_is_longer_is_stored_in_parts_that_are_put_together() {
    let aws = Answering::by(s3);
    let (text, chunks) = chunks(2 * PART_BYTES + 5);
    assert_eq!(store(&aws, chunks).await.unwrap(), "whole");
    let part = |number| format!("PUT partNumber={number}&uploadId=id");
    let expected = ["POST uploads".to_owned(), part(1), part(2), part(3), "POST uploadId=id".to_owned()];
    assert_eq!(operations(&aws), expected);
    let sent = aws.requests();
    let lengths: Vec<usize> = sent[1..4].iter().map(String::len).collect();
    assert_eq!(lengths, [PART_BYTES, PART_BYTES, 5]);
    assert!(sent[1..4].concat() == text);
    let at = |what: &str| sent[4].find(what).unwrap_or_else(|| panic!("{what}: {}", sent[4]));
    for number in 1..=3 {
        assert!(at(&format!("etag-{number}")) < at(&format!("<PartNumber>{number}<")), "{}", sent[4]);
        at(&format!("<ChecksumCRC32>crc-{number}<"));
    }
    assert!(at("etag-1") < at("etag-2") && at("etag-2") < at("etag-3"));
}

#[tokio::test]
async fn what_does_not_come_whole_is_not_stored() {
    let broken = || Err(ports::Error::unavailable("a file", "it broke off"));
    let aws = Answering::by(s3);
    let error = store(&aws, vec![Ok(Bytes::from_static(b"a")), broken()]).await.unwrap_err();
    assert!(hub::chain(&error).contains("it broke off"));
    assert_eq!(aws.asked(), [""; 0]);

    let (_, mut chunks) = chunks(2 * PART_BYTES);
    chunks.push(broken());
    let error = store(&aws, chunks).await.unwrap_err();
    assert!(hub::chain(&error).contains("it broke off"));
    assert_eq!(operations(&aws), ["POST uploads", "PUT partNumber=1&uploadId=id", "DELETE uploadId=id"]);
}

#[tokio::test]
async fn what_s3_refuses_is_given_up() {
    type Answer = fn(&HttpRequest) -> HttpResponse;
    let refusing: [(Answer, usize); 4] = [
        (|request| answer(request, "partNumber=2"), 4),
        (|request| answer(request, "POST https://files.s3.us-east-1.amazonaws.com/ten/upl?uploadId"), 5),
        // Nothing is there to be given up.
        (|request| answer(request, "uploads"), 1),
        // What cannot be given up expires.
        (|request| answer(request, if request.method() == "DELETE" { "DELETE" } else { "partNumber=2" }), 4),
    ];
    for (refuse, requests) in refusing {
        let aws = Answering::by(refuse);
        let (_, chunks) = chunks(PART_BYTES + 1);
        assert!(store(&aws, chunks).await.is_err());
        let asked = operations(&aws);
        assert_eq!(
            (asked.len(), asked.contains(&"DELETE uploadId=id".to_owned())),
            (requests, requests > 1),
            "{asked:?}"
        );
    }
}
