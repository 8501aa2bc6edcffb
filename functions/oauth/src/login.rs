//! `POST /v1/auth/start`, `POST /v1/auth/complete`, `GET /v1/auth/callback`.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use domain::{account::Perms, login::Mode};
use edge::{Envelope, Json, Problem, Query, RequestContext, Tenant, views::AccountView};
use hub::{
    connect::{App, Callback, Complete, Landing, Start},
    credentials::AppCredentials,
    ports::{Clock, Entropy, FindApp, FindLogin, FlickrLogin, KeepBudget, SaveAccount, SaveApp, SaveLogin, TakeLogin},
};
use serde::{Deserialize, Serialize};
use vault::DataKeys;
use zeroize::Zeroizing;

use crate::{Service, page};

/// The longest token, verifier, state, key or secret that is looked at, in bytes.
const MAX_VALUE_BYTES: usize = 256;

/// `POST /v1/auth/start`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartRequest {
    api_key: Option<Zeroizing<String>>,
    api_secret: Option<Zeroizing<String>>,
    app_id: Option<String>,
    perms: Perms,
    mode: Option<Mode>,
    return_url: Option<String>,
}

impl StartRequest {
    fn app(&self) -> Result<App, Problem> {
        match (&self.api_key, &self.api_secret, &self.app_id) {
            (Some(key), Some(secret), None) => {
                Ok(App::Given(AppCredentials::new(value("api_key", key)?, value("api_secret", secret)?)))
            }
            (None, None, Some(id)) => edge::parse("app_id", id).map(App::Kept),
            (Some(_), None, None) => Err(Problem::field("api_secret", "is needed with api_key")),
            (None, Some(_), None) => Err(Problem::field("api_key", "is needed with api_secret")),
            (None, None, None) => Err(Problem::field("api_key", "give api_key and api_secret, or app_id")),
            (_, _, Some(_)) => Err(Problem::field("app_id", "stands instead of api_key and api_secret")),
        }
    }
}

/// A value that came from Flickr, or goes there: printable ASCII, and not endless.
fn value<'a>(field: &str, text: &'a str) -> Result<&'a str, Problem> {
    let fits = (1..=MAX_VALUE_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(text) } else { Err(Problem::field(field, "expected 1 to 256 printable ASCII characters")) }
}

#[derive(Serialize)]
pub(crate) struct StartAnswer {
    authorize_url: String,
    oauth_token: String,
    state: String,
    mode: Mode,
    app_id: String,
}

pub(crate) async fn start<P, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Tenant(tenant): Tenant,
    context: RequestContext,
    Json(request): Json<StartRequest>,
) -> Result<Envelope<StartAnswer>, Problem>
where
    P: Clock + Entropy + FindApp + SaveApp + SaveLogin + KeepBudget,
    F: FlickrLogin,
    K: DataKeys,
{
    let wish = Start {
        app: request.app()?,
        perms: request.perms,
        mode: request.mode,
        return_url: request.return_url,
        callback_url: format!("{}/v1/auth/callback", service.public_url.as_deref().unwrap_or(&context.base_url)),
    };
    let started = service.connect.start(&tenant, wish).await?;
    Ok(Envelope::ok(StartAnswer {
        authorize_url: started.authorize_url,
        oauth_token: started.oauth_token,
        state: started.state,
        mode: started.mode,
        app_id: started.app.into(),
    }))
}

/// `POST /v1/auth/complete`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompleteRequest {
    oauth_token: String,
    oauth_verifier: String,
    state: Option<String>,
}

pub(crate) async fn complete<P, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Tenant(tenant): Tenant,
    Json(request): Json<CompleteRequest>,
) -> Result<Envelope<AccountView>, Problem>
where
    P: Clock + Entropy + FindApp + FindLogin + TakeLogin + SaveAccount + KeepBudget,
    F: FlickrLogin,
    K: DataKeys,
{
    let consent = Complete {
        oauth_token: value("oauth_token", &request.oauth_token)?.to_owned(),
        oauth_verifier: value("oauth_verifier", &request.oauth_verifier)?.to_owned(),
        state: request.state.as_deref().map(|state| value("state", state).map(str::to_owned)).transpose()?,
    };
    Ok(Envelope::ok(service.connect.complete(&tenant, consent).await?.into()))
}

/// `GET /v1/auth/callback`, as Flickr sends the browser there. Other parameters are left alone.
#[derive(Deserialize)]
pub(crate) struct CallbackQuery {
    oauth_token: String,
    oauth_verifier: String,
    state: String,
}

pub(crate) async fn callback<P, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Query(query): Query<CallbackQuery>,
) -> Result<Response, Problem>
where
    P: Clock + FindLogin,
    F: Send + Sync,
    K: Send + Sync,
{
    let back = Callback {
        oauth_token: value("oauth_token", &query.oauth_token)?.to_owned(),
        oauth_verifier: value("oauth_verifier", &query.oauth_verifier)?.to_owned(),
        state: value("state", &query.state)?.to_owned(),
    };
    Ok(match service.connect.callback(&back).await? {
        Landing::Redirect(url) => Redirect::to(&url).into_response(),
        Landing::ShowCode => page::code(&back.oauth_verifier),
    })
}
