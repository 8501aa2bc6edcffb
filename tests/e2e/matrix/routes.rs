//! The routes of the OpenAPI document, each with its row: the scope that it needs, and requests that name ids.

use std::collections::BTreeMap;

use domain::api_key::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::things::Ids;

/// A request's query, with its `?`, and its body.
type Variant = (String, Value);

/// What the matrix must know of a route that the document does not say.
struct Row {
    operation: &'static str,
    /// The scope that a key needs; `None` where no key is needed.
    scope: Option<Scope>,
    /// Requests of somebody with things of `own` that name things: those a path does not name.
    variants: fn(own: &Ids, named: &Ids) -> Vec<Variant>,
}

/// A route.
pub struct Route {
    pub method: Method,
    /// As the document has it.
    pub template: String,
    pub operation: String,
    /// The scope that a key needs; `None` where no key is needed.
    pub scope: Option<Scope>,
    variants: fn(own: &Ids, named: &Ids) -> Vec<Variant>,
}

/// A request of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
}

impl Route {
    /// The requests of the route by somebody with things of `own`, which name those of `named`. The owner of both is
    /// served the first.
    pub fn requests(&self, own: &Ids, named: &Ids) -> Vec<Request> {
        let filled = self.template.split('/').map(|part| match part {
            "{user_id}" => &named.user,
            "{job_id}" => &named.job,
            "{upload_id}" => &named.upload,
            "{file}" => "explorer.js",
            other => {
                assert!(!other.starts_with('{'), "{}: no row says what {other} is", self.template);
                other
            }
        });
        let path = filled.collect::<Vec<_>>().join("/");
        let request = |(query, body): Variant| {
            let body = (!body.is_null()).then_some(body);
            Request { method: self.method.clone(), path: format!("{path}{query}"), body }
        };
        (self.variants)(own, named).into_iter().map(request).collect()
    }
}

/// All routes of the document, each with its row.
///
/// # Panics
/// When a route has no row, or a row no route.
pub fn all() -> Vec<Route> {
    let document: Value = serde_json::from_str(testkit::openapi::TEXT).unwrap();
    let mut rows: BTreeMap<_, _> = ROWS.into_iter().map(|row| (row.operation, row)).collect();
    let mut routes = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let row = rows.remove(id).unwrap_or_else(|| panic!("the matrix has no row for {id}: {method} {template}"));
            assert_eq!(row.scope.is_none(), operation["security"] == json!([]), "{id}: whether it needs a key");
            routes.push(Route {
                method: method.to_ascii_uppercase().parse().unwrap(),
                template: template.clone(),
                operation: id.to_owned(),
                scope: row.scope,
                variants: row.variants,
            });
        }
    }
    assert!(rows.is_empty(), "the document has no such routes: {:?}", rows.keys());
    routes
}

/// A request that names nothing but what its path does.
fn plain(_: &Ids, _: &Ids) -> Vec<Variant> {
    vec![(String::new(), Value::Null)]
}

/// Requests with these bodies.
fn bodies<const N: usize>(bodies: [Value; N]) -> Vec<Variant> {
    bodies.into_iter().map(|body| (String::new(), body)).collect()
}

/// Requests with these queries.
fn queries<const N: usize>(queries: [String; N]) -> Vec<Variant> {
    queries.into_iter().map(|query| (query, Value::Null)).collect()
}

