//! The SHA-256 of a job's file.

use domain::upload::{Sha256, Upload};
use futures_util::StreamExt;
use ring::digest::{Context, SHA256};
use vault::DataKeys;

use super::{Flickr, Ports, Worker, lease::Lease};
use crate::Error;

/// The SHA-256 of a file, or why there is none.
pub(super) enum Digested {
    Known(Sha256),
    /// The file has another than its owner says.
    Differs,
    /// The file is not stored.
    Gone,
    /// The claim holds the job no more.
    LeaseLost,
}

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// The SHA-256 of the file, read from its first byte to its last where it is not known.
    pub(super) async fn sha256(&self, upload: &Upload, lease: &mut Lease<'_, P>) -> Result<Digested, Error> {
        if let Some(sha256) = &upload.sha256 {
            return Ok(Digested::Known(sha256.clone()));
        }
        let Some(mut body) = self.ports.read_file(upload).await? else { return Ok(Digested::Gone) };
        let mut hash = Context::new(&SHA256);
        while let Some(chunk) = body.next().await {
            hash.update(&chunk?);
            if !lease.keep().await? {
                return Ok(Digested::LeaseLost);
            }
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(hash.finish().as_ref());
        let sha256 = Sha256::from_bytes(&digest);
        if upload.unverified_sha256().is_some_and(|declared| *declared != sha256) {
            return Ok(Digested::Differs);
        }
        self.ports.set_sha256(upload, &sha256).await?;
        Ok(Digested::Known(sha256))
    }
}
