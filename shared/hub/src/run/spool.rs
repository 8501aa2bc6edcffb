//! Fetching a job's file from the URL that its caller gave, before it is first sent: so that each attempt sends the same
//! bytes.
//!
//! The bytes are stored first, and then what is known of them. A worker that stops in between leaves bytes that nobody
//! knows of, and the next fetches the file anew.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use domain::{
    ClaimId, UploadId,
    job::{Event, Failure, FailureCode, Job},
    outcome::{Class, Outcome},
    upload::{MAX_VIDEO_BYTES, MediaFile, MediaType, Sha256, Upload},
};
use futures_util::{StreamExt, future::join};
use ring::digest::{Context, SHA256};
use url::Url;
use vault::DataKeys;

use super::{
    Flickr, Ports, Worker,
    flow::{self, Flow},
    lease::Lease,
};
use crate::{
    Error, chain,
    ports::{ErrorKind, SourceFailure, SourceFile},
    stored_bytes,
};

/// What a file is called whose URL has no name.
const UNNAMED: &str = "file";

/// What became of the fetching of a file.
pub(super) enum Spooled {
    /// It is stored under this upload.
    Stored(Upload),
    /// It is not, and this happens to the job.
    Failed(Event),
    /// The claim holds the job no more.
    LeaseLost,
}

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// Fetches the file at `url`, and keeps it under `id`.
    pub(super) async fn spool(
        &self,
        lease: &mut Lease<'_, P>,
        claim: &ClaimId,
        id: UploadId,
        url: &str,
    ) -> Result<Spooled, Error> {
        let job = lease.job.clone();
        let failed = |failure: &SourceFailure| Ok(Spooled::Failed(self.source_failed(&job, claim, failure)));
        let SourceFile { content_type, bytes, body } = match self.sources.open(url, MAX_VIDEO_BYTES).await {
            Ok(file) => file,
            Err(failure) => return failed(&failure),
        };
        let name = file_name(url);
        let Some(media_type) = media_type(content_type.as_deref(), &name) else {
            let message = "what is at the source URL is no photo and no video, as its type says";
            return failed(&SourceFailure { message: message.to_owned(), is_transient: false });
        };
        if bytes.is_some_and(|bytes| bytes > media_type.max_bytes()) {
            return failed(&too_large(&media_type));
        }
        let read = Arc::new(Mutex::new(Digested { hash: Context::new(&SHA256), bytes: 0 }));
        let (most, so_far) = (media_type.max_bytes(), Arc::clone(&read));
        let counted = body.map(move |chunk| {
            let chunk: Bytes = chunk?;
            let mut read = so_far.lock().unwrap_or_else(PoisonError::into_inner);
            read.hash.update(&chunk);
            read.bytes += chunk.len() as u64;
            if read.bytes > most {
                Err(crate::ports::Error::broken("fetching a file", "it is too large"))
            } else {
                Ok(chunk)
            }
        });
        let (sender, receiver) = flow::channel();
        let stored = self.ports.store_file(job.tenant(), &id, receiver);
        let (flowed, stored) = join(flow::feed(lease, Box::pin(counted), sender), stored).await;
        let read = read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let etag = match flowed {
            Flow::LeaseLost => return Ok(Spooled::LeaseLost),
            Flow::Failed(_) if read.bytes > most => return failed(&too_large(&media_type)),
            Flow::Failed(error) => {
                let is_transient = error.kind() == ErrorKind::Unavailable;
                return failed(&SourceFailure { message: chain(&error), is_transient });
            }
            Flow::Whole | Flow::NotTaken => stored?,
        };
        let file = match MediaFile::new(&name, media_type, read.bytes) {
            Ok(file) => file,
            Err(refused) => return failed(&SourceFailure { message: refused.to_string(), is_transient: false }),
        };
        let mut digest = [0; 32];
        digest.copy_from_slice(read.hash.finish().as_ref());
        let sha256 = Some(Sha256::from_bytes(&digest));
        let (account, created_at) = (job.spec.account.clone(), self.ports.now());
        let upload = Upload { id, account, file, sha256, multipart: None, pinned_etag: Some(etag), created_at };
        stored_bytes::count_fetched(&self.ports, &upload).await?;
        self.ports.create_upload(&upload).await?;
        Ok(Spooled::Stored(upload))
    }

    /// What happens to a job whose file cannot be fetched: what may pass is tried again, as often as a call is.
    fn source_failed(&self, job: &Job, claim: &ClaimId, failure: &SourceFailure) -> Event {
        let message = format!("the source URL: {}", failure.message);
        let ended = || Event::Fail(claim.clone(), Failure::new(FailureCode::SourceRefused, message.clone()));
        if !failure.is_transient {
            return ended();
        }
        let outcome = Outcome::new(Class::Transient, message.clone());
        match self.unfinished(job, claim, &outcome) {
            Some(Event::GiveUp(..)) | None => ended(),
            Some(event) => event,
        }
    }
}

/// The bytes so far.
#[derive(Clone)]
struct Digested {
    hash: Context,
    bytes: u64,
}

fn too_large(media_type: &MediaType) -> SourceFailure {
    let message = format!("Flickr takes up to {} bytes of {}", media_type.max_bytes(), media_type.as_str());
    SourceFailure { message, is_transient: false }
}

/// The last part of the URL's path, decoded.
fn file_name(url: &str) -> String {
    let url = Url::parse(url).ok();
    let last = url.as_ref().and_then(|url| url.path_segments()?.rfind(|part| !part.is_empty()));
    let decoded = last.map(|last| percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned());
    let plain: String = decoded.unwrap_or_default().chars().filter(|c| !c.is_control()).take(255).collect();
    if plain.trim().is_empty() { UNNAMED.to_owned() } else { plain }
}

/// The type that the server gives, where that is a photo's or a video's, else what the name says.
fn media_type(content_type: Option<&str>, name: &str) -> Option<MediaType> {
    content_type.and_then(|given| given.parse().ok()).or_else(|| MediaType::of_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_like_the_end_of_its_url() {
        for (url, name) in [
            ("https://a.example/p/My%20Photo.jpg?sig=1", "My Photo.jpg"),
            ("https://a.example/p/%C3%9Cbung.png/", "Übung.png"),
            ("https://a.example/a%0D%0Ab.jpg", "ab.jpg"),
            ("https://a.example/", UNNAMED),
            ("https://a.example/%20", UNNAMED),
        ] {
            assert_eq!(file_name(url), name, "{url}");
        }
    }

    #[test]
    fn the_type_is_the_servers_or_that_of_the_name() {
        let of = |content_type, name| media_type(content_type, name).map(String::from);
        assert_eq!(of(Some("image/png; q=1"), "a.jpg").as_deref(), Some("image/png"));
        assert_eq!(of(Some("application/octet-stream"), "a.jpg").as_deref(), Some("image/jpeg"));
        assert_eq!(of(None, "a.MOV").as_deref(), Some("video/quicktime"));
        assert_eq!(of(Some("text/html"), "a"), None);
    }
}
