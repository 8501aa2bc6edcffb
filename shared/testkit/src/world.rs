//! Everything the hub stands on, in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::{pending, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use domain::{
    AppId, ClaimId, Day, JobId, TenantId, Timestamp, UserId,
    account::{Account, Status},
    budget::{Budget, Limit},
    cache::{Change, Freshness, Pointer, Question, Uses},
    call::MethodName,
    job::{Carrier, Event, Job, Phase, State, step},
    line::{Allotment, Bucket, Line, Priority, Served, Turns},
    login::{Digested, Mode, PendingLogin},
    timing,
};
use hub::{
    dispatch::Dispatch,
    keyed_hash::ApiKeyHash,
    ports::{
        BudgetKey, Cached, ChangeFreshness, ClaimJob, Claimed, Clock, CountPending, CountUses, DiscardDead, Due,
        Entropy, Error, FindAccount, FindApp, FindCached, FindJob, FindLine, FindLogin, FindObject, FindReception,
        FindResult, FindTenant, InsertJob, Inserted, JoinLine, KeepBudget, KeepObject, KeepResult, LOOK_SHARDS,
        ListAccounts, ListApps, ListDead, ListDue, ListUses, ListWaiting, Look, MarkAccount, PostponeLook, Probe,
        Quarantine, Reception, RemoveAccount, Result, SaveAccount, SaveApp, SaveJob, SaveLogin, SaveTenant,
        SealedAccount, SealedLogin, SendDispatch, ServeLine, SetPointer, SettleJob, TakeLogin, TakeTurn, Turn, Waiting,
    },
};

/// The name of a port's operation.
pub type Call = &'static str;

/// When a call fails, as seen from what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Nothing was done.
    Before,
    /// All was done, and the answer was lost.
    After,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It answers with an error.
    Fail,
    /// It never answers: the process is gone.
    Crash,
}

/// A message in the fake queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMessage {
    /// What it says.
    pub dispatch: Dispatch,
    /// When it can be received.
    pub visible_at: Timestamp,
}

/// When to look at which jobs: by job, and by part and time.
#[derive(Default)]
struct Looks {
    by_job: BTreeMap<(TenantId, JobId), Timestamp>,
    by_time: BTreeSet<(u8, Timestamp, JobId, TenantId)>,
}

impl Looks {
    /// Has the job looked at then; `None` for no more.
    fn set(&mut self, (tenant, id): (TenantId, JobId), at: Option<Timestamp>) {
        let key = (tenant.clone(), id.clone());
        let shard = shard(id.as_str());
        let was = match at {
            Some(at) => self.by_job.insert(key, at),
            None => self.by_job.remove(&key),
        };
        if let Some(was) = was {
            self.by_time.remove(&(shard, was, id.clone(), tenant.clone()));
        }
        if let Some(at) = at {
            self.by_time.insert((shard, at, id, tenant));
        }
    }
}

#[derive(Default)]
struct Contents {
    now: i64,
    random: u64,
    calls: Vec<Call>,
    faults: BTreeMap<(usize, Moment), Fault>,
    tenants: BTreeMap<String, TenantId>,
    apps: BTreeMap<(TenantId, AppId), Vec<u8>>,
    logins: BTreeMap<(TenantId, String), SealedLogin>,
    accounts: BTreeMap<(TenantId, UserId), SealedAccount>,
    jobs: BTreeMap<(TenantId, JobId), Job>,
    /// The list of open jobs, and of ended ones still counted: when to look at them.
    looks: Looks,
    pending: BTreeMap<(TenantId, UserId), u32>,
    dead: BTreeMap<(TenantId, String), JobId>,
    quarantined: BTreeMap<String, String>,
    crowded: u32,
    weather: Option<Weather>,
    wake: Option<Timestamp>,
    breach: Option<Breach>,
    chronicle: Chronicle,
    orphaned_runs: Vec<JobId>,
    results: BTreeMap<(TenantId, JobId), (String, Timestamp)>,
    objects: BTreeMap<(TenantId, JobId), String>,
    budgets: BTreeMap<BudgetKey, Budget>,
    lines: BTreeMap<AppId, Line>,
    turns: BTreeMap<(TenantId, UserId), Turns>,
    /// The list of jobs that stand in lines, by app and order.
    in_line: BTreeMap<(AppId, LineOrder), (TenantId, JobId)>,
    freshness: BTreeMap<(TenantId, UserId), Freshness>,
    pointers: BTreeMap<(TenantId, UserId, Question), Pointer>,
    uses: BTreeMap<(TenantId, Day, MethodName), Uses>,
    queue: Vec<QueuedMessage>,
}

/// Where a job stands in its line: its tag, when it was accepted, its id.
type LineOrder = (u64, Timestamp, JobId);

/// Everything the hub stands on, in memory. See the crate's documentation. A clone is the same world.
#[derive(Clone, Default)]
pub struct World {
    contents: Arc<Mutex<Contents>>,
    /// How far this clone's clock runs ahead, in milliseconds.
    skew: i64,
}

