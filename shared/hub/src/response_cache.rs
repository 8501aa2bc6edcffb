//! The response cache: whether a job's call has been answered, who makes it already, and what invalidates answers
//! ([`domain::cache`] and [`domain::job::decide`] have the rules).
//!
//! The cache spares calls and is needed by none: where it does not answer, a job calls Flickr.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    AccountRef, Day, JobId, TenantId, Timestamp, UserId,
    cache::{CacheEntry, CacheEvent, CacheKey, CacheStats, CacheTag, CacheTags, Invalidation, TagState},
    call::{MethodName, MethodPattern},
    catalogue::Catalogue,
    fair_queue::Priority,
    job::{Decision, Failure, Job, JobSpec, Requester, StoredResult, decide},
};
use futures_util::future::join_all;

use crate::{
    Error, Kind, chain,
    ports::{self, Accounts, CacheView, Clock, Jobs, NewCacheEntry, ResponseCache, SealedAccount},
    tenants::Principal,
};

/// How often one who meets others at a cache entry tries again, before it calls without them.
const TRIES: u32 = 3;

/// What a job looks up.
#[derive(Debug, Clone)]
pub struct CacheLookup {
    tag: CacheTag,
    ttl: Duration,
    index_lag: Duration,
    takes_pages: bool,
    bypass: bool,
    key: CacheKey,
}

/// What a lookup gives a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupResult {
    /// The answer is there.
    Hit(StoredResult),
    /// The job that it waited for was refused by Flickr, and so is it.
    Refused(Failure),
    /// It waits for that job's answer, and looks again at that time.
    Wait(JobId, Timestamp),
    /// It calls Flickr.
    Fetch,
}

impl CacheLookup {
    /// What a job looks up; `None` where the answer is never cached.
    pub fn of(catalogue: &Catalogue, spec: &JobSpec) -> Option<Self> {
        let policy = catalogue.facts(&spec.work).cache_policy?;
        let key = spec.work.cache_key()?;
        Some(Self {
            tag: policy.tag,
            ttl: spec.cache.ttl().unwrap_or(policy.ttl),
            index_lag: policy.index_lag,
            takes_pages: spec.cache.ttl().is_some(),
            bypass: spec.cache.bypass(),
            key,
        })
    }

    fn requester<'a>(&self, id: Option<&'a JobId>, priority: Priority, follows: Option<&'a JobId>) -> Requester<'a> {
        let Self { ttl, index_lag, takes_pages, .. } = *self;
        Requester { id, priority, follows, ttl, index_lag, takes_pages }
    }

    /// What the cache has, with the account that asks.
    ///
    /// # Errors
    /// A failure of the port.
    pub async fn view(
        &self,
        ports: &impl ResponseCache,
        account: &AccountRef,
    ) -> ports::Result<(Option<SealedAccount>, CacheView)> {
        ports.look_up(account, &self.key).await
    }

    /// Looks up for a running job, from what `view` has. If it is to call, those who ask the same from now on wait for
    /// it.
    ///
    /// # Errors
    /// A failure of the ports: the job can call all the same.
    pub async fn look_up(
        &self,
        ports: &(impl Clock + Jobs + ResponseCache),
        job: &Job,
        mut view: CacheView,
    ) -> ports::Result<LookupResult> {
        let account = &job.spec.account;
        let follows = job.state.follows.as_ref();
        let requester = self.requester(Some(&job.id), job.spec.priority, follows);
        for attempt in 1..=TRIES {
            let now = ports.now();
            let Some(tag) = view.generations.tag(self.tag, now) else { return Ok(LookupResult::Fetch) };
            let seen = view.entry.as_ref();
            if let Some(entry) = seen.filter(|_| !self.bypass) {
                match decision(ports, &account.tenant, entry, tag, &requester, now).await? {
                    Decision::Hit => {
                        let (leader, as_of) = (entry.leader.clone(), entry.as_of);
                        return Ok(LookupResult::Hit(StoredResult::Shared { leader, as_of }));
                    }
                    Decision::Refused(failure) => return Ok(LookupResult::Refused(failure)),
                    Decision::Wait { due_at } => return Ok(LookupResult::Wait(entry.leader.clone(), due_at)),
                    Decision::Fetch => {}
                }
            }
            let own = CacheEntry { leader: job.id.clone(), generation: tag.generation, as_of: now };
            let new = NewCacheEntry { account, key: &self.key, entry: &own, seen };
            if ports.set_entry(new).await? || attempt == TRIES {
                break;
            }
            // Another asks the same at this moment.
            (_, view) = self.view(ports, account).await?;
        }
        Ok(LookupResult::Fetch)
    }
}

