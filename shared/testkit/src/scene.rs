//! The scene of most tests: a tenant with accounts in a [`World`], a Flickr, and what submits and runs its jobs.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::{sync::Arc, time::Duration};

use domain::{
    AccountRef, Day, TraceId, UploadId,
    budget::{HostClass, Signal},
    egress::Policy,
    idempotency::Key,
    job::{Job, JobSpec, PerTarget, Start, Target},
    upload::{FileRules, MediaFile, Upload},
};
use hub::{
    Error,
    budget::Grants,
    limits::Limits,
    message::Dispatch,
    ports::{Accounts, Apps, BudgetKey, Clock, Entropy, Jobs, Messages, PendingJobs, SweepScope, Uploads},
    run::{Disposition, Handled, Worker},
    submit::{Accepted, Submit, SubmitRequest},
    sweep,
    tenants::Principal,
    vaults::Vaults,
};
use vault::memory::MemoryKeys;

use crate::{
    build,
    fakes::World,
    scripted_flickr::{CATALOGUE, ScriptedFlickr},
    scripted_sources::ScriptedSources,
};

/// The time that a sweep has.
const SWEEP_TIME: Duration = Duration::from_secs(50);

/// A tenant with connected accounts of one Flickr app, in a [`World`] at [`build::NOW`]; a [`ScriptedFlickr`]; and the
/// use cases that submit, run and sweep jobs over them.
///
/// A test takes a scene, has jobs submitted and their messages handled, and looks at what became of them:
///
/// ```
/// # futures_util::FutureExt::now_or_never(async {
/// use testkit::Scene;
///
/// let scene = Scene::new().await;
/// let job = scene.submit_call(0, "flickr.photos.getInfo").await;
/// let job = scene.handle(&job).await;
/// assert_eq!((job.state.phase.name(), scene.flickr.calls().len()), ("completed", 1));
/// # }).unwrap();
/// ```
///
/// A new scene has recorded no calls yet ([`World::calls`]), so that faults can be set by the numbers of those to come.
pub struct Scene {
    /// The ports.
    pub world: World,
    pub flickr: ScriptedFlickr,
    /// The URLs that jobs may name.
    pub sources: ScriptedSources,
    /// The vaults of the accounts' tokens and the app's secret.
    pub vaults: Vaults<Arc<MemoryKeys>>,
    /// The tenant, as it was authenticated.
    pub principal: Principal,
    pub accounts: Vec<AccountRef>,
    /// Accepts its jobs.
    pub submit: Submit<World>,
    /// Runs them.
    pub worker: Worker<World, ScriptedFlickr, Arc<MemoryKeys>>,
}

impl Scene {
    /// A scene with two accounts, under the default limits.
    pub async fn new() -> Self {
        Self::with_limits(Limits::default()).await
    }

    /// A scene with two accounts, under these limits.
    ///
    /// # Panics
    /// Never: the fakes do not fail by themselves.
    pub async fn with_limits(limits: Limits) -> Self {
        let (world, flickr, vaults) = (World::new(build::NOW, 1), ScriptedFlickr::default(), build::vaults());
        let tenant = build::tenant(&world);
        let principal = build::principal_of(&world, &tenant, limits).await;
        let mut accounts = Vec::new();
        for nsid in ["1@N00", "2@N00"] {
            let (sealed, app) = build::sealed_account(&vaults, &tenant, nsid, build::NOW).await;
            world.save_app(&tenant, &sealed.account.app, &app).await.unwrap();
            world.save_account(&sealed).await.unwrap();
            accounts.push(AccountRef::new(&tenant, &sealed.account.user));
        }
        world.forget_calls();
        let sources = ScriptedSources::default();
        let submit = Submit { ports: world.clone(), catalogue: &CATALOGUE, sources: Policy::default() };
        let worker = Worker {
            ports: world.clone(),
            flickr: flickr.clone(),
            catalogue: &CATALOGUE,
            vaults: vaults.clone(),
            retries: PerTarget::default(),
            file_rules: FileRules::default(),
            sources: Arc::new(sources.clone()),
            limits,
            grants: Grants::default(),
        };
        Self { world, flickr, sources, vaults, principal, accounts, submit, worker }
    }

    /// The limits that the tenant, the worker and the sweep are held to.
    pub fn limits(&self) -> &Limits {
        &self.worker.limits
    }

    /// Holds the tenant, the worker and the sweep to other limits from now on.
    pub async fn set_limits(&mut self, limits: Limits) {
        self.principal = build::principal_of(&self.world, self.principal.tenant(), limits).await;
        self.worker.limits = limits;
    }

    /// Records in the budget of the accounts' app what became of a call.
    pub fn record(&self, signal: &Signal) {
        let now = self.world.now();
        self.world.set_budget(&BudgetKey::App(build::app()), |budget| {
            build::after_signal(budget, HostClass::Rest, signal, now)
        });
    }

