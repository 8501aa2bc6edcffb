//! Handles a call: the hourly limit comes first, then a matching fault, then what Flickr itself would do.

use std::time::Duration;

use axum::http::header;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::answer::Answer;
use crate::envelope::{ApiError, Format};
use crate::faults::{CallAttributes, Fault, Kind};
use crate::journal::{AnswerSummary, Entry};
use crate::oauth::problem::Problem;
use crate::oauth::tokens;
use crate::request::{ApiRequest, Endpoint};
use crate::world::World;
use crate::{rest, upload};

/// How long the fault `slow` takes if it is given no delay.
const DEFAULT_TRICKLE: Duration = Duration::from_secs(5);

/// An answer, and how the server delivers it.
#[derive(Debug)]
pub(crate) struct PlannedAnswer {
    pub answer: Answer,
    pub delivery: Delivery,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The answer is sent after a delay.
    Delayed(Duration),
    /// The head is sent at once, and the body over this time.
    Trickled(Duration),
    /// The connection is closed after a delay, without an answer.
    Disconnected(Duration),
    /// The answer is sent at once, and the call takes effect after a delay.
    BeforeEffect(Duration),
}

impl From<Answer> for PlannedAnswer {
    fn from(answer: Answer) -> Self {
        Self { answer, delivery: Delivery::Delayed(Duration::ZERO) }
    }
}

/// Handles a call and records it in the journal.
pub(crate) fn handle(world: &mut World, request: &ApiRequest, now: Timestamp) -> PlannedAnswer {
    let params = &request.params;
    let key = params.get("oauth_consumer_key").or_else(|| params.get("api_key")).map(str::to_owned);
    let account = params.get("oauth_token").and_then(|token| world.access_tokens.get(token));
    let account = account.map(|access| access.user.clone());
    let (planned, fault) = plan(world, request, key.as_deref(), account.as_deref(), now);
    let answer = match planned.delivery {
        Delivery::Disconnected(_) => AnswerSummary::default(),
        Delivery::Delayed(_) | Delivery::Trickled(_) | Delivery::BeforeEffect(_) => AnswerSummary {
            status: Some(planned.answer.status),
            stat: planned.answer.stat,
            code: planned.answer.code,
            problem: planned.answer.problem,
            sha256: Some(hex::encode(Sha256::digest(&planned.answer.body))),
        },
    };
    world.journal.record(Entry {
        seq: 0,
        when: now,
        path: request.path.clone(),
        verb: request.verb.clone(),
        method: request.method().map(str::to_owned),
        key,
        account,
        bytes_received: request.bytes_received,
        answer,
        fault: fault.map(|fault| fault.name),
    });
    planned
}

fn plan(
    world: &mut World,
    request: &ApiRequest,
    key: Option<&str>,
    account: Option<&str>,
    now: Timestamp,
) -> (PlannedAnswer, Option<Fault>) {
    if let Some(error) = request.body_error {
        let page = format!("<html><body><h1>400 Bad Request</h1>\n{error}\n</body></html>");
        return (Answer::html(400, page).into(), None);
    }
    let limit = world.config.hourly_limit;
    if let Some(key) = key.filter(|key| world.apps.contains_key(*key))
        && !world.limiter.admit(key, limit, now)
    {
        return (Answer::too_many_requests().into(), None);
    }
    let call = CallAttributes {
        endpoint: request.endpoint,
        path: &request.path,
        method: request.method(),
        account,
        key,
        returns_ticket: upload::is_async(request),
    };
    match world.faults.take_matching(&call) {
        None => (execute(world, request, None, now).into(), None),
        Some(fault) => (inject(world, request, fault, now), Some(fault)),
    }
}

/// Executes the call. `fault` changes only what becomes of a ticket, and the format of the answer; `inject` handles the
/// other faults.
pub(crate) fn execute(world: &mut World, request: &ApiRequest, fault: Option<Kind>, now: Timestamp) -> Answer {
    match request.endpoint {
        Endpoint::RequestToken => tokens::request_token(world, request, now),
        Endpoint::AccessToken => tokens::access_token(world, request, now),
        Endpoint::Rest => rest::answer(world, request, fault, now),
        Endpoint::Upload | Endpoint::Replace => upload::answer(world, request, fault, now),
    }
}

