//! The stack under test: FlickrHub's API, and the fake Flickr's control API.

use std::time::Duration;

use api::{
    AccountView, AppUsageView, CompleteLoginRequest, JobView, Permission, Problem, StartLoginAnswer, SubmitJobRequest,
    Success, UsageAnswer,
};
use domain::timing::Timing;
use reqwest::{Client, ClientBuilder, Method, StatusCode, Url};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How long a condition is waited for: longer than anything that is to happen takes. The longest is a file whose worker
/// died: its lease runs out, and the sweep sends its message anew.
const PATIENCE: Duration =
    Duration::from_secs(Timing::FILE.lease.as_secs() + Timing::FILE.orphaned_after.as_secs() + 150);

/// The tests share the stack's workers, and some kill them.
static STACK: RwLock<()> = RwLock::const_new(());

/// Keeps the workers alive while the guard is held. Every test that submits jobs begins with it, or
/// else its jobs may need more attempts and calls than it counts on. Taken once in a test: taken again
/// while an [`exclusive_stack`] waits for the first to end, it waits for ever.
pub async fn shared_stack() -> RwLockReadGuard<'static, ()> {
    STACK.read().await
}

/// Leaves the workers to its holder, who may kill them: no other test has jobs meanwhile.
pub async fn exclusive_stack() -> RwLockWriteGuard<'static, ()> {
    STACK.write().await
}

