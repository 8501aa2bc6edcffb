//! Builders of things under test.

use std::sync::Arc;

use domain::{
    AppId, JobId, TenantId, Timestamp, TraceId, UserId,
    account::{Account, Perms, Status},
    cache::{Families, Terms},
    call::Params,
    idempotency::Fingerprint,
    job::{Job, Order, State, Target},
    line::Priority,
    login::{Digested, Mode, PendingLogin},
    outcome::Nature,
};
use hub::{
    credentials::{AppCredentials, TokenCredentials},
    ports::{Entropy, SealedAccount, SealedLogin},
    vaults::{self, Vaults},
};
use vault::{KeyArn, Vault, memory::MemoryKeys};

/// Some day in 2026.
pub const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

/// Vaults under keys in memory.
///
/// # Panics
/// Never: the key names are well-formed.
#[expect(clippy::unwrap_used, reason = "constant key names")]
pub fn vaults() -> Vaults<Arc<MemoryKeys>> {
    let vault = |id: &str| {
        let arn: KeyArn = format!("arn:aws:kms:us-east-1:000000000000:key/{id}").parse().unwrap();
        Vault::new(Arc::new(MemoryKeys::new(arn).unwrap()))
    };
    Vaults {
        tokens: vault("00000000-0000-0000-0000-000000000001"),
        secrets: vault("00000000-0000-0000-0000-000000000002"),
    }
}

/// A tenant of its own.
pub fn tenant(ports: &impl Entropy) -> TenantId {
    TenantId::from_bytes(ports.random())
}

/// The Flickr app of all accounts but those of which another is said.
pub fn app() -> AppId {
    AppId::from_bytes([9; 16])
}

/// A connected account of `tenant` with the token `sealed`.
pub fn account(tenant: &TenantId, nsid: &str, connected_at: Timestamp) -> SealedAccount {
    SealedAccount {
        account: Account {
            tenant: tenant.clone(),
            user: UserId::of(tenant, nsid),
            app: app(),
            nsid: nsid.to_owned(),
            username: "ada".to_owned(),
            fullname: "Ada L.".to_owned(),
            perms: Perms::Write,
            status: Status::Connected,
            connected_at,
        },
        sealed_token: vec![1, 2, 3],
    }
}

/// The same with a real sealed token, and its app's sealed credentials.
///
/// # Panics
/// When sealing fails: the keys are in memory.
pub async fn sealed_account(
    vaults: &Vaults<Arc<MemoryKeys>>,
    tenant: &TenantId,
    nsid: &str,
    connected_at: Timestamp,
) -> (SealedAccount, Vec<u8>) {
    sealed_account_of(vaults, tenant, &app(), nsid, connected_at).await
}

/// The same, of another app: its key is the app's id.
///
/// # Panics
/// When sealing fails: the keys are in memory.
#[expect(clippy::unwrap_used, reason = "keys in memory do not fail")]
pub async fn sealed_account_of(
    vaults: &Vaults<Arc<MemoryKeys>>,
    tenant: &TenantId,
    app: &AppId,
    nsid: &str,
    connected_at: Timestamp,
) -> (SealedAccount, Vec<u8>) {
    let SealedAccount { mut account, .. } = account(tenant, nsid, connected_at);
    account.app = app.clone();
    let token = TokenCredentials::new(token_of(&account.user), "canary-secret").to_secret().unwrap();
    let context = vaults::account(tenant, &account.user).unwrap();
    let sealed_token = vaults.tokens.seal(&context, &token).await.unwrap().into_bytes();
    let app = AppCredentials::new(app.as_str(), "canary-app-secret").to_secret().unwrap();
    let context = vaults::app(tenant, &account.app).unwrap();
    let sealed_app = vaults.secrets.seal(&context, &app).await.unwrap().into_bytes();
    (SealedAccount { account, sealed_token }, sealed_app)
}

/// The token of a user with a real one.
pub fn token_of(user: &UserId) -> String {
    format!("canary-token-{user}")
}

/// A pending login of `tenant`.
pub fn login(tenant: &TenantId, token: &str, state: &str, mode: Mode, expires_at: Timestamp) -> SealedLogin {
    SealedLogin {
        login: PendingLogin {
            tenant: tenant.clone(),
            token_digest: Digested::of(token),
            state_digest: Digested::of(state),
            app: app(),
            perms: Perms::Delete,
            mode,
            return_url: (mode == Mode::Callback).then(|| "https://a.example/back".to_owned()),
            expires_at,
        },
        sealed_secret: vec![4, 5, 6],
    }
}

/// An order of `method` with `params`, a JSON object.
///
/// # Panics
/// When `method` or `params` is not acceptable.
#[expect(clippy::unwrap_used, reason = "tests give good orders")]
pub fn order(user: &UserId, method: &str, params: &str) -> Order {
    Order {
        user: user.clone(),
        target: Target::Rest,
        method: method.parse().unwrap(),
        params: Params::from_json(&serde_json::from_str(params).unwrap()).unwrap(),
        priority: Priority::Normal,
        cache: Terms::default(),
        meta: None,
    }
}

/// A job of `tenant`, just accepted.
///
/// # Panics
/// When `order` cannot be written as JSON.
#[expect(clippy::unwrap_used, reason = "orders are JSON")]
pub fn job(tenant: &TenantId, id: [u8; 16], order: Order, created_at: Timestamp) -> Job {
    Job {
        tenant: tenant.clone(),
        id: JobId::from_bytes(id),
        nature: Nature::Read,
        checkable: false,
        raises: Families::default(),
        fingerprint: Fingerprint::of(&order).unwrap(),
        order,
        trace: TraceId::from_bytes(id),
        created_at,
        state: State::first(created_at, created_at).0,
    }
}
