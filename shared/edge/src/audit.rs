//! Which requests belong into the audit log, and what it says of them.
//!
//! Audited is what changes something, however it ends, and what is refused to whoever asks: 401 and 403. A line is
//! logged when the answer is there, and one more before the function's time is over, so that no change stays untold
//! because its function was stopped.
//!
//! A line holds ids, names of ours and numbers. Of the client's own text it has the user agent alone, cut short, and not
//! if an API key is in it. Which lines these are is told by their target; `functions/audit` copies them.

use std::{
    convert::Infallible,
    fmt::Write as _,
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use api::ErrorCode;
use axum::{
    extract::{MatchedPath, Request},
    response::{IntoResponseParts, Response, ResponseParts},
};
use domain::{KeyId, TenantId, api_key::ApiKey, is_id};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hub::tenants::Principal;

use crate::{
    context::{API_KEY_HEADER, RequestContext},
    problem::PendingProblem,
};

/// The routes whose requests only read, though their method is not `GET`.
const READS: [&str; 1] = ["/v1/flickr/jobs/status"];

/// The longest user agent, in characters.
const MAX_USER_AGENT: usize = 200;

/// How long before the function is stopped a change is told of that has no answer yet.
const RESERVE: Duration = Duration::from_millis(500);

/// What a request that is not answered in time came to.
const UNFINISHED: &str = "unfinished";

/// The ids of what a request changed, beside those in its path. It goes with the answer.
#[derive(Debug, Clone, Default)]
pub struct Touched(String);

impl Touched {
    /// These ids. What they are ids of is seen by how they begin.
    pub fn ids<T: AsRef<str>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self(listed(ids))
    }
}

impl IntoResponseParts for Touched {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        response.extensions_mut().insert(self);
        Ok(response)
    }
}

/// Whose API key was accepted. It goes with the answer.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    tenant: TenantId,
    key: Option<KeyId>,
}

impl Requester {
    pub(crate) fn of(principal: &Principal) -> Self {
        Self { tenant: principal.tenant().clone(), key: principal.key().cloned() }
    }
}

impl IntoResponseParts for Requester {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        response.extensions_mut().insert(self);
        Ok(response)
    }
}

/// A request, as far as the audit log tells of it.
pub(crate) struct Watched {
    request_id: String,
    source_ip: Option<IpAddr>,
    method: Method,
    route: Option<MatchedPath>,
    ids: String,
    user_agent: Option<HeaderValue>,
    api_key: Option<HeaderValue>,
    time_left: Option<Duration>,
}

impl Watched {
    pub(crate) fn of(request: &Request, context: &RequestContext) -> Self {
        let header = |name| HeaderMap::get(request.headers(), name).cloned();
        let method = request.method().clone();
        let route: Option<MatchedPath> = request.extensions().get().cloned();
        let changes = changes(&method, route.as_ref().map(MatchedPath::as_str));
        Self {
            request_id: context.request_id.clone(),
            source_ip: context.source_ip,
            ids: listed(request.uri().path().split('/').filter(|segment| is_id(segment))),
            user_agent: header(header::USER_AGENT.as_str()),
            api_key: header(API_KEY_HEADER),
            time_left: changes.then(|| time_left(request)).flatten(),
            method,
            route,
        }
    }

