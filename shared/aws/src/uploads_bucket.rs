//! The bucket of files on their way to Flickr: one object an upload, under `tenant/upload`.
//!
//! An object is written once, by whoever has the URL that its upload was given, or by the worker that fetches it. One
//! that comes in parts is written when they are put together. It is removed when Flickr has it. The bucket's lifecycle
//! rule deletes those that no job sends.

use std::collections::BTreeMap;

use aws_sdk_s3::{
    Client,
    operation::get_object::GetObjectOutput,
    presigning::{PresignedRequest, PresigningConfig},
};
use aws_smithy_types::{base64, error::metadata::ProvideErrorMetadata};
use aws_types::SdkConfig;
use domain::{
    TenantId, UploadId,
    timing::UPLOAD_URL_LIFETIME,
    upload::{MultipartId, Part, StoredFile, StoredPart, Upload},
};
use futures_util::stream;
use hub::ports::{self, ByteStream, UploadUrl};

use crate::{
    bucket,
    config::{Lazily, lazily},
    error::{from_sdk, text},
    multipart::{self, Object, etag_of},
};

const READING: &str = "reading a file";

/// The bucket of files on their way to Flickr. Cheap to clone; its client is made when it is first needed.
#[derive(Clone, Debug)]
pub(crate) struct UploadsBucket {
    client: Lazily<Client>,
    name: String,
}

fn key(upload: &Upload) -> String {
    key_of(&upload.account.tenant, &upload.id)
}

fn key_of(tenant: &TenantId, id: &UploadId) -> String {
    format!("{tenant}/{id}")
}

impl UploadsBucket {
    pub(crate) fn new(config: &SdkConfig, name: &str) -> Self {
        Self { client: lazily(config, bucket::client), name: name.to_owned() }
    }

