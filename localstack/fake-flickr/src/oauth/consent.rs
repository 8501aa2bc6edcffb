//! A user's consent: a request token is approved once, by the page or by the control API, and gets its verifier.

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::ids;
use crate::perms::Perms;
use crate::world::World;

/// Where the verifier goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Callback {
    /// Shown to the user, who types it.
    OutOfBand,
    Url(Url),
}

impl Callback {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "oob" { Some(Self::OutOfBand) } else { Url::parse(text).ok().map(Self::Url) }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct RequestToken {
    pub secret: String,
    pub key: String,
    pub callback: Callback,
    pub issued: Timestamp,
    pub grant: Option<Grant>,
}

/// What the user granted.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub user: String,
    pub perms: Perms,
    pub verifier: String,
}

/// What follows from an approval.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Approval {
    pub verifier: String,
    /// Where the browser is sent; nowhere out of band.
    pub redirect_to: Option<String>,
}

/// Why a request token can be neither shown nor approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Unknown, expired, or approved before.
    Token,
    /// Its app was turned off.
    Key,
}

/// The request token, if a user can be asked about it.
pub(crate) fn pending<'a>(world: &'a World, token: &str, now: Timestamp) -> Result<&'a RequestToken, Refused> {
    let request = find(world, token, now).filter(|request| request.grant.is_none()).ok_or(Refused::Token)?;
    let usable = world.apps.get(&request.key).is_some_and(|app| !app.disabled);
    if usable { Ok(request) } else { Err(Refused::Key) }
}

/// The request token, if it is not too old.
pub(crate) fn find<'a>(world: &'a World, token: &str, now: Timestamp) -> Option<&'a RequestToken> {
    let life = SignedDuration::from_secs(world.config.request_token_life_seconds.into());
    world.request_tokens.get(token).filter(|request| now.duration_since(request.issued) < life)
}

/// Approves a request token for `user`, who exists.
pub(crate) fn approve(
    world: &mut World,
    token: &str,
    user: String,
    perms: Perms,
    now: Timestamp,
) -> Result<Approval, Refused> {
    let callback = pending(world, token, now)?.callback.clone();
    let approval = match callback {
        Callback::OutOfBand => Approval { verifier: ids::oob_verifier(), redirect_to: None },
        Callback::Url(mut url) => {
            let verifier = ids::secret();
            url.query_pairs_mut().append_pair("oauth_token", token).append_pair("oauth_verifier", &verifier);
            Approval { verifier, redirect_to: Some(url.into()) }
        }
    };
    if let Some(request) = world.request_tokens.get_mut(token) {
        request.grant = Some(Grant { user, perms, verifier: approval.verifier.clone() });
    }
    Ok(approval)
}
