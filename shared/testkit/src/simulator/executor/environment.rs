//! What a simulation runs in: the world, Flickr, and the tenants with their accounts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{
    AccountRef, AppId, TenantId, Timestamp,
    budget::{Limit, MAX_PENDING},
};
use futures_util::FutureExt;
use hub::{
    limits::Limits,
    ports::{Accounts, Apps, Clock},
    tenants::Principal,
    vaults::Vaults,
};
use vault::memory::MemoryKeys;

use crate::{
    KeyUnits, World,
    build::{self, NOW},
    faults::{Fault, FaultPlan, FaultPoint, Injection},
    mutation::Mutation,
    random::Random,
    simulator::{
        flickr::{Conditions, SimulatedFlickr},
        profile::Profile,
        streams::{Stream, stream},
    },
};

/// How many sweeps work at once where one has more to do than it can.
const SWEEPS_AT_ONCE: usize = 3;

/// A tenant, as who it is authenticated.
struct Tenant {
    principal: Principal,
    /// The same with the limits that hold later.
    later: Principal,
}

/// What a simulation runs in.
pub(super) struct Environment {
    pub(super) world: World,
    pub(super) flickr: SimulatedFlickr,
    pub(super) vaults: Vaults<Arc<MemoryKeys>>,
    profile: Profile,
    tenants: Vec<Tenant>,
    accounts: Vec<AccountRef>,
    injected_faults: Arc<AtomicU64>,
}

impl Environment {
    /// The environment that `profile` describes, before anything happened in it.
    pub(super) fn new(seed: u64, profile: &Profile) -> Self {
        let world = World::new(NOW, stream(seed, Stream::World).below(u64::MAX));
        let conditions = Conditions {
            faults_per_mille: profile.flickr_faults_per_mille,
            storms: profile.storms.clone(),
            outages: profile.outages.clone(),
            hides_doubt: profile.mutation == Some(Mutation::RetryIgnoresClass),
            deletions_per_mille: profile.deletions_per_mille,
            hides_deletion: profile.mutation == Some(Mutation::DeletedTakenForLiving),
            forgets_deduplication: profile.mutation == Some(Mutation::SentAgainWithoutDeduplication),
        };
        let flickr = SimulatedFlickr::new(world.clone(), stream(seed, Stream::Flickr), conditions);
        let (tenants, accounts) = (Vec::new(), Vec::new());
        let (vaults, profile) = (build::vaults(), profile.clone());
        let mut environment =
            Self { world, flickr, vaults, profile, tenants, accounts, injected_faults: Arc::default() };
        // Nothing waits before there is a fault plan.
        environment.settle().now_or_never();
        environment.world.set_sweeps_at_once(SWEEPS_AT_ONCE);
        environment.world.forget_calls();
        environment.begin(stream(seed, Stream::Faults));
        environment
    }

    /// Creates the tenants with their accounts.
    async fn settle(&mut self) -> Option<()> {
        for number in 1..=self.profile.tenants {
            let id = TenantId::from_bytes([number; 16]);
            let principal = build::principal_of(&self.world, &id, self.limits_at(NOW)).await;
            let later = build::principal_of(&self.world, &id, self.last_limits()).await;
            self.tenants.push(Tenant { principal, later });
            let app = if self.profile.app_each { AppId::from_bytes([number; 16]) } else { build::app() };
            for number in 0..self.profile.accounts_each {
                let nsid = format!("{number}@N00");
                let (account, sealed_app) = build::sealed_account_of(&self.vaults, &id, &app, &nsid, NOW).await;
                self.world.save_app(&id, &app, &sealed_app).await.ok()?;
                self.world.save_account(&account).await.ok()?;
                self.accounts.push(AccountRef::new(&id, &account.account.user));
            }
        }
        Some(())
    }

    /// Has calls of ports meet delays and faults from now on, and breaks the rule that is to be broken.
    fn begin(&self, random: Random) {
        if let Some(mutation) = self.profile.mutation {
            self.world.set_mutation(mutation);
        }
        if let Some((call, point)) = self.profile.crash_at {
            self.world.fault(call, point, Fault::Crash);
        }
        self.world.set_most_key_units(Some(KeyUnits::DYNAMODB));
        self.world.set_hold(Duration::from_millis(self.profile.hold_milliseconds));
        self.world.set_fault_plan(self.fault_plan(random));
    }

    fn fault_plan(&self, mut random: Random) -> FaultPlan {
        let (failures, crashes) = (self.profile.failures_per_myriad, self.profile.crashes_per_myriad);
        let injected = Arc::clone(&self.injected_faults);
        Box::new(move |_, point| {
            // Each call has two points of failure.
            let roll = random.below(20_000);
            if roll < failures + crashes {
                injected.fetch_add(1, Ordering::Relaxed);
                return Injection::Fault(if roll < failures { Fault::Fail } else { Fault::Crash });
            }
            match point {
                FaultPoint::After => Injection::Pass,
                FaultPoint::Before if random.per_mille(3) => Injection::Wait(random.milliseconds(100, 8_000)),
                FaultPoint::Before => Injection::Wait(random.milliseconds(2, 40)),
            }
        })
    }

    /// The account with this number.
    pub(super) fn account(&self, number: usize) -> Option<&AccountRef> {
        self.accounts.get(number)
    }

    /// The tenant of the account with this number, as who it is authenticated now.
    pub(super) fn principal_of(&self, account: usize) -> Option<&Principal> {
        let each = usize::try_from(self.profile.accounts_each).unwrap_or(usize::MAX);
        self.tenants.get(account.checked_div(each)?).map(|tenant| self.now_of(tenant))
    }

    /// Each tenant, as who it is authenticated now.
    pub(super) fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.tenants.iter().map(|tenant| self.now_of(tenant))
    }

    fn now_of<'a>(&self, tenant: &'a Tenant) -> &'a Principal {
        if self.is_later(self.world.now()) { &tenant.later } else { &tenant.principal }
    }

    /// How much may be asked for now.
    pub(super) fn limits(&self) -> Limits {
        self.limits_at(self.world.now())
    }

    fn is_later(&self, now: Timestamp) -> bool {
        self.profile.later_limit.is_some_and(|(from, _)| now >= NOW + from)
    }

    fn limits_at(&self, now: Timestamp) -> Limits {
        if self.is_later(now) { self.last_limits() } else { self.limits_of(self.profile.limit) }
    }

    fn last_limits(&self) -> Limits {
        self.limits_of(self.profile.later_limit.map_or(self.profile.limit, |(_, limit)| limit))
    }

    fn limits_of(&self, app: Limit) -> Limits {
        let without = Limit { calls_per_hour: 1_000_000, burst_calls: 1_000_000 };
        let app = if self.profile.mutation == Some(Mutation::NoBudget) { without } else { app };
        Limits { app, account: None, max_pending_jobs: MAX_PENDING, ..Limits::default() }
    }

    /// How many faults were injected, how many requests DynamoDB refused, and how many calls of Flickr went wrong.
    pub(super) fn faults(&self) -> u64 {
        let refused = self.world.throttled() + self.world.conflicts();
        self.injected_faults.load(Ordering::Relaxed) + refused + self.flickr.faults()
    }
}
