//! Connects Flickr accounts, lists and disconnects them.

mod accounts;
mod login;
mod page;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use edge::{Authenticator, require_key};
use hub::{
    connect::Connect,
    ports::{
        Clock, Entropy, FindAccount, FindApp, FindLogin, FindTenant, FlickrLogin, KeepBudget, ListAccounts,
        RemoveAccount, SaveAccount, SaveApp, SaveLogin, TakeLogin,
    },
};
use vault::DataKeys;

/// What the routes need.
pub struct Service<P, F, K> {
    /// Connecting.
    pub connect: Connect<P, F, K>,
    /// The API as browsers reach it, without a slash at the end; by default what the request says.
    pub public_url: Option<String>,
}

/// The routes.
pub fn routes<P, F, K>(service: Arc<Service<P, F, K>>, authenticator: Arc<Authenticator<P>>) -> Router
where
    P: Clock + Entropy + FindTenant + FindApp + SaveApp + SaveLogin + FindLogin + TakeLogin + 'static,
    P: SaveAccount + FindAccount + ListAccounts + RemoveAccount + KeepBudget,
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
