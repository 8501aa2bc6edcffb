//! One call from arrival to answer: the limit, then a fault if one is due, then what Flickr does.

use std::time::Duration;

use axum::http::header;
use jiff::Timestamp;

use sha2::{Digest, Sha256};

use crate::answer::Answer;
use crate::envelope::{Fail, Format};
use crate::faults::{Fault, Kind, Subject};
use crate::incoming::{Endpoint, Incoming};
use crate::journal::{Call, Outcome};
use crate::oauth::problem::Problem;
use crate::oauth::tokens;
use crate::world::World;
use crate::{rest, upload};

/// How long a fault that delays by its nature takes, if the order does not say.
const DEFAULT_SLOWNESS: Duration = Duration::from_secs(5);

/// What the server is to send, and how.
#[derive(Debug)]
pub(crate) struct Plan {
    pub answer: Answer,
    pub delivery: Delivery,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The answer, after a delay.
    After(Duration),
    /// The head at once, then the body over this time.
    Trickle(Duration),
    /// No answer: the connection is cut, after a delay.
    Cut(Duration),
    /// The answer at once, and after a delay what was asked is done all the same.
    ThenAct(Duration),
}

impl From<Answer> for Plan {
    fn from(answer: Answer) -> Self {
        Self { answer, delivery: Delivery::After(Duration::ZERO) }
    }
}

/// Plays a call and writes it in the journal.
pub(crate) fn play(world: &mut World, incoming: &Incoming, now: Timestamp) -> Plan {
    let params = &incoming.params;
    let key = params.get("oauth_consumer_key").or_else(|| params.get("api_key")).map(str::to_owned);
    let account = params.get("oauth_token").and_then(|token| world.access_tokens.get(token));
    let account = account.map(|access| access.user.clone());
    let (plan, fault) = decide(world, incoming, key.as_deref(), account.as_deref(), now);
    let outcome = match plan.delivery {
        Delivery::Cut(_) => Outcome::default(),
        Delivery::After(_) | Delivery::Trickle(_) | Delivery::ThenAct(_) => Outcome {
            status: Some(plan.answer.status),
            stat: plan.answer.stat,
            code: plan.answer.code,
            problem: plan.answer.problem,
            sha256: Some(hex::encode(Sha256::digest(&plan.answer.body))),
        },
    };
    world.journal.record(Call {
        seq: 0,
        when: now,
        path: incoming.path.clone(),
        verb: incoming.verb.clone(),
        method: incoming.method().map(str::to_owned),
        key,
        account,
        bytes_received: incoming.bytes_received,
        answer: outcome,
        fault: fault.map(|fault| fault.name),
    });
    plan
}

fn decide(
    world: &mut World,
    incoming: &Incoming,
    key: Option<&str>,
    account: Option<&str>,
    now: Timestamp,
) -> (Plan, Option<Fault>) {
    if let Some(defect) = incoming.defect {
        let page = format!("<html><body><h1>400 Bad Request</h1>\n{defect}\n</body></html>");
        return (Answer::html(400, page).into(), None);
    }
    let limit = world.config.hourly_limit;
    if let Some(key) = key.filter(|key| world.apps.contains_key(*key))
        && !world.limiter.admit(key, limit, now)
    {
        return (Answer::too_many_requests().into(), None);
    }
    let subject = Subject {
        endpoint: incoming.endpoint,
        path: &incoming.path,
        method: incoming.method(),
        account,
        key,
        makes_ticket: upload::is_async(incoming),
    };
    match world.faults.take(&subject) {
        None => (act(world, incoming, None, now).into(), None),
        Some(fault) => (play_fault(world, incoming, fault, now), Some(fault)),
    }
}

/// Does what the call asks. `fault` bends how a ticket fares; all other faults are played before or after.
pub(crate) fn act(world: &mut World, incoming: &Incoming, fault: Option<Kind>, now: Timestamp) -> Answer {
    match incoming.endpoint {
        Endpoint::RequestToken => tokens::request_token(world, incoming, now),
        Endpoint::AccessToken => tokens::access_token(world, incoming, now),
        Endpoint::Rest => rest::answer(world, incoming, fault, now),
        Endpoint::Upload | Endpoint::Replace => upload::answer(world, incoming, fault, now),
    }
}

fn play_fault(world: &mut World, incoming: &Incoming, fault: Fault, now: Timestamp) -> Plan {
    let answer = match fault.kind {
        Kind::TooManyRequests => Answer::too_many_requests(),
        Kind::ServerError(status) => server_error(status),
        Kind::UnavailableJson => Format::Json.render(&Err(unavailable(201))),
        Kind::ApiError(code) => failure(world, incoming, api_error(code)),
        Kind::TimestampRefused => Problem::TimestampRefused.answer(&world.config),
        Kind::NonceUsed => Problem::NonceUsed.answer(&world.config),
        Kind::TokenRevoked => failure(world, incoming, Fail::new(98, "Invalid auth token")),
        Kind::KeyExpired => failure(world, incoming, Fail::new(100, "Invalid API Key (Key has expired)")),
        Kind::UploadError(code) => {
            let fail = upload::failure(world, incoming, code, fault.retry_after_seconds);
            failure(world, incoming, fail)
        }
        Kind::ResetBefore => {
            return Plan { answer: server_error(502), delivery: Delivery::Cut(fault.delay) };
        }
        Kind::AcceptThenDrop => {
            return Plan { answer: act(world, incoming, None, now), delivery: Delivery::Cut(fault.delay) };
        }
        Kind::ActAfterError => return Plan { answer: server_error(504), delivery: Delivery::ThenAct(fault.delay) },
        Kind::Slow => {
            let over = if fault.delay.is_zero() { DEFAULT_SLOWNESS } else { fault.delay };
            return Plan { answer: act(world, incoming, None, now), delivery: Delivery::Trickle(over) };
        }
        Kind::TicketPending | Kind::TicketFailed | Kind::TicketInvalid => act(world, incoming, Some(fault.kind), now),
    };
    let answer = match fault.retry_after_seconds.filter(|_| matches!(answer.status, 429 | 500..)) {
        Some(seconds) => answer.with_header(header::RETRY_AFTER, seconds.to_string()),
        None => answer,
    };
    Plan { answer, delivery: Delivery::After(fault.delay) }
}

/// A failure in the form this endpoint gives it.
fn failure(world: &World, incoming: &Incoming, fail: Fail) -> Answer {
    match incoming.endpoint {
        Endpoint::Rest => rest::format(&incoming.params).unwrap_or(Format::Xml).render(&Err(fail)),
        Endpoint::Upload | Endpoint::Replace => Format::Xml.render(&Err(fail)),
        Endpoint::RequestToken | Endpoint::AccessToken if fail.code == 98 => {
            Problem::TokenRejected.answer(&world.config)
        }
        Endpoint::RequestToken | Endpoint::AccessToken => Problem::ConsumerKeyUnknown.answer(&world.config),
    }
}

fn api_error(code: i64) -> Fail {
    match code {
        105 => Fail::new(105, "Service currently unavailable"),
        106 => Fail::new(106, "Write operation failed"),
        other => unavailable(other),
    }
}

fn unavailable(code: i64) -> Fail {
    Fail::new(code, "Sorry, the Flickr API service is not currently available.")
}

/// The page CloudFront gives when Flickr behind it does not answer.
fn server_error(status: u16) -> Answer {
    let reason = match status {
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
