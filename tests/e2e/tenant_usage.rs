//! What a tenant uses, as the operator's command shows it.

use serde_json::{Value, json};

use crate::{
    operator::{admin, new_tenant},
    stack::shared_stack,
};

#[tokio::test]
async fn an_operator_sees_what_a_tenant_uses() {
    let _shared = shared_stack().await;
    let (tenant, hub) = new_tenant("Used").await;
    let account = hub.connect().await;
    assert!(admin(&["tenant", "limits", "set", &tenant, "--jobs-per-day", "9"], "").await.is_success);
    let usage = ["usage", "--tenant", &tenant];
    let row = async || admin(&[&usage[..], &["--json"]].concat(), "").await.json()[0].clone();
    let idle = row().await;
    assert_eq!((&idle["accounts"], &idle["jobs_of_day"], &idle["pending_jobs"]), (&json!(1), &json!(0), &json!(0)));
    assert_eq!((&idle["max_jobs_per_day"], &idle["max_jobs_per_hour"]), (&json!(9), &Value::Null));
    let limit = json!(hub.usage_of(idle["apps"][0]["app_id"].as_str().unwrap()).await.limit);
    assert_eq!(idle["apps"][0]["calls_per_hour"], limit["calls_per_hour"], "as the stack was deployed: {idle}");

    let later = json!({ "method": "flickr.test.login", "user_id": account.user_id, "delay_seconds": 3600 });
    hub.post("/v1/flickr/rest", &later).await.data::<api::JobView>();
    let busy = row().await;
    assert_eq!(busy["pending_jobs"], 1, "{busy}");

    let table = admin(&usage, "").await;
    let lines: Vec<&str> = table.output.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("TENANT ID") && lines[1].starts_with(&tenant), "{}", table.output);
}