    /// Spends the app's budget but for `left` calls.
    pub fn spend_budget(&self, left: u32) {
        let (limit, now) = (self.limits().app, self.world.now());
        self.world.set_budget(&BudgetKey::App(build::app()), |budget| {
            let remaining = budget.status(&limit, HostClass::Rest, now).remaining_calls;
            build::after_calls(budget, &limit, HostClass::Rest, remaining.checked_sub(left)?, now)
        });
    }

    /// What one of the accounts asks for, by a call of `method` with `params`, a JSON object.
    pub fn spec(&self, account: usize, method: &str, params: &str) -> JobSpec {
        build::spec(&self.accounts[account], method, params)
    }

    /// Asks for a job, to run as soon as possible.
    ///
    /// # Errors
    /// As [`Submit::accept`].
    pub async fn request(&self, spec: JobSpec, key: Option<&str>) -> Result<Accepted, Error> {
        self.request_at(spec, key, Start::Now).await
    }

    /// Asks for a job.
    ///
    /// # Errors
    /// As [`Submit::accept`].
    ///
    /// # Panics
    /// When `key` is not acceptable.
    pub async fn request_at(&self, spec: JobSpec, key: Option<&str>, start: Start) -> Result<Accepted, Error> {
        let key = key.map(|key| Key::parse(key).unwrap());
        let request = SubmitRequest { spec, start, key, trace: TraceId::from_bytes([3; 16]) };
        self.submit.accept(&self.principal, request).await
    }

    /// Has one of the accounts submit a job that calls `method` for photo 1, and gives the job.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn submit_call(&self, account: usize, method: &str) -> Job {
        self.request(self.spec(account, method, r#"{"photo_id": "1"}"#), None).await.unwrap().job
    }

    /// A file of one of the accounts, stored.
    ///
    /// # Panics
    /// When a fault was set for the call.
    pub async fn upload(&self, account: usize, bytes: &'static [u8]) -> Upload {
        let file = MediaFile::new("Übung 1.JPG", "image/jpeg".parse().unwrap(), bytes.len() as u64).unwrap();
        let (id, created_at) = (UploadId::from_bytes(self.world.random()), self.world.now());
        let upload = Upload {
            id,
            account: self.accounts[account].clone(),
            file,
            sha256: None,
            multipart: None,
            pinned_etag: None,
            created_at,
        };
        self.world.create_upload(&upload).await.unwrap();
        self.world.store_file(&upload, bytes);
        upload
    }

    /// Submits a job that sends a file with `params`, a JSON object, and gives the job.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn submit_file(&self, upload: &Upload, target: Target, params: &str) -> Job {
        self.request(build::file_spec(upload, target, params), None).await.unwrap().job
    }

    /// How many jobs of one of the accounts are counted as pending.
    ///
    /// # Panics
    /// When a fault was set for the call.
    pub async fn pending(&self, account: usize) -> u32 {
        let counts = self.world.pending_jobs(&self.accounts[account], Day::of(self.world.now()).before()).await;
        counts.unwrap().values().sum()
    }

    /// Inserts a job as it is, counted as pending, and sends its message.
    ///
    /// # Panics
    /// When a fault was set for one of the calls.
    pub async fn insert(&self, job: &Job) {
        build::insert(&self.world, job).await;
        self.world.send(&Dispatch::of(job), Duration::ZERO).await.unwrap();
    }

    /// The job as it is stored.
    ///
    /// # Panics
    /// When there is none.
    pub async fn stored(&self, job: &Job) -> Job {
        self.world.job(&job.reference()).await.unwrap().unwrap()
    }

    /// Has the worker handle the message of the job as it is stored.
    pub async fn handled(&self, job: &Job) -> Handled {
        let message = Dispatch::of(&self.stored(job).await);
        self.worker.handle(&message).await
    }

    /// The job after its message was handled.
    ///
    /// # Panics
    /// When the message is not acknowledged.
    pub async fn handle(&self, job: &Job) -> Job {
        assert_eq!(self.handled(job).await.disposition.unwrap(), Disposition::Ack);
        self.stored(job).await
    }

    /// Has the sweep run once.
    ///
    /// # Panics
    /// When it fails.
    pub async fn sweep(&self) -> sweep::Report {
        self.try_sweep().await.unwrap()
    }

    /// Has the sweep run once.
    ///
    /// # Errors
    /// As [`sweep::run`].
    pub async fn try_sweep(&self) -> Result<sweep::Report, Error> {
        sweep::run(&self.world, &self.world, self.limits(), &SweepScope::ALL, self.world.now() + SWEEP_TIME).await
    }

    /// Lets time pass.
    pub fn pass_seconds(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }
}
