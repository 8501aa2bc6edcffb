//! `GET /v1/accounts`, `GET /v1/accounts/{user_id}`, `DELETE /v1/accounts/{user_id}`.

use std::sync::Arc;

use axum::extract::{Path, State};
use domain::UserId;
use edge::{Envelope, Problem, Query, Tenant, views::AccountView};
use hub::{
    Kind, accounts,
    ports::{FindAccount, ListAccounts, RemoveAccount},
};
use serde::{Deserialize, Serialize};

use crate::Service;

/// Where a page of accounts begins.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct ListAnswer {
    accounts: Vec<AccountView>,
    /// To be given as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

pub(crate) async fn list<P: ListAccounts, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Tenant(tenant): Tenant,
    Query(query): Query<ListQuery>,
) -> Result<Envelope<ListAnswer>, Problem> {
    let after: Option<UserId> = query.cursor.map(|cursor| edge::parse("cursor", &cursor)).transpose()?;
    let page = accounts::list(&service.connect.ports, &tenant, after.as_ref()).await?;
    Ok(Envelope::ok(ListAnswer {
        accounts: page.accounts.into_iter().map(AccountView::from).collect(),
        next_cursor: page.next.map(String::from),
    }))
}

pub(crate) async fn get<P: FindAccount, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Tenant(tenant): Tenant,
    Path(user): Path<String>,
) -> Result<Envelope<AccountView>, Problem> {
    Ok(Envelope::ok(accounts::get(&service.connect.ports, &tenant, &id(&user)?).await?.into()))
}

#[derive(Serialize)]
pub(crate) struct Disconnected {
    user_id: String,
    disconnected: bool,
}

pub(crate) async fn disconnect<P: RemoveAccount, F, K>(
    State(service): State<Arc<Service<P, F, K>>>,
    Tenant(tenant): Tenant,
    Path(user): Path<String>,
) -> Result<Envelope<Disconnected>, Problem> {
    accounts::disconnect(&service.connect.ports, &tenant, &id(&user)?).await?;
    Ok(Envelope::ok(Disconnected { user_id: user, disconnected: true }))
}

/// What is no id names no account: it answers as an unknown one.
fn id(text: &str) -> Result<UserId, Problem> {
    text.parse().map_err(|_| hub::Error::from(Kind::AccountNotFound).into())
}
