//! Files that come in parts.

use std::collections::BTreeMap;

use domain::{
    UploadId,
    upload::{MediaFile, Multipart, PART_BYTES, Part, Parts, Sha256, StoredPart, Upload},
};
use futures_util::StreamExt;
use hub::ports::{Clock, Entropy, UploadUrl, Uploads};

use crate::build;

/// The upload of a file with so many bytes, whose parts may be stored.
async fn begin(ports: &(impl Clock + Entropy + Uploads), bytes: u64) -> Upload {
    let mut upload = Upload {
        id: UploadId::from_bytes(ports.random()),
        account: build::account_ref(&build::tenant(ports), "1@N00"),
        file: MediaFile::new("a.mp4", "video/mp4".parse().unwrap(), bytes).unwrap(),
        sha256: None,
        multipart: None,
        pinned_etag: None,
        created_at: ports.now(),
    };
    let id = ports.begin_multipart(&upload).await.unwrap();
    upload.multipart = Some(Multipart { id, declared_sha256: Some(Sha256::from_bytes(&[7; 32])) });
    ports.create_upload(&upload).await.unwrap();
    upload
}

fn bytes_of(part: Part, salt: u64) -> Vec<u8> {
    (0..part.bytes).map(|number| ((number + salt) % 251) as u8).collect()
}

/// Files that come in parts, which `put` stores by their requests.
pub async fn multiparts(
    ports: &(impl Clock + Entropy + Uploads),
    put: impl AsyncFn(&Upload, Part, &UploadUrl, Vec<u8>),
) {
    let upload = begin(ports, 2 * PART_BYTES + 5).await;
    let (tenant, multipart) = (&upload.account.tenant, &upload.multipart.as_ref().unwrap().id);
    assert_eq!(ports.upload(tenant, &upload.id).await.unwrap().as_ref(), Some(&upload));
    let all = Parts::of(upload.file.bytes());
    let stored = async || ports.stored_parts(&upload, multipart).await.unwrap();
    let store = async |number: u32, salt| {
        let part = all.part(number).unwrap();
        let request = ports.part_url(&upload, multipart, part).await.unwrap();
        let length = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        assert_eq!(length.map(|(_, value)| value.clone()), Some(part.bytes.to_string()));
        assert!(request.url.contains(upload.id.as_str()), "{}", request.url);
        put(&upload, part, &request, bytes_of(part, salt)).await;
    };
    assert_eq!(stored().await, Some(BTreeMap::new()));
    store(3, 3).await;
    store(1, 9).await;
    let found = stored().await.unwrap();
    let lengths: Vec<(u32, u64)> = found.iter().map(|(number, part)| (*number, part.bytes)).collect();
    assert_eq!(lengths, [(1, PART_BYTES), (3, 5)]);
    assert_eq!(ports.stored_file(&upload).await.unwrap(), None, "nothing is seen of it until it is put together");

    store(1, 1).await;
    store(2, 2).await;
    let parts = stored().await.unwrap();
    assert!(parts.len() == 3 && parts[&1].etag != found[&1].etag && parts[&3] == found[&3], "{parts:?}");
    let completed = ports.complete_multipart(&upload, multipart, &parts).await.unwrap().unwrap();
    assert_eq!(completed.bytes, upload.file.bytes());
    assert_eq!(ports.stored_file(&upload).await.unwrap(), Some(completed.clone()));
    let file = ports.read_file(&upload).await.unwrap().unwrap();
    let read: Vec<u8> = file.map(|chunk| chunk.unwrap().to_vec()).concat().await;
    let expected: Vec<Vec<u8>> = all.from(1).map(|part| bytes_of(part, u64::from(part.number))).collect();
    assert!(read == expected.concat(), "the last that was stored of each part, in order");
    assert_eq!(stored().await, None);
    let repeated = ports.complete_multipart(&upload, multipart, &parts).await.unwrap();
    assert!(repeated.is_none_or(|repeated| repeated == completed), "a repeat changes nothing");
    assert_eq!(ports.remove_upload(tenant, &upload.id).await.unwrap().as_ref(), Some(&upload));
    assert_eq!(ports.stored_file(&upload).await.unwrap(), None);

    removed_parts(ports, &put).await;
}

/// Parts that are never put together are removed with their upload.
async fn removed_parts(
    ports: &(impl Clock + Entropy + Uploads),
    put: &impl AsyncFn(&Upload, Part, &UploadUrl, Vec<u8>),
) {
    let upload = begin(ports, 3).await;
    let (tenant, multipart) = (&upload.account.tenant, &upload.multipart.as_ref().unwrap().id);
    let part = Parts::of(3).part(1).unwrap();
    let request = ports.part_url(&upload, multipart, part).await.unwrap();
    put(&upload, part, &request, bytes_of(part, 0)).await;
    let parts: BTreeMap<u32, StoredPart> = ports.stored_parts(&upload, multipart).await.unwrap().unwrap();
    assert_eq!(ports.remove_upload(tenant, &upload.id).await.unwrap().as_ref(), Some(&upload));
    assert_eq!(ports.remove_upload(tenant, &upload.id).await.unwrap(), None, "one alone removes it");
    assert_eq!(ports.stored_parts(&upload, multipart).await.unwrap(), None);
    assert_eq!(ports.complete_multipart(&upload, multipart, &parts).await.unwrap(), None);
    assert_eq!(ports.stored_file(&upload).await.unwrap(), None);
}
