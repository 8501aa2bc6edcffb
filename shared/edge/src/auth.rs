//! Who asks. API Gateway checks the key against its usage plan; the function finds whose it is, whether that one's
//! requests may come from here, whether the key may be used for the matched route, and whether the request is signed as
//! the key demands.

use std::{net::IpAddr, sync::Arc};

use api::ErrorCode;
use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Day, tenant::Origins};
use http::{HeaderValue, Method, request::Parts};
use hub::{
    chain,
    keyed_hash::KeyedHash,
    limits::Limits,
    ports::{Clock, KeyUses, Nonces, SigningSecrets, Tenants},
    tenants::{self, Principal},
};
use tracing::Instrument;
use vault::{DataKeys, Vault};

use crate::{
    audit::Requester,
    context::{API_KEY_HEADER, RequestContext},
    cors::Cors,
    problem::{Problem, UNAUTHORIZED},
    scopes, signature,
};

/// What authentication needs of the world.
pub trait AuthPorts: Clock + Tenants + KeyUses + SigningSecrets + Nonces {}

impl<P: Clock + Tenants + KeyUses + SigningSecrets + Nonces> AuthPorts for P {}

/// What authentication needs.
pub struct Authenticator<P, K> {
    /// Finds tenants, and what signs their requests.
    pub ports: P,
    /// Hashes keys.
    pub keyed_hash: KeyedHash,
    /// What a tenant is held to that has no limits of its own.
    pub limits: Limits,
    /// Opens the secrets that sign requests.
    pub secrets: Vault<K>,
    /// The origins of the web pages that may use the API at all, for whichever tenant.
    pub allowed_origins: Origins,
}

/// The principal whose API key came with the request.
#[derive(Debug, Clone)]
pub struct Authenticated(pub Principal);

/// Lets through only requests with a tenant's API key that may be used for the route, signed where the key demands it.
pub async fn require_key<P: AuthPorts + 'static, K: DataKeys + 'static>(
    State(authenticator): State<Arc<Authenticator<P, K>>>,
    request: Request,
    next: Next,
) -> Response {
    let access = AccessRequest::of(&request);
    let principal = match principal(&authenticator, &access).await {
        Ok(principal) => principal,
        Err(error) => return Problem::from(error).into_response(),
    };
    tracing::debug!(tenant_id = %principal.tenant(), "authenticated");
    let requester = Requester::of(&principal);
    let answer = match Cors::check(&authenticator.allowed_origins, &principal, &request) {
        Ok(cors) => cors.on(answer(authenticator, principal, &access, request, next).await),
        Err(error) => Cors::Varies.on(Problem::from(error).into_response()),
    };
    (requester, answer).into_response()
}

/// The answer to the principal's request, if it may be made.
async fn answer<P: AuthPorts + 'static, K: DataKeys + 'static>(
    authenticator: Arc<Authenticator<P, K>>,
    principal: Principal,
    access: &AccessRequest,
    request: Request,
    next: Next,
) -> Response {
    if let Err(refused) = permitted(&principal, access) {
        return *refused;
    }
    let Authenticator { ports, secrets, .. } = &*authenticator;
    let mut request = match signature::verified(ports, secrets, &principal, request).await {
        Ok(request) => request,
        Err(problem) => return problem.into_response(),
    };
    // It takes its own time: nobody waits for it, and the request is served whatever becomes of it.
    tokio::spawn(note_use(authenticator, principal.clone()).in_current_span());
    request.extensions_mut().insert(Authenticated(principal));
    next.run(request).await
}

/// What it takes to know who asks, and whether that one may.
struct AccessRequest {
    api_key: HeaderValue,
    source_ip: Option<IpAddr>,
    method: Method,
    route: Option<MatchedPath>,
}

impl AccessRequest {
    fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        Self {
            api_key: request.headers().get(API_KEY_HEADER).cloned().unwrap_or_else(|| HeaderValue::from_static("")),
            source_ip: extensions.get::<RequestContext>().and_then(|context| context.source_ip),
            method: request.method().clone(),
            route: extensions.get().cloned(),
        }
    }
}

/// Who asks.
async fn principal<P: AuthPorts, K: DataKeys>(
    authenticator: &Authenticator<P, K>,
    access: &AccessRequest,
) -> Result<Principal, hub::Error> {
    let Authenticator { ports, keyed_hash, limits, .. } = authenticator;
    tenants::authenticate(ports, keyed_hash, *limits, access.api_key.to_str().unwrap_or_default()).await
}

/// Whether that one may, from there and for this.
fn permitted(principal: &Principal, access: &AccessRequest) -> Result<(), Box<Response>> {
    let refused = |error: hub::Error| Box::new(Problem::from(error).into_response());
    principal.check_address(access.source_ip).map_err(refused)?;
    let scope = scopes::needed(&access.method, access.route.as_ref().map(MatchedPath::as_str))?;
    principal.require(scope).map_err(refused)
}

/// Notes the day on which the key was used, for people.
async fn note_use<P: AuthPorts, K: DataKeys>(authenticator: Arc<Authenticator<P, K>>, principal: Principal) {
    let Some(key) = principal.key() else { return };
    let ports = &authenticator.ports;
    if let Err(error) = ports.note_key_use(principal.tenant(), key, Day::of(ports.now())).await {
        tracing::info!(error = chain(&error), key_id = %key, "the use of an API key is not noted");
    }
}

impl<S: Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Problem;

    /// A route that asks for the principal without [`require_key`] before it refuses everyone.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Authenticated>().cloned();
        found.ok_or_else(|| Problem::new(ErrorCode::Unauthorized, UNAUTHORIZED))
    }
}
