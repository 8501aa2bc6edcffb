//! The HTTP routes: turns requests into calls of the rules, and planned answers into responses.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use futures_util::{StreamExt as _, stream};
use tokio::time::sleep;

use crate::answer::Answer;
use crate::delivery::{Delivery, PlannedAnswer};
use crate::execute::execute;
use crate::faults::Fault;
use crate::oauth::page;
use crate::params::{self, Params};
use crate::request::{self, ApiRequest, Endpoint, Pace};
use crate::state::ServerState;
use crate::{clock, control, handler, ids, inject};

/// The number of chunks of a slow body.
const TRICKLE_CHUNKS: u32 = 10;
/// The longest form that the consent page accepts.
const MAX_FORM_BYTES: usize = 64 << 10;

pub(crate) fn router() -> Router<ServerState> {
    let mut router = control::router().route("/", get(|| async { page::home().into_response() })).fallback(|| async {
        Answer::html(404, "<html><body><h1>404 Not Found</h1></body></html>".into()).into_response()
    });
    for (path, handler) in [
        ("/services/oauth/request_token", get_or_post(Endpoint::RequestToken)),
        ("/services/oauth/access_token", get_or_post(Endpoint::AccessToken)),
        ("/services/oauth/authorize", get(show_consent).post(decide_consent)),
        ("/services/rest", get_or_post(Endpoint::Rest)),
        ("/services/upload", post_only(Endpoint::Upload)),
        ("/services/replace", post_only(Endpoint::Replace)),
    ] {
        router = router.route(path, handler.clone()).route(&format!("{path}/"), handler);
    }
    // The rules limit the size of an upload.
    router.layer(DefaultBodyLimit::disable())
}

fn get_or_post(endpoint: Endpoint) -> MethodRouter<ServerState> {
    let handler = move |State(state): State<ServerState>, request: Request| handle(state, endpoint, request);
    get(handler).post(handler)
}

fn post_only(endpoint: Endpoint) -> MethodRouter<ServerState> {
    post(move |State(state): State<ServerState>, request: Request| handle(state, endpoint, request))
}

async fn handle(state: ServerState, endpoint: Endpoint, request: Request) -> Response {
    let (request, struck) = read(&state, endpoint, request).await;
    let PlannedAnswer { answer, delivery } = handler::handle(&mut state.world(), &request, struck, clock::now());
    let mut response = match delivery {
        Delivery::Delayed(delay) => {
            sleep(delay).await;
            answer.into_response()
        }
        Delivery::Trickled(over) => trickle(answer, over),
        Delivery::Disconnected(delay) => {
            sleep(delay).await;
            answer.into_response_with(broken_body())
        }
        Delivery::BeforeEffect(delay) => {
            execute_later(state, request, delay);
            answer.into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    if let Ok(trace) = HeaderValue::try_from(ids::trace()) {
        headers.insert(HeaderName::from_static("x-flickr-api-request"), trace);
    }
    response
}

/// Reads a request, with the fault that strikes while its file is read.
async fn read(state: &ServerState, endpoint: Endpoint, request: Request) -> (ApiRequest, Option<Fault>) {
    let struck = OnceLock::new();
    let path = request.uri().path().to_owned();
    let choose_pace = |params: &Params| {
        let fault = handler::fault_in_body(&mut state.world(), endpoint, &path, params);
        fault.map_or(Pace::Full, |fault| inject::pace(struck.get_or_init(|| fault)))
    };
    let request = request::read(endpoint, state.scheme, request, choose_pace).await;
    (request, struck.into_inner())
}

/// A body that fails before its first byte, which makes hyper close the connection without sending the head.
fn broken_body() -> Body {
    Body::from_stream(stream::once(async { Err::<Bytes, _>(io::Error::other("the connection is cut on purpose")) }))
}

fn trickle(mut answer: Answer, over: Duration) -> Response {
    let body = Bytes::from(std::mem::take(&mut answer.body));
    let size = body.len().div_ceil(TRICKLE_CHUNKS as usize).max(1);
    let chunks: Vec<_> = (0..body.len()).step_by(size).map(|at| body.slice(at..body.len().min(at + size))).collect();
    let stream = stream::iter(chunks).then(move |chunk| async move {
        sleep(over / TRICKLE_CHUNKS).await;
        Ok::<_, io::Error>(chunk)
    });
    answer.into_response_with(Body::from_stream(stream))
}

/// Executes the call after a delay, unless the world is reset in the meantime.
fn execute_later(state: ServerState, request: ApiRequest, delay: Duration) {
    let epoch = state.world().epoch;
    tokio::spawn(async move {
        sleep(delay).await;
        let mut world = state.world();
        if world.epoch == epoch {
            execute(&mut world, &request, None, clock::now());
        }
    });
}

async fn show_consent(State(state): State<ServerState>, uri: Uri) -> Response {
    let params = params::parse_form(uri.query().unwrap_or_default().as_bytes()).into_iter().collect();
    page::show(&state.world(), &params, clock::now()).into_response()
}

async fn decide_consent(State(state): State<ServerState>, request: Request) -> Response {
    let body = to_bytes(request.into_body(), MAX_FORM_BYTES).await.unwrap_or_default();
    let params: Params = params::parse_form(&body).into_iter().collect();
    page::decide(&mut state.world(), &params, clock::now()).into_response()
}