/// What a call meets on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meeting {
    /// Nothing.
    Pass,
    /// A delay, in virtual time.
    Wait(Duration),
    /// A fault.
    Fault(Fault),
}

/// Says what the calls of all ports meet, before their effect and after it.
pub type Weather = Box<dyn FnMut(Call, Moment) -> Meeting + Send>;

/// What happened to jobs, for those who judge.
#[derive(Debug, Clone, Default)]
pub struct Chronicle {
    /// How often each run of each job ended.
    pub ends: BTreeMap<(JobId, u32), u32>,
    /// Claims that were granted to a message with another dispatch number than the job's.
    pub stale_claims: Vec<JobId>,
    /// Claims that were granted while another worker held the job.
    pub stolen_claims: Vec<JobId>,
    /// When each job was last claimed.
    pub claims: BTreeMap<JobId, Timestamp>,
    /// When each job's runs ended.
    pub ended_at: BTreeMap<JobId, Vec<Timestamp>>,
    /// The circuits that were opened: of which app, when, and until when.
    pub circuits: Vec<(AppId, Timestamp, Timestamp)>,
}

/// A rule that is broken on purpose, to see whether it is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// A claim is granted whoever holds the job.
    ClaimWithoutLease,
    /// A claim is granted whatever dispatch number the message carries.
    DispatchNotCompared,
    /// An insertion overwrites the job that is there.
    InsertOverwrites,
    /// A call is granted though the circuit is open.
    CircuitIgnored,
    /// The end of a write makes no kept answer void.
    NothingRaised,
    /// An answer that is kept is as good as new.
    NothingAges,
    /// An account is given what is kept for another.
    AnswersOfAnyone,
}

impl World {
    /// An empty world at `now`, whose randomness follows from `seed`.
    pub fn new(now: Timestamp, seed: u64) -> Self {
        let contents = Contents { now: now.as_milliseconds(), random: seed, ..Contents::default() };
        Self { contents: Arc::new(Mutex::new(contents)), skew: 0 }
    }

    /// The same world, as one sees it whose clock runs `milliseconds` ahead.
    pub fn skewed(&self, milliseconds: i64) -> Self {
        Self { contents: Arc::clone(&self.contents), skew: milliseconds }
    }

    /// Sets the time.
    pub fn set_now(&self, now: Timestamp) {
        self.contents().now = now.as_milliseconds();
    }

    /// Sets what calls meet from now on.
    pub fn set_weather(&self, weather: Weather) {
        self.contents().weather = Some(weather);
    }

    /// Breaks a rule from now on.
    pub fn breach(&self, breach: Breach) {
        self.contents().breach = Some(breach);
    }

    /// Takes the looks of the sweep, since last asked, that found a running job whose lease had run
    /// out.
    pub fn take_orphaned_runs(&self) -> Vec<JobId> {
        std::mem::take(&mut self.contents().orphaned_runs)
    }

    /// What happened to jobs so far.
    pub fn chronicle(&self) -> Chronicle {
        self.contents().chronicle.clone()
    }

    /// Waits, in virtual time: whoever polls learns from [`World::take_wake`] when to poll again.
    pub async fn sleep(&self, length: Duration) {
        let until = Timestamp::from_milliseconds(self.contents().now) + length;
        poll_fn(|_| {
            let mut contents = self.contents();
            if contents.now >= until.as_milliseconds() {
                return Poll::Ready(());
            }
            contents.wake = Some(contents.wake.map_or(until, |earlier| earlier.min(until)));
            Poll::Pending
        })
        .await;
    }

    /// When the task that was polled last wants to be polled again; `None` if it never does.
    pub fn take_wake(&self) -> Option<Timestamp> {
        self.contents().wake.take()
    }

    /// Takes the messages that were sent out of the queue.
    pub fn take_queue(&self) -> Vec<QueuedMessage> {
        std::mem::take(&mut self.contents().queue)
    }

    /// How many jobs of each account are open, and how many are counted as pending.
    pub fn counts(&self) -> BTreeMap<(TenantId, UserId), (u32, u32)> {
        let contents = self.contents();
        let mut counts: BTreeMap<_, (u32, u32)> = BTreeMap::new();
        for job in contents.jobs.values().filter(|job| !job.state.is_terminal()) {
            counts.entry((job.tenant.clone(), job.order.user.clone())).or_default().0 += 1;
        }
        for (account, pending) in &contents.pending {
            counts.entry(account.clone()).or_default().1 = *pending;
        }
        counts
    }

    /// Lets time pass.
    pub fn pass(&self, length: Duration) {
        let mut contents = self.contents();
        contents.now = (Timestamp::from_milliseconds(contents.now) + length).as_milliseconds();
    }

    /// Makes the call with this number (from 0, counted over all ports) fail.
    pub fn fault(&self, call: usize, moment: Moment, fault: Fault) {
        self.contents().faults.insert((call, moment), fault);
    }

