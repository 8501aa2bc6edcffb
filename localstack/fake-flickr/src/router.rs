//! From HTTP to the rules and back.

use std::io;
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
use crate::incoming::{self, Endpoint, Incoming};
use crate::oauth::page;
use crate::params::{self, Params};
use crate::play::{self, Delivery, Plan};
use crate::{Fake, clock, control, ids};

/// Pieces a slow body comes in.
const PIECES: u32 = 10;
/// A page's form is no longer than this.
const MAX_FORM_BYTES: usize = 64 << 10;

pub(crate) fn router() -> Router<Fake> {
    let mut router = control::router().route("/", get(|| async { page::home().into_response() })).fallback(|| async {
        Answer::html(404, "<html><body><h1>404 Not Found</h1></body></html>".into()).into_response()
    });
    for (path, handler) in [
        ("/services/oauth/request_token", called(Endpoint::RequestToken)),
        ("/services/oauth/access_token", called(Endpoint::AccessToken)),
        ("/services/oauth/authorize", get(show_page).post(decide_page)),
        ("/services/rest", called(Endpoint::Rest)),
        ("/services/upload", sent(Endpoint::Upload)),
        ("/services/replace", sent(Endpoint::Replace)),
    ] {
        router = router.route(path, handler.clone()).route(&format!("{path}/"), handler);
    }
    // The longest upload is for the rules to judge.
    router.layer(DefaultBodyLimit::disable())
}

fn called(endpoint: Endpoint) -> MethodRouter<Fake> {
    let handler = move |State(fake): State<Fake>, request: Request| handle(fake, endpoint, request);
    get(handler).post(handler)
}

fn sent(endpoint: Endpoint) -> MethodRouter<Fake> {
    post(move |State(fake): State<Fake>, request: Request| handle(fake, endpoint, request))
}

async fn handle(fake: Fake, endpoint: Endpoint, request: Request) -> Response {
    let incoming = incoming::read(endpoint, fake.scheme, request).await;
    let Plan { answer, delivery } = play::play(&mut fake.world(), &incoming, clock::now());
    let mut response = match delivery {
        Delivery::After(delay) => {
            sleep(delay).await;
            answer.into_response()
        }
        Delivery::Trickle(over) => trickle(answer, over),
        Delivery::Cut(delay) => {
            sleep(delay).await;
            answer.into_response_with(broken_body())
        }
        Delivery::ThenAct(delay) => {
            act_later(fake, incoming, delay);
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

/// A body that fails before its first byte: hyper then closes the connection without having sent the head.
fn broken_body() -> Body {
    Body::from_stream(stream::once(async { Err::<Bytes, _>(io::Error::other("the connection is cut on purpose")) }))
}

fn trickle(mut answer: Answer, over: Duration) -> Response {
    let body = Bytes::from(std::mem::take(&mut answer.body));
    let size = body.len().div_ceil(PIECES as usize).max(1);
    let pieces: Vec<_> = (0..body.len()).step_by(size).map(|at| body.slice(at..body.len().min(at + size))).collect();
    let stream = stream::iter(pieces).then(move |piece| async move {
        sleep(over / PIECES).await;
        Ok::<_, io::Error>(piece)
    });
    answer.into_response_with(Body::from_stream(stream))
}

/// Does what the call asked after its error was answered, unless the world was reset meanwhile.
fn act_later(fake: Fake, incoming: Incoming, delay: Duration) {
    let epoch = fake.world().epoch;
    tokio::spawn(async move {
        sleep(delay).await;
        let mut world = fake.world();
        if world.epoch == epoch {
            play::act(&mut world, &incoming, None, clock::now());
        }
    });
}

async fn show_page(State(fake): State<Fake>, uri: Uri) -> Response {
    let params = params::parse_form(uri.query().unwrap_or_default().as_bytes()).into_iter().collect();
    page::show(&fake.world(), &params, clock::now()).into_response()
}

async fn decide_page(State(fake): State<Fake>, request: Request) -> Response {
    let body = to_bytes(request.into_body(), MAX_FORM_BYTES).await.unwrap_or_default();
    let params: Params = params::parse_form(&body).into_iter().collect();
    page::decide(&mut fake.world(), &params, clock::now()).into_response()
}
