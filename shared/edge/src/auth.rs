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
    ports::{Clock, Nonces, SigningSecrets, Tenants},
    tenants::{self, Principal},
};
use vault::{DataKeys, Vault};

use crate::{problem::Problem, signature};

/// The header an API key comes in.
pub const API_KEY_HEADER: &str = "x-api-key";

/// What authentication needs of the world.
pub trait AuthPorts: Tenants + Clock + SigningSecrets + Nonces {}

impl<P: Tenants + Clock + SigningSecrets + Nonces> AuthPorts for P {}

/// What authentication needs.
pub struct Authenticator<P, K> {
    /// Finds tenants, and what signs their requests.
    pub ports: P,
    /// Hashes keys.
    pub keyed_hash: KeyedHash,
    /// What every principal is held to.
    pub limits: Limits,
    /// Opens the secrets that sign requests.
    pub secrets: Vault<K>,
}

/// The principal whose API key came with the request.
#[derive(Debug, Clone)]
pub struct Authenticated(pub Principal);

/// Lets through only requests with a tenant's API key, signed where the key demands it.
pub async fn require_key<P: AuthPorts, K: DataKeys>(
    State(authenticator): State<Arc<Authenticator<P, K>>>,
    request: Request,
    next: Next,
) -> Response {
    match authenticated(&authenticator, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The request with its principal.
async fn authenticated<P: AuthPorts, K: DataKeys>(
    authenticator: &Authenticator<P, K>,
    request: Request,
) -> Result<Request, Problem> {
    let Authenticator { ports, keyed_hash, limits, secrets } = authenticator;
    let key = request.headers().get(API_KEY_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let principal = tenants::authenticate(ports, keyed_hash, *limits, key).await?.ok_or_else(unauthorized)?;
    tracing::debug!(tenant_id = %principal.tenant(), "authenticated");
    let mut request = signature::verified(ports, secrets, &principal, request).await?;
    request.extensions_mut().insert(Authenticated(principal));
    Ok(request)
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