/// What the launcher says of the stack.
pub fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make test`, or source .local/env"))
}

/// An answer of FlickrHub.
#[derive(Debug)]
pub struct Answer {
    /// What was asked.
    pub url: Url,
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    /// The `data` of a success, which is of this type and has nothing that the type does not know.
    pub fn data<T: DeserializeOwned + Serialize>(&self) -> T {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self.exactly::<Success<T>>().data
    }

    /// The code of a problem document.
    pub fn problem(&self) -> &'static str {
        let problem: Problem = self.exactly();
        assert_eq!(problem.status, self.status.as_u16(), "{}", self.text);
        let media_type = self.headers["content-type"].to_str().unwrap();
        assert!(media_type.starts_with("application/problem+json"), "{media_type}");
        problem.error.code.as_str()
    }

    fn exactly<T: DeserializeOwned + Serialize>(&self) -> T {
        let read: T =
            serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text));
        assert_eq!(json!(read), self.json(), "the answer has more than its type");
        read
    }
}

/// An HTTP client; everything the tests call is on this machine.
pub fn client() -> ClientBuilder {
    // Refused the second time: then it is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
}

/// A caller of FlickrHub, with an API key of its own or none.
#[derive(Clone)]
pub struct Hub {
    http: Client,
    url: String,
    api_key: Option<String>,
}

impl Hub {
    /// The first tenant.
    pub fn first() -> Self {
        Self::with_key(Some(env("FLICKRHUB_API_KEY")))
    }

    /// The API key that it calls with.
    pub fn api_key(&self) -> &str {
        self.api_key.as_deref().unwrap()
    }

    /// A caller with this API key.
    pub fn with_key(api_key: Option<String>) -> Self {
        let http = client().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { http, url: env("FLICKRHUB_URL"), api_key }
    }

    /// Sends a request; its answer must be as the OpenAPI document says.
    pub async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.url));
        if let Some(key) = &self.api_key {
            request = request.header("x-api-key", key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let (url, status, headers) = (response.url().clone(), response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        testkit::openapi::check(&method, path, status, &headers, &text);
        Answer { url, status, headers, text }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, &[], Some(body)).await
    }

    /// Begins a login for the fake Flickr's first app.
    pub async fn start(&self, more: &Value) -> Answer {
        let mut body = json!({
            "api_key": env("FLICKR_API_KEY"),
            "api_secret": env("FLICKR_API_SECRET"),
            "perms": "write",
        });
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.post("/v1/auth/start", &body).await
    }

    /// Connects an account of a new user of the fake Flickr's first app.
    pub async fn connect(&self) -> AccountView {
        self.connect_by(&json!({})).await
    }

    /// Connects an account of a new user of this app.
    pub async fn connect_with(&self, app: &Value) -> AccountView {
        self.connect_by(&json!({ "api_key": app["key"], "api_secret": app["secret"] })).await
    }

    async fn connect_by(&self, more: &Value) -> AccountView {
        let started: StartLoginAnswer = self.start(more).await.data();
        let consent = Flickr::new().approve(&started, Permission::Write).await;
        self.complete(&completion(&started, &consent, None)).await.data()
    }

    /// How the budget of the tenant's app stands.
    pub async fn usage_of(&self, app_id: &str) -> AppUsageView {
        let mut path = "/v1/usage".to_owned();
        loop {
            let usage: UsageAnswer = self.get(&path).await.data();
            if let Some(found) = usage.apps.into_iter().find(|listed| listed.app_id == app_id) {
                return found;
            }
            path = format!("/v1/usage?cursor={}", usage.next_cursor.unwrap());
        }
    }

    /// Completes a login.
    pub async fn complete(&self, request: &CompleteLoginRequest) -> Answer {
        self.post("/v1/auth/complete", &json!(request)).await
    }

    /// Posts a job, which must be accepted, and gives its id.
    pub async fn submit(&self, user_id: &str, method: &str, params: &Value) -> String {
        self.accept(&request(user_id, method, params)).await.job_id
    }

    /// Posts a job, which must be accepted.
    pub async fn accept(&self, request: &SubmitJobRequest) -> JobView {
        let answer = self.post("/v1/flickr/rest", &json!(request)).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        answer.data()
    }

    /// The job as it stands.
    pub async fn job(&self, job_id: &str) -> JobView {
        self.get(&format!("/v1/flickr/jobs/{job_id}")).await.data()
    }

    /// The job, once it has ended.
    pub async fn ended(&self, job_id: &str) -> JobView {
        until(&format!("job {job_id} to end"), async || {
            let job = self.job(job_id).await;
            job.finished_at.is_some().then_some(job)
        })
        .await
    }
}

/// A request of a call of `method` with `params`, a JSON object, in the name of the account.
pub fn request(user_id: &str, method: &str, params: &Value) -> SubmitJobRequest {
    SubmitJobRequest {
        method: Some(method.to_owned()),
        upload_id: None,
        source_url: None,
        params: serde_json::value::to_raw_value(params).unwrap(),
        user_id: user_id.to_owned(),
        target: None,
        priority: None,
        cache: None,
        meta: None,
        run_at: None,
        delay_seconds: None,
    }
}

/// What completes the login that `started`, with what Flickr's `consent` gave.
pub fn completion(started: &StartLoginAnswer, consent: &Value, state: Option<&str>) -> CompleteLoginRequest {
    CompleteLoginRequest {
        oauth_token: started.oauth_token.clone(),
        oauth_verifier: consent["oauth_verifier"].as_str().unwrap().to_owned(),
        state: state.map(str::to_owned),
    }
}

/// Flickr's answer, which the job must have.
pub fn result(job: &JobView) -> Value {
    let text = job.result.as_ref().unwrap_or_else(|| panic!("no result: {job:?}"));
    serde_json::from_str(text.get()).unwrap()
}

/// The fake Flickr's control API.
pub struct Flickr {
    http: Client,
    url: String,
}

impl Flickr {
    pub fn new() -> Self {
        Self { http: client().no_proxy().build().unwrap(), url: env("FLICKR_URL") }
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Value {
        let response = self.http.request(method, format!("{}{path}", self.url)).json(body).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn control(&self, path: &str, body: &Value) -> Value {
        self.send(Method::POST, path, body).await
    }

    pub async fn control_get(&self, path: &str) -> Value {
        self.send(Method::GET, path, &Value::Null).await
    }

    /// Consents, as a new user, to the login that `started`.
    pub async fn approve(&self, started: &StartLoginAnswer, perms: Permission) -> Value {
        let user = self.control("/_fake/users", &json!({})).await;
        self.approve_as(&user, started, perms).await
    }

    /// Consents, as this user, to the login that `started`.
    pub async fn approve_as(&self, user: &Value, started: &StartLoginAnswer, perms: Permission) -> Value {
        let body = json!({ "oauth_token": started.oauth_token, "perms": perms, "user": user["nsid"] });
        self.control("/_fake/approve", &body).await
    }

    /// The calls Flickr got of this account and method.
    pub async fn calls(&self, nsid: &str, method: &str) -> Vec<Value> {
        let all = self.send(Method::GET, "/_fake/calls", &Value::Null).await;
        let calls = all["calls"].as_array().unwrap().iter();
        calls.filter(|call| call["account"] == nsid && call["method"] == method).cloned().collect()
    }

    /// Makes calls of this account fail.
    pub async fn fault(&self, nsid: &str, fault: &str, more: &Value) {
        let mut body = json!({ "fault": fault, "match": { "account": nsid }, "times": 1 });
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.control("/_fake/faults", &body).await;
    }
}

/// What `look` finds, once it finds something.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let search = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