/// What follows from an entry. Its job is read only if it may say something.
async fn decision(
    ports: &impl Jobs,
    tenant: &TenantId,
    entry: &CacheEntry,
    tag: TagState,
    requester: &Requester<'_>,
    now: Timestamp,
) -> ports::Result<Decision> {
    if !requester.may_use(entry, tag) {
        return Ok(Decision::Fetch);
    }
    let leader = ports.job(&domain::JobRef::new(tenant, &entry.leader)).await?;
    Ok(decide(entry, tag, leader.as_ref(), requester, now))
}

/// Whether a job that is submitted now will need no call, as things stand: the answer is there, or another job asks the
/// same. Where that cannot be found out, it will.
pub async fn needs_no_call(ports: &(impl Clock + Jobs + ResponseCache), catalogue: &Catalogue, spec: &JobSpec) -> bool {
    let Some(lookup) = CacheLookup::of(catalogue, spec).filter(|lookup| !lookup.bypass) else { return false };
    let requester = lookup.requester(None, spec.priority, None);
    let decided = async {
        let (_, view) = lookup.view(ports, &spec.account).await?;
        let now = ports.now();
        match (view.generations.tag(lookup.tag, now), &view.entry) {
            (Some(tag), Some(entry)) => decision(ports, &spec.account.tenant, entry, tag, &requester, now).await,
            _ => Ok(Decision::Fetch),
        }
    };
    match decided.await {
        Ok(decision) => matches!(decision, Decision::Hit | Decision::Wait { .. }),
        Err(error) => {
            tracing::warn!(error = chain(&error), "the cache does not answer");
            false
        }
    }
}

/// Invalidates the account's cached answers: those of the methods that `methods` matches, and with them all that have
/// the same tags. Gives the tags.
///
/// # Errors
/// [`Kind::AccountNotFound`], `methods` that match none whose answers are cached, or a failure of the ports.
pub async fn invalidate(
    ports: &(impl Accounts + ResponseCache),
    catalogue: &Catalogue,
    principal: &Principal,
    user: &UserId,
    methods: Option<&MethodPattern>,
) -> Result<CacheTags, Error> {
    let tags = methods.map_or_else(CacheTags::all, |pattern| catalogue.tags(pattern));
    if tags.is_empty() {
        return Err(Error::invalid("method", "matches no method whose answers are cached"));
    }
    let account = AccountRef::new(principal.tenant(), user);
    ports.account(&account).await?.ok_or(Kind::AccountNotFound)?;
    let invalidation = Invalidation { tags, written_at: None, unsettled_until: None };
    ports.invalidate(&account, &invalidation).await?;
    tracing::info!(%user, tags = %invalidation.tags, "cached answers are invalidated");
    Ok(invalidation.tags)
}

/// Invalidates everything that is cached of an account, whose access ends or begins anew.
///
/// # Errors
/// A failure of the port.
pub(crate) async fn forget(ports: &impl ResponseCache, account: &AccountRef) -> Result<(), Error> {
    let everything = Invalidation { tags: CacheTags::all(), written_at: None, unsettled_until: None };
    Ok(ports.invalidate(account, &everything).await?)
}

/// The outcome of one job's lookup, for the statistics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheUse {
    /// Whose job it was.
    pub tenant: TenantId,
    /// When.
    pub day: Day,
    /// What it called, or would have called.
    pub method: MethodName,
    /// The outcome.
    pub event: CacheEvent,
}

impl CacheUse {
    /// The outcome of the job's lookup; `None` for a job that calls no method.
    pub fn of(job: &Job, event: CacheEvent, now: Timestamp) -> Option<Self> {
        let method = job.spec.work.method()?.clone();
        Some(Self { tenant: job.tenant().clone(), day: Day::of(now), method, event })
    }
}

/// Adds lookups to the statistics, one write for each tenant, day and method. What cannot be written is logged and
/// lost.
pub async fn record_stats(ports: &impl ResponseCache, uses: impl IntoIterator<Item = CacheUse>) {
    let mut sums: BTreeMap<(TenantId, Day, MethodName), CacheStats> = BTreeMap::new();
    for CacheUse { tenant, day, method, event } in uses {
        *sums.entry((tenant, day, method)).or_default() += event.into();
    }
    let writes = sums.iter().map(async |((tenant, day, method), stats)| {
        if let Err(error) = ports.record_stats(tenant, day, method, stats).await {
            tracing::warn!(error = chain(&error), "the cache's statistics could not be recorded");
        }
    });
    join_all(writes).await;
}
