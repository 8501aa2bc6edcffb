//! The ports of `hub`, over HTTP.

use std::time::Duration;

use domain::{
    account::Perms,
    cache::{Families, Kept},
    call::{MethodName, MethodPattern, Params},
    outcome::{Finding, Nature, Outcome},
    timing::CALL_DEADLINE,
};
use hub::{
    credentials::{AppCredentials, TokenCredentials},
    ports::{Access, Answer, CallFlickr, Catalogue as _, Clock, Entropy, FlickrLogin},
};
use url::Url;

use crate::{
    Catalogue, Hosts, Verb,
    answer::{self, Call, Fate, NOTHING_TO_TELL},
    check::Check,
    oauth::{self, Signer},
    token_reply,
    transport::{Error, Request, Transport},
};

/// The longest query that is sent as one, in bytes; a longer read is posted, which Flickr answers
/// the same. CloudFront, before Flickr, refuses URLs over 8,192 bytes.
const MAX_QUERY_BYTES: usize = 4 * 1024;

/// Calls Flickr, signed at the time and with the randomness of `P`.
#[derive(Debug, Clone)]
pub struct Client<P> {
    hosts: Hosts,
    ports: P,
    deadlines: Deadlines,
    transport: Transport,
}

/// The longest that requests may take, to the end of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// A connection, with its name and its TLS. Shorter than the others, so that it can be told
    /// what was sent from what was not.
    pub connect: Duration,
    /// A REST call.
    pub call: Duration,
    /// A step of the login, while a user waits.
    pub login: Duration,
}

/// 5 seconds, [`CALL_DEADLINE`], and 10 seconds.
impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), call: CALL_DEADLINE, login: Duration::from_secs(10) }
    }
}

/// A request before it is signed.
struct Unsigned<'a> {
    verb: Verb,
    url: Url,
    /// In the query or the body.
    params: &'a [(&'a str, &'a str)],
    /// In the `Authorization` header.
    protocol: &'a [(&'a str, &'a str)],
    deadline: Duration,
}

impl<P> Client<P> {
    /// A client of `hosts` with the usual deadlines.
    ///
    /// # Errors
    /// [`Error`].
    pub fn new(hosts: Hosts, ports: P) -> Result<Self, Error> {
        Self::with_deadlines(hosts, ports, Deadlines::default())
    }

    /// A client of `hosts` with these deadlines.
    ///
    /// # Errors
    /// [`Error`].
    pub fn with_deadlines(hosts: Hosts, ports: P, deadlines: Deadlines) -> Result<Self, Error> {
        Ok(Self { hosts, ports, deadlines, transport: Transport::new(deadlines.connect)? })
    }
}

impl<P: Clock + Entropy> Client<P> {
    /// Signs and sends, once.
    async fn send(&self, app: &AppCredentials, token: Option<&TokenCredentials>, request: Unsigned<'_>) -> Fate {
        let Unsigned { verb, url, params, protocol, deadline } = request;
        let form = oauth::form(params);
        let verb = if form.len() > MAX_QUERY_BYTES { Verb::Post } else { verb };
        let nonce = hex::encode(self.ports.random());
        let signer = Signer { app, token, timestamp_seconds: self.ports.now().as_seconds(), nonce: &nonce };
        let authorization = signer.authorization(verb.as_str(), &url, params, protocol);
        self.transport.send(Request { verb, url, form, authorization, deadline }).await
    }

    /// Calls `method` of the REST API, once.
    async fn rest<'a>(
        &self,
        app: &AppCredentials,
        token: &TokenCredentials,
        method: &'a MethodName,
        params: impl Iterator<Item = (&'a str, &'a str)>,
        repeated: bool,
    ) -> Answer {
        let mut all = vec![("method", method.as_str()), ("format", "json"), ("nojsoncallback", "1")];
        all.extend(params);
        let request = Unsigned {
            verb: Catalogue.verb(method),
            url: self.hosts.rest(),
            params: &all,
            protocol: &[],
            deadline: self.deadlines.call,
        };
        let fate = self.send(app, Some(token), request).await;
        let secrets = [app.key(), app.secret(), token.token(), token.secret()];
        let call = Call { method: Some(method), nature: Catalogue.nature(method), repeated, secrets: &secrets };
        answer::rest(fate, &call, self.ports.now())
    }
}

