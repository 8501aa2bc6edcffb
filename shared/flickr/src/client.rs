//! The ports to Flickr of `hub`, over HTTP.

mod files;
mod login;

use std::time::Duration;

use domain::{
    call::{MethodName, RestCall},
    catalogue::Verb,
    job::Target,
    outcome::Outcome,
    timing::{UPLOAD_ANSWER, UPLOAD_STALL},
    verification::Verified,
};
use hub::{
    credentials::{AppCredentials, TokenCredentials},
    ports::{Answer, Clock, Entropy, FlickrApi, Signing, VerifyAnswer},
};
use url::Url;

use crate::{
    answer::{self, Call, EMPTY_SUCCESS},
    catalogue::CATALOGUE,
    file_body::FileTimeouts,
    hosts::Hosts,
    oauth::{self, Signer},
    read_back::ReadBack,
    request_outcome::RequestOutcome,
    transport::{Error, Request, Transport},
};

/// The longest query that is sent as one, in bytes; a longer read is posted, which Flickr answers the same. CloudFront,
/// before Flickr, refuses URLs over 8,192 bytes.
const MAX_QUERY_BYTES: usize = 4 * 1024;

/// Calls Flickr. `P` gives the time and the randomness of signatures.
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
    /// The deadline to connect, with name resolution and TLS. Shorter than the others, so that a request that was never
    /// sent can be distinguished from one that may have been.
    pub connect: Duration,
    /// The deadline of a REST call.
    pub call: Duration,
    /// The deadline of a step of the login, during which a user waits.
    pub login: Duration,
    /// The deadline to ask what a token may do. It comes after a step of the login, and no account depends on it: both
    /// must end in time for the account to be stored.
    pub check_token: Duration,
    /// The longest that parts of the sending of a file may take; each file has a deadline of its own.
    pub file: FileTimeouts,
}

/// 5 seconds to connect, the call deadline of REST calls, 10 seconds for a step of the login, 5 to check a token, and for
/// files what fits their lease.
impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            call: Target::Rest.timing().call_deadline,
            login: Duration::from_secs(10),
            check_token: Duration::from_secs(5),
            file: FileTimeouts { stall: UPLOAD_STALL, answer: UPLOAD_ANSWER },
        }
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
    /// A client of `hosts` with the default deadlines.
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
        let transport = Transport::new(deadlines.connect, deadlines.file.stall)?;
        Ok(Self { hosts, ports, deadlines, transport })
    }
}

impl<P: Clock + Entropy> Client<P> {
    /// Signs and sends, once.
    async fn send(
        &self,
        app: &AppCredentials,
        token: Option<&TokenCredentials>,
        request: Unsigned<'_>,
    ) -> RequestOutcome {
        let Unsigned { verb, url, params, protocol, deadline } = request;
        let form = oauth::form(params);
        let verb = if form.len() > MAX_QUERY_BYTES { Verb::Post } else { verb };
        let authorization = self.authorization(app, token, verb, &url, params, protocol);
        self.transport.send(Request { verb, url, form, authorization, deadline }).await
    }

    /// The `Authorization` header of a request that is sent at once: with a nonce of its own and the present time.
    fn authorization(
        &self,
        app: &AppCredentials,
        token: Option<&TokenCredentials>,
        verb: Verb,
        url: &Url,
        params: &[(&str, &str)],
        protocol: &[(&str, &str)],
    ) -> String {
        let nonce = hex::encode(self.ports.random());
        let signer = Signer { app, token, timestamp_seconds: self.ports.now().as_seconds(), nonce: &nonce };
        signer.authorization(verb.as_str(), url, params, protocol)
    }

    /// Calls `method` once without parameters, signed by `app` alone, in the name of no account.
    pub async fn call_as_app(&self, app: &AppCredentials, method: &MethodName) -> Outcome {
        self.rest(app, None, method, std::iter::empty(), false, self.deadlines.call).await.outcome
    }

    /// Calls `method` of the REST API, once.
    async fn rest<'a>(
        &self,
        app: &AppCredentials,
        token: Option<&TokenCredentials>,
        method: &'a MethodName,
        params: impl Iterator<Item = (&'a str, &'a str)>,
        repeated: bool,
        deadline: Duration,
    ) -> Answer {
        let facts = CATALOGUE.method(method);
        let mut all = vec![("method", method.as_str()), ("format", "json"), ("nojsoncallback", "1")];
        all.extend(params);
        let request = Unsigned { verb: facts.verb, url: self.hosts.rest(), params: &all, protocol: &[], deadline };
        let request_outcome = self.send(app, token, request).await;
        let mut secrets = vec![app.key(), app.secret()];
        secrets.extend(token.iter().flat_map(|token| [token.token(), token.secret()]));
        let call = Call {
            method: Some(method),
            idempotency: facts.idempotency,
            error_codes: &facts.error_codes,
            repeated,
            secrets: &secrets,
        };
        answer::rest(request_outcome, &call, self.ports.now())
    }

    /// Verifies a write by one read, or by none when its parameters do not name what was written. Whatever the reason
    /// that the read fails, the write is not seen.
    async fn read_back(&self, signing: &Signing, write: &RestCall) -> VerifyAnswer {
        let Signing { app, token, .. } = signing;
        let read = ReadBack::of(write.method.as_str()).and_then(|row| Some((row, row.read(&write.params)?)));
        let Some((row, (method, params))) = read else { return VerifyAnswer::not_seen(None) };
        let Answer { outcome, result } =
            self.rest(app, Some(token), &method, params.into_iter(), false, self.deadlines.call).await;
        if result.is_none() {
            let Outcome { class, message, .. } = &outcome;
            tracing::warn!(?class, message, "a read that verifies a write failed");
        }
        if result.is_some_and(|text| row.shows(&write.params, &text, self.ports.now())) {
            let result = Some(EMPTY_SUCCESS.to_owned());
            return VerifyAnswer { verified: Verified::Done, result, outcome: Some(outcome) };
        }
        VerifyAnswer::not_seen(Some(outcome))
    }
}

impl<P: Clock + Entropy> FlickrApi for Client<P> {
    async fn call(&self, signing: &Signing, call: &RestCall, repeated: bool) -> Answer {
        let Signing { app, token, .. } = signing;
        let RestCall { method, params } = call;
        self.rest(app, Some(token), method, params.iter(), repeated, self.deadlines.call).await
    }

    async fn verify(&self, signing: &Signing, call: &RestCall) -> VerifyAnswer {
        self.read_back(signing, call).await
    }
}
