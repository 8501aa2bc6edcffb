//! Results that do not fit the job's own record.

use std::time::Duration;

use domain::JobRef;
use hub::ports::{Clock, Entropy, Results};

use super::steps::job;
use crate::build;

/// Storing results in separate items.
pub async fn results(ports: &(impl Clock + Entropy + Results)) {
    let job = job(ports, "{}", ports.now()).reference();
    let foreign = JobRef { tenant: build::tenant(ports), ..job.clone() };
    let end = ports.now() + Duration::from_secs(3600);
    let large = format!(r#"{{"text":"{}"}}"#, "é\\n ".repeat(700));
    assert_eq!(ports.result(&job).await.unwrap(), None);
    for text in ["{ }", &large] {
        ports.put_result(&job, text, end).await.unwrap();
        assert_eq!(ports.result(&job).await.unwrap().as_deref(), Some(text));
    }
    assert_eq!(ports.result(&foreign).await.unwrap(), None);
}

/// Storing results that are too long for an item, as objects.
pub async fn result_objects(ports: &(impl Clock + Entropy + Results)) {
    let job = job(ports, "{}", ports.now()).reference();
    let foreign = JobRef { tenant: build::tenant(ports), ..job.clone() };
    let large = format!(r#"{{"text":"{}"}}"#, "é\\n ✓".repeat(300_000));
    assert_eq!(ports.result_object(&job).await.unwrap(), None);
    for text in [r#"{ "a" : 1.0 }"#, &large] {
        ports.put_result_object(&job, text).await.unwrap();
        assert!(ports.result_object(&job).await.unwrap().as_deref() == Some(text), "byte for byte");
    }
    assert_eq!(ports.result_object(&foreign).await.unwrap(), None);
    let url = ports.result_object_url(&job).await.unwrap();
    assert!(url.starts_with("http") && url.contains(job.id.as_str()), "{url}");
}