    /// Makes the next call fail.
    pub fn fault_next(&self, moment: Moment, fault: Fault) {
        let next = self.contents().calls.len();
        self.fault(next, moment, fault);
    }

    /// The calls of all ports so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.contents().calls.clone()
    }

    /// Forgets the calls so far, and the faults to come.
    pub fn forget_calls(&self) {
        let mut contents = self.contents();
        contents.calls.clear();
        contents.faults.clear();
    }

    /// How often an operation was called.
    pub fn count(&self, call: Call) -> usize {
        self.contents().calls.iter().filter(|made| **made == call).count()
    }

    /// All jobs.
    pub fn jobs(&self) -> Vec<Job> {
        self.contents().jobs.values().cloned().collect()
    }

    /// The messages in the queue, as sent.
    pub fn queue(&self) -> Vec<QueuedMessage> {
        self.contents().queue.clone()
    }

    /// Receives the first visible message: it stays in the queue, unseen for the visibility
    /// timeout, until it is acknowledged.
    pub fn receive(&self) -> Option<Dispatch> {
        let mut contents = self.contents();
        let now = Timestamp::from_milliseconds(contents.now);
        let message = contents.queue.iter_mut().find(|message| message.visible_at <= now)?;
        message.visible_at = now + timing::VISIBILITY_TIMEOUT;
        Some(message.dispatch.clone())
    }

    /// Removes a received message.
    pub fn acknowledge(&self, dispatch: &Dispatch) {
        let mut contents = self.contents();
        if let Some(place) = contents.queue.iter().position(|message| message.dispatch == *dispatch) {
            contents.queue.remove(place);
        }
    }

    /// Makes the next ends of runs meet too many others: their counts do not follow.
    pub fn crowd(&self, writes: u32) {
        self.contents().crowded = writes;
    }

    /// What was quarantined, by message id.
    pub fn quarantined(&self) -> BTreeMap<String, String> {
        self.contents().quarantined.clone()
    }

    /// All secrets at rest, as they would lie in a table.
    pub fn sealed(&self) -> Vec<Vec<u8>> {
        let contents = self.contents();
        let apps = contents.apps.values().cloned();
        let logins = contents.logins.values().map(|login| login.sealed_secret.clone());
        let accounts = contents.accounts.values().map(|account| account.sealed_token.clone());
        apps.chain(logins).chain(accounts).collect()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call of a port: `effect`, between its two moments to fail.
    async fn call<T>(&self, name: Call, effect: impl FnOnce(&mut Contents, Timestamp) -> T + Send) -> Result<T> {
        let number = {
            let mut contents = self.contents();
            contents.calls.push(name);
            contents.calls.len() - 1
        };
        self.meet(number, Moment::Before, name).await?;
        let value = {
            let mut contents = self.contents();
            let now = Timestamp::from_milliseconds(contents.now);
            effect(&mut contents, now)
        };
        self.meet(number, Moment::After, name).await?;
        Ok(value)
    }

    async fn meet(&self, number: usize, moment: Moment, name: Call) -> Result<()> {
        let told = {
            let mut contents = self.contents();
            let told = contents.faults.get(&(number, moment)).copied().map(Meeting::Fault);
            told.or_else(|| contents.weather.as_mut().map(|weather| weather(name, moment))).unwrap_or(Meeting::Pass)
        };
        let fault = match told {
            Meeting::Pass => return Ok(()),
            Meeting::Wait(length) => {
                self.sleep(length).await;
                return Ok(());
            }
            Meeting::Fault(fault) => fault,
        };
        match fault {
            Fault::Fail => Err(Error::unavailable(name, format!("injected {moment:?} call {number}"))),
            Fault::Crash => pending().await,
        }
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.contents().now + self.skew)
    }
}

