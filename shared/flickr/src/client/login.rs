//! The port for the login.

use domain::{
    account::Perms,
    catalogue::{ErrorCodes, Verb},
    idempotency::Idempotency,
    outcome::Outcome,
};
use hub::{
    credentials::{AppCredentials, TokenCredentials},
    ports::{Access, CheckedToken, Clock, Entropy, FlickrLogin},
};

use super::{Client, Unsigned};
use crate::{
    answer::{self, Call},
    token_check, token_reply,
};

impl<P: Clock + Entropy> FlickrLogin for Client<P> {
    async fn request_token(&self, app: &AppCredentials, callback: &str) -> Result<TokenCredentials, Outcome> {
        let request = Unsigned {
            verb: Verb::Post,
            url: self.hosts.request_token(),
            params: &[],
            protocol: &[("oauth_callback", callback)],
            deadline: self.deadlines.login,
        };
        let request_outcome = self.send(app, None, request).await;
        // A request token whose answer was lost is never used, so asking for another changes nothing.
        let secrets = [app.key(), app.secret()];
        let call = login_step(Idempotency::Safe, &secrets);
        answer::login(request_outcome, &call, self.ports.now(), token_reply::request_token)
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
        let request_outcome = self.send(app, Some(request_token), request).await;
        let secrets = [app.key(), app.secret(), request_token.token(), request_token.secret(), verifier];
        let call = login_step(Idempotency::NonIdempotent, &secrets);
        answer::login(request_outcome, &call, self.ports.now(), token_reply::access_token)
    }

    async fn check_token(&self, app: &AppCredentials, token: &TokenCredentials) -> Result<CheckedToken, Outcome> {
        let request = Unsigned {
            verb: Verb::Get,
            url: self.hosts.rest(),
            // The token that it is asked about is the one of the `Authorization` header.
            params: &[("method", "flickr.auth.oauth.checkToken"), ("format", "json"), ("nojsoncallback", "1")],
            protocol: &[],
            deadline: self.deadlines.check_token,
        };
        let request_outcome = self.send(app, Some(token), request).await;
        let secrets = [app.key(), app.secret(), token.token(), token.secret()];
        let call = login_step(Idempotency::Safe, &secrets);
        answer::login(request_outcome, &call, self.ports.now(), |text| token_check::checked(text, token.token()))
    }
}

/// A step of the login is no method.
static NO_METHOD: ErrorCodes = ErrorCodes::unknown();

/// A step of the login, as far as the meaning of its answer depends on it.
const fn login_step<'a>(idempotency: Idempotency, secrets: &'a [&'a str]) -> Call<'a> {
    Call { method: None, idempotency, error_codes: &NO_METHOD, repeated: false, secrets }
}
