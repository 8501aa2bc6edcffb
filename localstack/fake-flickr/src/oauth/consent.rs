//! A user's consent: the consent page or the control API approves a request token once, which gives it a verifier.

use jiff::{SignedDuration, Timestamp};

use crate::ids;
use crate::perms::Perms;
use crate::world::World;
use crate::world::request_token::{Callback, Grant, RequestToken};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Approval {
    pub verifier: String,
    /// Where the browser is sent next; absent for an out-of-band login.
    pub redirect_to: Option<String>,
}

/// Why a request token cannot be approved, and the consent page not be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The token is unknown, expired, or already approved.
    InvalidToken,
    /// The token's app is disabled.
    DisabledApp,
}

/// The request token, if it awaits the user's decision.
pub(crate) fn pending<'a>(world: &'a World, token: &str, now: Timestamp) -> Result<&'a RequestToken, Error> {
    let request_token = find(world, token, now).filter(|found| found.grant.is_none()).ok_or(Error::InvalidToken)?;
    let usable = world.apps.get(&request_token.key).is_some_and(|app| !app.disabled);
    if usable { Ok(request_token) } else { Err(Error::DisabledApp) }
}

/// The request token, unless it has expired.
pub(crate) fn find<'a>(world: &'a World, token: &str, now: Timestamp) -> Option<&'a RequestToken> {
    let life = SignedDuration::from_secs(world.config.request_token_life_seconds.into());
    world.request_tokens.get(token).filter(|found| now.duration_since(found.issued) < life)
}

/// Approves a request token for `user`, who must exist.
pub(crate) fn approve(
    world: &mut World,
    token: &str,
    user: String,
    perms: Perms,
    now: Timestamp,
) -> Result<Approval, Error> {
    let callback = pending(world, token, now)?.callback.clone();
    let approval = match callback {
        Callback::OutOfBand => Approval { verifier: ids::oob_verifier(), redirect_to: None },
        Callback::Url(mut url) => {
            let verifier = ids::secret();
            url.query_pairs_mut().append_pair("oauth_token", token).append_pair("oauth_verifier", &verifier);
            Approval { verifier, redirect_to: Some(url.into()) }
        }
    };
    if let Some(request_token) = world.request_tokens.get_mut(token) {
        request_token.grant = Some(Grant { user, perms, verifier: approval.verifier.clone() });
    }
    Ok(approval)
}
