//! Builders of things under test.

#![expect(clippy::panic, clippy::unwrap_used, reason = "what cannot be built fails its test")]

use std::sync::Arc;

use domain::{
    AccountRef, AppId, Jitter, JobId, KeyId, TenantId, Timestamp, TraceId, UserId,
    account::{Account, Perms, Status},
    api_key::{KeyRecord, Scopes},
    budget::{Budget, Circuit, HostClass, Limit, Request, Signal},
    cache::{CacheOptions, CacheTags},
    call::{Params, RestCall},
    fair_queue::Priority,
    idempotency::Idempotency,
    job::{FileCall, Job, JobSpec, MAX_INLINE_SPEC_BYTES, Start, State, Target, Transition, Work},
    login::{Digested, Mode, PendingLogin},
    tenant::Tenant,
    upload::{FileSource, Upload, UploadFields},
};
use hub::{
    credentials::{AppCredentials, TokenCredentials},
    hash_secret::HashSecret,
    keyed_hash::KeyedHash,
    limits::Limits,
    ports::{Clock, Entropy, Inserted, Jobs, NewKey, PendingJobs, SealedAccount, SealedLogin, Tenants},
    tenants::{self, Principal},
    vaults::{self, Vaults},
};
use vault::{KeyArn, Vault, memory::MemoryKeys};

/// Some day in 2026.
pub const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

/// Vaults under keys in memory.
///
/// # Panics
/// Never: the key names are well-formed.
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

/// The keyed hash of all tests over the fakes.
///
/// # Panics
/// Never: the key is long enough.
pub fn keyed_hash() -> KeyedHash {
    KeyedHash::new(&HashSecret::parse(&"7".repeat(32)).unwrap()).unwrap()
}

/// The id of a tenant of its own, of which nothing is stored.
pub fn tenant(ports: &impl Entropy) -> TenantId {
    TenantId::from_bytes(ports.random())
}

/// The id of a Flickr app whose fair queue is listed in the last shard, which no sweep looks at but the test's own where
/// the ports have one shard more than what runs beside the test.
pub fn app_in_last_shard(ports: &(impl Entropy + Jobs)) -> AppId {
    let shards = ports.shards();
    loop {
        let app = AppId::from_bytes(ports.random());
        if shards.all().next_back() == Some(shards.of(app.as_str())) {
            return app;
        }
    }
}

/// The API key of a tenant that [`principal`] or [`principal_of`] created.
pub fn api_key_of(tenant: &TenantId) -> String {
    format!("api-key-of-{tenant}")
}

/// Creates a tenant of its own with an API key, and authenticates it, held to the default limits.
///
/// # Panics
/// When the ports fail.
pub async fn principal(ports: &(impl Clock + Entropy + Tenants)) -> Principal {
    principal_of(ports, &tenant(ports), Limits::default()).await
}

/// Authenticates this tenant, held to `limits`, and creates it where it was not created before.
///
/// # Panics
/// When the ports fail.
pub async fn principal_of(ports: &(impl Clock + Tenants), tenant: &TenantId, limits: Limits) -> Principal {
    let (keyed_hash, api_key) = (keyed_hash(), api_key_of(tenant));
    let now = ports.now();
    let record = key_record(tenant, key_id_of(tenant), now);
    let first = NewKey { hashes: keyed_hash.api_key(&api_key), record };
    ports.create_tenant(&Tenant::new(tenant.clone(), "Test", now), &first).await.unwrap();
    tenants::authenticate(ports, &keyed_hash, limits, &api_key).await.unwrap()
}

/// The id of the API key of a tenant that [`principal`] or [`principal_of`] created.
///
/// # Panics
/// Never: a tenant's id has as many digits.
pub fn key_id_of(tenant: &TenantId) -> KeyId {
    tenant.as_str().replacen("ten_", "key_", 1).parse().unwrap()
}

/// A key of `tenant` for everything, without a name and without an end.
pub fn key_record(tenant: &TenantId, id: KeyId, created_at: Timestamp) -> KeyRecord {
    KeyRecord {
        tenant: tenant.clone(),
        id: Some(id),
        name: None,
        scopes: Scopes::all(),
        created_at,
        expires_at: None,
        disabled_at: None,
        revoked_at: None,
        signing: None,
    }
}

