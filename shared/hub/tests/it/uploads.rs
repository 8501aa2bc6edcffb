//! Uploads: how their files come, and how many bytes of them a tenant may have stored.

use domain::{
    job::{FailureCode, Phase, Target},
    timing::{UPLOAD_RETENTION, UPLOAD_URL_LIFETIME},
    upload::{MAX_VIDEO_BYTES, MediaFile, PART_BYTES, Part, Parts, Sha256, Upload},
};
use hub::{
    Error, Kind,
    limits::Limits,
    ports::Clock,
    uploads::{self, NewUpload, PartsPage, UploadWay},
    usage::usage,
};
use ring::digest::{SHA256, digest};
use testkit::{Call, Fault, FaultPoint, Scene, build};

/// A file of three parts.
const BYTES: u64 = 2 * PART_BYTES + 5;

fn part_of_file(part: Part) -> Vec<u8> {
    vec![part.number as u8; part.bytes as usize]
}

fn whole_file() -> Vec<u8> {
    Parts::of(BYTES).from(1).map(part_of_file).collect::<Vec<_>>().concat()
}

fn sha256_of(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(&digest(&SHA256, bytes).as_ref().try_into().unwrap())
}

async fn try_create(scene: &Scene, bytes: u64, sha256: Option<Sha256>, in_parts: bool) -> Result<NewUpload, Error> {
    let file = MediaFile::new("a.mp4", "video/mp4".parse().unwrap(), bytes).unwrap();
    uploads::create(&scene.world, &scene.principal, &scene.accounts[0].user, file, sha256, in_parts).await
}

async fn create(scene: &Scene, sha256: Option<Sha256>) -> Upload {
    let NewUpload { upload, way } = try_create(scene, BYTES, sha256, true).await.unwrap();
    assert!(matches!(way, UploadWay::InParts(parts) if parts.count() == 3));
    upload
}

async fn page(scene: &Scene, upload: &Upload, from: u32, limit: u32) -> Result<PartsPage, Error> {
    uploads::parts(&scene.world, &scene.principal, &upload.id, from, limit).await
}

/// The numbers of the parts that are still to come.
async fn missing(scene: &Scene, upload: &Upload) -> Vec<u32> {
    let page = page(scene, upload, 1, 100).await.unwrap();
    page.parts.iter().filter(|part| part.request.is_some()).map(|part| part.part.number).collect()
}

fn store(scene: &Scene, upload: &Upload, numbers: &[u32]) {
    for number in numbers {
        let part = Parts::of(BYTES).part(*number).unwrap();
        scene.world.store_part(upload, part, part_of_file(part)).unwrap();
    }
}

async fn complete(scene: &Scene, upload: &Upload) -> Result<u64, Error> {
    let status = uploads::complete(&scene.world, &scene.principal, &upload.id).await?;
    Ok(status.stored.unwrap().bytes)
}

async fn stored_bytes(scene: &Scene) -> u64 {
    usage(&scene.world, &scene.principal, None, None).await.unwrap().storage.unwrap().stored_bytes
}

#[tokio::test]
async fn a_file_in_parts_goes_on_with_those_that_are_missing() {
    let scene = Scene::new().await;
    let upload = create(&scene, None).await;
    let first = page(&scene, &upload, 1, 2).await.unwrap();
    assert_eq!(first.parts.iter().map(|part| part.part.bytes).collect::<Vec<_>>(), [PART_BYTES; 2]);
    assert_eq!((first.next, first.urls_expire_at), (Some(3), scene.world.now() + UPLOAD_URL_LIFETIME));
    let last = page(&scene, &upload, 3, 100).await.unwrap();
    assert_eq!((last.parts[0].part.bytes, last.parts.len(), last.next), (5, 1, None));

    store(&scene, &upload, &[2]);
    scene.world.store_part(&upload, Part { number: 3, bytes: 5 }, "four").unwrap();
    assert_eq!(missing(&scene, &upload).await, [1, 3], "what has another length is missing too");
    let refused = complete(&scene, &upload).await.unwrap_err();
    let Kind::UploadIncomplete(incomplete) = refused.kind() else { panic!("{refused:?}") };
    let said = "2 of 3 parts are missing: part 1 has not arrived, part 3 has 4 bytes and not 5";
    assert_eq!(incomplete.to_string(), said);
    assert_eq!(scene.world.count(Call::CompleteMultipart), 0);
    let job = scene.request(build::file_spec(&upload, Target::Upload, "{}"), None).await.unwrap_err();
    assert_eq!(*job.kind(), Kind::UploadNotArrived);

    store(&scene, &upload, &[1, 3]);
    for _ in 0..2 {
        assert_eq!(complete(&scene, &upload).await.unwrap(), BYTES, "a repeat answers as the first");
        assert!(missing(&scene, &upload).await.is_empty());
    }
    let job = scene.submit_file(&upload, Target::Upload, "{}").await;
    assert_eq!(scene.handle(&job).await.state.phase.name(), "completed");
    assert!(scene.flickr.sent_files()[0].bytes == whole_file());
    assert_eq!((scene.world.stored_files(), stored_bytes(&scene).await), (0, 0));
    assert_eq!(*complete(&scene, &upload).await.unwrap_err().kind(), Kind::UploadNotFound);
}

