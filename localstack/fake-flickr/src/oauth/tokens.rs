//! The two signed steps of the login: a request token, and its exchange for an access token.

use jiff::Timestamp;

use super::consent::{self, Callback, RequestToken};
use super::problem::Problem;
use super::{Signed, signature};
use crate::answer::Answer;
use crate::ids;
use crate::incoming::Incoming;
use crate::world::World;

pub(crate) fn request_token(world: &mut World, incoming: &Incoming, now: Timestamp) -> Answer {
    let result = try_request_token(world, incoming, now);
    answer(world, result)
}

pub(crate) fn access_token(world: &mut World, incoming: &Incoming, now: Timestamp) -> Answer {
    let result = try_access_token(world, incoming, now);
    answer(world, result)
}

fn answer(world: &World, result: Result<String, Problem>) -> Answer {
    result.map_or_else(|problem| problem.answer(&world.config), |body| Answer::plain(200, body))
}

fn try_request_token(world: &mut World, incoming: &Incoming, now: Timestamp) -> Result<String, Problem> {
    let signed = Signed::read(&incoming.params, &["oauth_callback"])?;
    let consumer_secret = app_secret(world, signed.key)?;
    signed.check(world, incoming, &consumer_secret, "", now)?;
    let callback = incoming.params.get("oauth_callback").and_then(Callback::parse);
    let callback = callback.ok_or(Problem::ParameterRejected("oauth_callback"))?;
    let (token, secret) = (ids::token(), ids::secret());
    let body = format!("oauth_callback_confirmed=true&oauth_token={token}&oauth_token_secret={secret}");
    let request = RequestToken { secret, key: signed.key.to_owned(), callback, issued: now, grant: None };
    world.request_tokens.insert(token, request);
    Ok(body)
}

fn try_access_token(world: &mut World, incoming: &Incoming, now: Timestamp) -> Result<String, Problem> {
    let signed = Signed::read(&incoming.params, &["oauth_token", "oauth_verifier"])?;
    let consumer_secret = app_secret(world, signed.key)?;
    let token = signed.token.unwrap_or_default();
    let request = consent::find(world, token, now).filter(|request| request.key == signed.key);
    let request = request.cloned().ok_or(Problem::TokenRejected)?;
    signed.check(world, incoming, &consumer_secret, &request.secret, now)?;
    let verifier = incoming.params.get("oauth_verifier");
    let grant = request.grant.filter(|grant| verifier == Some(&grant.verifier)).ok_or(Problem::VerifierInvalid)?;
    let user = world.users.get(&grant.user).cloned().ok_or(Problem::TokenRejected)?;
    world.request_tokens.remove(token);
    let (token, secret) = world.issue_token(signed.key, &grant.user, grant.perms);
    let pairs = [
        ("fullname", &user.fullname),
        ("oauth_token", &token),
        ("oauth_token_secret", &secret),
        ("user_nsid", &user.nsid),
        ("username", &user.username),
    ];
    Ok(pairs.map(|(name, value)| format!("{name}={}", signature::encode(value))).join("&"))
}

/// On these two endpoints a key that Flickr has turned off is as unknown as one it never gave.
fn app_secret(world: &World, key: &str) -> Result<String, Problem> {
    let app = world.apps.get(key).filter(|app| !app.disabled).ok_or(Problem::ConsumerKeyUnknown)?;
    Ok(app.secret.clone())
}
