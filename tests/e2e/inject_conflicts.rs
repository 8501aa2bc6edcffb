//! The end of a write whose account's item meets too many other writes. DynamoDB does not refuse at will: a connector
//! under the SDK's client injects its conflicts.

use std::sync::{Arc, Mutex};

use aws::{Cloud, Settings};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use domain::{
    ClaimId,
    cache::CacheTag,
    job::{Event, StoredResult},
};
use hub::ports::{Clock, ErrorKind, Jobs};
use serde_json::{Value, json};

use crate::{
    contracts::{ending, job, view},
    emulator::cloud,
};

/// What the conflicts came to.
#[derive(Debug, Default)]
struct Writes {
    /// So many updates of an account's item are still refused.
    refusals: u32,
    /// The sort keys of the items that were updated, in order.
    updated: Vec<String>,
}

/// A connector that refuses every transaction, and the first updates of an account's item.
#[derive(Debug)]
struct Conflicts {
    inner: SharedHttpConnector,
    log: Arc<Mutex<Writes>>,
}

impl Conflicts {
    /// How it refuses the request, if it does.
    fn refusal(&self, request: &HttpRequest) -> Option<Value> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        match target.rsplit('.').next()? {
            "TransactWriteItems" => Some(json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "CancellationReasons": [{ "Code": "None" }, { "Code": "TransactionConflict" }],
            })),
            "UpdateItem" => {
                let sort = body["Key"]["sk"]["S"].as_str().unwrap();
                let mut log = self.log.lock().unwrap();
                if sort != "ACCOUNT" || log.refusals == 0 {
                    log.updated.push(sort.to_owned());
                    return None;
                }
                log.refusals -= 1;
                Some(json!({ "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException" }))
            }
            _ => None,
        }
    }
}

impl HttpConnector for Conflicts {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.refusal(&request) {
            Some(refusal) => HttpConnectorFuture::ready(Ok(HttpResponse::new(
                400.try_into().unwrap(),
                SdkBody::from(refusal.to_string()),
            ))),
            None => self.inner.call(request),
        }
    }
}

/// The adapters, where so many updates of an account's item are refused.
fn conflicted(refusals: u32) -> (Cloud, Arc<Mutex<Writes>>) {
    let config = aws::sdk_config().unwrap();
    let log = Arc::new(Mutex::new(Writes { refusals, ..Writes::default() }));
    let (http, of_connector) = (config.http_client().unwrap(), Arc::clone(&log));
    let refusing = http_client_fn(move |settings, components| {
        let inner = http.http_connector(settings, components);
        SharedHttpConnector::new(Conflicts { inner, log: Arc::clone(&of_connector) })
    });
    let config = config.into_builder().http_client(refusing).build();
    (Cloud::new(&config, &Settings::from_env().unwrap().stores), log)
}

fn done(claim: ClaimId) -> Event {
    Event::Complete(claim, StoredResult::Inline("{}".to_owned()))
}

#[tokio::test]
async fn an_end_that_is_written_alone_invalidates_before() {
    let ports = cloud();
    let of = job(&ports);
    let account = &of.spec.account;
    let end = ending(&ports, &of, ports.now(), done).await;
    let ended = &end.after;
    let (conflicted, log) = conflicted(1);
    assert!(conflicted.commit(&end).await.unwrap());
    assert_eq!(log.lock().unwrap().updated, ["ACCOUNT", "JOB"]);
    let generations = || async { view(&ports, account).await.generations.by_tag };
    let invalidated_once = [(CacheTag::Photos, 1)].into();
    assert_eq!((ports.pending_jobs(account).await.unwrap(), generations().await), (1, invalidated_once));
    assert_eq!(ports.job(&ended.reference()).await.unwrap().as_ref(), Some(ended));
    assert!(ports.settle(ended).await.unwrap());
    let invalidated_once = [(CacheTag::Photos, 1)].into();
    assert_eq!((ports.pending_jobs(account).await.unwrap(), generations().await), (0, invalidated_once));
}

#[tokio::test]
async fn an_end_that_cannot_invalidate_is_not_written() {
    let ports = cloud();
    let of = job(&ports);
    let end = ending(&ports, &of, ports.now(), done).await;
    let (conflicted, log) = conflicted(u32::MAX);
    assert_eq!(conflicted.commit(&end).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(log.lock().unwrap().updated.is_empty());
    let stored = ports.job(&end.after.reference()).await.unwrap().unwrap();
    assert_eq!(Some(&stored.state), end.before.as_ref());
    assert!(view(&ports, &of.spec.account).await.generations.by_tag.is_empty());
}
