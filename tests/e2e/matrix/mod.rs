//! Every route of the OpenAPI document, asked for by everybody who must be refused, and for what is another tenant's.
//!
//! A route without a row in `routes.rs` fails these tests.

mod callers;
mod in_process;
mod routes;
mod things;

use std::collections::BTreeMap;

use domain::Timestamp;
use reqwest::Method;

use self::{
    callers::{refused, with_and_without_each_scope},
    in_process::InProcess,
    routes::{Request, Route},
    things::Ids,
};
use crate::{
    operator::new_tenant,
    stack::{Answer, Hub, shared_stack},
};

/// Headers that name the request or the time.
const OF_THE_REQUEST: [&str; 4] = ["date", "x-amz-request-id", "x-amzn-requestid", "x-request-id"];

async fn send(hub: &Hub, request: &Request) -> Answer {
    hub.call(request.method.clone(), &request.path, &[], request.body.as_ref()).await
}

/// All that an answer tells, but which request it answers and when, and the ids that the request itself names.
fn comparable(answer: &Answer, named: &Ids) -> (u16, BTreeMap<String, String>, String) {
    let lines = answer.headers.iter().filter(|(name, _)| !OF_THE_REQUEST.contains(&name.as_str()));
    let lines = lines.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let request_id = answer.headers.get("x-request-id").map(|id| id.to_str().unwrap().to_owned());
    let text = request_id.map_or_else(|| answer.text.clone(), |id| answer.text.replace(&id, "(request)"));
    (answer.status.as_u16(), lines, without_times(&named.without(&text)))
}

/// JSON without its points in time.
fn without_times(json: &str) -> String {
    let parts = json.split('"').map(|part| if part.parse::<Timestamp>().is_ok() { "(time)" } else { part });
    parts.collect::<Vec<_>>().join("\"")
}

/// The owner is served: what others are refused is there.
async fn assert_served(owner: &Hub, own: &Ids, routes: &[Route]) {
    let (last, first): (Vec<&Route>, Vec<&Route>) = routes.iter().partition(|route| route.method == Method::DELETE);
    for route in first.into_iter().chain(last.into_iter().rev()) {
        let answer = send(owner, &route.requests(own, own)[0]).await;
        let status = answer.status.as_u16();
        assert!(![401, 403, 404].contains(&status) && status < 500, "{}: {status} {}", route.operation, answer.text);
    }
}

#[tokio::test]
async fn whoever_may_not_ask_is_refused_at_every_route() {
    let _shared = shared_stack().await;
    let (tenant, owner) = new_tenant("matrix").await;
    let own = Ids::of_new_things(&tenant, &owner).await;
    let (refused, scoped) = (refused(&tenant).await, with_and_without_each_scope(&tenant).await);
    let routes = routes::all();
    for route in &routes {
        let request = &route.requests(&own, &own)[0];
        let Some(scope) = route.scope else {
            let open = send(&Hub::with_key(None), request).await;
            for caller in &refused {
                assert_eq!(send(&caller.hub, request).await.status, open.status, "{}: {}", route.operation, caller.who);
            }
            continue;
        };
        let mut refusals = Vec::new();
        for caller in &refused {
            let answer = send(&caller.hub, request).await;
            let is = (answer.status.as_u16(), answer.problem());
            assert_eq!(is, (caller.status, caller.code), "{}: {}", route.operation, caller.who);
            if caller.code == "ERR_UNAUTHORIZED" && caller.is_refused_by_function {
                refusals.push((caller.who, comparable(&answer, &own)));
            }
        }
        for (who, refusal) in &refusals {
            assert_eq!(refusal, &refusals[0].1, "{}: {who} is told apart", route.operation);
        }
        let (with, without) = &scoped[scope.as_str()];
        let answer = send(without, request).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (403, "ERR_SCOPE_MISSING"), "{}", route.operation);
        // It names nothing that is there, so that it changes nothing.
        let answer = send(with, &route.requests(&own, &own.unknown())[0]).await;
        assert!(![401, 403].contains(&answer.status.as_u16()), "{}: {}", route.operation, answer.text);
    }
    assert_served(&owner, &own, &routes).await;
}

#[tokio::test]
async fn what_is_another_tenants_answers_as_what_is_not_there_at_every_route() {
    let _shared = shared_stack().await;
    let ((tenant, owner), (stranger, hub)) = (new_tenant("owner").await, new_tenant("stranger").await);
    let (foreign, own) = (Ids::of_new_things(&tenant, &owner).await, Ids::of_new_things(&stranger, &hub).await);
    let unknown = foreign.unknown();
    let in_process = InProcess::new().await;
    in_process.warm_up(&stranger, hub.api_key()).await;
    let routes = routes::all();
    let mut compared = 0;
    for route in routes.iter().filter(|route| route.scope.is_some()) {
        for (of_foreign, of_unknown) in route.requests(&own, &foreign).iter().zip(route.requests(&own, &unknown)) {
            if *of_foreign == of_unknown {
                continue;
            }
            let what = format!("{}: {of_foreign:?}", route.operation);
            let (theirs, nobodys) = (send(&hub, of_foreign).await, send(&hub, &of_unknown).await);
            assert_eq!(comparable(&theirs, &foreign), comparable(&nobodys, &unknown), "{what}");

            in_process.send(hub.api_key(), &of_unknown).await;
            let (answer, expected) = in_process.send(hub.api_key(), &of_unknown).await;
            let (_, made) = in_process.send(hub.api_key(), of_foreign).await;
            assert_eq!(answer.status, nobodys.status, "{what}: as the stack answers");
            assert!(!expected.is_empty(), "{what}: nothing was looked up");
            assert_eq!(made, expected, "{what}: the requests of AWS");
            compared += 1;
        }
    }
    assert!(compared >= 20, "{compared}");
    assert_served(&owner, &foreign, &routes).await;
}
