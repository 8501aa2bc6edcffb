//! Files on their way to Flickr.

use domain::{
    JobId, UploadId,
    timing::UPLOAD_RETENTION,
    upload::{LockHolder, MediaFile, Sha256, Upload, UploadLock},
};
use futures_util::{StreamExt, stream};
use hub::ports::{self, Clock, Entropy, Uploads};

use crate::build;

fn upload(ports: &(impl Clock + Entropy), sha256: Option<Sha256>) -> Upload {
    Upload {
        id: UploadId::from_bytes(ports.random()),
        account: build::account_ref(&build::tenant(ports), "1@N00"),
        file: MediaFile::new("Übung \"1\".jpg", "image/jpeg".parse().unwrap(), 3).unwrap(),
        sha256,
        multipart: None,
        pinned_etag: None,
        created_at: ports.now(),
    }
}

/// Uploads, before their files are there.
pub async fn uploads(ports: &(impl Clock + Entropy + Uploads)) {
    let upload = upload(ports, None);
    let (tenant, foreign) = (upload.account.tenant.clone(), build::tenant(ports));
    assert_eq!(ports.upload(&tenant, &upload.id).await.unwrap(), None);
    ports.create_upload(&upload).await.unwrap();
    assert_eq!(ports.upload(&tenant, &upload.id).await.unwrap(), Some(upload.clone()));
    assert_eq!(ports.upload(&foreign, &upload.id).await.unwrap(), None);

    let request = ports.upload_url(&upload).await.unwrap();
    let header = |name: &str| {
        let found = request.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    assert!(request.url.starts_with("http") && request.url.contains(upload.id.as_str()), "{}", request.url);
    assert_eq!(header("content-type").as_deref(), Some("image/jpeg"));
    assert_eq!(header("content-length").as_deref(), Some("3"));
    assert_eq!(header("if-none-match").as_deref(), Some("*"), "a file is stored once");
    assert_eq!(header("x-amz-checksum-sha256"), None);

    assert_eq!(ports.stored_file(&upload).await.unwrap(), None);
    assert!(ports.read_file(&upload).await.unwrap().is_none());

    let sha256 = Sha256::from_bytes(&[0xfb; 32]);
    ports.set_sha256(&upload, &sha256).await.unwrap();
    let known = Upload { sha256: Some(sha256), ..upload.clone() };
    assert_eq!(ports.upload(&tenant, &upload.id).await.unwrap(), Some(known.clone()));
    let request = ports.upload_url(&known).await.unwrap();
    let checksum = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-checksum-sha256"));
    let digits = format!("{}+/s=", "+/v7".repeat(10));
    assert_eq!(checksum.map(|(_, value)| value.as_str()), Some(digits.as_str()), "base64 of the digest");

    ports.pin_file(&known, "\"etag\"").await.unwrap();
    let known = Upload { pinned_etag: Some("\"etag\"".to_owned()), ..known };
    assert_eq!(ports.upload(&tenant, &upload.id).await.unwrap(), Some(known.clone()));

    assert_eq!(ports.remove_upload(&tenant, &known.id).await.unwrap(), Some(known.clone()));
    assert_eq!(ports.remove_upload(&tenant, &known.id).await.unwrap(), None, "one alone removes it");
    assert_eq!(ports.upload(&tenant, &upload.id).await.unwrap(), None);
    ports.set_sha256(&upload, &Sha256::from_bytes(&[1; 32])).await.unwrap();
    ports.pin_file(&upload, "\"etag\"").await.unwrap();
    assert_eq!(ports.upload(&tenant, &upload.id).await.unwrap(), None, "what is removed does not come back");

    let old =
        Upload { id: UploadId::from_bytes(ports.random()), created_at: ports.now().before(UPLOAD_RETENTION), ..upload };
    ports.create_upload(&old).await.unwrap();
    assert_eq!(ports.upload(&tenant, &old.id).await.unwrap(), None, "its time is over");
}

/// Files that were fetched: nobody promised their length.
pub async fn fetched_files(ports: &(impl Clock + Entropy + Uploads)) {
    let upload = upload(ports, None);
    let (tenant, id) = (&upload.account.tenant, &upload.id);
    let store = async |chunks: Vec<ports::Result<Vec<u8>>>| -> ports::Result<String> {
        let body = stream::iter(chunks).map(|chunk| chunk.map(Into::into));
        ports.store_file(tenant, id, Box::pin(body)).await
    };
    let stored = async || {
        let bytes = ports.stored_file(&upload).await.unwrap()?.bytes;
        let file = ports.read_file(&upload).await.unwrap().unwrap();
        let read: Vec<u8> = file.map(|chunk| chunk.unwrap().to_vec()).concat().await;
        assert_eq!(bytes, read.len() as u64);
        Some(read)
    };
    let broken = || Err(ports::Error::unavailable("a file", "it broke off"));
    // More than adapters keep in memory.
    let long: Vec<u8> = (0..20_000_000_u32).map(|number| (number % 251) as u8).collect();
    let chunks = || long.chunks(3_000_001).map(|chunk| Ok(chunk.to_vec()));

    assert!(store(vec![Ok(b"pho".to_vec()), broken()]).await.is_err());
    assert!(store(chunks().chain([broken()]).collect()).await.is_err());
    assert_eq!(stored().await, None, "what does not come whole is not stored");
    let first = store(vec![Ok(b"pho".to_vec()), Ok(b"to".to_vec())]).await.unwrap();
    assert_eq!(stored().await.as_deref(), Some(&b"photo"[..]));
    let pinned = async |etag: &str| {
        let pinned = Upload { pinned_etag: Some(etag.to_owned()), ..upload.clone() };
        ports.read_file(&pinned).await.unwrap().is_some()
    };
    assert!(pinned(&first).await);
    let second = store(chunks().collect()).await.unwrap();
    assert!(stored().await.is_some_and(|file| file == long), "it replaces what was there");
    assert!(pinned(&second).await && !pinned(&first).await, "bytes that were replaced are not read for those before");
    assert_eq!(ports.stored_file(&upload).await.unwrap().unwrap().etag, second);
    assert!(store(chunks().chain([broken()]).collect()).await.is_err());
    assert!(stored().await.is_some_and(|file| file == long), "and stays where nothing comes whole");
    assert_eq!(ports.remove_upload(&upload.account.tenant, &upload.id).await.unwrap(), None, "nothing was known of it");
    assert_eq!(stored().await, None);
}

/// Photos that Flickr has just made.
pub async fn new_photos(ports: &(impl Entropy + Uploads)) {
    let account = build::account_ref(&build::tenant(ports), "1@N00");
    let other = build::account_ref(&account.tenant, "2@N00");
    let is_noted = async |account, ids: &[&str]| ports.is_noted_photo(account, ids).await.unwrap();
    assert!(!is_noted(&account, &["53900000001"]).await && !is_noted(&account, &[]).await);
    ports.note_photo(&account, "53900000001").await.unwrap();
    ports.note_photo(&account, "53900000001").await.unwrap();
    let many: Vec<String> = (2..=20).map(|number| format!("539000000{number:02}")).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(!is_noted(&account, &many).await);
    many.extend(["53900000001"]);
    assert!(is_noted(&account, &many).await && is_noted(&account, &["53900000001"; 20]).await);
    assert!(!is_noted(&other, &["53900000001"]).await, "of one account alone");
}

/// Who sends the same bytes to one account.
pub async fn upload_locks(ports: &(impl Entropy + Uploads)) {
    let [one, other] = [7, 8].map(|byte| UploadLock::Bytes(Sha256::from_bytes(&[byte; 32])));
    locks(ports, &one, &other).await;
}

/// Who replaces the file of one photo.
pub async fn photo_locks(ports: &(impl Entropy + Uploads)) {
    let [one, other] = ["53900000001", "53900000002"].map(|id| UploadLock::Photo(id.to_owned()));
    locks(ports, &one, &other).await;
}

async fn locks(ports: &(impl Entropy + Uploads), lock: &UploadLock, other_lock: &UploadLock) {
    let account = build::account_ref(&build::tenant(ports), "1@N00");
    let other_account = build::account_ref(&account.tenant, "2@N00");
    let [one, two, three] = [(); 3].map(|()| LockHolder { job: JobId::from_bytes(ports.random()), run: 1 });
    let acquire = async |account, lock, holder: &LockHolder, in_place_of: Option<&LockHolder>| {
        ports.acquire_upload_lock(account, lock, holder, in_place_of).await.unwrap()
    };
    assert_eq!(acquire(&account, lock, &one, None).await, None);
    assert_eq!(acquire(&account, lock, &one, None).await, None, "it holds it already");
    assert_eq!(acquire(&account, lock, &two, None).await, Some(one.clone()));
    assert_eq!(acquire(&account, lock, &two, Some(&three)).await, Some(one.clone()));
    assert_eq!(acquire(&account, other_lock, &two, None).await, None);
    assert_eq!(acquire(&other_account, lock, &two, None).await, None);
    assert_eq!(acquire(&account, lock, &two, Some(&one)).await, None);
    assert_eq!(acquire(&account, lock, &three, Some(&one)).await, Some(two.clone()), "another was faster");

    let next_run = LockHolder { run: 2, ..two.clone() };
    assert_eq!(acquire(&account, lock, &next_run, None).await, None, "it is of the same job");
    assert_eq!(
        acquire(&account, lock, &three, Some(&two)).await,
        Some(next_run.clone()),
        "that run has ended, this not"
    );
    assert_eq!(acquire(&account, lock, &three, Some(&next_run)).await, None);
}
