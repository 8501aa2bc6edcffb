//! Injects faults: what a call is answered, whether it takes effect, and how its file is read.

use std::time::Duration;

use axum::http::header;
use jiff::Timestamp;

use crate::answer::Answer;
use crate::delivery::{Delivery, PlannedAnswer};
use crate::envelope::{ApiError, Format};
use crate::execute::execute;
use crate::faults::{Fault, Kind};
use crate::oauth::problem::Problem;
use crate::request::{ApiRequest, Endpoint, Pace, Then};
use crate::world::World;
use crate::{edge, rest, upload};

/// How long a fault that is about time takes if it is given no delay.
const DEFAULT_DELAY: Duration = Duration::from_secs(5);

/// Injects a fault into a call.
pub(crate) fn inject(world: &mut World, request: &ApiRequest, fault: Fault, now: Timestamp) -> PlannedAnswer {
    let effect = |world: &mut World, fault| execute(world, request, fault, now);
    let answer = match fault.kind {
        Kind::TooManyRequests => Answer::too_many_requests(),
        Kind::EdgeError(status) | Kind::EdgeErrorInBody(status) => edge::page(status),
        Kind::UnavailableJson => Format::Json.render(&Err(unavailable(201))),
        Kind::ApiError(code) => render_error(world, request, api_error(code)),
        Kind::ForeignCode => {
            effect(world, None);
            render_error(world, request, ApiError::new(33, "x"))
        }
        Kind::BadByte => effect(world, None).with_byte_in_text(0xff),
        Kind::ControlCharacter => effect(world, None).with_byte_in_text(0x0b),
        Kind::TimestampRefused => Problem::TimestampRefused.answer(&world.config),
        Kind::NonceUsed => Problem::NonceUsed.answer(&world.config),
        Kind::TokenRevoked => render_error(world, request, ApiError::new(98, "Invalid auth token")),
        Kind::KeyExpired => render_error(world, request, ApiError::new(100, "Invalid API Key (Key has expired)")),
        Kind::UploadError(code) => {
            let error = upload::injected_error(world, request, code, fault.retry_after_seconds, now);
            render_error(world, request, error)
        }
        Kind::AcceptThenEdgeError(status) => {
            effect(world, None);
            edge::page(status)
        }
        Kind::AcceptThenPage => {
            effect(world, None);
            Answer::html(200, "<html><body><h1>Flickr will be right back</h1></body></html>".to_owned())
        }
        Kind::AcceptThenNothing => {
            effect(world, None);
            Answer::html(200, String::new())
        }
        Kind::Late | Kind::ReadSlowly | Kind::Stall => effect(world, None),
        Kind::ForeignFormat
        | Kind::TicketPending
        | Kind::TicketFailed
        | Kind::TicketInvalid
        | Kind::TicketLost
        | Kind::TicketStuck
        | Kind::VideoFailed
        | Kind::VideoStuck => effect(world, Some(fault)),
        Kind::ResetBefore | Kind::ResetInBody => {
            return PlannedAnswer { answer: edge::page(502), delivery: Delivery::Disconnected(fault.delay) };
        }
        Kind::AcceptThenDrop => {
            return PlannedAnswer { answer: effect(world, None), delivery: Delivery::Disconnected(fault.delay) };
        }
        Kind::ActAfterError => {
            return PlannedAnswer { answer: edge::page(504), delivery: Delivery::BeforeEffect(fault.delay) };
        }
        Kind::Slow => {
            let delivery = Delivery::Trickled(or_default(fault.delay));
            return PlannedAnswer { answer: effect(world, None), delivery };
        }
    };
    let answer = match fault.retry_after_seconds.filter(|_| matches!(answer.status, 429 | 500..)) {
        Some(seconds) => answer.with_header(header::RETRY_AFTER, seconds.to_string()),
        None => answer,
    };
    let delay = match fault.kind {
        Kind::Late => or_default(fault.delay),
        // The delay was spent on reading.
        Kind::ReadSlowly | Kind::Stall => Duration::ZERO,
        _ => fault.delay,
    };
    PlannedAnswer { answer, delivery: Delivery::Delayed(delay) }
}

fn or_default(delay: Duration) -> Duration {
    if delay.is_zero() { DEFAULT_DELAY } else { delay }
}

/// How fast a file is read into which this fault strikes.
pub(crate) fn pace(fault: &Fault) -> Pace {
    let then = match fault.kind {
        Kind::ReadSlowly => return Pace::Over(or_default(fault.delay)),
        Kind::Stall => Then::Pause(or_default(fault.delay)),
        Kind::ResetInBody | Kind::EdgeErrorInBody(_) => Then::Stop,
        _ => return Pace::Full,
    };
    Pace::Until { after_bytes: fault.after_bytes, then }
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