fn inject(world: &mut World, request: &ApiRequest, fault: Fault, now: Timestamp) -> PlannedAnswer {
    let answer = match fault.kind {
        Kind::TooManyRequests => Answer::too_many_requests(),
        Kind::EdgeError(status) => edge_error(status),
        Kind::UnavailableJson => Format::Json.render(&Err(unavailable(201))),
        Kind::ApiError(code) => render_error(world, request, api_error(code)),
        Kind::ForeignCode => {
            execute(world, request, None, now);
            render_error(world, request, ApiError::new(33, "x"))
        }
        Kind::ForeignFormat => execute(world, request, Some(fault.kind), now),
        Kind::BadByte => execute(world, request, None, now).with_byte_in_text(0xff),
        Kind::ControlCharacter => execute(world, request, None, now).with_byte_in_text(0x0b),
        Kind::TimestampRefused => Problem::TimestampRefused.answer(&world.config),
        Kind::NonceUsed => Problem::NonceUsed.answer(&world.config),
        Kind::TokenRevoked => render_error(world, request, ApiError::new(98, "Invalid auth token")),
        Kind::KeyExpired => render_error(world, request, ApiError::new(100, "Invalid API Key (Key has expired)")),
        Kind::UploadError(code) => {
            let error = upload::injected_error(world, request, code, fault.retry_after_seconds);
            render_error(world, request, error)
        }
        Kind::ResetBefore => {
            return PlannedAnswer { answer: edge_error(502), delivery: Delivery::Disconnected(fault.delay) };
        }
        Kind::AcceptThenDrop => {
            return PlannedAnswer {
                answer: execute(world, request, None, now),
                delivery: Delivery::Disconnected(fault.delay),
            };
        }
        Kind::ActAfterError => {
            return PlannedAnswer { answer: edge_error(504), delivery: Delivery::BeforeEffect(fault.delay) };
        }
        Kind::Slow => {
            let over = if fault.delay.is_zero() { DEFAULT_TRICKLE } else { fault.delay };
            return PlannedAnswer { answer: execute(world, request, None, now), delivery: Delivery::Trickled(over) };
        }
        Kind::TicketPending | Kind::TicketFailed | Kind::TicketInvalid => {
            execute(world, request, Some(fault.kind), now)
        }
    };
    let answer = match fault.retry_after_seconds.filter(|_| matches!(answer.status, 429 | 500..)) {
        Some(seconds) => answer.with_header(header::RETRY_AFTER, seconds.to_string()),
        None => answer,
    };
    PlannedAnswer { answer, delivery: Delivery::Delayed(fault.delay) }
}

/// Renders an error in the form of the request's endpoint.
fn render_error(world: &World, request: &ApiRequest, error: ApiError) -> Answer {
    match request.endpoint {
        Endpoint::Rest => rest::format(&request.params).unwrap_or(Format::Xml).render(&Err(error)),
        Endpoint::Upload | Endpoint::Replace => Format::Xml.render(&Err(error)),
        Endpoint::RequestToken | Endpoint::AccessToken if error.code == 98 => {
            Problem::TokenRejected.answer(&world.config)
        }
        Endpoint::RequestToken | Endpoint::AccessToken => Problem::ConsumerKeyUnknown.answer(&world.config),
    }
}

fn api_error(code: i64) -> ApiError {
    match code {
        105 => ApiError::new(105, "Service currently unavailable"),
        106 => ApiError::new(106, "Write operation failed"),
        other => unavailable(other),
    }
}

fn unavailable(code: i64) -> ApiError {
    ApiError::new(code, "Sorry, the Flickr API service is not currently available.")
}

/// The page of CloudFront when it refuses a request, or when Flickr behind it does not answer.
fn edge_error(status: u16) -> Answer {
    let reason = match status {
        400 => "Bad request.",
        403 => "Request blocked.",
        404 => "Not found.",
        411 => "The request has no Content-Length.",
        413 => "The request is too large.",
        500 => "Internal Server Error",
        502 => "CloudFront wasn't able to connect to the origin.",
        503 => "The origin is over capacity.",
        _ => {
            "CloudFront attempted to establish a connection with the origin, but either the attempt failed or the \
              origin closed the connection."
        }
    };
    let page = format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\" \"http://www.w3.org/TR/html4/loose.dtd\">\n\
         <HTML><HEAD><META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=iso-8859-1\">\n\
         <TITLE>ERROR: The request could not be satisfied</TITLE>\n</HEAD><BODY>\n<H1>{status} ERROR</H1>\n\
         <H2>The request could not be satisfied.</H2>\n<HR noshade size=\"1px\">\n{reason}\n<BR clear=\"all\">\n\
         <HR noshade size=\"1px\">\n<PRE>\nGenerated by cloudfront (CloudFront)\n</PRE>\n<ADDRESS>\n</ADDRESS>\n\
         </BODY></HTML>"
    );
    Answer::html(status, page)
}
