//! `POST /v1/cache/invalidate`.

use std::sync::Arc;

use axum::extract::State;
use domain::{cache::Family, call::MethodPattern};
use edge::{Envelope, Json, Problem, Tenant};
use hub::{
    cache::invalidate,
    ports::{Catalogue, ChangeFreshness, FindAccount},
    submit::Submit,
};
use serde::{Deserialize, Serialize};

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    user_id: String,
    /// A method, or the beginning of some and `*`; all when it is left out.
    method: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Answer {
    user_id: String,
    /// What is void: the answers of all methods of these families.
    families: Vec<&'static str>,
}

pub(crate) async fn post<P, F>(
    State(submit): State<Arc<Submit<P, F>>>,
    Tenant(tenant): Tenant,
    Json(request): Json<Request>,
) -> Result<Envelope<Answer>, Problem>
where
    P: FindAccount + ChangeFreshness,
    F: Catalogue,
{
    let user = edge::parse("user_id", &request.user_id)?;
    let methods: Option<MethodPattern> =
        request.method.as_deref().map(|method| edge::parse("method", method)).transpose()?;
    let families = invalidate(&submit.ports, &submit.catalogue, &tenant, &user, methods.as_ref()).await?;
    Ok(Envelope::ok(Answer { user_id: request.user_id, families: families.iter().map(Family::as_str).collect() }))
}