impl Entropy for World {
    /// SplitMix64 (Steele, Lea, Flood 2014): not random, and the same in each run.
    fn random(&self) -> [u8; 16] {
        let mut contents = self.contents();
        let mut half = || {
            contents.random = contents.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = contents.random;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        let bits = (u128::from(half()) << 64) | u128::from(half());
        bits.to_be_bytes()
    }
}

impl SaveTenant for World {
    async fn save_tenant(&self, tenant: &TenantId, _: &str, key: &ApiKeyHash, _: Timestamp) -> Result<bool> {
        self.call("save_tenant", |contents, _| {
            let taken = contents.tenants.contains_key(key.as_str());
            if !taken {
                contents.tenants.insert(key.as_str().to_owned(), tenant.clone());
            }
            !taken
        })
        .await
    }
}

impl FindTenant for World {
    async fn tenant_of(&self, key: &ApiKeyHash) -> Result<Option<TenantId>> {
        self.call("tenant_of", |contents, _| contents.tenants.get(key.as_str()).cloned()).await
    }
}

impl SaveApp for World {
    async fn save_app(&self, tenant: &TenantId, app: &AppId, sealed: &[u8]) -> Result<()> {
        self.call("save_app", |contents, _| {
            contents.apps.insert((tenant.clone(), app.clone()), sealed.to_vec());
        })
        .await
    }
}

impl FindApp for World {
    async fn app(&self, tenant: &TenantId, app: &AppId) -> Result<Option<Vec<u8>>> {
        self.call("app", |contents, _| contents.apps.get(&(tenant.clone(), app.clone())).cloned()).await
    }
}

impl ListApps for World {
    async fn apps(&self, tenant: &TenantId, after: Option<&AppId>, limit: u16) -> Result<Vec<AppId>> {
        self.call("apps", |contents, _| {
            let of_tenant = contents.apps.keys().filter(|(owner, _)| owner == tenant).map(|(_, app)| app);
            of_tenant.filter(|app| after.is_none_or(|after| *app > after)).take(limit.into()).cloned().collect()
        })
        .await
    }
}

impl SaveLogin for World {
    async fn save_login(&self, login: &SealedLogin) -> Result<()> {
        self.call("save_login", |contents, _| {
            let key = (login.login.tenant.clone(), login.login.token_digest.as_str().to_owned());
            contents.logins.insert(key, login.clone());
        })
        .await
    }
}

impl FindLogin for World {
    async fn login(&self, tenant: &TenantId, token: &Digested) -> Result<Option<PendingLogin>> {
        self.call("login", |contents, _| {
            contents.logins.get(&(tenant.clone(), token.as_str().to_owned())).map(|sealed| sealed.login.clone())
        })
        .await
    }
}

impl TakeLogin for World {
    async fn take_login(
        &self,
        tenant: &TenantId,
        token: &Digested,
        state: Option<&Digested>,
        now: Timestamp,
    ) -> Result<Option<SealedLogin>> {
        self.call("take_login", |contents, _| {
            let key = (tenant.clone(), token.as_str().to_owned());
            let fits = contents.logins.get(&key).is_some_and(|sealed| {
                let known = match state {
                    Some(state) => sealed.login.state_digest == *state,
                    None => sealed.login.mode == Mode::Oob,
                };
                known && sealed.login.expires_at > now
            });
            if fits { contents.logins.remove(&key) } else { None }
        })
        .await
    }
}

impl SaveAccount for World {
    async fn save_account(&self, account: &SealedAccount) -> Result<()> {
        self.call("save_account", |contents, _| {
            let key = (account.account.tenant.clone(), account.account.user.clone());
            contents.accounts.insert(key, account.clone());
        })
        .await
    }
}

impl FindAccount for World {
    async fn account(&self, tenant: &TenantId, user: &UserId) -> Result<Option<SealedAccount>> {
        self.call("account", |contents, _| contents.accounts.get(&(tenant.clone(), user.clone())).cloned()).await
    }
}

impl ListAccounts for World {
    async fn accounts(&self, tenant: &TenantId, after: Option<&UserId>, limit: u16) -> Result<Vec<Account>> {
        self.call("accounts", |contents, _| {
            let of_tenant = contents.accounts.values().map(|sealed| &sealed.account).filter(|a| a.tenant == *tenant);
            let rest = of_tenant.filter(|account| after.is_none_or(|after| account.user > *after));
            rest.take(limit.into()).cloned().collect()
        })
        .await
    }
}

impl RemoveAccount for World {
    async fn remove_account(&self, tenant: &TenantId, user: &UserId) -> Result<bool> {
        self.call("remove_account", |contents, _| contents.accounts.remove(&(tenant.clone(), user.clone())).is_some())
            .await
    }
}

impl MarkAccount for World {
    async fn mark_reconnect_needed(&self, tenant: &TenantId, user: &UserId, connected_at: Timestamp) -> Result<()> {
        self.call("mark_reconnect_needed", |contents, _| {
            let account = contents.accounts.get_mut(&(tenant.clone(), user.clone()));
            if let Some(sealed) = account.filter(|sealed| sealed.account.connected_at == connected_at) {
                sealed.account.status = Status::ReconnectNeeded;
            }
        })
        .await
    }
}

/// Whether an ended job is past its retention.
fn is_expired(job: &Job, now: Timestamp) -> bool {
    job.state.phase.ended_at().is_some_and(|at| (at + timing::RECORD_RETENTION).as_seconds() <= now.as_seconds())
}

impl InsertJob for World {
    async fn insert_job(&self, job: &Job, max_pending_jobs: u32) -> Result<Inserted> {
        self.call("insert_job", |contents, _| {
            let key = (job.tenant.clone(), job.id.clone());
            let overwrites = contents.breach == Some(Breach::InsertOverwrites);
            let there = contents.jobs.get(&key).filter(|earlier| !is_expired(earlier, job.created_at));
            match there.filter(|_| !overwrites) {
                Some(earlier) if earlier == job => Inserted::New,
                Some(earlier) => Inserted::Exists(Box::new(earlier.clone())),
                None if contents.pending_of(job) >= max_pending_jobs => Inserted::TooMany,
                None => {
                    contents.opened(job);
                    contents.lined(None, job);
                    contents.jobs.insert(key, job.clone());
                    Inserted::New
                }
            }
        })
        .await
    }
}

impl Contents {
    /// Counts a job that is open from now on.
    fn opened(&mut self, job: &Job) {
        *self.pending.entry((job.tenant.clone(), job.order.user.clone())).or_default() += 1;
        self.looks.set((job.tenant.clone(), job.id.clone()), job.state.look_at());
    }

