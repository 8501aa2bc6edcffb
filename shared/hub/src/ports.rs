//! What the use cases need of the world, one capability a trait.
//!
//! Conditional operations say what they found instead of failing, so that a use case decides. An
//! [`Error`] means that the capability itself failed.

use std::{error::Error as StdError, future::Future, time::Duration};

use domain::{
    AppId, ClaimId, Day, JobId, TenantId, Timestamp, UserId,
    account::{Account, Perms},
    budget::Budget,
    cache::{Change, Families, Freshness, Kept, Pointer, Question, Uses},
    call::{MethodName, MethodPattern, Params},
    job::{Job, State},
    line::{Allotment, Bucket, Line, Priority, Served, Turns},
    login::{Digested, PendingLogin},
    outcome::{Finding, Nature, Outcome},
};

use crate::{
    credentials::{AppCredentials, TokenCredentials},
    dispatch::Dispatch,
    keyed_hash::ApiKeyHash,
};

/// A capability failed.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    kind: ErrorKind,
    what: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// How a capability failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It may work later: throttled, unreachable, too slow.
    Unavailable,
    /// It will not work by itself: refused, misconfigured, or a record that cannot be read.
    Broken,
}

impl Error {
    /// A failure that may pass, of `what` was tried.
    pub fn unavailable(what: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Unavailable, what: what.into(), source: Some(source.into()) }
    }

    /// A failure that will not pass by itself, of `what` was tried.
    pub fn broken(what: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Broken, what: what.into(), source: Some(source.into()) }
    }

    /// How it failed.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// What a port's operation gives.
pub type Result<T> = std::result::Result<T, Error>;

/// The time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness fit for secrets.
pub trait Entropy: Send + Sync {
    /// 128 fresh random bits.
    fn random(&self) -> [u8; 16];
}

/// Keeps tenants and their API keys.
pub trait SaveTenant: Send + Sync {
    /// Keeps `tenant`, called `name`, with its first API key. `false` when the key is already some
    /// tenant's: then nothing is kept.
    fn save_tenant(
        &self,
        tenant: &TenantId,
        name: &str,
        key: &ApiKeyHash,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool>> + Send;
}

/// Finds whose an API key is.
pub trait FindTenant: Send + Sync {
    /// The tenant of `key`, if it has one.
    fn tenant_of(&self, key: &ApiKeyHash) -> impl Future<Output = Result<Option<TenantId>>> + Send;
}

/// Keeps a tenant's Flickr apps.
pub trait SaveApp: Send + Sync {
    /// Keeps an app's sealed credentials, replacing what was kept.
    fn save_app(&self, tenant: &TenantId, app: &AppId, sealed: &[u8]) -> impl Future<Output = Result<()>> + Send;
}

/// Finds a tenant's Flickr apps.
pub trait FindApp: Send + Sync {
    /// The app's sealed credentials.
    fn app(&self, tenant: &TenantId, app: &AppId) -> impl Future<Output = Result<Option<Vec<u8>>>> + Send;
}

/// Lists a tenant's Flickr apps.
pub trait ListApps: Send + Sync {
    /// Up to `limit` of the tenant's apps after `after`, by their ids.
    fn apps(
        &self,
        tenant: &TenantId,
        after: Option<&AppId>,
        limit: u16,
    ) -> impl Future<Output = Result<Vec<AppId>>> + Send;
}

/// A login with its request token's secret, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedLogin {
    /// The login.
    pub login: PendingLogin,
    /// The request token's secret, sealed.
    pub sealed_secret: Vec<u8>,
}

/// Keeps logins until they are completed.
pub trait SaveLogin: Send + Sync {
    /// Keeps `login`.
    fn save_login(&self, login: &SealedLogin) -> impl Future<Output = Result<()>> + Send;
}

/// Finds logins.
pub trait FindLogin: Send + Sync {
    /// The tenant's pending login with this request token. An expired one may still be found.
    fn login(&self, tenant: &TenantId, token: &Digested) -> impl Future<Output = Result<Option<PendingLogin>>> + Send;
}

/// Uses logins up.
pub trait TakeLogin: Send + Sync {
    /// Removes and gives the tenant's pending login with this request token and, when `state` is
    /// given, this state: at most one caller gets it. A login in callback mode is given only with
    /// its state, an expired one never.
    fn take_login(
        &self,
        tenant: &TenantId,
        token: &Digested,
        state: Option<&Digested>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<SealedLogin>>> + Send;
}

/// An account with its token, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedAccount {
    /// The account.
    pub account: Account,
    /// Its token, sealed.
    pub sealed_token: Vec<u8>,
}

