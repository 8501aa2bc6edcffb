//! Who asks. API Gateway checks the key against its usage plan; the function finds whose it is.

use std::sync::Arc;

use api::ErrorCode;
use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::request::Parts;
use hub::{
    keyed_hash::KeyedHash,
    limits::Limits,
    ports::Tenants,
    tenants::{self, Principal},
};

use crate::problem::Problem;

/// The header an API key comes in.
pub const API_KEY_HEADER: &str = "x-api-key";

/// What authentication needs.
pub struct Authenticator<P> {
    /// Finds tenants.
    pub ports: P,
    /// Hashes keys.
    pub keyed_hash: KeyedHash,
    /// What every principal is held to.
    pub limits: Limits,
}

/// The principal whose API key came with the request.
#[derive(Debug, Clone)]
pub struct Authenticated(pub Principal);

/// Lets through only requests with a tenant's API key.
pub async fn require_key<P: Tenants>(
    State(authenticator): State<Arc<Authenticator<P>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Authenticator { ports, keyed_hash, limits } = &*authenticator;
    let key = request.headers().get(API_KEY_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match tenants::authenticate(ports, keyed_hash, *limits, key).await {
        Ok(Some(principal)) => {
            tracing::debug!(tenant_id = %principal.tenant(), "authenticated");
            request.extensions_mut().insert(Authenticated(principal));
            next.run(request).await
        }
        Ok(None) => unauthorized().into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

fn unauthorized() -> Problem {
    Problem::new(ErrorCode::Unauthorized, "Send a tenant's API key in `x-api-key`")
}

impl<S: Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Problem;

    /// A route that asks for the principal without [`require_key`] before it refuses everyone.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Authenticated>().cloned().ok_or_else(unauthorized)
    }
}