    /// Lists a job where it stands in line, and no more where it stood.
    fn lined(&mut self, was: Option<&Job>, job: &Job) {
        if let Some(place) = was.and_then(line_place) {
            self.in_line.remove(&place);
        }
        if let Some(place) = line_place(job) {
            self.in_line.insert(place, (job.tenant.clone(), job.id.clone()));
        }
    }

    /// How many jobs of the job's account are counted.
    fn pending_of(&self, job: &Job) -> u32 {
        self.pending.get(&(job.tenant.clone(), job.order.user.clone())).copied().unwrap_or_default()
    }

    /// Counts an ended job no more.
    fn closed(&mut self, job: &Job) {
        if let Some(count) = self.pending.get_mut(&(job.tenant.clone(), job.order.user.clone())) {
            *count = count.saturating_sub(1);
        }
        self.looks.set((job.tenant.clone(), job.id.clone()), None);
    }

    /// Makes kept answers of an account void.
    fn change(&mut self, tenant: &TenantId, user: &UserId, change: &Change) {
        let freshness = self.freshness.entry((tenant.clone(), user.clone())).or_default();
        *freshness = std::mem::take(freshness).after(change);
    }

    /// Where the pointer of an account's question is.
    fn pointer_key(&self, tenant: &TenantId, user: &UserId, question: &Question) -> (TenantId, UserId, Question) {
        let anyone = UserId::from_bytes([0; 16]);
        let user = if self.breach == Some(Breach::AnswersOfAnyone) { anyone } else { user.clone() };
        (tenant.clone(), user, question.clone())
    }

