//! `GET /v1/accounts`, `GET /v1/accounts/{user_id}`, `DELETE /v1/accounts/{user_id}`.

use std::sync::Arc;

use api::{AccountList, AccountView, DisconnectAnswer, PageQuery};
use axum::extract::State;
use domain::UserId;
use edge::{Authenticated, Envelope, PathText, Problem, Query, translate::accounts::account};
use hub::{
    Kind, accounts,
    page::Page,
    ports::{Accounts, ResponseCache},
};

use crate::service::Service;

pub(crate) async fn list<P: Accounts, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Authenticated(principal): Authenticated,
    Query(query): Query<PageQuery>,
) -> Result<Envelope<AccountList>, Problem> {
    let after: Option<UserId> = query.cursor.map(|cursor| edge::parse("cursor", &cursor)).transpose()?;
    let Page { items, next } = accounts::list(&service.connect.ports, &principal, after.as_ref()).await?;
    let accounts = items.into_iter().map(account).collect();
    Ok(Envelope::ok(AccountList { accounts, next_cursor: next.map(String::from) }))
}

pub(crate) async fn get<P: Accounts, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Authenticated(principal): Authenticated,
    PathText(user): PathText,
) -> Result<Envelope<AccountView>, Problem> {
    Ok(Envelope::ok(account(accounts::get(&service.connect.ports, &principal, &id(&user)?).await?)))
}

pub(crate) async fn disconnect<P: Accounts + ResponseCache, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Authenticated(principal): Authenticated,
    PathText(user): PathText,
) -> Result<Envelope<DisconnectAnswer>, Problem> {
    accounts::disconnect(&service.connect.ports, &principal, &id(&user)?).await?;
    Ok(Envelope::ok(DisconnectAnswer { user_id: user, disconnected: true }))
}

/// What is no id names no account: it answers as an unknown one.
fn id(text: &str) -> Result<UserId, Problem> {
    text.parse().map_err(|_| hub::Error::from(Kind::AccountNotFound).into())
}
