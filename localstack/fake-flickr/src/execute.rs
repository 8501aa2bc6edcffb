//! Executes a call as Flickr itself would.

use jiff::Timestamp;

use crate::answer::Answer;
use crate::faults::Fault;
use crate::oauth::tokens;
use crate::request::{ApiRequest, Endpoint};
use crate::world::World;
use crate::{rest, upload};

/// Executes the call. `fault` changes only what becomes of a ticket or a video, and the format of the answer; the other
/// faults are injected around the execution.
pub(crate) fn execute(world: &mut World, request: &ApiRequest, fault: Option<Fault>, now: Timestamp) -> Answer {
    match request.endpoint {
        Endpoint::RequestToken => tokens::request_token(world, request, now),
        Endpoint::AccessToken => tokens::access_token(world, request, now),
        Endpoint::Rest => rest::answer(world, request, fault, now),
        Endpoint::Upload | Endpoint::Replace => upload::answer(world, request, fault, now),
    }
}
