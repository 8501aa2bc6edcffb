//! Files at URLs that callers chose, over HTTP.

use std::time::Duration;

use domain::{egress::Policy, timing::Timing};
use egress::{Client, Download, Limits, NotBuilt};
use futures_util::{FutureExt, future::BoxFuture, stream};
use hub::ports::{self, ByteStream, SourceFailure, SourceFile, Sources};

/// How long a request for a file may take. Each is shorter than a lease, which is not renewed before bytes flow.
const LIMITS: Limits = Limits {
    head: Duration::from_secs(30),
    total: Duration::from_secs(600),
    stall: Duration::from_secs(30),
    min_bytes_per_second: 10 * 1024,
    pace_window: Duration::from_secs(60),
    max_bytes: 0,
};

const FETCHING: &str = "fetching a file";

/// The longest until there is a connection.
const CONNECT: Duration = Duration::from_secs(10);

const _: () = assert!(LIMITS.head.as_secs() + LIMITS.stall.as_secs() < Timing::FILE.lease.as_secs());
const _: () = assert!(LIMITS.total.as_secs() < Timing::FILE.call_deadline.as_secs());

/// Fetches files over HTTP.
#[derive(Debug, Clone)]
pub struct HttpSources {
    client: Client,
}

impl HttpSources {
    /// Fetches from where `policy` allows.
    ///
    /// # Errors
    /// [`NotBuilt`].
    pub fn new(policy: Policy) -> Result<Self, NotBuilt> {
        Ok(Self { client: Client::new(policy, CONNECT)? })
    }
}

impl Sources for HttpSources {
    fn open<'a>(&'a self, url: &'a str, max_bytes: u64) -> BoxFuture<'a, Result<SourceFile, SourceFailure>> {
        let fetched = self.client.get(url, Limits { max_bytes, ..LIMITS });
        fetched.map(|download| download.map(file).map_err(|error| failure(&error))).boxed()
    }
}

fn file(download: Download) -> SourceFile {
    SourceFile {
        content_type: download.content_type().map(str::to_owned),
        bytes: download.content_length(),
        body: chunks(download),
    }
}

/// The body as it comes. It is read from the connection no faster than it is taken from here.
fn chunks(download: Download) -> ByteStream {
    Box::pin(stream::unfold(Some(download), |download| async {
        let mut download = download?;
        match download.chunk().await {
            Ok(chunk) => Some((Ok(chunk?), Some(download))),
            Err(error) => {
                let SourceFailure { message, is_transient } = failure(&error);
                let error = if is_transient {
                    ports::Error::unavailable(FETCHING, message)
                } else {
                    ports::Error::broken(FETCHING, message)
                };
                Some((Err(error), None))
            }
        }
    }))
}

/// What the caller is told. The causes, which name what is inside of a network, are for the operator.
fn failure(error: &egress::Error) -> SourceFailure {
    tracing::info!(error = hub::chain(error), "a source was not fetched");
    SourceFailure { message: error.to_string(), is_transient: error.is_transient() }
}