/// Keeps accounts.
pub trait SaveAccount: Send + Sync {
    /// Keeps `account`, replacing what was kept of the same user.
    fn save_account(&self, account: &SealedAccount) -> impl Future<Output = Result<()>> + Send;
}

/// Finds accounts.
pub trait FindAccount: Send + Sync {
    /// The tenant's account.
    fn account(&self, tenant: &TenantId, user: &UserId) -> impl Future<Output = Result<Option<SealedAccount>>> + Send;
}

/// Lists accounts.
pub trait ListAccounts: Send + Sync {
    /// Up to `limit` of the tenant's accounts after `after`, by user id.
    fn accounts(
        &self,
        tenant: &TenantId,
        after: Option<&UserId>,
        limit: u16,
    ) -> impl Future<Output = Result<Vec<Account>>> + Send;
}

/// Removes accounts.
pub trait RemoveAccount: Send + Sync {
    /// Removes the tenant's account with its token. `false` when there was none.
    fn remove_account(&self, tenant: &TenantId, user: &UserId) -> impl Future<Output = Result<bool>> + Send;
}

/// Marks accounts whose token Flickr refused.
pub trait MarkAccount: Send + Sync {
    /// Marks the account as in need of connecting again, unless it was connected anew after
    /// `connected_at` or removed.
    fn mark_reconnect_needed(
        &self,
        tenant: &TenantId,
        user: &UserId,
        connected_at: Timestamp,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// What an insertion found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// The job is new.
    New,
    /// A job of that id was there: it is given, and nothing was written.
    Exists(Box<Job>),
    /// So many jobs of the account are pending that no other may be, and nothing was written.
    TooMany,
}

/// Accepts jobs.
pub trait InsertJob: Send + Sync {
    /// Writes `job` unless a job of its id exists or `max_pending_jobs` of its account are pending,
    /// and counts it as pending in the same write.
    fn insert_job(&self, job: &Job, max_pending_jobs: u32) -> impl Future<Output = Result<Inserted>> + Send;
}

/// Reads jobs.
pub trait FindJob: Send + Sync {
    /// The tenant's job.
    fn job(&self, tenant: &TenantId, id: &JobId) -> impl Future<Output = Result<Option<Job>>> + Send;
}

/// What a claim found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The job, now held under the claim.
    Held(Box<Job>),
    /// The job as it stands, not to be held: `step` refuses the claim.
    Refused(Box<Job>),
    /// No such job.
    Unknown,
}

/// Claims jobs.
pub trait ClaimJob: Send + Sync {
    /// Takes `Event::Claim` with these arguments to the job, as [`domain::job::step`] says.
    fn claim_job(
        &self,
        tenant: &TenantId,
        id: &JobId,
        dispatch: u32,
        claim: &ClaimId,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<Claimed>> + Send;
}

/// When the sweep is to look at a job that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As it was told before. That may be too early, and is never too late: no transition of a
    /// worker makes an open job wait for an earlier look.
    AsTold,
    /// As the job's state says.
    Anew,
}

/// Moves jobs on.
pub trait SaveJob: Send + Sync {
    /// Writes the state of `job` if the stored job still is in `before`: in its dispatch, phase and
    /// claim. Repeating a write that was done is a success; `false` when the job is in another
    /// state.
    ///
    /// The account's count of pending jobs falls with a run's end and rises with a replay, in the
    /// same write. If that meets too many others, a run's end is written alone, and the job stays
    /// among those that the sweep looks at until [`SettleJob`] lets the count follow.
    ///
    /// What the end changes of kept answers ([`Change::by_end_of`]) is changed in the same write, or
    /// before it.
    fn save_job(&self, job: &Job, before: &State, look: Look) -> impl Future<Output = Result<bool>> + Send;
}

/// Lets the count of pending jobs follow the end of a job.
pub trait SettleJob: Send + Sync {
    /// Counts the tenant's ended job as pending no more, if it still is counted. Whether it was.
    fn settle_job(&self, tenant: &TenantId, id: &JobId) -> impl Future<Output = Result<bool>> + Send;
}

