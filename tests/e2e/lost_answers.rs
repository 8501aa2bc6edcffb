//! A change of a budget whose answer is lost: the SDK repeats the request, and the change is made once all the same. A
//! connector under the SDK's client loses the answers of requests that were served.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aws::{Cloud, Settings};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use domain::{
    AppId,
    budget::{Budget, HostClass, Limit},
};
use hub::ports::{BudgetKey, Budgets, Clock, Entropy};

use crate::emulator::cloud;

/// A connector that loses the answers of so many writes of whole items.
#[derive(Debug)]
struct Losing {
    inner: SharedHttpConnector,
    left: Arc<AtomicU32>,
}

impl HttpConnector for Losing {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_put = request.headers().get("x-amz-target").is_some_and(|target| target.ends_with(".PutItem"));
        let answer = self.inner.call(request);
        let one_less = |left: u32| left.checked_sub(1);
        if !is_put || self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err() {
            return answer;
        }
        HttpConnectorFuture::new(async move {
            answer.await?;
            Err(ConnectorError::io("the answer is lost".into()))
        })
    }
}

/// The adapters, where the answers of so many writes of whole items are lost.
fn losing(answers: u32) -> (Cloud, Arc<AtomicU32>) {
    let config = aws::sdk_config().unwrap();
    let left = Arc::new(AtomicU32::new(answers));
    let (http, of_connector) = (config.http_client().unwrap(), Arc::clone(&left));
    let losing = http_client_fn(move |settings, components| {
        let inner = http.http_connector(settings, components);
        SharedHttpConnector::new(Losing { inner, left: Arc::clone(&of_connector) })
    });
    let config = config.into_builder().http_client(losing).build();
    (Cloud::new(&config, &Settings::from_env().unwrap().stores), left)
}

#[tokio::test]
async fn a_change_of_a_budget_whose_answer_is_lost_is_made_once() {
    let ports = cloud();
    let (key, limit) = (BudgetKey::App(AppId::from_bytes(ports.random())), Limit::FLICKR);
    // The first change makes the item, the second changes it.
    for calls_left in [limit.burst_calls - 10, limit.burst_calls - 20] {
        let (losing, answers_left) = losing(1);
        let now = losing.now();
        let ten = |budget: &Budget| (budget.take(&limit, HostClass::Rest, 10, now).0, ());
        losing.change_budget(&key, ten).await.unwrap();
        assert_eq!(answers_left.load(Ordering::Relaxed), 0, "an answer was lost");
        let seen = |budget: &Budget| (None, budget.status(&limit, HostClass::Rest, now).remaining_calls);
        let remaining = ports.change_budget(&key, seen).await.unwrap();
        assert!((calls_left..=calls_left + 1).contains(&remaining), "{remaining} of {calls_left}");
    }
}
