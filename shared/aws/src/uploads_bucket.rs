//! The bucket of files on their way to Flickr: one object an upload, under `tenant/upload`.
//!
//! An object is written once, by whoever has the URL that its upload was given, or by the worker that fetches it. It is
//! removed when Flickr has it. The bucket's lifecycle rule deletes those that no job sends.

use aws_sdk_s3::{Client, operation::get_object::GetObjectOutput, presigning::PresigningConfig};
use aws_smithy_types::base64;
use aws_types::SdkConfig;
use domain::{
    TenantId, UploadId,
    timing::UPLOAD_URL_LIFETIME,
    upload::{StoredFile, Upload},
};
use futures_util::stream;
use hub::ports::{self, ByteStream, UploadUrl};

use crate::{
    bucket,
    config::{Lazily, lazily},
    error::from_sdk,
    multipart::Object,
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
        let broken = |error| ports::Error::broken(WHAT, error);
        let lifetime = PresigningConfig::expires_in(UPLOAD_URL_LIFETIME).map_err(broken)?;
        let length = i64::try_from(upload.file.bytes()).map_err(|error| ports::Error::broken(WHAT, error))?;
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key(upload))
            .content_type(upload.file.media_type().as_str())
            .content_length(length)
            .set_checksum_sha256(upload.sha256.as_ref().map(|sha256| base64::encode(sha256.to_bytes())))
            .if_none_match("*");
        let request = put.presigned(lifetime).await.map_err(from_sdk(WHAT))?;
        let headers = request.headers().filter(|(name, _)| *name != "user-agent");
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(UploadUrl { url: request.uri().to_owned(), headers })
    }

    /// Stores the bytes of the file, replacing what was there. What does not come whole is not stored.
    pub(crate) async fn store(&self, tenant: &TenantId, id: &UploadId, body: ByteStream) -> ports::Result<()> {
        Object { client: &self.client, bucket: &self.name, key: &key_of(tenant, id) }.store(body).await
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
        Ok(Some(StoredFile { bytes, etag: answer.e_tag().unwrap_or_default().to_owned() }))
    }

    /// The bytes of the file as they come, if there is an object of it.
    pub(crate) async fn read(&self, upload: &Upload) -> ports::Result<Option<ByteStream>> {
        match self.client.get_object().bucket(&self.name).key(key(upload)).send().await {
            Ok(answer) => Ok(Some(chunks(answer))),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => Ok(None),
            Err(error) => Err(from_sdk(READING)(error)),
        }
    }

    /// Removes the file, if there is one.
    pub(crate) async fn remove(&self, tenant: &TenantId, id: &UploadId) -> ports::Result<()> {
        let delete = self.client.delete_object().bucket(&self.name).key(key_of(tenant, id));
        delete.send().await.map(|_| ()).map_err(from_sdk("removing a file"))
    }
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
