//! The end of a write whose account's item meets too many others. DynamoDB does not refuse at will:
//! a connector under the SDK's client refuses in its place.

use std::sync::{Arc, Mutex};

use aws::{Cloud, Settings};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use domain::{
    cache::Family,
    job::{Event, StoredResult},
};
use hub::ports::{Clock, CountPending, ErrorKind, FindJob, Look, SaveJob, SettleJob};
use serde_json::{Value, json};

use crate::{
    contracts::{cached, ending, job},
    emulator::cloud,
};

/// What a crowd has done.
#[derive(Debug, Default)]
struct Deeds {
    /// So many updates of an account's item are still refused.
    refusals: u32,
    /// The sort keys of the items that were updated, in order.
    updated: Vec<String>,
}

/// A connector that refuses every transaction, and the first updates of an account's item.
#[derive(Debug)]
struct Crowd {
    inner: SharedHttpConnector,
    deeds: Arc<Mutex<Deeds>>,
}

impl Crowd {
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
                let mut deeds = self.deeds.lock().unwrap();
                if sort != "PENDING" || deeds.refusals == 0 {
                    deeds.updated.push(sort.to_owned());
                    return None;
                }
                deeds.refusals -= 1;
                Some(json!({ "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException" }))
            }
            _ => None,
        }
    }
}

impl HttpConnector for Crowd {
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

/// The adapters in a crowd that refuses so many updates of an account's item.
fn crowded(refusals: u32) -> (Cloud, Arc<Mutex<Deeds>>) {
    let config = aws::sdk_config().unwrap();
    let deeds = Arc::new(Mutex::new(Deeds { refusals, ..Deeds::default() }));
    let (http, of_crowd) = (config.http_client().unwrap(), Arc::clone(&deeds));
    let refusing = http_client_fn(move |settings, components| {
        let inner = http.http_connector(settings, components);
        SharedHttpConnector::new(Crowd { inner, deeds: Arc::clone(&of_crowd) })
    });
    let config = config.into_builder().http_client(refusing).build();
    (Cloud::new(&config, &Settings::from_env().unwrap()), deeds)
}

fn done(claim: domain::ClaimId) -> Event {
    Event::Complete(claim, StoredResult::Inline("{}".to_owned()))
}

#[tokio::test]
async fn an_end_that_is_written_alone_makes_answers_void_before() {
    let ports = cloud();
    let of = job(&ports);
    let (tenant, user) = (&of.tenant, &of.order.user);
    let (running, ended) = ending(&ports, &of, ports.now(), done).await;
    let (crowded, deeds) = crowded(1);
    assert!(crowded.save_job(&ended, &running.state, Look::AsTold).await.unwrap());
    assert_eq!(deeds.lock().unwrap().updated, ["PENDING", "JOB"]);
    let raised = || async { cached(&ports, tenant, user).await.freshness.generations };
    assert_eq!((ports.pending(tenant, user).await.unwrap(), raised().await), (1, [(Family::Photos, 1)].into()));
    assert_eq!(ports.job(tenant, &ended.id).await.unwrap().as_ref(), Some(&ended));
    assert!(ports.settle_job(tenant, &ended.id).await.unwrap());
    assert_eq!((ports.pending(tenant, user).await.unwrap(), raised().await), (0, [(Family::Photos, 1)].into()));
}

#[tokio::test]
async fn an_end_that_cannot_make_answers_void_is_not_written() {
    let ports = cloud();
    let of = job(&ports);
    let (running, ended) = ending(&ports, &of, ports.now(), done).await;
    let (crowded, deeds) = crowded(u32::MAX);
    let error = crowded.save_job(&ended, &running.state, Look::AsTold).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(deeds.lock().unwrap().updated.is_empty());
    assert_eq!(ports.job(&of.tenant, &ended.id).await.unwrap().as_ref(), Some(&running));
    assert!(cached(&ports, &of.tenant, &of.order.user).await.freshness.generations.is_empty());
}
