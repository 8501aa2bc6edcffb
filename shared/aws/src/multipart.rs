//! Storing a stream of unknown length in S3, with little memory.

use aws_sdk_s3::{
    Client,
    primitives::ByteStream as Body,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use futures_util::StreamExt;
use hub::ports::{self, ByteStream};

use crate::error::from_sdk;

/// The length of each part but the last. S3 takes 10,000 parts of at least 5 MiB; the longest file has 128 of these.
const PART_BYTES: usize = 8 * 1024 * 1024;

const STORING: &str = "storing a file";

/// An object that is being stored.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    pub(crate) client: &'a Client,
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
}

impl Object<'_> {
    /// Stores the bytes, replacing what was there: in one request if they are few, else in parts, one after the other.
    ///
    /// # Errors
    /// The stream's error or that of S3; then what was there stays.
    pub(crate) async fn store(self, body: ByteStream) -> ports::Result<()> {
        let mut parts = Parts { body, rest: Bytes::new() };
        let (first, is_last) = parts.next().await?;
        if is_last {
            let put = self.client.put_object().bucket(self.bucket).key(self.key).body(first.into());
            return put.send().await.map(|_| ()).map_err(from_sdk(STORING));
        }
        let create = self.client.create_multipart_upload().bucket(self.bucket).key(self.key);
        let created = create.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.map_err(from_sdk(STORING))?;
        let id = created.upload_id.ok_or_else(|| ports::Error::broken(STORING, "S3 gives the upload no id"))?;
        let stored = self.store_parts(&id, first, parts).await;
        if stored.is_err() {
            self.give_up(&id).await;
        }
        stored
    }

    async fn store_parts(self, id: &str, first: Vec<u8>, mut parts: Parts) -> ports::Result<()> {
        let mut completed = Vec::new();
        let mut next = (first, false);
        loop {
            let (part, is_last) = next;
            completed.push(self.store_part(id, completed.len(), part).await?);
            if is_last {
                break;
            }
            next = parts.next().await?;
        }
        let completed = CompletedMultipartUpload::builder().set_parts(Some(completed)).build();
        let complete = self.client.complete_multipart_upload().bucket(self.bucket).key(self.key).upload_id(id);
        complete.multipart_upload(completed).send().await.map(|_| ()).map_err(from_sdk(STORING))
    }

    /// Stores a part that comes after so many others.
    async fn store_part(self, id: &str, others: usize, part: Vec<u8>) -> ports::Result<CompletedPart> {
        let number = i32::try_from(others + 1).map_err(|error| ports::Error::broken(STORING, error))?;
        let upload = self.client.upload_part().bucket(self.bucket).key(self.key).upload_id(id).part_number(number);
        let upload = upload.checksum_algorithm(ChecksumAlgorithm::Crc32).body(Body::from(part));
        let stored = upload.send().await.map_err(from_sdk(STORING))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(stored.e_tag)
            .set_checksum_crc32(stored.checksum_crc32)
            .build())
    }

    /// Removes the parts. The bucket's lifecycle rule removes those that stay.
    async fn give_up(self, id: &str) {
        let abort = self.client.abort_multipart_upload().bucket(self.bucket).key(self.key).upload_id(id);
        if let Err(error) = abort.send().await.map_err(from_sdk("removing the parts of a file")) {
            tracing::warn!(error = hub::chain(&error), "parts of a file stay until they expire");
        }
    }
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
