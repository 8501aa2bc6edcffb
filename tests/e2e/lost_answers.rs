//! Answers that are lost: the SDK repeats what takes, which is then counted twice at most, and not what gives back, which
//! is done once at most. A connector under the SDK's client loses the answers of requests that were served.

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
    AppId, Day, Jitter,
    budget::{HostClass, Limit, Request, Signal},
};
use hub::ports::{BudgetKey, Budgets, Changed, Clock, Entropy, PendingJobs};

use crate::emulator::cloud;

/// A connector that loses the answers of so many updates.
#[derive(Debug)]
struct Losing {
    inner: SharedHttpConnector,
    left: Arc<AtomicU32>,
}

impl HttpConnector for Losing {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_update = request.headers().get("x-amz-target").is_some_and(|target| target.ends_with(".UpdateItem"));
        let answer = self.inner.call(request);
        let one_less = |left: u32| left.checked_sub(1);
        if !is_update || self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err() {
            return answer;
        }
        HttpConnectorFuture::new(async move {
            answer.await?;
            Err(ConnectorError::io("the answer is lost".into()))
        })
    }
}

/// The adapters, where the answer of the next update is lost.
fn losing_one() -> (Cloud, Arc<AtomicU32>) {
    let config = aws::sdk_config().unwrap();
    let left = Arc::new(AtomicU32::new(1));
    let (http, of_connector) = (config.http_client().unwrap(), Arc::clone(&left));
    let losing = http_client_fn(move |settings, components| {
        let inner = http.http_connector(settings, components);
        SharedHttpConnector::new(Losing { inner, left: Arc::clone(&of_connector) })
    });
    let config = config.into_builder().http_client(losing).build();
    (Cloud::new(&config, &Settings::from_env().unwrap().stores), left)
}

#[tokio::test]
async fn calls_whose_grant_is_lost_are_taken_twice_at_most_and_never_given_back_twice() {
    let ports = cloud();
    let (key, limit) =
        (BudgetKey::App(AppId::from_bytes(ports.random())), Limit { calls_per_hour: 1, burst_calls: 100 });
    let now = ports.now();
    let remaining = async || ports.budget(&key).await.unwrap().status(&limit, HostClass::Rest, now).remaining_calls;
    let request = Request { limit, class: Some(HostClass::Rest), calls: 10 };
    // The first change fills an empty bucket, and does not hold twice; the second may.
    for least_left in [90, 70] {
        let (losing, answers_left) = losing_one();
        let change = ports.budget(&key).await.unwrap().take(&request, now).unwrap();
        losing.change_budget(&key, &change).await.unwrap();
        assert_eq!(answers_left.load(Ordering::Relaxed), 0, "an answer was lost");
        let left = remaining().await;
        assert!((least_left..=90).contains(&left), "{left}");
    }
    let before = remaining().await;
    let budget = ports.budget(&key).await.unwrap();
    let change = budget.take(&Request { calls: 1, ..request }, now).unwrap();
    let returned = budget.returned(&change, 0, now);
    let (losing, _) = losing_one();
    assert!(losing.give_back(&key, &returned).await.is_err(), "it is not repeated");
    assert_eq!(remaining().await, before + 1);
}

#[tokio::test]
async fn what_becomes_of_a_call_is_recorded_once_though_the_answer_is_lost() {
    let ports = cloud();
    let key = BudgetKey::App(AppId::from_bytes(ports.random()));
    for version in [1, 2] {
        let (losing, answers_left) = losing_one();
        let budget = ports.budget(&key).await.unwrap();
        let change = budget.record(HostClass::Rest, &Signal::Throttled, Jitter::NONE, ports.now()).unwrap();
        let changed = losing.change_budget(&key, &change).await.unwrap();
        assert_eq!(answers_left.load(Ordering::Relaxed), 0, "an answer was lost");
        let Changed::Done(after) = changed else { panic!("{changed:?}") };
        assert_eq!((after.control.version, &after), (version, &ports.budget(&key).await.unwrap()));
    }
}

#[tokio::test]
async fn a_job_whose_count_is_lost_is_counted_twice_at_most_and_discounted_once() {
    let ports = cloud();
    let account = testkit::build::account_ref(&testkit::build::tenant(&ports), "1@N00");
    let today = Day::of(ports.now());
    let counted = async || ports.pending_jobs(&account, today).await.unwrap()[&today];
    assert!(losing_one().0.count_pending(&account, today, 9).await.unwrap());
    assert!((1..=2).contains(&counted().await));
    assert!(ports.count_pending(&account, today, 9).await.unwrap());
    let before = counted().await;
    assert!(losing_one().0.discount_pending(&account, today).await.is_err(), "it is not repeated");
    assert_eq!(counted().await, before - 1);
}