    /// After how long it is to be told of, whether or not it is answered; `None` if that does not matter.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        self.time_left
    }

    /// Logs that the request is not answered, and may still change something.
    pub(crate) fn log_unfinished(&self) {
        self.log("change", UNFINISHED, None, &Answered::default());
    }

    /// Logs the request with its answer, if it is to be audited.
    pub(crate) fn log_answered(&self, response: &Response) {
        let (status, extensions) = (response.status(), response.extensions());
        let event = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "access_refused",
            _ if changes(&self.method, self.route()) => "change",
            _ => return,
        };
        let outcome = match status.as_u16() {
            500.. => "failed",
            400.. => "refused",
            _ => "done",
        };
        let code = extensions.get().map(|problem: &PendingProblem| problem.code());
        let answered = Answered { code, requester: extensions.get(), touched: extensions.get() };
        self.log(event, outcome, Some(status), &answered);
    }

    fn log(&self, event: &str, outcome: &str, status: Option<StatusCode>, answered: &Answered<'_>) {
        let Answered { code, requester, touched } = answered;
        let mut ids = self.ids.clone();
        if let Some(Touched(more)) = touched {
            let _ = write!(ids, "{}{more}", if ids.is_empty() { "" } else { " " });
        }
        // Nobody has shown yet that it is that one's.
        let shown_key = if requester.is_none() { self.shown_key() } else { None };
        let user_agent = self.user_agent();
        tracing::info!(
            target: "audited",
            event,
            outcome,
            request_id = self.request_id,
            tenant_id = requester.map(|requester| requester.tenant.as_str()),
            key_id = requester.and_then(|requester| requester.key.as_ref()).map(KeyId::as_str),
            shown_key_id = shown_key.as_ref().map(KeyId::as_str),
            source_ip = self.source_ip.map(tracing::field::display),
            user_agent = user_agent.as_deref(),
            method = self.method.as_str(),
            route = self.route(),
            ids = ids.as_str(),
            status = status.map(|status| status.as_u16()),
            code = code.map(ErrorCode::as_str),
        );
    }

    fn route(&self) -> Option<&str> {
        self.route.as_ref().map(MatchedPath::as_str)
    }

    /// The id that the API key says it has.
    fn shown_key(&self) -> Option<KeyId> {
        let api_key: ApiKey = self.api_key.as_ref()?.to_str().ok()?.parse().ok()?;
        Some(api_key.id().clone())
    }

    fn user_agent(&self) -> Option<String> {
        let user_agent = String::from_utf8_lossy(self.user_agent.as_ref()?.as_bytes());
        let api_key = self.api_key.as_ref().and_then(|key| key.to_str().ok()).filter(|key| !key.is_empty());
        if api_key.is_some_and(|key| user_agent.contains(key)) || user_agent.contains("fh_") {
            return Some("(withheld)".to_owned());
        }
        Some(user_agent.chars().take(MAX_USER_AGENT).collect())
    }
}

/// What is known once a request is answered.
#[derive(Default)]
struct Answered<'a> {
    code: Option<ErrorCode>,
    requester: Option<&'a Requester>,
    touched: Option<&'a Touched>,
}

/// Whether a request may change something.
fn changes(method: &Method, route: Option<&str>) -> bool {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    !reads && route.is_some_and(|route| !READS.contains(&route))
}

fn listed<T: AsRef<str>>(ids: impl IntoIterator<Item = T>) -> String {
    ids.into_iter().fold(String::new(), |mut listed, id| {
        if !listed.is_empty() {
            listed.push(' ');
        }
        listed.push_str(id.as_ref());
        listed
    })
}

/// How long it takes until the function is nearly stopped; `None` off Lambda.
#[expect(clippy::disallowed_methods, reason = "Lambda says by this machine's clock when it stops the function")]
fn time_left(request: &Request) -> Option<Duration> {
    let context: &lambda_http::Context = request.extensions().get()?;
    if context.deadline == 0 {
        return None; // nobody stops it
    }
    let deadline = UNIX_EPOCH + Duration::from_millis(context.deadline);
    Some(deadline.duration_since(SystemTime::now()).unwrap_or_default().saturating_sub(RESERVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_is_told_by_method_and_route() {
        for (method, route, expected) in [
            (Method::POST, Some("/v1/flickr/rest"), true),
            (Method::DELETE, Some("/v1/accounts/{user_id}"), true),
            (Method::PUT, Some("/v1/of-tomorrow"), true),
            (Method::POST, Some("/v1/flickr/jobs/status"), false),
            (Method::GET, Some("/v1/usage"), false),
            (Method::HEAD, Some("/v1/usage"), false),
            (Method::OPTIONS, Some("/v1/flickr/rest"), false),
            (Method::POST, None, false),
        ] {
            assert_eq!(changes(&method, route), expected, "{method} {route:?}");
        }
    }
}