    /// Puts a job that just died on the desk's list.
    fn died(&mut self, job: &Job) {
        if let Some(cursor) = dead_cursor(job) {
            self.dead.insert((job.tenant.clone(), cursor), job.id.clone());
        }
    }
}

/// Where a job stands in line, if it does.
fn line_place(job: &Job) -> Option<(AppId, LineOrder)> {
    let place = job.state.place.as_ref().filter(|_| job.state.carrier == Carrier::Line && !job.state.is_terminal())?;
    Some((place.app.clone(), (place.tag, job.created_at, job.id.clone())))
}

/// Where a dead job stands in the desk's list.
fn dead_cursor(job: &Job) -> Option<String> {
    match &job.state.phase {
        Phase::Dead { at, .. } => Some(format!("{:015}.{}", at.as_milliseconds(), job.id)),
        _ => None,
    }
}

/// Whether a job is as it was: in its dispatch, phase and claim.
fn is_as(stored: &State, before: &State) -> bool {
    let claim = |state: &State| match &state.phase {
        Phase::Running(claim) => Some(claim.id.clone()),
        _ => None,
    };
    stored.dispatch == before.dispatch && stored.phase.name() == before.phase.name() && claim(stored) == claim(before)
}

impl FindJob for World {
    async fn job(&self, tenant: &TenantId, id: &JobId) -> Result<Option<Job>> {
        self.call("job", |contents, now| {
            contents.jobs.get(&(tenant.clone(), id.clone())).filter(|job| !is_expired(job, now)).cloned()
        })
        .await
    }
}

impl ClaimJob for World {
    async fn claim_job(
        &self,
        tenant: &TenantId,
        id: &JobId,
        dispatch: u32,
        claim: &ClaimId,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<Claimed> {
        self.call("claim_job", |contents, true_now| {
            let Some(job) = contents.jobs.get_mut(&(tenant.clone(), id.clone())).filter(|job| !is_expired(job, now))
            else {
                return Claimed::Unknown;
            };
            let was = job.state.clone();
            let mut seen = was.clone();
            let mut number = dispatch;
            match contents.breach {
                Some(Breach::ClaimWithoutLease) if matches!(was.phase, Phase::Running(_)) => seen.phase = Phase::Queued,
                Some(Breach::DispatchNotCompared) => number = was.dispatch,
                _ => {}
            }
            match step(&seen, Event::Claim { dispatch: number, claim: claim.clone(), lease_until }, now) {
                Ok((state, _)) => {
                    let held_by_another =
                        matches!(&was.phase, Phase::Running(held) if held.id != *claim && held.lease_until > now);
                    if held_by_another {
                        contents.chronicle.stolen_claims.push(id.clone());
                    }
                    if was.dispatch != dispatch {
                        contents.chronicle.stale_claims.push(id.clone());
                    }
                    contents.chronicle.claims.insert(id.clone(), true_now);
                    job.state = state;
                    Claimed::Held(Box::new(job.clone()))
                }
                Err(_) => Claimed::Refused(Box::new(job.clone())),
            }
        })
        .await
    }
}

impl SaveJob for World {
    async fn save_job(&self, job: &Job, before: &State, look: Look) -> Result<bool> {
        self.call("save_job", |contents, now| {
            let key = (job.tenant.clone(), job.id.clone());
            let Some(stored) = contents.jobs.get_mut(&key) else { return false };
            if !is_as(&stored.state, before) {
                return stored.state == job.state;
            }
            let was = stored.clone();
            stored.state = job.state.clone();
            contents.lined(Some(&was), job);
            if !before.is_terminal()
                && contents.breach != Some(Breach::NothingRaised)
                && let Some(change) = Change::by_end_of(job)
            {
                contents.change(&job.tenant, &job.order.user, &change);
            }
            if !before.is_terminal() && job.state.is_terminal() {
                *contents.chronicle.ends.entry((job.id.clone(), job.state.run)).or_default() += 1;
                contents.chronicle.ended_at.entry(job.id.clone()).or_default().push(now);
            }
            let resent =
                look == Look::Anew && (job.state.dispatch > before.dispatch || job.state.resends > before.resends);
            if resent && matches!(before.phase, Phase::Running(_)) {
                contents.orphaned_runs.push(job.id.clone());
            }
            match (before.is_terminal(), job.state.is_terminal()) {
                (false, true) if contents.crowded > 0 => contents.crowded -= 1,
                (false, true) => {
                    contents.closed(job);
                    contents.died(job);
                }
                (true, false) => {
                    contents.opened(job);
                    if let Some(cursor) = dead_cursor(&was) {
                        contents.dead.remove(&(job.tenant.clone(), cursor));
                    }
                }
                (false, false) if look == Look::Anew => {
                    contents.looks.set(key, job.state.look_at());
                }
                _ => {}
            }
            true
        })
        .await
    }
}

impl SettleJob for World {
    async fn settle_job(&self, tenant: &TenantId, id: &JobId) -> Result<bool> {
        self.call("settle_job", |contents, _| {
            let key = (tenant.clone(), id.clone());
            let ended = contents.jobs.get(&key).filter(|job| job.state.is_terminal()).cloned();
            let Some(job) = ended.filter(|_| contents.looks.by_job.contains_key(&key)) else { return false };
            contents.closed(&job);
            contents.died(&job);
            true
        })
        .await
    }
}

impl CountPending for World {
    async fn pending(&self, tenant: &TenantId, user: &UserId) -> Result<u32> {
        self.call("pending", |contents, _| {
            contents.pending.get(&(tenant.clone(), user.clone())).copied().unwrap_or_default()
        })
        .await
    }
}

/// The part of a list that what has this id is in.
fn shard(id: &str) -> u8 {
    let digit = id.chars().next_back().and_then(|digit| digit.to_digit(16)).unwrap_or_default();
    u8::try_from(digit).unwrap_or_default() % LOOK_SHARDS
}

impl ListDue for World {
    async fn due_jobs(&self, wanted: u8, now: Timestamp, limit: u16) -> Result<Vec<Due>> {
        self.call("due_jobs", |contents, _| {
            let least =
                (wanted, Timestamp::from_milliseconds(0), JobId::from_bytes([0; 16]), TenantId::from_bytes([0; 16]));
            let due =
                contents.looks.by_time.range(least..).take_while(|(shard, at, ..)| *shard == wanted && *at <= now);
            let due = due.map(|(_, at, id, tenant)| Due { tenant: tenant.clone(), id: id.clone(), look_at: *at });
            due.take(limit.into()).collect()
        })
        .await
    }
}

impl PostponeLook for World {
    async fn postpone_look(&self, due: &Due, look_at: Timestamp) -> Result<()> {
        self.call("postpone_look", |contents, _| {
            let key = (due.tenant.clone(), due.id.clone());
            if contents.looks.by_job.get(&key) == Some(&due.look_at) {
                contents.looks.set(key, Some(look_at));
            }
        })
        .await
    }
}

impl ListDead for World {
    async fn dead_jobs(&self, tenant: &TenantId, cursor: Option<&str>, limit: u16) -> Result<Vec<(JobId, String)>> {
        self.call("dead_jobs", |contents, _| {
            let of_tenant = contents.dead.iter().filter(|((owner, _), _)| owner == tenant);
            let rest = of_tenant.filter(|((_, at), _)| cursor.is_none_or(|cursor| at.as_str() > cursor));
            rest.take(limit.into()).map(|((_, cursor), id)| (id.clone(), cursor.clone())).collect()
        })
        .await
    }
}

impl DiscardDead for World {
    async fn discard_dead(&self, job: &Job) -> Result<bool> {
        self.call("discard_dead", |contents, _| {
            dead_cursor(job).is_some_and(|cursor| contents.dead.remove(&(job.tenant.clone(), cursor)).is_some())
        })
        .await
    }
}

impl Quarantine for World {
    async fn quarantine(&self, message_id: &str, body: &str, _: Timestamp) -> Result<()> {
        self.call("quarantine", |contents, _| {
            contents.quarantined.insert(message_id.to_owned(), body.to_owned());
        })
        .await
    }
}

impl KeepResult for World {
    async fn keep_result(&self, tenant: &TenantId, id: &JobId, result: &str, expires_at: Timestamp) -> Result<()> {
        self.call("keep_result", |contents, _| {
            contents.results.insert((tenant.clone(), id.clone()), (result.to_owned(), expires_at));
        })
        .await
    }
}

impl FindResult for World {
    async fn result(&self, tenant: &TenantId, id: &JobId) -> Result<Option<String>> {
        self.call("result", |contents, now| {
            let found = contents.results.get(&(tenant.clone(), id.clone()));
            found.filter(|(_, expires_at)| expires_at.as_seconds() > now.as_seconds()).map(|(text, _)| text.clone())
        })
        .await
    }
}

impl KeepObject for World {
    async fn keep_object(&self, tenant: &TenantId, id: &JobId, result: &str) -> Result<()> {
        self.call("keep_object", |contents, _| {
            contents.objects.insert((tenant.clone(), id.clone()), result.to_owned());
        })
        .await
    }
}

impl FindObject for World {
    async fn object(&self, tenant: &TenantId, id: &JobId) -> Result<Option<String>> {
        self.call("object", |contents, _| contents.objects.get(&(tenant.clone(), id.clone())).cloned()).await
    }

