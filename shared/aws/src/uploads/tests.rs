use domain::{JobId, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::{answering::Answering, settings::Settings};

fn upload(sha256: Option<Sha256>) -> Upload {
    let tenant = TenantId::from_bytes([1; 16]);
    let file = MediaFile::new("Urlaub/Übung 1.JPG", "image/jpeg".parse().unwrap(), 3).unwrap();
    let account = AccountRef { user: domain::UserId::of(&tenant, "1@N00"), tenant };
    Upload {
        id: UploadId::from_bytes([2; 16]),
        account,
        file,
        sha256,
        multipart: None,
        pinned_etag: None,
        created_at: created_at(),
    }
}

fn created_at() -> Timestamp {
    Timestamp::from_milliseconds(1_790_000_000_123)
}

fn sha256() -> Sha256 {
    Sha256::from_bytes(&[7; 32])
}

fn cloud(aws: &Answering) -> Cloud {
    let is_set = |name: &str| !["SECONDS", "SOURCE", "ORIGINS"].iter().any(|part| name.contains(part));
    let settings = Settings::from_lookup(|name| is_set(name).then(|| value_of(name).to_owned()));
    Cloud::new(&aws.config(), &settings.unwrap().stores)
}

/// A number where one is read.
fn value_of(name: &str) -> &str {
    let is_number = ["SHARDS", "DEDUP_CHECK"].contains(&name) || name.contains("CALLS") || name.contains("MAX");
    if is_number || name.ends_with("ATTEMPTS") { "1" } else { name }
}

/// The request that the answering AWS got last.
fn asked(aws: &Answering) -> Value {
    serde_json::from_str(aws.requests().last().unwrap()).unwrap()
}

#[test]
fn an_upload_reads_back_as_written_and_expires_a_week_after_it_was_made() {
    let in_parts = |declared_sha256| Upload {
        multipart: Some(Multipart { id: MultipartId::new("id"), declared_sha256 }),
        ..upload(None)
    };
    let known = Upload { sha256: Some(sha256()), ..in_parts(Some(sha256())) };
    let pinned = Upload { pinned_etag: Some("\"e1\"".to_owned()), ..upload(None) };
    for upload in [upload(None), upload(Some(sha256())), in_parts(None), in_parts(Some(sha256())), known, pinned] {
        let item = record(&upload);
        assert_eq!(read(&item, &upload.account.tenant, &upload.id).unwrap(), upload);
        let week = 7 * 24 * 60 * 60;
        assert_eq!(item.get(EXPIRES_AT), Some(&item::number(upload.created_at.as_seconds() + week)));
    }
}

#[tokio::test]
async fn an_upload_whose_time_is_over_is_not_found() {
    let item = |expires_at: i64| {
        let upload = upload(None);
        json!({"Item": {
            "user": {"S": upload.account.user}, "file_name": {"S": "a.jpg"}, "content_type": {"S": "image/jpeg"},
            "bytes": {"N": "3"}, "created_at": {"N": "1790000000123"}, "expires_at": {"N": expires_at.to_string()},
        }})
    };
    for (expires_at, is_there) in [(1, false), (99_999_999_999, true)] {
        let (aws, upload) = (Answering::new(200, &item(expires_at)), upload(None));
        let found = cloud(&aws).upload(&upload.account.tenant, &upload.id).await.unwrap();
        assert_eq!(found.is_some(), is_there);
        assert_eq!(asked(&aws)["ConsistentRead"], true);
    }
}

#[tokio::test]
async fn a_lock_is_held_where_nobody_holds_it_or_the_run_that_is_replaced() {
    let aws = Answering::new(200, &json!({}));
    let (account, cloud) = (upload(None).account, cloud(&aws));
    let [holder, other] = [8, 9].map(|byte| LockHolder { job: JobId::from_bytes([byte; 16]), run: byte.into() });
    let acquire = async |lock: UploadLock, in_place_of| {
        assert_eq!(cloud.acquire_upload_lock(&account, &lock, &holder, in_place_of).await.unwrap(), None);
        asked(&aws)
    };
    let alone = "attribute_not_exists(holder) OR expires_at <= :now OR holder = :job";
    let request = acquire(UploadLock::Photo("42".to_owned()), None).await;
    assert_eq!((&request["ConditionExpression"], &request["Key"]["sk"]["S"]), (&json!(alone), &json!("REPLACE#42")));
    let request = acquire(UploadLock::Bytes(sha256()), Some(&other)).await;
    let replaced = "(holder = :in_place_of AND holder_run = :its_run)";
    assert_eq!(request["ConditionExpression"], format!("{alone} OR {replaced}"));
    assert_eq!(request["Key"]["pk"]["S"], account.to_string());
    assert_eq!(request["Key"]["sk"]["S"], format!("BYTES#{}", sha256()));
    let values = &request["ExpressionAttributeValues"];
    assert_eq!((&values[":job"]["S"], &values[":run"]["N"]), (&json!(holder.job), &json!("8")));
    assert_eq!((&values[":in_place_of"]["S"], &values[":its_run"]["N"]), (&json!(other.job), &json!("9")));
}

#[tokio::test]
async fn who_holds_a_lock_is_told_to_who_may_not_hold_it() {
    let holder = LockHolder { job: JobId::from_bytes([9; 16]), run: 2 };
    let refusal = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
        "Item": {"holder": {"S": holder.job}, "holder_run": {"N": "2"}},
    });
    let aws = Answering::new(400, &refusal);
    let other = LockHolder { job: JobId::from_bytes([8; 16]), run: 1 };
    let lock = UploadLock::Bytes(sha256());
    let held = cloud(&aws).acquire_upload_lock(&upload(None).account, &lock, &other, None).await;
    assert_eq!(held.unwrap(), Some(holder));
    assert_eq!(asked(&aws)["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
}

#[tokio::test]
async fn a_lock_as_the_version_before_stored_it_is_that_of_a_first_run_and_can_be_taken_over() {
    let holder = LockHolder { job: JobId::from_bytes([9; 16]), run: 1 };
    let refusal = json!({
        "__type": "ConditionalCheckFailedException",
        "message": "The conditional request failed",
        "Item": {"holder": {"S": holder.job}},
    });
    let aws = Answering::new(400, &refusal);
    let other = LockHolder { job: JobId::from_bytes([8; 16]), run: 1 };
    let (account, lock) = (upload(None).account, UploadLock::Bytes(sha256()));
    let held = cloud(&aws).acquire_upload_lock(&account, &lock, &other, Some(&holder)).await;
    assert_eq!(held.unwrap(), Some(holder));
    let condition = asked(&aws)["ConditionExpression"].as_str().unwrap().to_owned();
    let replaced = "(holder = :in_place_of AND (holder_run = :its_run OR attribute_not_exists(holder_run)))";
    assert!(condition.ends_with(replaced), "{condition}");
}

#[tokio::test]
async fn the_checksum_of_an_upload_that_is_gone_makes_no_item() {
    let refusal = json!({"__type": "ConditionalCheckFailedException", "message": "The conditional request failed"});
    let aws = Answering::new(400, &refusal);
    cloud(&aws).set_sha256(&upload(None), &sha256()).await.unwrap();
    assert_eq!(asked(&aws)["ConditionExpression"], "attribute_exists(pk)");
}

#[tokio::test]
async fn a_file_is_removed_before_what_is_known_of_it() {
    let aws = Answering::new(503, &json!({}));
    let upload = upload(None);
    assert!(cloud(&aws).remove_upload(&upload.account.tenant, &upload.id).await.is_err());
    assert_eq!(aws.requests(), [""], "S3 alone was asked, and its answer ended it");
}

#[tokio::test]
async fn the_parts_of_an_upload_are_removed_after_it_by_one_who_removes_it_alone() {
    let upload =
        Upload { multipart: Some(Multipart { id: MultipartId::new("the-id"), declared_sha256: None }), ..upload(None) };
    let attributes = json!({"Attributes": {
        "user": {"S": upload.account.user}, "file_name": {"S": upload.file.name()}, "content_type": {"S": "image/jpeg"},
        "bytes": {"N": "3"}, "created_at": {"N": "1790000000123"}, "multipart": {"S": "the-id"},
    }});
    for (answer, removed) in [(attributes, Some(&upload)), (json!({}), None)] {
        let aws = Answering::new(200, &answer);
        let found = cloud(&aws).remove_upload(&upload.account.tenant, &upload.id).await.unwrap();
        assert_eq!(found.as_ref(), removed);
        let asked = aws.asked();
        assert_eq!(asked.len(), 2 + usize::from(removed.is_some()), "{asked:?}");
        let aborted = |line: &String| line.starts_with("DELETE") && line.contains("uploadId=the-id");
        assert_eq!(asked.last().is_some_and(aborted), removed.is_some(), "{asked:?}");
    }
}