    /// The one request that stores the file. All that it promises is signed, so S3 takes no other file, and none where
    /// one is.
    pub(crate) async fn url(&self, upload: &Upload) -> ports::Result<UploadUrl> {
        const WHAT: &str = "making the URL of an upload";
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key(upload))
            .content_type(upload.file.media_type().as_str())
            .content_length(length(upload.file.bytes(), WHAT)?)
            .set_checksum_sha256(upload.sha256.as_ref().map(|sha256| base64::encode(sha256.to_bytes())))
            .if_none_match("*");
        Ok(upload_url(&put.presigned(lifetime(WHAT)?).await.map_err(from_sdk(WHAT))?))
    }

    /// Begins to store the file in parts.
    pub(crate) async fn begin(&self, upload: &Upload) -> ports::Result<MultipartId> {
        let content_type = upload.file.media_type().as_str();
        let key = key(upload);
        let begun = self.object(&key).begin("beginning a file in parts", |create| create.content_type(content_type));
        begun.await.map(MultipartId::new)
    }

    /// The request that stores a part. Its length is signed, so S3 takes no other.
    pub(crate) async fn part_url(
        &self,
        upload: &Upload,
        multipart: &MultipartId,
        part: Part,
    ) -> ports::Result<UploadUrl> {
        const WHAT: &str = "making the URL of a part";
        let put = self.object(&key(upload)).part(multipart.as_str(), part.number, WHAT)?;
        let put = put.content_length(length(part.bytes, WHAT)?);
        Ok(upload_url(&put.presigned(lifetime(WHAT)?).await.map_err(from_sdk(WHAT))?))
    }

    /// The parts that are stored; `None` where they are put together or removed.
    pub(crate) async fn parts(
        &self,
        upload: &Upload,
        multipart: &MultipartId,
    ) -> ports::Result<Option<BTreeMap<u32, StoredPart>>> {
        self.object(&key(upload)).parts(multipart.as_str()).await
    }

    /// Puts the parts together, unless a file is stored; `None` where they were before, or are removed.
    pub(crate) async fn complete(
        &self,
        upload: &Upload,
        multipart: &MultipartId,
        parts: &BTreeMap<u32, StoredPart>,
    ) -> ports::Result<Option<StoredFile>> {
        const WHAT: &str = "putting the parts of a file together";
        let bytes = parts.values().map(|part| part.bytes).sum();
        let key = key(upload);
        let complete = self.object(&key).complete(multipart.as_str(), multipart::completed(parts, WHAT)?);
        let complete = complete.if_none_match("*").mpu_object_size(length(bytes, WHAT)?);
        match complete.send().await {
            Ok(answer) => Ok(Some(StoredFile { bytes, etag: etag_of(answer.e_tag, WHAT)? })),
            Err(error) => match error.as_service_error().and_then(ProvideErrorMetadata::code) {
                Some("NoSuchUpload" | "PreconditionFailed") => Ok(None),
                // Another request is at it, or a part was stored anew meanwhile.
                Some("ConditionalRequestConflict" | "InvalidPart") => Err(ports::Error::unavailable(WHAT, text(error))),
                _ => Err(from_sdk(WHAT)(error)),
            },
        }
    }

    /// Removes the parts, if there are any.
    pub(crate) async fn give_up(&self, upload: &Upload, multipart: &MultipartId) {
        self.object(&key(upload)).give_up(multipart.as_str()).await;
    }

    fn object<'a>(&'a self, key: &'a str) -> Object<'a> {
        Object { client: &self.client, bucket: &self.name, key }
    }

    /// Stores the bytes of the file, replacing what was there. What does not come whole is not stored. Its ETag.
    pub(crate) async fn store(&self, tenant: &TenantId, id: &UploadId, body: ByteStream) -> ports::Result<String> {
        self.object(&key_of(tenant, id)).store(body).await
    }

    /// What is stored of the file, if there is an object of it.
    pub(crate) async fn describe(&self, upload: &Upload) -> ports::Result<Option<StoredFile>> {
        const WHAT: &str = "finding a file";
        let answer = match self.client.head_object().bucket(&self.name).key(key(upload)).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_not_found()) => return Ok(None),
            Err(error) => return Err(from_sdk(WHAT)(error)),
        };
        let bytes = answer.content_length().and_then(|length| u64::try_from(length).ok());
        let bytes = bytes.ok_or_else(|| ports::Error::broken(WHAT, "S3 does not say how long it is"))?;
        Ok(Some(StoredFile { bytes, etag: etag_of(answer.e_tag, WHAT)? }))
    }

    /// The bytes of the file as they come, if there is an object of it, and of the bytes that are pinned.
    pub(crate) async fn read(&self, upload: &Upload) -> ports::Result<Option<ByteStream>> {
        let get = self.client.get_object().bucket(&self.name).key(key(upload));
        match get.set_if_match(upload.pinned_etag.clone()).send().await {
            Ok(answer) => Ok(Some(chunks(answer))),
            Err(error) => match error.as_service_error().and_then(ProvideErrorMetadata::code) {
                Some("NoSuchKey" | "PreconditionFailed") => Ok(None),
                _ => Err(from_sdk(READING)(error)),
            },
        }
    }

    /// Removes the file, if there is one.
    pub(crate) async fn remove(&self, tenant: &TenantId, id: &UploadId) -> ports::Result<()> {
        let delete = self.client.delete_object().bucket(&self.name).key(key_of(tenant, id));
        delete.send().await.map(|_| ()).map_err(from_sdk("removing a file"))
    }
}

fn lifetime(what: &'static str) -> ports::Result<PresigningConfig> {
    PresigningConfig::expires_in(UPLOAD_URL_LIFETIME).map_err(|error| ports::Error::broken(what, error))
}

fn length(bytes: u64, what: &'static str) -> ports::Result<i64> {
    i64::try_from(bytes).map_err(|error| ports::Error::broken(what, error))
}

fn upload_url(request: &PresignedRequest) -> UploadUrl {
    let headers = request.headers().filter(|(name, _)| *name != "user-agent");
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    UploadUrl { url: request.uri().to_owned(), headers }
}

/// The body of an answer. It is read from the connection no faster than it is taken from here.
fn chunks(answer: GetObjectOutput) -> ByteStream {
    Box::pin(stream::unfold(Some(answer.body), |body| async {
        let mut body = body?;
        match body.next().await? {
            Ok(chunk) => Some((Ok(chunk), Some(body))),
            Err(error) => Some((Err(ports::Error::unavailable(READING, error)), None)),
        }
    }))
}

#[cfg(test)]
mod tests;
