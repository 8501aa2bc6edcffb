//! `POST /v1/auth/start`, `POST /v1/auth/complete`, `GET /v1/auth/callback`.

use std::sync::Arc;

use api::{AccountView, CallbackQuery, CompleteLoginRequest, StartLoginAnswer, StartLoginRequest};
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use edge::{
    Authenticated, Envelope, Json, Problem, Query, RequestContext, Touched,
    translate::accounts::{account, login_mode, mode, perms},
};
use hub::{
    connect::{App, Callback, Complete, Landing, Start},
    credentials::AppCredentials,
    ports::{Accounts, Apps, Budgets, Clock, Entropy, FlickrLogin, Logins, ResponseCache, Tenants},
};
use vault::DataKeys;

use crate::{page, service::Service};

/// The longest token, verifier, state, key or secret that is accepted, in bytes.
const MAX_VALUE_BYTES: usize = 256;

/// The longest verifier, in bytes; Flickr's have 11 or 16.
const MAX_CODE_BYTES: usize = 32;

fn app(request: &StartLoginRequest) -> Result<App, Problem> {
    match (&request.api_key, &request.api_secret, &request.app_id) {
        (Some(key), Some(secret), None) => {
            Ok(App::Given(AppCredentials::new(value("api_key", key)?, value("api_secret", secret)?)))
        }
        (None, None, Some(id)) => edge::parse("app_id", id).map(App::Stored),
        (Some(_), None, None) => Err(Problem::field("api_secret", "is needed with api_key")),
        (None, Some(_), None) => Err(Problem::field("api_key", "is needed with api_secret")),
        (None, None, None) => Err(Problem::field("api_key", "give api_key and api_secret, or app_id")),
        (_, _, Some(_)) => Err(Problem::field("app_id", "stands instead of api_key and api_secret")),
    }
}

/// A value that came from Flickr, or goes there: printable ASCII, and not endless.
fn value<'a>(field: &str, text: &'a str) -> Result<&'a str, Problem> {
    let fits = (1..=MAX_VALUE_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(text) } else { Err(Problem::field(field, "expected 1 to 256 printable ASCII characters")) }
}

/// A verifier: letters, digits and dashes, as Flickr's are (`209-263-338`, `5d1b96a26b494074`). A page shows the one that
/// a browser brings, and must not be made to say something else.
fn code(text: &str) -> Result<&str, Problem> {
    let fits =
        (1..=MAX_CODE_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { Ok(text) } else { Err(Problem::field("oauth_verifier", "expected a code as Flickr shows it")) }
}

pub(crate) async fn start<P, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Authenticated(principal): Authenticated,
    context: RequestContext,
    Json(request): Json<StartLoginRequest>,
) -> Result<(Touched, Envelope<StartLoginAnswer>), Problem>
where
    P: Clock + Entropy + Apps + Logins + Budgets,
    F: FlickrLogin,
    K: DataKeys,
{
    let start = Start {
        app: app(&request)?,
        perms: perms(request.perms),
        mode: request.mode.map(mode),
        return_url: request.return_url,
        callback_url: format!("{}/v1/auth/callback", service.public_url.as_deref().unwrap_or(&context.base_url)),
    };
    let started = service.connect.start(&principal, start).await?;
    let touched = Touched::ids([started.app.as_str()]);
    let answer = StartLoginAnswer {
        authorize_url: started.authorize_url,
        oauth_token: started.oauth_token,
        state: started.state,
        mode: login_mode(started.mode),
        app_id: started.app.into(),
    };
    Ok((touched, Envelope::ok(answer)))
}

pub(crate) async fn complete<P, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Authenticated(principal): Authenticated,
    Json(request): Json<CompleteLoginRequest>,
) -> Result<(Touched, Envelope<AccountView>), Problem>
where
    P: Clock + Entropy + Apps + Logins + Accounts + Budgets + ResponseCache,
    F: FlickrLogin,
    K: DataKeys,
{
    let consent = Complete {
        oauth_token: value("oauth_token", &request.oauth_token)?.to_owned(),
        // What can be no code uses no login up. Blanks around one come from copying it by hand.
        oauth_verifier: code(request.oauth_verifier.trim())?.to_owned(),
        state: request.state.as_deref().map(|state| value("state", state).map(str::to_owned)).transpose()?,
    };
    let connected = service.connect.complete(&principal, consent).await?;
    Ok((Touched::ids([connected.user.as_str(), connected.app.as_str()]), Envelope::ok(account(connected))))
}

pub(crate) async fn callback<P, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Query(query): Query<CallbackQuery>,
) -> Result<Response, Problem>
where
    P: Clock + Logins + Tenants,
    F: Send + Sync,
    K: Send + Sync,
{
    let back = Callback {
        oauth_token: value("oauth_token", &query.oauth_token)?.to_owned(),
        oauth_verifier: code(&query.oauth_verifier)?.to_owned(),
        state: value("state", &query.state)?.to_owned(),
    };
    Ok(match service.connect.callback(&back).await? {
        Landing::Redirect(url) => Redirect::to(&url).into_response(),
        Landing::ShowCode => page::code(&back.oauth_verifier),
    })
}