    async fn object_url(&self, tenant: &TenantId, id: &JobId) -> Result<String> {
        self.call("object_url", |_, _| format!("https://objects.example/{tenant}/{id}")).await
    }
}

impl FindCached for World {
    async fn account_and_cached(
        &self,
        tenant: &TenantId,
        user: &UserId,
        question: &Question,
    ) -> Result<(Option<SealedAccount>, Cached)> {
        self.call("account_and_cached", |contents, now| {
            let account = (tenant.clone(), user.clone());
            let pointer = contents.pointers.get(&contents.pointer_key(tenant, user, question)).cloned();
            let ageless = contents.breach == Some(Breach::NothingAges);
            let pointer = pointer.map(|pointer| if ageless { Pointer { as_of: now, ..pointer } } else { pointer });
            let freshness = contents.freshness.get(&account).cloned().unwrap_or_default();
            (contents.accounts.get(&account).cloned(), Cached { freshness, pointer })
        })
        .await
    }
}

impl SetPointer for World {
    async fn set_pointer(
        &self,
        tenant: &TenantId,
        user: &UserId,
        question: &Question,
        pointer: &Pointer,
        seen: Option<&Pointer>,
    ) -> Result<bool> {
        self.call("set_pointer", |contents, _| {
            let key = contents.pointer_key(tenant, user, question);
            let ageless = contents.breach == Some(Breach::NothingAges);
            let there = contents.pointers.get(&key);
            if there != seen && there != Some(pointer) && !ageless {
                return false;
            }
            contents.pointers.insert(key, pointer.clone());
            true
        })
        .await
    }
}

impl ChangeFreshness for World {
    async fn change_freshness(&self, tenant: &TenantId, user: &UserId, change: &Change) -> Result<()> {
        self.call("change_freshness", |contents, _| contents.change(tenant, user, change)).await
    }
}

impl CountUses for World {
    async fn count_uses(&self, tenant: &TenantId, day: &Day, method: &MethodName, uses: &Uses) -> Result<()> {
        self.call("count_uses", |contents, _| {
            *contents.uses.entry((tenant.clone(), day.clone(), method.clone())).or_default() += *uses;
        })
        .await
    }
}

impl ListUses for World {
    async fn uses(&self, tenant: &TenantId, from: &Day) -> Result<Vec<(MethodName, Uses)>> {
        self.call("uses", |contents, _| {
            let wanted = contents.uses.iter().filter(|((owner, day, _), _)| owner == tenant && day >= from);
            wanted.map(|((_, _, method), uses)| (method.clone(), *uses)).collect()
        })
        .await
    }
}

impl KeepBudget for World {
    async fn change_budget<T: Send>(
        &self,
        key: &BudgetKey,
        change: impl Fn(&Budget) -> (Option<Budget>, T) + Send + Sync,
    ) -> Result<T> {
        self.call("change_budget", |contents, now| {
            let before = contents.budgets.get(key).cloned().unwrap_or_default();
            let (mut after, mut value) = change(&before);
            if after.is_none() && contents.breach == Some(Breach::CircuitIgnored) {
                let (granted, other) = change(&circuits_of(&before, &Budget::default()));
                after = granted.map(|granted| circuits_of(&granted, &before));
                value = other;
            }
            let Some(after) = after else { return value };
            // A probe closes the circuit for others too, for a minute: that is no opening.
            if let (BudgetKey::App(app), Some(until)) = (key, open_until(&after, now))
                && open_until(&before, now) != Some(until)
                && until.since(now) > Duration::from_secs(120)
            {
                contents.chronicle.circuits.push((app.clone(), now, until));
            }
            contents.budgets.insert(key.clone(), after);
            value
        })
        .await
    }
}

/// Until when a budget's circuit is open.
fn open_until(budget: &Budget, now: Timestamp) -> Option<Timestamp> {
    budget.standing(&Limit::FLICKR, now).open_until
}

/// A budget with the circuits of another.
fn circuits_of(budget: &Budget, other: &Budget) -> Budget {
    let value = |budget| serde_json::to_value(budget).unwrap_or_default();
    let (mut merged, mut other) = (value(budget), value(other));
    merged["circuits"] = other["circuits"].take();
    if merged["circuits"].is_null() {
        merged["circuits"] = serde_json::json!({});
    }
    serde_json::from_value(merged).unwrap_or_default()
}

impl FindLine for World {
    async fn budget_and_line(&self, app: &AppId) -> Result<(Budget, Line)> {
        self.call("budget_and_line", |contents, now| contents.budget_and_line(app, now)).await
    }
}

impl Contents {
    fn budget_and_line(&self, app: &AppId, now: Timestamp) -> (Budget, Line) {
        let budget = self.budgets.get(&BudgetKey::App(app.clone())).cloned().unwrap_or_default();
        (budget, self.lines.get(app).cloned().unwrap_or_else(|| Line::new(now)))
    }
}

impl FindReception for World {
    async fn reception(&self, tenant: &TenantId, user: &UserId) -> Result<Option<Reception>> {
        self.call("reception", |contents, now| {
            let account = contents.accounts.get(&(tenant.clone(), user.clone())).cloned()?;
            let (budget, line) = contents.budget_and_line(&account.account.app, now);
            Some(Reception { account, budget, line })
        })
        .await
    }
}

impl TakeTurn for World {
    async fn take_turn(
        &self,
        tenant: &TenantId,
        user: &UserId,
        lane: Priority,
        virtual_time: u64,
        max_pending_jobs: u32,
    ) -> Result<Turn> {
        self.call("take_turn", |contents, _| {
            let account = (tenant.clone(), user.clone());
            if contents.pending.get(&account).copied().unwrap_or_default() >= max_pending_jobs {
                return Turn::TooMany;
            }
            let turns = contents.turns.entry(account).or_default();
            *turns = turns.taken(lane, virtual_time);
            Turn::Taken(*turns)
        })
        .await
    }

