//! Who asks. API Gateway checks the key against its usage plan; the function finds whose it is.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::TenantId;
use http::request::Parts;
use hub::{keyed_hash::KeyedHash, ports::FindTenant, tenants};

use crate::problem::{Code, Problem};

/// The header an API key comes in.
pub const API_KEY_HEADER: &str = "x-api-key";

/// What finding the tenant needs.
pub struct Authenticator<P> {
    /// Finds tenants.
    pub ports: P,
    /// Hashes keys.
    pub keyed_hash: KeyedHash,
}

/// The tenant whose API key came with the request.
#[derive(Debug, Clone)]
pub struct Tenant(pub TenantId);

/// Lets through only requests with a tenant's API key.
pub async fn require_key<P: FindTenant>(
    State(authenticator): State<Arc<Authenticator<P>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let key = request.headers().get(API_KEY_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match tenants::authenticate(&authenticator.ports, &authenticator.keyed_hash, key).await {
        Ok(Some(tenant)) => {
            tracing::debug!(tenant_id = %tenant, "authenticated");
            request.extensions_mut().insert(Tenant(tenant));
            next.run(request).await
        }
        Ok(None) => Problem::new(Code::Unauthorized, "Send a tenant's API key in `x-api-key`").into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = Problem;

    /// A route that asks for the tenant without [`require_key`] before it refuses everyone.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let tenant = parts.extensions.get::<Tenant>().cloned();
        tenant.ok_or_else(|| Problem::new(Code::Unauthorized, "Send a tenant's API key in `x-api-key`"))
    }
}

impl<S: Sync> FromRequestParts<S> for crate::RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let context = parts.extensions.get::<Self>().cloned();
        Ok(context.unwrap_or_else(|| Self::of(&http::Request::from_parts(parts.clone(), ()))))
    }
}
