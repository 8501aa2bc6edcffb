//! Storing objects in parts: streams of unknown length with little memory, and files whose parts others store.

use std::collections::BTreeMap;

use aws_sdk_s3::{
    Client,
    operation::{
        complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder,
        create_multipart_upload::builders::CreateMultipartUploadFluentBuilder,
        upload_part::builders::UploadPartFluentBuilder,
    },
    primitives::ByteStream as Body,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;
use domain::upload::StoredPart;
use futures_util::StreamExt;
use hub::ports::{self, ByteStream};

use crate::error::from_sdk;

/// The length of each part but the last.
const PART_BYTES: usize = domain::upload::PART_BYTES as usize;

const STORING: &str = "storing a file";

/// An object that is being stored.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    pub(crate) client: &'a Client,
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
}

/// Whether S3 knows no parts under the id that was asked for: they are put together or removed, or never were.
pub(crate) fn is_unknown<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.as_service_error().is_some_and(|error| error.code() == Some("NoSuchUpload"))
}

/// The number of a part as S3 takes it.
fn number_of(number: u32, what: &'static str) -> ports::Result<i32> {
    i32::try_from(number).map_err(|error| ports::Error::broken(what, error))
}

/// The ETag of an object, as S3 answered.
pub(crate) fn etag_of(answered: Option<String>, what: &'static str) -> ports::Result<String> {
    answered.ok_or_else(|| ports::Error::broken(what, "S3 gives it no ETag"))
}

impl Object<'_> {
    /// Stores the bytes, replacing what was there: in one request if they are few, else in parts, one after the other. The
    /// object's ETag.
    ///
    /// # Errors
    /// The stream's error or that of S3; then what was there stays.
    pub(crate) async fn store(self, body: ByteStream) -> ports::Result<String> {
        let mut parts = Parts { body, rest: Bytes::new() };
        let (first, is_last) = parts.next().await?;
        if is_last {
            let put = self.client.put_object().bucket(self.bucket).key(self.key).body(first.into());
            return etag_of(put.send().await.map_err(from_sdk(STORING))?.e_tag, STORING);
        }
        let id = self.begin(STORING, |create| create.checksum_algorithm(ChecksumAlgorithm::Crc32)).await?;
        let stored = self.store_parts(&id, first, parts).await;
        if stored.is_err() {
            self.give_up(&id).await;
        }
        stored
    }

    /// Begins to store it in parts, of which `set` says more. The id under which they are stored.
    pub(crate) async fn begin(
        self,
        what: &'static str,
        set: impl FnOnce(CreateMultipartUploadFluentBuilder) -> CreateMultipartUploadFluentBuilder,
    ) -> ports::Result<String> {
        let create = set(self.client.create_multipart_upload().bucket(self.bucket).key(self.key));
        let created = create.send().await.map_err(from_sdk(what))?;
        created.upload_id.ok_or_else(|| ports::Error::broken(what, "S3 gives the upload no id"))
    }

    /// The storing of the part with this number, from 1 on.
    pub(crate) fn part(self, id: &str, number: u32, what: &'static str) -> ports::Result<UploadPartFluentBuilder> {
        let part = self.client.upload_part().bucket(self.bucket).key(self.key).upload_id(id);
        Ok(part.part_number(number_of(number, what)?))
    }

    /// The parts that are stored, by number; `None` where the id is not known, or no longer.
    pub(crate) async fn parts(self, id: &str) -> ports::Result<Option<BTreeMap<u32, StoredPart>>> {
        const WHAT: &str = "listing the parts of a file";
        let mut parts = BTreeMap::new();
        let mut after = None;
        loop {
            let list = self.client.list_parts().bucket(self.bucket).key(self.key).upload_id(id);
            let page = match list.set_part_number_marker(after).send().await {
                Ok(page) => page,
                Err(error) if is_unknown(&error) => return Ok(None),
                Err(error) => return Err(from_sdk(WHAT)(error)),
            };
            for part in page.parts.unwrap_or_default() {
                let number = part.part_number.and_then(|number| u32::try_from(number).ok());
                let bytes = part.size.and_then(|bytes| u64::try_from(bytes).ok());
                let (Some(number), Some(bytes), Some(etag)) = (number, bytes, part.e_tag) else {
                    return Err(ports::Error::broken(WHAT, "S3 does not say all of a part"));
                };
                parts.insert(number, StoredPart { bytes, etag });
            }
            after = page.next_part_number_marker.filter(|_| page.is_truncated == Some(true));
            if after.is_none() {
                return Ok(Some(parts));
            }
        }
    }

    /// The putting together of these parts.
    pub(crate) fn complete(self, id: &str, parts: Vec<CompletedPart>) -> CompleteMultipartUploadFluentBuilder {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket(self.bucket).key(self.key);
        complete.upload_id(id).multipart_upload(parts)
    }

    async fn store_parts(self, id: &str, first: Vec<u8>, mut parts: Parts) -> ports::Result<String> {
        let mut completed = Vec::new();
        let mut next = (first, false);
        for number in 1.. {
            let (part, is_last) = next;
            completed.push(self.store_part(id, number, part).await?);
            if is_last {
                break;
            }
            next = parts.next().await?;
        }
        etag_of(self.complete(id, completed).send().await.map_err(from_sdk(STORING))?.e_tag, STORING)
    }

    async fn store_part(self, id: &str, number: u32, part: Vec<u8>) -> ports::Result<CompletedPart> {
        let upload = self.part(id, number, STORING)?;
        let upload = upload.checksum_algorithm(ChecksumAlgorithm::Crc32).body(Body::from(part));
        let stored = upload.send().await.map_err(from_sdk(STORING))?;
        Ok(CompletedPart::builder()
            .part_number(number_of(number, STORING)?)
            .set_e_tag(stored.e_tag)
            .set_checksum_crc32(stored.checksum_crc32)
            .build())
    }

    /// Removes the parts, if there are any. The bucket's lifecycle rule removes those that stay.
    pub(crate) async fn give_up(self, id: &str) {
        let abort = self.client.abort_multipart_upload().bucket(self.bucket).key(self.key).upload_id(id);
        match abort.send().await {
            Err(error) if !is_unknown(&error) => {
                let error = from_sdk("removing the parts of a file")(error);
                tracing::warn!(error = hub::chain(&error), "parts of a file stay until they expire");
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// The parts that were stored before, to be put together.
///
/// # Errors
/// A number that S3 does not take.
pub(crate) fn completed(parts: &BTreeMap<u32, StoredPart>, what: &'static str) -> ports::Result<Vec<CompletedPart>> {
    let completed = |(number, part): (&u32, &StoredPart)| {
        Ok(CompletedPart::builder().part_number(number_of(*number, what)?).e_tag(&part.etag).build())
    };
    parts.iter().map(completed).collect()
}

/// A stream, cut into parts of equal length but the last.
struct Parts {
    body: ByteStream,
    rest: Bytes,
}

impl Parts {
    /// The next part, and whether it is the last.
    async fn next(&mut self) -> ports::Result<(Vec<u8>, bool)> {
        let mut part = Vec::with_capacity(PART_BYTES);
        loop {
            if self.rest.is_empty() {
                match self.body.next().await.transpose()? {
                    Some(chunk) => self.rest = chunk,
                    None => return Ok((part, true)),
                }
                continue;
            }
            let room = PART_BYTES - part.len();
            if room == 0 {
                return Ok((part, false));
            }
            part.extend_from_slice(&self.rest.split_to(self.rest.len().min(room)));
        }
    }
}

#[cfg(test)]
mod tests;
