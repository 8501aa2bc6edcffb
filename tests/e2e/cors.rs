//! Web pages of other origins, as a browser asks for them.

use reqwest::{Method, header::HeaderMap};
use serde_json::json;
use tokio::process::Command;

use crate::{
    operator::new_tenant,
    stack::{Hub, client, env},
};

/// The origins that the stack allows; the first is that of the tenant under test.
fn origins() -> [String; 2] {
    let listed = env("ALLOWED_ORIGINS");
    let (own, others) = listed.split_once(',').unwrap();
    [own, others].map(str::to_owned)
}

/// What a browser is told before it sends a request.
async fn preflight(path: &str, origin: &str, method: &str) -> (u16, HeaderMap) {
    let request =
        client().no_proxy().build().unwrap().request(Method::OPTIONS, format!("{}{path}", env("FLICKRHUB_URL")));
    let request = request.header("origin", origin).header("access-control-request-method", method);
    let asked = request.header("access-control-request-headers", "content-type,x-api-key").send().await.unwrap();
    (asked.status().as_u16(), asked.headers().clone())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

async fn limit(tenant: &str, arguments: &[&str]) -> bool {
    let mut admin = Command::new(env("FLICKRHUB_ADMIN"));
    admin.args(["tenant", "limits", "set", tenant]).args(arguments);
    admin.output().await.unwrap().status.success()
}

#[tokio::test]
async fn a_preflight_of_any_route_is_answered_without_a_key() {
    for path in ["/v1/usage", "/v1/flickr/rest", "/v1/accounts/usr_1", "/v1/uploads/upl_1/parts"] {
        for origin in origins() {
            let (status, headers) = preflight(path, &origin, "POST").await;
            assert_eq!(status, 204, "{path}");
            assert_eq!(header(&headers, "access-control-allow-origin"), Some(origin.as_str()), "{path}");
            assert_eq!(header(&headers, "access-control-allow-methods"), Some("GET, POST, DELETE"));
            assert!(header(&headers, "access-control-allow-headers").unwrap().contains("X-Api-Key"));
            assert_eq!(header(&headers, "vary"), Some("Origin"));
            assert_eq!(header(&headers, "access-control-allow-credentials"), None);
        }
    }
    // It is no route of another method.
    let answer = Hub::first().call(Method::OPTIONS, "/v1/usage", &[], None).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (404, "ERR_NOT_FOUND"));
}

#[tokio::test]
async fn a_tenants_requests_come_from_its_own_pages() {
    let [own, others] = origins();
    let (tenant, hub) = new_tenant("pages").await;
    assert!(!limit(&tenant, &["--origin", "https://evil.example"]).await, "the stack does not allow it");
    assert!(limit(&tenant, &["--origin", &own]).await);

    let page = [("origin", own.as_str()), ("sec-fetch-site", "cross-site")];
    let answer = hub.call(Method::GET, "/v1/usage", &page, None).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
    assert_eq!(header(&answer.headers, "access-control-allow-origin"), Some(own.as_str()));
    assert!(header(&answer.headers, "access-control-expose-headers").unwrap().contains("X-Request-Id"));
    assert_eq!(header(&answer.headers, "vary"), Some("Origin"));

    // A refusal is an answer, too.
    let body = json!({ "method": "flickr" });
    let answer = hub.call(Method::POST, "/v1/flickr/rest", &page, Some(&body)).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (400, "ERR_INVALID_REQUEST"));
    assert_eq!(header(&answer.headers, "access-control-allow-origin"), Some(own.as_str()));

    let answer = hub.call(Method::GET, "/v1/usage", &[("origin", &others)], None).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (403, "ERR_ORIGIN_NOT_ALLOWED"));
    assert_eq!(header(&answer.headers, "access-control-allow-origin"), None);
    let answer = hub.get("/v1/usage").await;
    assert_eq!((answer.status.as_u16(), header(&answer.headers, "access-control-allow-origin")), (200, None));
}
