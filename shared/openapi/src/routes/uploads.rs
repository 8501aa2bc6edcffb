use std::collections::BTreeMap;

use api::{
    CreateUploadAnswer, CreateUploadRequest, ErrorCode, UploadPartView, UploadPartsAnswer, UploadPartsQuery,
    UploadState, UploadView,
};

use super::{
    examples::{TIME, UPLOAD, USER, text},
    tags::UPLOADS,
};
use crate::route::{Answer, Route};

const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

const URL: &str = "https://flickrhub-uploads.s3.amazonaws.com/0123?X-Amz-Signature=4567";
const URL_EXPIRES_AT: &str = "2026-09-21T14:28:20.000Z";

pub(super) fn routes() -> Vec<Route> {
    let create = CreateUploadRequest {
        user_id: text(USER),
        file_name: text("harbour.jpg"),
        content_type: text("image/jpeg"),
        bytes: 2_457_600,
        sha256: Some(text(SHA256)),
        multipart: false,
    };
    let headers = [("content-length", "2457600"), ("content-type", "image/jpeg"), ("if-none-match", "*")];
    let created = CreateUploadAnswer {
        upload_id: text(UPLOAD),
        url: Some(text(URL)),
        headers: Some(BTreeMap::from(headers.map(|(name, value)| (text(name), text(value))))),
        expires_at: Some(text(URL_EXPIRES_AT)),
        multipart: None,
    };
    let part = UploadPartView {
        part_number: 1,
        offset: 0,
        bytes: 2_457_600,
        state: UploadState::Pending,
        url: Some(text(URL)),
        headers: Some(BTreeMap::from([(text("content-length"), text("2457600"))])),
    };
    let parts = UploadPartsAnswer { parts: vec![part], next_from: None, expires_at: text(URL_EXPIRES_AT) };
    let view = UploadView {
        upload_id: text(UPLOAD),
        user_id: text(USER),
        file_name: text("harbour.jpg"),
        content_type: text("image/jpeg"),
        bytes: 2_457_600,
        sha256: Some(text(SHA256)),
        state: UploadState::Arrived,
        multipart: None,
        created_at: text(TIME),
        expires_at: text("2026-09-28T14:13:20.000Z"),
    };
    vec![
        Route::post("/v1/uploads", "createUpload", UPLOADS, &create)
            .does(
                "Ask where to put a photo or video",
                "Send the file to `url` with `PUT`, within 15 minutes, with exactly these `headers`. Then post a job \
                 whose target is `upload` or `replace`.",
            )
            .answers(Answer::data(201, "Where to send the file", &created))
            .refuses(&[ErrorCode::AccountNotFound, ErrorCode::TooManyBytes]),
        Route::get("/v1/uploads/{upload_id}", "getUpload", UPLOADS)
            .does("Read an upload", "It says whether the file has arrived.")
            .answers(Answer::data(200, "The upload", &view))
            .refuses(&[ErrorCode::UploadNotFound]),
        Route::get("/v1/uploads/{upload_id}/parts", "listUploadParts", UPLOADS)
            .does(
                "Ask where to put the parts of a file",
                "Of an upload with `multipart`. It says which parts have arrived, and where to send the others, within 15 \
                 minutes; ask again for more time.",
            )
            .query::<UploadPartsQuery>()
            .answers(Answer::data(200, "Parts, by number", &parts))
            .refuses(&[ErrorCode::UploadNotFound]),
        Route::post_without_body("/v1/uploads/{upload_id}/complete", "completeUpload", UPLOADS)
            .does("Put the parts of a file together", "Once all have arrived. A repeat answers the same.")
            .answers(Answer::data(200, "The upload", &view))
            .refuses(&[ErrorCode::UploadNotFound, ErrorCode::UploadIncomplete]),
    ]
}