/// Counts pending jobs.
pub trait CountPending: Send + Sync {
    /// How many jobs of the account are open: never fewer than there are.
    fn pending(&self, tenant: &TenantId, user: &UserId) -> impl Future<Output = Result<u32>> + Send;
}

/// How many parts the list of open jobs has, so that no part is hot.
pub const LOOK_SHARDS: u8 = 8;

/// A job the sweep is to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Whose it is.
    pub tenant: TenantId,
    /// The job.
    pub id: JobId,
    /// When it was to be looked at.
    pub look_at: Timestamp,
}

/// Lists jobs to look at.
pub trait ListDue: Send + Sync {
    /// Up to `limit` jobs of this part (below [`LOOK_SHARDS`]) that were to be looked at by `now`,
    /// the longest due first. The list may be some seconds behind.
    fn due_jobs(&self, shard: u8, now: Timestamp, limit: u16) -> impl Future<Output = Result<Vec<Due>>> + Send;
}

/// Puts looks off.
pub trait PostponeLook: Send + Sync {
    /// Has the job looked at at `look_at` instead, unless another look was set since.
    fn postpone_look(&self, due: &Due, look_at: Timestamp) -> impl Future<Output = Result<()>> + Send;
}

/// Lists dead jobs.
pub trait ListDead: Send + Sync {
    /// Up to `limit` of the tenant's dead jobs that were not discarded, the longest dead first,
    /// after the one with this `cursor`; each with its own cursor.
    fn dead_jobs(
        &self,
        tenant: &TenantId,
        cursor: Option<&str>,
        limit: u16,
    ) -> impl Future<Output = Result<Vec<(JobId, String)>>> + Send;
}

/// Takes dead jobs off the list.
pub trait DiscardDead: Send + Sync {
    /// Takes a dead job off the list; it stays dead. `false` when it was not on it.
    fn discard_dead(&self, job: &Job) -> impl Future<Output = Result<bool>> + Send;
}

