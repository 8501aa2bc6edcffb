//! `POST /v1/cache/invalidate`.

use std::sync::Arc;

use api::{InvalidateCacheAnswer, InvalidateCacheRequest};
use axum::extract::State;
use domain::call::MethodPattern;
use edge::{Authenticated, Envelope, Json, Problem, Touched};
use hub::{
    ports::{Accounts, ResponseCache},
    response_cache::invalidate,
    submit::Submit,
};

pub(crate) async fn post<P: Accounts + ResponseCache>(
    State(submit): State<Arc<Submit<P>>>,
    Authenticated(principal): Authenticated,
    Json(request): Json<InvalidateCacheRequest>,
) -> Result<(Touched, Envelope<InvalidateCacheAnswer>), Problem> {
    let InvalidateCacheRequest { user_id, method } = request;
    let user = edge::parse("user_id", &user_id)?;
    let methods: Option<MethodPattern> = method.as_deref().map(|method| edge::parse("method", method)).transpose()?;
    let tags = invalidate(&submit.ports, submit.catalogue, &principal, &user, methods.as_ref()).await?;
    let tags = tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    Ok((Touched::ids([&user_id]), Envelope::ok(InvalidateCacheAnswer { user_id, tags })))
}