const ROWS: [Row; 24] = [
    Row {
        operation: "startLogin",
        scope: Some(Scope::Connect),
        variants: |_, named| bodies([json!({ "app_id": named.app, "perms": "read" })]),
    },
    Row {
        operation: "completeLogin",
        scope: Some(Scope::Connect),
        variants: |_, named| {
            let Ids { oauth_token, oauth_verifier, state, .. } = named;
            let without_state = json!({ "oauth_token": oauth_token, "oauth_verifier": oauth_verifier });
            let with_state = json!({ "oauth_token": oauth_token, "oauth_verifier": oauth_verifier, "state": state });
            bodies([without_state, with_state])
        },
    },
    Row {
        operation: "loginCallback",
        scope: None,
        variants: |_, named| {
            let Ids { oauth_token, oauth_verifier, state, .. } = named;
            queries([format!("?oauth_token={oauth_token}&oauth_verifier={oauth_verifier}&state={state}")])
        },
    },
    Row {
        operation: "listAccounts",
        scope: Some(Scope::Accounts),
        variants: |_, named| queries([String::new(), format!("?cursor={}", named.user)]),
    },
    Row { operation: "getAccount", scope: Some(Scope::Accounts), variants: plain },
    Row { operation: "disconnectAccount", scope: Some(Scope::Accounts), variants: plain },
    Row {
        operation: "submitJob",
        scope: Some(Scope::JobsWrite),
        variants: |own, named| {
            let of_upload = |user: &str| json!({ "target": "upload", "upload_id": named.upload, "user_id": user });
            let later = json!({ "method": "flickr.test.echo", "user_id": named.user, "delay_seconds": 3600 });
            let replace = json!({
                "target": "replace", "upload_id": named.upload, "user_id": own.user, "params": { "photo_id": "1" },
            });
            bodies([later, of_upload(&named.user), of_upload(&own.user), replace])
        },
    },
    Row {
        operation: "listJobs",
        scope: Some(Scope::JobsRead),
        variants: |own, named| {
            let cursor = format!("?user_id={}&cursor={}.{}", own.user, named.job_accepted_at, named.job);
            queries([format!("?user_id={}", named.user), cursor])
        },
    },
    Row {
        operation: "getJobOfAccount",
        scope: Some(Scope::JobsRead),
        variants: |own, named| {
            let of = |job: &str, user: &str| json!({ "job_id": job, "user_id": user });
            bodies([of(&named.job, &named.user), of(&named.job, &own.user), of(&own.job, &named.user)])
        },
    },
    Row {
        operation: "getJob",
        scope: Some(Scope::JobsRead),
        variants: |_, _| queries([String::new(), "?result=url".to_owned()]),
    },
    Row {
        operation: "createUpload",
        scope: Some(Scope::JobsWrite),
        variants: |_, named| {
            let file = |is_multipart| {
                json!({
                    "user_id": named.user, "file_name": "a.jpg", "content_type": "image/jpeg", "bytes": 1000,
                    "multipart": is_multipart,
                })
            };
            bodies([file(false), file(true)])
        },
    },
    Row { operation: "getUpload", scope: Some(Scope::JobsRead), variants: plain },
    Row {
        operation: "listUploadParts",
        scope: Some(Scope::JobsWrite),
        variants: |_, _| queries([String::new(), "?from=1&limit=1".to_owned()]),
    },
    Row { operation: "completeUpload", scope: Some(Scope::JobsWrite), variants: plain },
    Row {
        operation: "invalidateCache",
        scope: Some(Scope::JobsWrite),
        variants: |_, named| {
            let of_method = json!({ "user_id": named.user, "method": "flickr.photos.*" });
            bodies([json!({ "user_id": named.user }), of_method])
        },
    },
    Row {
        operation: "listDeadJobs",
        scope: Some(Scope::Dlq),
        variants: |_, named| queries([String::new(), format!("?cursor={}", named.dead_job_cursor)]),
    },
    Row {
        operation: "replayDeadJobs",
        scope: Some(Scope::Dlq),
        variants: |own, named| {
            let dry = json!({ "job_ids": [named.job], "dry_run": true });
            let forced = json!({ "job_ids": [named.job, own.job], "force": true, "dry_run": true });
            bodies([dry, json!({ "job_ids": [named.job] }), forced])
        },
    },
    Row { operation: "discardDeadJob", scope: Some(Scope::Dlq), variants: plain },
    Row {
        operation: "getUsage",
        scope: Some(Scope::JobsRead),
        variants: |_, named| queries([format!("?user_id={}", named.user), format!("?cursor={}", named.app)]),
    },
    Row { operation: "getHealth", scope: None, variants: plain },
    Row { operation: "getReadiness", scope: Some(Scope::JobsRead), variants: plain },
    Row { operation: "getOpenApi", scope: None, variants: plain },
    Row { operation: "getDocs", scope: None, variants: plain },
    Row { operation: "getDocsFile", scope: None, variants: plain },
];