/// Keeps messages that cannot be read.
pub trait Quarantine: Send + Sync {
    /// Keeps the body of the message with this id, until `expires_at`.
    fn quarantine(
        &self,
        message_id: &str,
        body: &str,
        expires_at: Timestamp,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// Keeps results beside their jobs.
pub trait KeepResult: Send + Sync {
    /// Keeps `result` beside the tenant's job, replacing what was kept, until `expires_at`.
    fn keep_result(
        &self,
        tenant: &TenantId,
        id: &JobId,
        result: &str,
        expires_at: Timestamp,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// Reads results kept beside their jobs.
pub trait FindResult: Send + Sync {
    /// The result kept beside the tenant's job.
    fn result(&self, tenant: &TenantId, id: &JobId) -> impl Future<Output = Result<Option<String>>> + Send;
}

/// Keeps results too long for a record.
pub trait KeepObject: Send + Sync {
    /// Keeps `result` of the tenant's job, compressed, replacing what was kept. It is deleted some
    /// time after [`domain::timing::RECORD_RETENTION`].
    fn keep_object(&self, tenant: &TenantId, id: &JobId, result: &str) -> impl Future<Output = Result<()>> + Send;
}

/// Reads results too long for a record.
pub trait FindObject: Send + Sync {
    /// The result of the tenant's job.
    fn object(&self, tenant: &TenantId, id: &JobId) -> impl Future<Output = Result<Option<String>>> + Send;

    /// Where anyone who holds the URL can read the result for a while
    /// ([`domain::timing::RESULT_URL_LIFETIME`]).
    fn object_url(&self, tenant: &TenantId, id: &JobId) -> impl Future<Output = Result<String>> + Send;
}

/// Whose calls are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetKey {
    /// All calls of a Flickr app, whoever makes them.
    App(AppId),
    /// The calls of one account.
    Account(TenantId, UserId),
    /// The calls a tenant makes for apps that Flickr has not yet accepted from it.
    Unverified(TenantId),
}

/// Spends and watches the budget of calls.
pub trait KeepBudget: Send + Sync {
    /// Changes the budget by `change`, a pure function of it: run again whenever another change
    /// came in between, and done once. `change` gives no budget where nothing is to be written.
    fn change_budget<T: Send>(
        &self,
        key: &BudgetKey,
        change: impl Fn(&Budget) -> (Option<Budget>, T) + Send + Sync,
    ) -> impl Future<Output = Result<T>> + Send;
}

/// Reads an app's budget and line.
pub trait FindLine: Send + Sync {
    /// Both as they stand; new ones where there were none.
    fn budget_and_line(&self, app: &AppId) -> impl Future<Output = Result<(Budget, Line)>> + Send;
}

/// What a new job of an account has to know.
#[derive(Debug, Clone)]
pub struct Reception {
    /// The account.
    pub account: SealedAccount,
    /// The budget of its app.
    pub budget: Budget,
    /// The line of its app.
    pub line: Line,
}

/// Reads what a new job has to know.
pub trait FindReception: Send + Sync {
    /// The tenant's account, with the budget and the line of its app as [`FindLine`] gives them.
    fn reception(&self, tenant: &TenantId, user: &UserId) -> impl Future<Output = Result<Option<Reception>>> + Send;
}

/// What a wish for a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The lane took its next turn: the account's turns after it.
    Taken(Turns),
    /// So many jobs of the account are pending that no other may be; no turn was taken.
    TooMany,
}

/// Takes turns in lines.
pub trait TakeTurn: Send + Sync {
    /// Takes the next turn of the account's lane ([`domain::line::next_turn`]), unless
    /// `max_pending_jobs` of the account are pending. Each turn is taken once.
    fn take_turn(
        &self,
        tenant: &TenantId,
        user: &UserId,
        lane: Priority,
        virtual_time: u64,
        max_pending_jobs: u32,
    ) -> impl Future<Output = Result<Turn>> + Send;

    /// Gives the lane's turn with this tag back, unless it took another since.
    fn return_turn(
        &self,
        tenant: &TenantId,
        user: &UserId,
        lane: Priority,
        tag: u64,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// Joins lines.
pub trait JoinLine: Send + Sync {
    /// Counts one more job in the app's line, which begins with it if there was none. The line is
    /// kept for longer than a job can wait.
    fn join_line(&self, app: &AppId, bucket: Bucket, now: Timestamp) -> impl Future<Output = Result<()>> + Send;
}

/// A job that waits in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Whose it is.
    pub tenant: TenantId,
    /// The job.
    pub id: JobId,
    /// Its tag.
    pub tag: u64,
}

/// Lists the jobs in lines.
pub trait ListWaiting: Send + Sync {
    /// Up to `limit` jobs that wait in the app's line, in its order. The list may be some seconds
    /// behind.
    fn first_in_line(&self, app: &AppId, limit: u16) -> impl Future<Output = Result<Vec<Waiting>>> + Send;
}

/// Serves lines.
pub trait ServeLine: Send + Sync {
    /// The apps of this part (below [`LOOK_SHARDS`]) that have a line.
    fn lines(&self, shard: u8) -> impl Future<Output = Result<Vec<AppId>>> + Send;

    /// Hands these calls out, as [`domain::line::Line::handed_out`] says, if calls still are handed
    /// out until `before` only. `false` when another handed them out.
    fn hand_out(
        &self,
        app: &AppId,
        before: Timestamp,
        allotment: &Allotment,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// Changes the line as [`domain::line::Line::after`] says.
    fn serve_line(&self, app: &AppId, served: &Served) -> impl Future<Output = Result<()>> + Send;
}

/// What is known of the answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cached {
    /// What the account's writes did to its kept answers.
    pub freshness: Freshness,
    /// Which job has the answer, or will have it.
    pub pointer: Option<Pointer>,
}

/// Looks for kept answers.
pub trait FindCached: Send + Sync {
    /// The tenant's account, and what is known of its answer to `question`.
    fn account_and_cached(
        &self,
        tenant: &TenantId,
        user: &UserId,
        question: &Question,
    ) -> impl Future<Output = Result<(Option<SealedAccount>, Cached)>> + Send;
}

/// Says which job has the answer to a question, or will have it.
pub trait SetPointer: Send + Sync {
    /// Sets the account's pointer if it still is as it was `seen`; `false` when it is another.
    fn set_pointer(
        &self,
        tenant: &TenantId,
        user: &UserId,
        question: &Question,
        pointer: &Pointer,
        seen: Option<&Pointer>,
    ) -> impl Future<Output = Result<bool>> + Send;
}

/// Makes kept answers void.
pub trait ChangeFreshness: Send + Sync {
    /// Changes the account's freshness as [`Freshness::after`] says.
    fn change_freshness(
        &self,
        tenant: &TenantId,
        user: &UserId,
        change: &Change,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// Counts how kept answers are used.
pub trait CountUses: Send + Sync {
    /// Adds to what was counted of the tenant's method on that day. A count may be some too high
    /// where an answer was lost. It is kept for [`USES_RETENTION`].
    fn count_uses(
        &self,
        tenant: &TenantId,
        day: &Day,
        method: &MethodName,
        uses: &Uses,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// How long the counts of a day are kept.
pub const USES_RETENTION: Duration = Duration::from_secs(35 * 24 * 60 * 60);

/// Reads how kept answers are used.
pub trait ListUses: Send + Sync {
    /// What was counted for the tenant from the day `from` on, by method, in no order; a method may
    /// come several times.
    fn uses(&self, tenant: &TenantId, from: &Day) -> impl Future<Output = Result<Vec<(MethodName, Uses)>>> + Send;
}

/// Sends messages to workers.
pub trait SendDispatch: Send + Sync {
    /// Sends `dispatch`, to be received after `delay` (whole seconds; at most
    /// [`domain::timing::LONGEST_QUEUE_DELAY`]).
    fn send_dispatch(&self, dispatch: &Dispatch, delay: Duration) -> impl Future<Output = Result<()>> + Send;
}

/// Says whether the things a function depends on answer.
pub trait Probe: Send + Sync {
    /// Each dependency's name, and whether it answers.
    fn probe(&self) -> impl Future<Output = Vec<(&'static str, bool)>> + Send;
}

/// What Flickr said of itself to a token request.
#[derive(Debug)]
pub struct Access {
    /// The account's token.
    pub token: TokenCredentials,
    /// The account's id at Flickr.
    pub nsid: String,
    /// The account's name.
    pub username: String,
    /// Its owner's name.
    pub fullname: String,
}

/// Connects accounts at Flickr.
pub trait FlickrLogin: Send + Sync {
    /// Asks for a request token that comes back to `callback` (a URL, or `oob`).
    fn request_token(
        &self,
        app: &AppCredentials,
        callback: &str,
    ) -> impl Future<Output = std::result::Result<TokenCredentials, Outcome>> + Send;

    /// Where the user allows `perms` to the holder of the request token.
    fn authorize_url(&self, request_token: &str, perms: Perms) -> String;

    /// Exchanges a request token and its verifier for the account's token.
    fn access_token(
        &self,
        app: &AppCredentials,
        request_token: &TokenCredentials,
        verifier: &str,
    ) -> impl Future<Output = std::result::Result<Access, Outcome>> + Send;
}

/// Knows Flickr's methods.
pub trait Catalogue: Send + Sync {
    /// Whether repeating `method` can change its result. An unknown method is an unrepeatable write.
    fn nature(&self, method: &MethodName) -> Nature;

    /// Whether [`CallFlickr::check`] can find out if a call of `method` took effect.
    fn is_checkable(&self, method: &MethodName) -> bool;

    /// How answers of `method` are kept; `None` when they never are.
    fn kept(&self, method: &MethodName) -> Option<Kept>;

    /// Whose kept answers a call of `method` may make void. For an unknown method all.
    fn raises(&self, method: &MethodName) -> Families;

    /// The families of the methods whose answers are kept and that `pattern` matches.
    fn families(&self, pattern: &MethodPattern) -> Families;
}

/// Flickr's answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub outcome: Outcome,
    /// The answer's JSON text, when the call is done.
    pub result: Option<String>,
}

/// Calls Flickr's REST API.
pub trait CallFlickr: Catalogue {
    /// Calls `method` once, within [`domain::timing::CALL_DEADLINE`]. `repeated` says that an
    /// earlier call of the same may have taken effect.
    fn call(
        &self,
        app: &AppCredentials,
        token: &TokenCredentials,
        method: &MethodName,
        params: &Params,
        repeated: bool,
    ) -> impl Future<Output = Answer> + Send;

    /// Looks once, by reading, whether a call of `method` took effect, within
    /// [`domain::timing::CALL_DEADLINE`]; on [`Finding::Done`] with what stands for its answer.
    fn check(
        &self,
        app: &AppCredentials,
        token: &TokenCredentials,
        method: &MethodName,
        params: &Params,
    ) -> impl Future<Output = (Finding, Option<String>)> + Send;
}