#[tokio::test]
async fn parts_are_asked_for_within_bounds_and_of_files_that_have_some() {
    let scene = Scene::new().await;
    let upload = create(&scene, None).await;
    for (from, limit, field) in [(0, 1, "from"), (4, 1, "from"), (1, 0, "limit"), (1, 101, "limit")] {
        let refused = page(&scene, &upload, from, limit).await.unwrap_err();
        assert!(matches!(refused.kind(), Kind::InvalidField { field: found, .. } if *found == field), "{refused:?}");
    }
    let by_one_request = scene.upload(0, b"bytes").await;
    for refused in
        [page(&scene, &by_one_request, 1, 1).await.map(|_| ()), complete(&scene, &by_one_request).await.map(|_| ())]
    {
        assert!(matches!(refused.unwrap_err().kind(), Kind::InvalidField { field: "upload_id", .. }));
    }
}

#[tokio::test]
async fn a_completion_whose_answer_is_lost_can_be_repeated() {
    for point in [FaultPoint::Before, FaultPoint::After] {
        for call in 0..3 {
            let scene = Scene::new().await;
            let upload = create(&scene, None).await;
            store(&scene, &upload, &[1, 2, 3]);
            scene.world.forget_calls();
            scene.world.fault(call, point, Fault::Fail);
            assert_eq!(*complete(&scene, &upload).await.unwrap_err().kind(), Kind::Unavailable, "{point:?} {call}");
            assert_eq!(complete(&scene, &upload).await.unwrap(), BYTES, "{point:?} {call}");
        }
    }
}

#[tokio::test]
async fn a_file_in_parts_must_have_the_sha256_that_was_given_for_it() {
    for (target, params) in
        [(Target::Upload, "{}"), (Target::Upload, r#"{"dedup_check": 0}"#), (Target::Replace, r#"{"photo_id": "1"}"#)]
    {
        for (declared, fails) in [(sha256_of(&whole_file()), false), (sha256_of(b"other bytes"), true)] {
            let scene = Scene::new().await;
            let upload = create(&scene, Some(declared.clone())).await;
            assert_eq!(upload.unverified_sha256(), Some(&declared));
            store(&scene, &upload, &[1, 2, 3]);
            complete(&scene, &upload).await.unwrap();
            let job = scene.handle(&scene.submit_file(&upload, target, params).await).await;
            match &job.state.phase {
                Phase::Failed { failure, .. } if fails => assert_eq!(failure.code, FailureCode::ChecksumMismatch),
                Phase::Completed { .. } if !fails => {}
                other => panic!("{params}: {other:?}"),
            }
            assert_eq!(scene.flickr.sent_files().len(), usize::from(!fails), "{params}");
        }
    }
}

#[tokio::test]
async fn a_tenant_stores_so_many_bytes_and_no_more() {
    let max_stored_bytes = 2 * MAX_VIDEO_BYTES;
    let scene = Scene::with_limits(Limits { max_stored_bytes, ..Limits::default() }).await;
    try_create(&scene, MAX_VIDEO_BYTES, None, false).await.unwrap();
    scene.pass_seconds(24 * 60 * 60);
    try_create(&scene, MAX_VIDEO_BYTES - 1, None, true).await.unwrap();
    let refused = try_create(&scene, 2, None, false).await.unwrap_err();
    let Kind::TooManyBytes { stored_bytes, max_stored_bytes: most, .. } = *refused.kind() else {
        panic!("{refused:?}")
    };
    assert_eq!((stored_bytes, most), (max_stored_bytes - 1, max_stored_bytes));
    try_create(&scene, 1, None, false).await.unwrap();
    assert_eq!(self::stored_bytes(&scene).await, max_stored_bytes);
    assert_eq!(scene.world.count(Call::CreateUpload), 3, "what is refused is not made");

    scene.world.pass(UPLOAD_RETENTION);
    assert_eq!(self::stored_bytes(&scene).await, MAX_VIDEO_BYTES, "what is kept no longer is forgotten");
    try_create(&scene, MAX_VIDEO_BYTES, None, false).await.unwrap();
}

#[tokio::test]
async fn an_upload_that_cannot_be_made_is_counted_until_its_day_is_over_at_most() {
    // The account, the counts, counting, beginning, and the item.
    let calls = [(0, 0), (1, 0), (2, 0), (3, 0), (4, BYTES)];
    for (call, counted) in calls {
        let scene = Scene::new().await;
        scene.world.forget_calls();
        scene.world.fault(call, FaultPoint::Before, Fault::Fail);
        assert_eq!(*try_create(&scene, BYTES, None, true).await.map(|_| ()).unwrap_err().kind(), Kind::Unavailable);
        assert_eq!(stored_bytes(&scene).await, counted, "{call}");
    }
}

#[tokio::test]
async fn a_file_that_is_fetched_is_counted_as_long_as_it_is_kept() {
    let scene = Scene::new().await;
    let url = "https://photos.example/a.jpg";
    scene.sources.put(url, Some("image/jpeg"), &b"the bytes"[..]);
    let mut spec = build::file_spec(&scene.upload(0, b"another").await, Target::Upload, "{}");
    if let domain::job::Work::Upload(call) = &mut spec.work {
        call.source = domain::upload::FileSource::Url(url.to_owned());
    }
    scene.flickr.answer_file(domain::outcome::Outcome::new(domain::outcome::Class::Transient, "cut"), None);
    let job = scene.request(spec, None).await.unwrap().job;
    let job = scene.handle(&job).await;
    assert_eq!((job.state.phase.name(), stored_bytes(&scene).await), ("deferred", 9));
    scene.pass_seconds(600);
    scene.sweep().await;
    assert_eq!(scene.handle(&job).await.state.phase.name(), "completed");
    assert_eq!(stored_bytes(&scene).await, 0);
}