    async fn return_turn(&self, tenant: &TenantId, user: &UserId, lane: Priority, tag: u64) -> Result<()> {
        self.call("return_turn", |contents, _| {
            if let Some(turns) = contents.turns.get_mut(&(tenant.clone(), user.clone())) {
                *turns = turns.returned(lane, tag);
            }
        })
        .await
    }
}

impl JoinLine for World {
    async fn join_line(&self, app: &AppId, bucket: Bucket, now: Timestamp) -> Result<()> {
        self.call("join_line", |contents, _| {
            let line = contents.lines.entry(app.clone()).or_insert_with(|| Line::new(now));
            *line.waiting.entry(bucket).or_default() += 1;
        })
        .await
    }
}

impl ListWaiting for World {
    async fn first_in_line(&self, app: &AppId, limit: u16) -> Result<Vec<Waiting>> {
        self.call("first_in_line", |contents, _| {
            let none = JobId::from_bytes([0; 16]);
            let begin = (app.clone(), (0, Timestamp::from_milliseconds(0), none));
            let of_app = contents.in_line.range(begin..).take_while(|((of, _), _)| of == app);
            let waiting = of_app.map(|((_, (tag, ..)), (tenant, id))| Waiting {
                tenant: tenant.clone(),
                id: id.clone(),
                tag: *tag,
            });
            waiting.take(limit.into()).collect()
        })
        .await
    }
}

impl ServeLine for World {
    async fn lines(&self, wanted: u8) -> Result<Vec<AppId>> {
        self.call("lines", |contents, _| {
            contents.lines.keys().filter(|app| shard(app.as_str()) == wanted).cloned().collect()
        })
        .await
    }

    async fn hand_out(&self, app: &AppId, before: Timestamp, allotment: &Allotment) -> Result<bool> {
        self.call("hand_out", |contents, _| match contents.lines.get_mut(app) {
            Some(line) if line.allotted.0 == before => {
                *line = line.handed_out(allotment);
                true
            }
            _ => false,
        })
        .await
    }

    async fn serve_line(&self, app: &AppId, served: &Served) -> Result<()> {
        self.call("serve_line", |contents, _| {
            if let Some(line) = contents.lines.get_mut(app) {
                *line = line.after(served);
            }
        })
        .await
    }
}

impl SendDispatch for World {
    async fn send_dispatch(&self, dispatch: &Dispatch, delay: Duration) -> Result<()> {
        self.call("send_dispatch", |contents, now| {
            contents.queue.push(QueuedMessage { dispatch: dispatch.clone(), visible_at: now + delay });
        })
        .await
    }
}

impl Probe for World {
    async fn probe(&self) -> Vec<(&'static str, bool)> {
        vec![("world", self.call("probe", |_, _| ()).await.is_ok())]
    }
}
