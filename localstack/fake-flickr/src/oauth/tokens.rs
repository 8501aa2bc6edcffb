//! The two signed steps of the login: issuing a request token, and exchanging it for an access token.

use jiff::Timestamp;

use super::problem::Problem;
use super::{SignedRequest, consent, signature};
use crate::answer::Answer;
use crate::ids;
use crate::request::ApiRequest;
use crate::world::World;
use crate::world::request_token::{Callback, RequestToken};

pub(crate) fn request_token(world: &mut World, request: &ApiRequest, now: Timestamp) -> Answer {
    let result = try_request_token(world, request, now);
    answer(world, result)
}

pub(crate) fn access_token(world: &mut World, request: &ApiRequest, now: Timestamp) -> Answer {
    let result = try_access_token(world, request, now);
    answer(world, result)
}

fn answer(world: &World, result: Result<String, Problem>) -> Answer {
    result.map_or_else(|problem| problem.answer(&world.config), |body| Answer::plain(200, body))
}

fn try_request_token(world: &mut World, request: &ApiRequest, now: Timestamp) -> Result<String, Problem> {
    let signed = SignedRequest::parse(&request.params, &["oauth_callback"])?;
    let consumer_secret = app_secret(world, signed.key)?;
    signed.verify(world, request, &consumer_secret, "", now)?;
    let callback = request.params.get("oauth_callback").and_then(Callback::parse);
    let callback = callback.ok_or(Problem::ParameterRejected("oauth_callback"))?;
    let (token, secret) = (ids::token(), ids::secret());
    let body = format!("oauth_callback_confirmed=true&oauth_token={token}&oauth_token_secret={secret}");
    let login = RequestToken { secret, key: signed.key.to_owned(), callback, issued: now, grant: None };
    world.request_tokens.insert(token, login);
    Ok(body)
}

fn try_access_token(world: &mut World, request: &ApiRequest, now: Timestamp) -> Result<String, Problem> {
    let signed = SignedRequest::parse(&request.params, &["oauth_token", "oauth_verifier"])?;
    let consumer_secret = app_secret(world, signed.key)?;
    let token = signed.token.unwrap_or_default();
    let login = consent::find(world, token, now).filter(|login| login.key == signed.key);
    let login = login.cloned().ok_or(Problem::TokenRejected)?;
    signed.verify(world, request, &consumer_secret, &login.secret, now)?;
    let verifier = request.params.get("oauth_verifier");
    let grant = login.grant.filter(|grant| verifier == Some(&grant.verifier)).ok_or(Problem::VerifierInvalid)?;
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

/// These two endpoints answer a disabled key as they answer an unknown one.
fn app_secret(world: &World, key: &str) -> Result<String, Problem> {
    let app = world.apps.get(key).filter(|app| !app.disabled).ok_or(Problem::ConsumerKeyUnknown)?;
    Ok(app.secret.clone())
}
