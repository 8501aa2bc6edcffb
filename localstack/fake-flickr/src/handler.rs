//! Handles a call: the hourly limit comes first, then a matching fault, then what Flickr itself would do.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::answer::Answer;
use crate::delivery::{Delivery, PlannedAnswer};
use crate::execute::execute;
use crate::faults::{CallAttributes, Fault, Kind};
use crate::inject::inject;
use crate::journal::{AnswerSummary, Entry};
use crate::params::Params;
use crate::request::{ApiRequest, BodyError, Endpoint};
use crate::world::World;
use crate::{edge, upload};

/// Returns the fault that strikes while the file of this call is read. `params` are those that came before the file.
pub(crate) fn fault_in_body(world: &mut World, endpoint: Endpoint, path: &str, params: &Params) -> Option<Fault> {
    let (key, account) = (key(params), account(world, params));
    let returns_ticket = upload::is_async(endpoint, params);
    let call = CallAttributes {
        endpoint,
        path,
        method: None,
        account: account.as_deref(),
        key: key.as_deref(),
        returns_ticket,
    };
    world.faults.take_matching_in_body(&call)
}

fn key(params: &Params) -> Option<String> {
    params.get("oauth_consumer_key").or_else(|| params.get("api_key")).map(str::to_owned)
}

fn account(world: &World, params: &Params) -> Option<String> {
    let access = params.get("oauth_token").and_then(|token| world.access_tokens.get(token));
    access.map(|access| access.user.clone())
}

/// Handles a call and records it in the journal. `struck` is the fault that struck while its file was read.
pub(crate) fn handle(world: &mut World, request: &ApiRequest, struck: Option<Fault>, now: Timestamp) -> PlannedAnswer {
    let (key, account) = (key(&request.params), account(world, &request.params));
    let (planned, fault) = match plan_without_effect(world, request, struck, key.as_deref(), now) {
        Some(planned) => (planned, struck),
        None => plan(world, request, struck, key.as_deref(), account.as_deref(), now),
    };
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
        head: request.head.clone(),
        answer,
        fault: fault.map(|fault| fault.name),
    });
    planned
}

/// Plans the answer of a call that does not reach Flickr.
fn plan_without_effect(
    world: &mut World,
    request: &ApiRequest,
    struck: Option<Fault>,
    key: Option<&str>,
    now: Timestamp,
) -> Option<PlannedAnswer> {
    if world.config.length_required && request.endpoint.is_transfer() && !request.has_length {
        return Some(edge::page(411).into());
    }
    match request.body_error {
        Some(BodyError::Cut) if struck.is_none_or(|fault| matches!(fault.kind, Kind::ReadSlowly | Kind::Stall)) => {
            // Nobody is left to read an answer.
            return Some(PlannedAnswer { answer: edge::page(400), delivery: Delivery::Disconnected(Duration::ZERO) });
        }
        Some(BodyError::Malformed(error)) => {
            let page = format!("<html><body><h1>400 Bad Request</h1>\n{error}\n</body></html>");
            return Some(Answer::html(400, page).into());
        }
        Some(BodyError::Cut) | None => {}
    }
    let key = key.filter(|key| world.apps.contains_key(*key))?;
    let limit = world.config.hourly_limit;
    (!world.limiter.admit(key, limit, now)).then(|| Answer::too_many_requests().into())
}

fn plan(
    world: &mut World,
    request: &ApiRequest,
    struck: Option<Fault>,
    key: Option<&str>,
    account: Option<&str>,
    now: Timestamp,
) -> (PlannedAnswer, Option<Fault>) {
    let call = CallAttributes {
        endpoint: request.endpoint,
        path: &request.path,
        method: request.method(),
        account,
        key,
        returns_ticket: upload::is_async(request.endpoint, &request.params),
    };
    match struck.or_else(|| world.faults.take_matching(&call)) {
        None => (execute(world, request, None, now).into(), None),
        Some(fault) => (inject(world, request, fault, now), Some(fault)),
    }
}
