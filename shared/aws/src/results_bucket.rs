//! The bucket of long results: one object a job, compressed with gzip, under `tenant/job`.
//!
//! An object says so in its `Content-Encoding`, so that whoever reads it by its URL gets the JSON
//! text from any HTTP client. The bucket's lifecycle rule deletes objects.

use std::io::{Read, Write};

use aws_sdk_s3::{Client, config::Builder, presigning::PresigningConfig, primitives::ByteStream};
use aws_types::SdkConfig;
use domain::{JobId, TenantId, job::MAX_RESULT_BYTES, timing::RESULT_URL_LIFETIME};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use hub::ports::{self, FindObject, KeepObject};

use crate::{Cloud, error::from_sdk};

/// The client. An endpoint of our own has no host name for each bucket, so the bucket is in the path.
pub(crate) fn client(config: &SdkConfig) -> Client {
    let own_endpoint = config.endpoint_url().is_some();
    Client::from_conf(Builder::from(config).force_path_style(own_endpoint).build())
}

fn key(tenant: &TenantId, id: &JobId) -> String {
    format!("{tenant}/{id}.json")
}

fn compress(text: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

fn decompress(bytes: &[u8]) -> std::io::Result<String> {
    let mut text = String::new();
    GzDecoder::new(bytes).take(MAX_RESULT_BYTES as u64).read_to_string(&mut text)?;
    Ok(text)
}

impl KeepObject for Cloud {
    async fn keep_object(&self, tenant: &TenantId, id: &JobId, result: &str) -> ports::Result<()> {
        const WHAT: &str = "keeping a long result";
        let body = compress(result).map_err(|error| ports::Error::broken(WHAT, error))?;
        let put = self.s3.put_object().bucket(&self.results_bucket).key(key(tenant, id));
        let put = put.content_type("application/json").content_encoding("gzip").body(ByteStream::from(body));
        put.send().await.map(|_| ()).map_err(from_sdk(WHAT))
    }
}

impl FindObject for Cloud {
    async fn object(&self, tenant: &TenantId, id: &JobId) -> ports::Result<Option<String>> {
        const WHAT: &str = "reading a long result";
        let answer = match self.s3.get_object().bucket(&self.results_bucket).key(key(tenant, id)).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(from_sdk(WHAT)(error)),
        };
        let bytes = answer.body.collect().await.map_err(|error| ports::Error::unavailable(WHAT, error))?;
        decompress(&bytes.into_bytes()).map(Some).map_err(|error| ports::Error::broken(WHAT, error))
    }

    async fn object_url(&self, tenant: &TenantId, id: &JobId) -> ports::Result<String> {
        const WHAT: &str = "making the URL of a long result";
        let lifetime = PresigningConfig::expires_in(RESULT_URL_LIFETIME).map_err(|e| ports::Error::broken(WHAT, e))?;
        let get = self.s3.get_object().bucket(&self.results_bucket).key(key(tenant, id));
        let request = get.presigned(lifetime).await.map_err(from_sdk(WHAT))?;
        Ok(request.uri().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_byte_for_byte_and_smaller() {
        let text = r#"{"photo": "é ✓\\n"}"#.repeat(10_000);
        let compressed = compress(&text).unwrap();
        assert!(compressed.len() * 10 < text.len());
        assert_eq!(decompress(&compressed).unwrap(), text);
    }
}
