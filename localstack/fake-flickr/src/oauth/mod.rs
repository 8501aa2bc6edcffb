//! OAuth 1.0a as Flickr implements it: authenticates the caller and verifies the signature.

pub(crate) mod caller;
pub(crate) mod consent;
pub(crate) mod page;
pub(crate) mod problem;
pub mod signature;
pub(crate) mod tokens;

use jiff::{SignedDuration, Timestamp};

use self::caller::Caller;
use self::problem::Problem;
use crate::envelope::ApiError;
use crate::params::Params;
use crate::perms::Perms;
use crate::request::ApiRequest;
use crate::world::World;

/// Why a call is not authenticated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AuthError {
    /// The OAuth layer refuses the call, outside Flickr's envelope.
    Problem(Problem),
    /// The API refuses the call, inside the envelope.
    Api(ApiError),
}

impl From<Problem> for AuthError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<ApiError> for AuthError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// The OAuth parameters of a signed request: complete, and of the only method and version that Flickr accepts.
struct SignedRequest<'a> {
    key: &'a str,
    token: Option<&'a str>,
    nonce: &'a str,
    timestamp: &'a str,
    signature: &'a str,
}

impl<'a> SignedRequest<'a> {
    /// Parses the parameters. `extra` names those that this step requires on top of those of every signed request.
    fn parse(params: &'a Params, extra: &[&'static str]) -> Result<Self, Problem> {
        const REQUIRED: [&str; 5] =
            ["oauth_consumer_key", "oauth_signature_method", "oauth_signature", "oauth_nonce", "oauth_timestamp"];
        let absent: Vec<_> =
            REQUIRED.into_iter().chain(extra.iter().copied()).filter(|name| params.get(name).is_none()).collect();
        if !absent.is_empty() {
            return Err(Problem::ParameterAbsent(absent));
        }
        let value = |name| params.get(name).unwrap_or_default();
        if value("oauth_signature_method") != "HMAC-SHA1" {
            return Err(Problem::SignatureMethodRejected);
        }
        if params.get("oauth_version").is_some_and(|version| version != "1.0") {
            return Err(Problem::VersionRejected);
        }
        Ok(Self {
            key: value("oauth_consumer_key"),
            token: params.non_empty("oauth_token"),
            nonce: value("oauth_nonce"),
            timestamp: value("oauth_timestamp"),
            signature: value("oauth_signature"),
        })
    }

    /// Verifies timestamp, signature and nonce in this order, so that a request with a bad signature does not consume
    /// its nonce.
    fn verify(
        &self,
        world: &mut World,
        request: &ApiRequest,
        consumer_secret: &str,
        token_secret: &str,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let window = SignedDuration::from_secs(world.config.timestamp_window_seconds.into());
        if !is_within_window(self.timestamp, window, now) {
            return Err(Problem::TimestampRefused);
        }
        let base_string = |url: &String| {
            let params = request.params.sent().filter(|(name, _)| *name != "oauth_signature");
            signature::base_string(&request.verb, url, params)
        };
        let is_signature_of = |base: &String| signature::verify(self.signature, base, consumer_secret, token_secret);
        if !request.base_urls.iter().map(base_string).any(|base| is_signature_of(&base)) {
            let base_string = request.base_urls.first().map(base_string).unwrap_or_default();
            return Err(Problem::SignatureInvalid { base_string });
        }
        let nonce = [self.key, self.token.unwrap_or_default(), self.timestamp, self.nonce].join("\n");
        let is_new = world.nonces.insert(nonce, window, now);
        if world.config.refuse_replayed_nonces && !is_new { Err(Problem::NonceUsed) } else { Ok(()) }
    }
}

fn is_within_window(timestamp: &str, window: SignedDuration, now: Timestamp) -> bool {
    let at = timestamp.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.is_some_and(|at| now.duration_since(at).abs() <= window)
}

/// Authenticates a REST call, an upload or a replacement. An unsigned call needs an `api_key`.
pub(crate) fn authenticate(world: &mut World, request: &ApiRequest, now: Timestamp) -> Result<Caller, AuthError> {
    if !request.params.has_oauth() {
        app_secret(world, request.params.get("api_key").unwrap_or_default())?;
        return Ok(Caller { user: None, perms: Perms::None, signed: false });
    }
    let signed = SignedRequest::parse(&request.params, &[])?;
    let consumer_secret = app_secret(world, signed.key)?;
    let (token_secret, caller) = match signed.token {
        None => (String::new(), Caller { user: None, perms: Perms::None, signed: true }),
        Some(token) => {
            // A token belongs to the key it was issued to; under another key Flickr does not know it.
            let access = world.access_tokens.get(token).filter(|access| access.key == signed.key);
            let access = access.ok_or_else(|| ApiError::new(98, "Invalid auth token"))?;
            (access.secret.clone(), Caller { user: Some(access.user.clone()), perms: access.perms, signed: true })
        }
    };
    signed.verify(world, request, &consumer_secret, &token_secret, now)?;
    Ok(caller)
}

fn app_secret(world: &World, key: &str) -> Result<String, ApiError> {
    match world.apps.get(key) {
        Some(app) if app.disabled => Err(ApiError::new(100, "Invalid API Key (Key has expired)")),
        Some(app) => Ok(app.secret.clone()),
        None if key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Err(ApiError::new(100, "Invalid API Key (Key not found)"))
        }
        None => Err(ApiError::new(100, "Invalid API Key (Key has invalid format)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_open_on_both_sides() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let window = SignedDuration::from_mins(30);
        for (timestamp, expected) in [
            ("1700000000", true),
            ("1700001800", true),
            ("1699998200", true),
            ("1700001801", false),
            ("1699998199", false),
            ("", false),
            ("soon", false),
            ("99999999999999999999", false),
        ] {
            assert_eq!(is_within_window(timestamp, window, now), expected, "{timestamp}");
        }
    }
}
