//! Connects Flickr accounts, lists and disconnects them.

mod accounts;
mod login;
mod page;
mod service;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use edge::{Authenticator, require_key};
use hub::ports::{Accounts, Apps, Budgets, Clock, Entropy, FlickrLogin, KeyUses, Logins, ResponseCache, Tenants};
use vault::DataKeys;

pub use service::Service;

/// The routes.
pub fn routes<P, F, K>(service: Arc<Service<P, F, K>>, authenticator: Arc<Authenticator<P>>) -> Router
where
    P: Clock + Entropy + Tenants + KeyUses + Apps + Logins + Accounts + Budgets + ResponseCache + 'static,
    F: FlickrLogin + 'static,
    K: DataKeys + 'static,
{
    Router::new()
        .route("/v1/auth/start", post(login::start::<P, F, K>))
        .route("/v1/auth/complete", post(login::complete::<P, F, K>))
        .route("/v1/accounts", get(accounts::list::<P, F, K>))
        .route("/v1/accounts/{user_id}", get(accounts::get::<P, F, K>).delete(accounts::disconnect::<P, F, K>))
        .layer(from_fn_with_state(authenticator, require_key::<P>))
        .route("/v1/auth/callback", get(login::callback::<P, F, K>))
        .with_state(service)
}
