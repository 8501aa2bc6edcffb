//! The bucket of long results: one object a job, compressed with gzip, under `tenant/job`.
//!
//! An object says so in its `Content-Encoding`, so that whoever reads it by its URL gets the JSON text from any HTTP
//! client. The bucket's lifecycle rule deletes objects.

use std::{
    io::{Read, Write},
    time::Duration,
};

use aws_sdk_s3::{
    Client,
    config::{Builder, StalledStreamProtectionConfig},
    presigning::PresigningConfig,
    primitives::ByteStream,
};
use aws_types::SdkConfig;
use domain::{JobRef, job::MAX_RESULT_BYTES, timing::RESULT_URL_LIFETIME};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use hub::ports;

use crate::{
    config::{Lazily, lazily, slow},
    error::from_sdk,
    sdk_headers::WithoutSdkHeaders,
};

/// How long less than a byte a second may come: the default of the SDK.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// The bucket of long results. Cheap to clone; its client is made when it is first needed.
#[derive(Clone, Debug)]
pub(crate) struct ResultsBucket {
    client: Lazily<Client>,
    name: String,
}

/// The client of S3. An endpoint of our own has no host name for each bucket, so the bucket is in the path. An object is read
/// after the attempt that its time limit is for, so that a stalled answer has to be noticed.
pub(crate) fn client(config: &SdkConfig) -> Client {
    let own_endpoint = config.endpoint_url().is_some();
    let settings = Builder::from(config)
        .timeout_config(slow())
        .force_path_style(own_endpoint)
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(STALLED_AFTER).build())
        .interceptor(WithoutSdkHeaders);
    Client::from_conf(settings.build())
}

fn key(job: &JobRef) -> String {
    format!("{}/{}.json", job.tenant, job.id)
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

impl ResultsBucket {
    pub(crate) fn new(config: &SdkConfig, name: &str) -> Self {
        Self { client: lazily(config, client), name: name.to_owned() }
    }

    /// Stores the result, replacing what was there.
    pub(crate) async fn put(&self, job: &JobRef, result: &str) -> ports::Result<()> {
        const WHAT: &str = "storing a long result";
        let body = compress(result).map_err(|error| ports::Error::broken(WHAT, error))?;
        let put = self.client.put_object().bucket(&self.name).key(key(job));
        let put = put.content_type("application/json").content_encoding("gzip").body(ByteStream::from(body));
        put.send().await.map(|_| ()).map_err(from_sdk(WHAT))
    }

    /// The result, if there is an object of it.
    pub(crate) async fn get(&self, job: &JobRef) -> ports::Result<Option<String>> {
        const WHAT: &str = "reading a long result";
        let answer = match self.client.get_object().bucket(&self.name).key(key(job)).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(from_sdk(WHAT)(error)),
        };
        let bytes = answer.body.collect().await.map_err(|error| ports::Error::unavailable(WHAT, error))?;
        decompress(&bytes.into_bytes()).map(Some).map_err(|error| ports::Error::broken(WHAT, error))
    }

    /// A URL that anyone can read the result by for [`RESULT_URL_LIFETIME`]. It asks nothing of AWS.
    pub(crate) async fn url(&self, job: &JobRef) -> ports::Result<String> {
        const WHAT: &str = "making the URL of a long result";
        let lifetime = PresigningConfig::expires_in(RESULT_URL_LIFETIME).map_err(|e| ports::Error::broken(WHAT, e))?;
        let get = self.client.get_object().bucket(&self.name).key(key(job));
        let request = get.presigned(lifetime).await.map_err(from_sdk(WHAT))?;
        Ok(request.uri().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::answering::Answering;

    #[test]
    fn an_object_that_stops_coming_is_noticed_though_other_answers_are_not_watched() {
        let others = Answering::new(200, &json!({})).config().into_builder();
        let others = others.stalled_stream_protection(StalledStreamProtectionConfig::disabled()).build();
        assert!(client(&others).config().stalled_stream_protection().is_some_and(|watch| watch.is_enabled()));
    }

    #[test]
    fn a_text_comes_back_byte_for_byte_and_smaller() {
        let text = r#"{"photo": "é ✓\\n"}"#.repeat(10_000);
        let compressed = compress(&text).unwrap();
        assert!(compressed.len() * 10 < text.len());
        assert_eq!(decompress(&compressed).unwrap(), text);
    }
}
