//! Kept answers: whether a job's question has been answered, who asks it already, and what makes
//! answers void ([`domain::cache`] has the rules).
//!
//! The cache spares calls and is needed by none: where it cannot be asked, a job calls Flickr.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::{
    Day, TenantId, Timestamp, UserId,
    cache::{Asker, Change, Decision, Families, Family, Pointer, Question, Use, Uses, decide},
    call::{MethodName, MethodPattern},
    job::{Job, Order, StoredResult},
};
use futures_util::future::join_all;

use crate::{
    Error, Kind, chain,
    ports::{self, Cached, Catalogue, ChangeFreshness, Clock, CountUses, FindAccount, FindCached, FindJob, SetPointer},
};

/// How often one who meets others at a question asks again, before it calls without them.
const TRIES: u32 = 3;

/// What a job asks that others may have asked.
#[derive(Debug, Clone)]
pub struct Asked {
    family: Family,
    ttl: Duration,
    bypass: bool,
    question: Question,
}

impl Asked {
    /// What `order` asks; `None` where the answer is never kept.
    pub fn by(catalogue: &impl Catalogue, order: &Order) -> Option<Self> {
        let kept = catalogue.kept(&order.method)?;
        Some(Self {
            family: kept.family,
            ttl: order.cache.ttl().unwrap_or(kept.ttl),
            bypass: order.cache.bypass(),
            question: Question::of(&order.method, &order.params),
        })
    }

    /// What is known of the answer, with the account that asks.
    ///
    /// # Errors
    /// A failure of the port.
    pub async fn find(
        &self,
        ports: &impl FindCached,
        tenant: &TenantId,
        user: &UserId,
    ) -> ports::Result<(Option<ports::SealedAccount>, Cached)> {
        ports.account_and_cached(tenant, user, &self.question).await
    }
}

/// What becomes of a job that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The answer is there.
    Answered(StoredResult),
    /// The job for which it waited was refused by Flickr, and so is it.
    Refused(domain::job::Failure),
    /// It waits for that job's answer.
    Follow(domain::JobId, Timestamp),
    /// It calls Flickr.
    Call,
}

/// Asks for a running job, of whose answer `cached` is known. If it is to call, those who ask the same
/// from now on follow it.
///
/// # Errors
/// A failure of the ports: the job can call all the same.
pub async fn ask(
    ports: &(impl Clock + FindJob + FindCached + SetPointer),
    asked: &Asked,
    job: &Job,
    mut cached: Cached,
) -> ports::Result<Reply> {
    let (tenant, user) = (&job.tenant, &job.order.user);
    let follows = job.state.follows.as_ref();
    let asker = Asker { id: Some(&job.id), priority: job.order.priority, follows, ttl: asked.ttl };
    for attempt in 1..=TRIES {
        let now = ports.now();
        let Some(generation) = cached.freshness.generation(asked.family, now) else { return Ok(Reply::Call) };
        let seen = cached.pointer.as_ref();
        if let Some(pointer) = seen.filter(|_| !asked.bypass) {
            let reply = match look(ports, tenant, pointer, generation, &asker, now).await? {
                Decision::Answered => {
                    Some(Reply::Answered(StoredResult::Shared { leader: pointer.leader.clone(), as_of: pointer.as_of }))
                }
                Decision::Refused(failure) => Some(Reply::Refused(failure)),
                Decision::Follow { due_at } => Some(Reply::Follow(pointer.leader.clone(), due_at)),
                Decision::Lead => None,
            };
            if let Some(reply) = reply {
                return Ok(reply);
            }
        }
        let own = Pointer { leader: job.id.clone(), generation, as_of: now };
        if ports.set_pointer(tenant, user, &asked.question, &own, seen).await? || attempt == TRIES {
            break;
        }
        // Another asks the same at this moment.
        (_, cached) = asked.find(ports, tenant, user).await?;
    }
    Ok(Reply::Call)
}

/// What follows from a pointer. Its job is read only if it may say something.
async fn look(
    ports: &impl FindJob,
    tenant: &TenantId,
    pointer: &Pointer,
    generation: u64,
    asker: &Asker<'_>,
    now: Timestamp,
) -> ports::Result<Decision> {
    if !pointer.concerns(generation, asker) {
        return Ok(Decision::Lead);
    }
    let leader = ports.job(tenant, &pointer.leader).await?;
    Ok(decide(pointer, generation, leader.as_ref(), asker, now))
}

/// Whether a job that is ordered now will need no call, as things stand: the answer is there, or
/// another job asks the same. Where that cannot be found out, it will.
pub async fn needs_no_call(
    ports: &(impl Clock + FindJob + FindCached),
    catalogue: &impl Catalogue,
    tenant: &TenantId,
    order: &Order,
) -> bool {
    let Some(asked) = Asked::by(catalogue, order).filter(|asked| !asked.bypass) else { return false };
    let asker = Asker { id: None, priority: order.priority, follows: None, ttl: asked.ttl };
    let decided = async {
        let (_, cached) = asked.find(ports, tenant, &order.user).await?;
        let now = ports.now();
        match (cached.freshness.generation(asked.family, now), &cached.pointer) {
            (Some(generation), Some(pointer)) => look(ports, tenant, pointer, generation, &asker, now).await,
            _ => Ok(Decision::Lead),
        }
    };
    match decided.await {
        Ok(decision) => matches!(decision, Decision::Answered | Decision::Follow { .. }),
        Err(error) => {
            tracing::warn!(error = chain(&error), "the cache cannot be asked");
            false
        }
    }
}

/// Makes the account's kept answers void: those of the methods that `methods` matches, and with them
/// the rest of their families. Gives the families.
///
/// # Errors
/// [`Kind::AccountNotFound`], `methods` that match none whose answers are kept, or a failure of the
/// ports.
pub async fn invalidate(
    ports: &(impl FindAccount + ChangeFreshness),
    catalogue: &impl Catalogue,
    tenant: &TenantId,
    user: &UserId,
    methods: Option<&MethodPattern>,
) -> Result<Families, Error> {
    let families = methods.map_or_else(Families::all, |pattern| catalogue.families(pattern));
    if families.is_empty() {
        return Err(Error::invalid("method", "matches no method whose answers are kept"));
    }
    ports.account(tenant, user).await?.ok_or(Kind::AccountNotFound)?;
    let change = Change { families, unsettled_until: None };
    ports.change_freshness(tenant, user, &change).await?;
    tracing::info!(%user, families = %change.families, "kept answers are void");
    Ok(change.families)
}

/// What is still to be written of how kept answers were used.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<(TenantId, Day, MethodName), Uses>>);

impl Tally {
    /// Counts what came of one job's asking.
    pub fn count(&self, job: &Job, came: Use, now: Timestamp) {
        self.add((job.tenant.clone(), Day::of(now), job.order.method.clone()), came.into());
    }

    fn add(&self, key: (TenantId, Day, MethodName), uses: Uses) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += uses;
    }

    /// Writes what was counted. What cannot be written is kept for the next time.
    pub async fn write(&self, ports: &impl CountUses) {
        let counted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let writes = counted.into_iter().map(async |((tenant, day, method), uses)| {
            if let Err(error) = ports.count_uses(&tenant, &day, &method, &uses).await {
                tracing::warn!(error = chain(&error), "the cache's use could not be counted");
                self.add((tenant, day, method), uses);
            }
        });
        join_all(writes).await;
    }
}
