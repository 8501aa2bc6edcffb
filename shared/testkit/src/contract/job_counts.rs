//! How many jobs of each tenant were accepted.

use std::time::Duration;

use domain::tenant::{JobCounts, JobQuotas, QuotaWindow, ViolatedQuota};
use futures_util::future::join_all;
use hub::ports::{self, Clock, Entropy};

use crate::build;

/// Counting up to each quota, which holds for many at once, in each window and for each tenant by itself, and never
/// below zero.
pub async fn job_counts(ports: &(impl Clock + Entropy + ports::JobCounts)) {
    let (tenant, other) = (build::tenant(ports), build::tenant(ports));
    // The beginning of a day: no suite runs over its end.
    let day = QuotaWindow::Day.end(ports.now());
    let next_hour = day + QuotaWindow::Hour.length();
    let quotas = JobQuotas { per_hour: Some(3), per_day: Some(5) };
    let count = async |tenant, quotas: &JobQuotas, at| ports.count_job(tenant, quotas, at).await.unwrap();
    let [of_hour, of_day] =
        [(QuotaWindow::Hour, 3), (QuotaWindow::Day, 5)].map(|(window, jobs)| Some(ViolatedQuota { window, jobs }));

    let none = JobQuotas { per_hour: Some(0), per_day: None };
    let refused = Some(ViolatedQuota { window: QuotaWindow::Hour, jobs: 0 });
    assert_eq!(count(&tenant, &none, day).await, refused, "the first one, too");
    ports.discount_job(&tenant, day).await.unwrap();

    let several = join_all((0..9).map(|_| ports.count_job(&tenant, &quotas, day))).await;
    let several: Vec<_> = several.into_iter().map(Result::unwrap).collect();
    assert_eq!(several.iter().filter(|violated| violated.is_none()).count(), 3);
    assert_eq!(several.iter().filter(|violated| **violated == of_hour).count(), 6);
    assert_eq!(count(&other, &quotas, day).await, None, "another tenant has its own");

    ports.discount_job(&tenant, day).await.unwrap();
    for expected in [None, of_hour] {
        assert_eq!(count(&tenant, &quotas, day + Duration::from_secs(3_599)).await, expected, "who leaves makes room");
    }
    for expected in [None, None, of_day, of_day] {
        assert_eq!(count(&tenant, &quotas, next_hour).await, expected, "another hour of the same day");
    }
    let counts = async |at| ports.job_counts(&tenant, at).await.unwrap();
    assert_eq!(counts(day).await, JobCounts { of_hour: 3, of_day: 5 });
    assert_eq!(counts(next_hour).await, JobCounts { of_hour: 2, of_day: 5 });
    assert_eq!(counts(QuotaWindow::Day.end(day)).await, JobCounts::default(), "nothing is counted of the next day yet");
    let only_hour = JobQuotas { per_day: None, ..quotas };
    assert_eq!(count(&tenant, &only_hour, next_hour).await, None, "a quota that is not set refuses nothing");
    assert_eq!(count(&tenant, &quotas, QuotaWindow::Day.end(day)).await, None, "the next day");
}