impl<P: Clock + Entropy> FlickrLogin for Client<P> {
    async fn request_token(&self, app: &AppCredentials, callback: &str) -> Result<TokenCredentials, Outcome> {
        let request = Unsigned {
            verb: Verb::Post,
            url: self.hosts.request_token(),
            params: &[],
            protocol: &[("oauth_callback", callback)],
            deadline: self.deadlines.login,
        };
        let fate = self.send(app, None, request).await;
        // A request token that nobody heard of harms nobody: asking again changes nothing.
        let call = Call { method: None, nature: Nature::Read, repeated: false, secrets: &[app.key(), app.secret()] };
        answer::login(fate, &call, self.ports.now(), token_reply::request_token)
    }

    fn authorize_url(&self, request_token: &str, perms: Perms) -> String {
        self.hosts.authorize(request_token, perms).into()
    }

    async fn access_token(
        &self,
        app: &AppCredentials,
        request_token: &TokenCredentials,
        verifier: &str,
    ) -> Result<Access, Outcome> {
        let request = Unsigned {
            verb: Verb::Post,
            url: self.hosts.access_token(),
            params: &[],
            protocol: &[("oauth_verifier", verifier)],
            deadline: self.deadlines.login,
        };
        let fate = self.send(app, Some(request_token), request).await;
        let secrets = [app.key(), app.secret(), request_token.token(), request_token.secret(), verifier];
        let call = Call { method: None, nature: Nature::UnrepeatableWrite, repeated: false, secrets: &secrets };
        answer::login(fate, &call, self.ports.now(), token_reply::access_token)
    }
}

impl<P: Send + Sync> hub::ports::Catalogue for Client<P> {
    fn nature(&self, method: &MethodName) -> Nature {
        Catalogue.nature(method)
    }

    fn is_checkable(&self, method: &MethodName) -> bool {
        Catalogue.is_checkable(method)
    }

    fn kept(&self, method: &MethodName) -> Option<Kept> {
        Catalogue.kept(method)
    }

    fn raises(&self, method: &MethodName) -> Families {
        Catalogue.raises(method)
    }

    fn families(&self, pattern: &MethodPattern) -> Families {
        Catalogue.families(pattern)
    }
}

impl<P: Clock + Entropy> CallFlickr for Client<P> {
    async fn call(
        &self,
        app: &AppCredentials,
        token: &TokenCredentials,
        method: &MethodName,
        params: &Params,
        repeated: bool,
    ) -> Answer {
        self.rest(app, token, method, params.iter(), repeated).await
    }

    /// One request, or none when the parameters do not name what was written. Whatever the read
    /// fails of, the write is not seen.
    async fn check(
        &self,
        app: &AppCredentials,
        token: &TokenCredentials,
        method: &MethodName,
        params: &Params,
    ) -> (Finding, Option<String>) {
        let not_seen = (Finding::NotSeen, None);
        let Some(check) = Check::of(method) else { return not_seen };
        let Some((read, asked)) = check.read(params) else { return not_seen };
        let Answer { outcome, result } = self.rest(app, token, &read, asked.into_iter(), false).await;
        match result {
            Some(text) if check.is_done(params, &text, self.ports.now()) => {
                (Finding::Done, Some(NOTHING_TO_TELL.to_owned()))
            }
            Some(_) => not_seen,
            None => {
                tracing::warn!(class = ?outcome.class, message = outcome.message, "a look for a write failed");
                not_seen
            }
        }
    }
}
