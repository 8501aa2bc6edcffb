//! OAuth 1.0a as Flickr plays it: who calls, and whether the signature holds.

pub(crate) mod consent;
pub(crate) mod page;
pub(crate) mod problem;
pub mod signature;
pub(crate) mod tokens;

use jiff::{SignedDuration, Timestamp};

use self::problem::Problem;
use crate::envelope::Fail;
use crate::incoming::Incoming;
use crate::params::Params;
use crate::perms::Perms;
use crate::world::World;

/// Who makes an API call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Caller {
    /// Without a token, nobody.
    pub user: Option<String>,
    pub perms: Perms,
    pub signed: bool,
}

/// Why an API call is not let in: by the OAuth layer, or inside the envelope.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    Problem(Problem),
    Fail(Fail),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Fail> for Refusal {
    fn from(fail: Fail) -> Self {
        Self::Fail(fail)
    }
}

/// The OAuth parameters of a signed request, all there and of the one kind Flickr takes.
struct Signed<'a> {
    key: &'a str,
    token: Option<&'a str>,
    nonce: &'a str,
    timestamp: &'a str,
    signature: &'a str,
}

impl<'a> Signed<'a> {
    /// Reads them; `also` names parameters this step needs beside those of every signed request.
    fn read(params: &'a Params, also: &[&'static str]) -> Result<Self, Problem> {
        const ALWAYS: [&str; 5] =
            ["oauth_consumer_key", "oauth_signature_method", "oauth_signature", "oauth_nonce", "oauth_timestamp"];
        let absent: Vec<_> =
            ALWAYS.into_iter().chain(also.iter().copied()).filter(|name| params.get(name).is_none()).collect();
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
            token: params.filled("oauth_token"),
            nonce: value("oauth_nonce"),
            timestamp: value("oauth_timestamp"),
            signature: value("oauth_signature"),
        })
    }

    /// Checks timestamp, signature and nonce, in this order: only a request that was truly signed uses its nonce up.
    fn check(
        &self,
        world: &mut World,
        incoming: &Incoming,
        consumer_secret: &str,
        token_secret: &str,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let window = SignedDuration::from_secs(world.config.timestamp_window_seconds.into());
        if !is_timely(self.timestamp, window, now) {
            return Err(Problem::TimestampRefused);
        }
        let base_string = |url: &String| {
            let params = incoming.params.iter().filter(|(name, _)| *name != "oauth_signature");
            signature::base_string(&incoming.verb, url, params)
        };
        let is_ours = |base: &String| signature::verify(self.signature, base, consumer_secret, token_secret);
        if !incoming.base_urls.iter().map(base_string).any(|base| is_ours(&base)) {
            let base_string = incoming.base_urls.first().map(base_string).unwrap_or_default();
            return Err(Problem::SignatureInvalid { base_string });
        }
        let nonce = [self.key, self.token.unwrap_or_default(), self.timestamp, self.nonce].join("\n");
        let is_new = world.nonces.accept(nonce, window, now);
        if world.config.refuse_replayed_nonces && !is_new { Err(Problem::NonceUsed) } else { Ok(()) }
    }
}

fn is_timely(timestamp: &str, window: SignedDuration, now: Timestamp) -> bool {
    let at = timestamp.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.is_some_and(|at| now.duration_since(at).abs() <= window)
}

/// Who makes this REST call or upload. An unsigned one needs an `api_key`.
pub(crate) fn identify(world: &mut World, incoming: &Incoming, now: Timestamp) -> Result<Caller, Refusal> {
    if !incoming.params.mention_oauth() {
        app_secret(world, incoming.params.get("api_key").unwrap_or_default())?;
        return Ok(Caller { user: None, perms: Perms::None, signed: false });
    }
    let signed = Signed::read(&incoming.params, &[])?;
    let consumer_secret = app_secret(world, signed.key)?;
    let (token_secret, caller) = match signed.token {
        None => (String::new(), Caller { user: None, perms: Perms::None, signed: true }),
        Some(token) => {
            // A token belongs to the key it was given to; for another key it is as good as unknown.
            let access = world.access_tokens.get(token).filter(|access| access.key == signed.key);
            let access = access.ok_or_else(|| Fail::new(98, "Invalid auth token"))?;
            (access.secret.clone(), Caller { user: Some(access.user.clone()), perms: access.perms, signed: true })
        }
    };
    signed.check(world, incoming, &consumer_secret, &token_secret, now)?;
    Ok(caller)
}

fn app_secret(world: &World, key: &str) -> Result<String, Fail> {
    match world.apps.get(key) {
        Some(app) if app.disabled => Err(Fail::new(100, "Invalid API Key (Key has expired)")),
        Some(app) => Ok(app.secret.clone()),
        None if key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Err(Fail::new(100, "Invalid API Key (Key not found)"))
        }
        None => Err(Fail::new(100, "Invalid API Key (Key has invalid format)")),
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
            assert_eq!(is_timely(timestamp, window, now), expected, "{timestamp}");
        }
    }
}