/// The Flickr app of all accounts that are built without another.
pub fn app() -> AppId {
    AppId::from_bytes([9; 16])
}

/// The account of `tenant` with this id at Flickr.
pub fn account_ref(tenant: &TenantId, nsid: &str) -> AccountRef {
    AccountRef { tenant: tenant.clone(), user: UserId::of(tenant, nsid) }
}

/// A connected account of `tenant` whose sealed token is a dummy.
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
            perms_confirmed: true,
            status: Status::Connected,
            connected_at,
        },
        sealed_token: vec![1, 2, 3],
        circuit: Circuit::default(),
    }
}

/// A connected account of `tenant` with a real sealed token, and its app's sealed credentials.
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

/// The same of another app, whose API key is the app's id.
///
/// # Panics
/// When sealing fails: the keys are in memory.
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
    (SealedAccount { account, sealed_token, circuit: Circuit::default() }, sealed_app)
}

/// The token of a user that [`sealed_account`] built.
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

/// What a caller asks for: a call of `method` with `params`, a JSON object, in the name of `account`.
///
/// # Panics
/// When `method` or `params` is not acceptable.
pub fn spec(account: &AccountRef, method: &str, params: &str) -> JobSpec {
    let params = Params::from_json(params).unwrap();
    JobSpec {
        account: account.clone(),
        work: Work::Rest(RestCall { method: method.parse().unwrap(), params }),
        priority: Priority::Normal,
        cache: CacheOptions::default(),
        meta: None,
    }
}

/// So long a `meta` that what was asked is an item of its own beside the job's.
pub fn long_meta() -> String {
    format!(r#"{{"note": "{}"}}"#, "x".repeat(MAX_INLINE_SPEC_BYTES))
}

/// What a caller asks for: a file to be sent, with `params`, a JSON object.
///
/// # Panics
/// When `params` is not acceptable, or `target` sends no file.
pub fn file_spec(upload: &Upload, target: Target, params: &str) -> JobSpec {
    let source = FileSource::Upload(upload.id.clone());
    let call = FileCall { source, fields: UploadFields::from_json(params, target).unwrap() };
    let work = match target {
        Target::Rest => panic!("it sends no file"),
        Target::Upload => Work::Upload(call),
        Target::Replace => Work::Replace(call),
    };
    JobSpec { work, ..spec(&upload.account, "flickr.test.null", "{}") }
}

/// A read, just accepted.
///
/// # Panics
/// When `spec` cannot be written as JSON.
pub fn job(id: [u8; 16], spec: JobSpec, created_at: Timestamp) -> Job {
    Job {
        id: JobId::from_bytes(id),
        idempotency: Idempotency::Safe,
        verification: None,
        invalidates: CacheTags::default(),
        fingerprint: spec.fingerprint(Start::Now).unwrap(),
        spec,
        trace: TraceId::from_bytes(id),
        created_at,
        state: State::first(created_at, created_at),
    }
}

/// The acceptance of a job, to be inserted.
pub fn acceptance(job: &Job) -> Transition {
    Transition::accepted(job.clone())
}

/// Writes a job as if it had been accepted: counted as pending and inserted.
///
/// # Panics
/// When the ports fail, or have such a job.
pub async fn insert(ports: &(impl Jobs + PendingJobs), job: &Job) {
    ports.count_pending(&job.spec.account, job.start_day(), u32::MAX).await.unwrap();
    assert_eq!(ports.insert(&acceptance(job)).await.unwrap(), Inserted::New);
}

/// The budget after so many calls; `None` where there are none.
pub fn after_calls(budget: &Budget, limit: &Limit, class: HostClass, calls: u32, now: Timestamp) -> Option<Budget> {
    if calls == 0 {
        return None;
    }
    budget.changed(&budget.take(&Request { limit: *limit, class: Some(class), calls }, now).ok()?)
}

/// The budget after what became of a call; `None` where that changes nothing.
pub fn after_signal(budget: &Budget, class: HostClass, signal: &Signal, now: Timestamp) -> Option<Budget> {
    budget.changed(&budget.record(class, signal, Jitter::NONE, now)?)
}
