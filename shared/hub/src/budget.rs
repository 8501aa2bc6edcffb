//! Spending the budget: every call to Flickr is granted before it is made, whoever makes it.
//!
//! The narrower limit is asked first, that of the account or of the tenant's logins, where there is one, then the app's.
//! What the first granted is given back when the app's refuses. Host classes have their parts and circuits in the app's
//! budget; to the first all calls are alike.
//!
//! Requests for one budget that come while this process changes it are joined in its next change, as a database joins
//! commits: so a busy process makes few changes, and no job waits for another's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{
    AppId, Timestamp,
    budget::{self, Budget, BudgetChange, GRANT_LIFETIME, HostClass, Limit, Party, Request, Signal, StoppedApp, Why},
    outcome::{Class, Outcome},
};
use futures_util::lock::Mutex as AsyncMutex;
use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::{
    Error, chain,
    ports::{self, BudgetKey, Budgets, Changed, Clock, Entropy},
};

/// How often a change is computed anew whose condition did not hold. That is rare: the bucket was empty and no longer
/// is, or the control was changed.
const TRIES: u32 = 8;

/// The most budgets that a process remembers; then it begins anew, which costs a read for each.
const MAX_REMEMBERED: usize = 1_000;

/// A request for one call.
#[derive(Debug)]
pub struct CallRequest<'a> {
    /// The Flickr app that calls.
    pub app: &'a AppId,
    /// The app's limit.
    pub limit: Limit,
    /// The hosts that are called.
    pub class: HostClass,
    /// For whom.
    pub party: Party,
    /// A further limit, asked first, with the budget that it is held to.
    pub within: Option<(Limit, BudgetKey)>,
}

/// A call that may be made.
#[derive(Debug)]
pub struct Granted {
    app: AppId,
    class: HostClass,
    party: Party,
    at: Timestamp,
    /// The call, as each budget granted it.
    calls: Vec<(BudgetKey, Call)>,
}

/// No call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// When to ask again.
    pub retry_at: Timestamp,
    pub why: Why,
    /// Whether it is the app's budget that refuses.
    pub by_app: bool,
}

/// One of the calls that a change of a budget granted.
#[derive(Debug, Clone)]
struct Call {
    change: Arc<BudgetChange>,
    /// The budget after the change.
    after: Arc<Budget>,
    /// Which of its calls, from 0.
    number: u32,
}

/// What a request for one call of one budget comes to.
type Answer = ports::Result<Result<Call, budget::Refused>>;

/// The grants of this process. Its clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Grants(Arc<Mutex<HashMap<BudgetKey, Arc<CachedBudget>>>>);

/// What this process knows of a budget, and which requests wait for the change of it that is under way.
#[derive(Debug, Default)]
struct CachedBudget {
    /// The budget as it was seen last.
    seen: Mutex<Option<Budget>>,
    waiting: Mutex<Vec<Waiting>>,
    /// Held by the one change that is under way.
    turn: AsyncMutex<()>,
}

/// A request for one call of a budget.
#[derive(Debug)]
struct Waiting {
    limit: Limit,
    class: Option<HostClass>,
    answer: oneshot::Sender<Answer>,
}

/// The lock, also after a panic of another holder: what it guards is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Granted {
    /// Whether a call that begins at `now` is still covered.
    pub fn holds(&self, now: Timestamp) -> bool {
        now.since(self.at) <= GRANT_LIFETIME
    }
}

impl Grants {
    /// Asks for one call.
    ///
    /// # Errors
    /// A failure of the port. The refusal is no error: it comes as the second kind of answer.
    pub async fn take(
        &self,
        ports: &(impl Clock + Budgets),
        request: CallRequest<'_>,
    ) -> Result<Result<Granted, Refused>, Error> {
        let CallRequest { app, limit, class, party, within } = request;
        let mut granted = Granted { app: app.clone(), class, party, at: ports.now(), calls: Vec::new() };
        let of_app = (limit, Some(class), BudgetKey::App(app.clone()));
        let all = within.map(|(limit, key)| (limit, None, key)).into_iter().chain([of_app]);
        for (limit, class, key) in all {
            let refused = match self.take_one(ports, &key, limit, class).await {
                Ok(Ok(call)) => {
                    granted.calls.push((key, call));
                    continue;
                }
                Ok(Err(refused)) => Ok(Err(Refused {
                    retry_at: refused.retry_at,
                    why: refused.why,
                    by_app: matches!(key, BudgetKey::App(_)),
                })),
                Err(error) => Err(error.into()),
            };
            self.give_back(ports, granted).await;
            return refused;
        }
        Ok(Ok(granted))
    }

    /// Records in the app's budget what became of the call; `None` means that it was done. Where that changes nothing,
    /// nothing is asked of the port. A failure to record is logged: the call was made all the same.
    pub async fn record(&self, ports: &(impl Clock + Entropy + Budgets), granted: &Granted, outcome: Option<&Outcome>) {
        let signal = signal(outcome, granted.party);
        let (now, class, jitter) = (ports.now(), granted.class, ports.jitter());
        let key = BudgetKey::App(granted.app.clone());
        let cached = self.cached(&key);
        let mut budget = lock(&cached.seen).clone().unwrap_or_default();
        for _ in 0..TRIES {
            let Some(change) = budget.record(class, &signal, jitter, now) else { return };
            budget = match ports.change_budget(&key, &change).await {
                Ok(Changed::Done(after)) => {
                    log_stop(&granted.app, &budget, &after);
                    return cached.remember(after);
                }
                Ok(Changed::Refused(found)) => found,
                Err(error) => {
                    tracing::warn!(error = chain(&error), app = %granted.app, ?signal, "an outcome was not recorded");
                    return;
                }
            };
        }
        tracing::warn!(app = %granted.app, ?signal, "an outcome was not recorded: too many are at once");
    }

    /// Gives a call back that is not made, while its grant lasts. If that fails, the call is lost.
    pub async fn give_back(&self, ports: &(impl Clock + Budgets), granted: Granted) {
        let now = ports.now();
        if !granted.holds(now) {
            return;
        }
        for (key, Call { change, after, number }) in granted.calls {
            let returned = after.returned(&change, number, now);
            if returned.earlier.is_empty() {
                continue;
            }
            match ports.give_back(&key, &returned).await {
                Ok(()) => {
                    let cached = self.cached(&key);
                    let mut seen = lock(&cached.seen);
                    *seen = seen.take().map(|budget| budget.given_back(&returned));
                }
                Err(error) => {
                    tracing::warn!(error = chain(&error), ?key, "a call that is not made was not given back");
                }
            }
        }
    }

    /// Takes one call of one budget, together with those that ask for one meanwhile.
    async fn take_one(
        &self,
        ports: &(impl Clock + Budgets),
        key: &BudgetKey,
        limit: Limit,
        class: Option<HostClass>,
    ) -> Answer {
        let cached = self.cached(key);
        loop {
            let (answer, mut answered) = oneshot::channel();
            lock(&cached.waiting).push(Waiting { limit, class, answer });
            let _turn = cached.turn.lock().await;
            loop {
                match answered.try_recv() {
                    Ok(answer) => return answer,
                    // Whoever made the change that it was joined to went away.
                    Err(TryRecvError::Closed) => break,
                    Err(TryRecvError::Empty) => cached.change(ports, key).await,
                }
            }
        }
    }

    /// What is known of the budget.
    fn cached(&self, key: &BudgetKey) -> Arc<CachedBudget> {
        let mut all = lock(&self.0);
        if all.len() >= MAX_REMEMBERED && !all.contains_key(key) {
            all.clear();
        }
        Arc::clone(all.entry(key.clone()).or_default())
    }
}

impl CachedBudget {
    fn remember(&self, budget: Budget) {
        *lock(&self.seen) = Some(budget);
    }

    /// Those that wait with the same limit and class as the first of those who still wait.
    fn joined(&self) -> Vec<Waiting> {
        let mut waiting = lock(&self.waiting);
        waiting.retain(|one| !one.answer.is_closed());
        let Some((limit, class)) = waiting.first().map(|first| (first.limit, first.class)) else { return Vec::new() };
        waiting.extract_if(.., |waiting| (waiting.limit, waiting.class) == (limit, class)).collect()
    }

    /// Makes one change for those that wait, and answers them.
    async fn change(&self, ports: &(impl Clock + Budgets), key: &BudgetKey) {
        let joined = self.joined();
        let Some(Waiting { limit, class, .. }) = joined.first() else { return };
        let (limit, class) = (*limit, *class);
        let wanted = Request { limit, class, calls: u32::try_from(joined.len()).unwrap_or(u32::MAX) };
        let granted = self.grant(ports, key, &wanted).await;
        let calls = granted.as_ref().map_or(0, |granted| granted.as_ref().map_or(0, |call| call.change.calls));
        for (number, Waiting { answer, .. }) in (0..).zip(joined) {
            let own = match &granted {
                Ok(Ok(call)) if number < calls => Ok(Ok(Call { number, ..call.clone() })),
                Ok(Ok(call)) => Ok(Err(refusal(&call.after, &wanted, ports.now()))),
                Ok(Err(refused)) => Ok(Err(*refused)),
                Err(error) => Err(error.clone()),
            };
            // Who no longer waits for its answer took nothing that it could give back: the call is lost.
            let _ = answer.send(own);
        }
    }

    /// Takes up to so many calls, and at least one.
    async fn grant(&self, ports: &(impl Clock + Budgets), key: &BudgetKey, wanted: &Request) -> Answer {
        let mut seen = lock(&self.seen).clone();
        let mut is_fresh = false;
        for _ in 0..TRIES {
            let budget = match seen.take() {
                Some(budget) => budget,
                None => {
                    is_fresh = true;
                    ports.budget(key).await?
                }
            };
            match budget.take(wanted, ports.now()) {
                Err(refused) if is_fresh => {
                    self.remember(budget);
                    return Ok(Err(refused));
                }
                // What is remembered may be out of date: it is asked for once more.
                Err(_) => {}
                Ok(change) => match ports.change_budget(key, &change).await? {
                    Changed::Done(after) => {
                        self.remember(after.clone());
                        return Ok(Ok(Call { change: Arc::new(change), after: Arc::new(after), number: 0 }));
                    }
                    Changed::Refused(found) => (seen, is_fresh) = (Some(found), true),
                },
            }
        }
        Err(ports::Error::unavailable("taking calls of a budget", "it is changed by others all the time"))
    }
}

/// Logs that an app is stopped, or works again.
fn log_stop(app: &AppId, before: &Budget, after: &Budget) {
    match (before.stopped(), after.stopped()) {
        (None, Some(StoppedApp { message, .. })) => {
            tracing::error!(event = "app_stopped", %app, message, "Flickr refuses an app: its jobs wait");
        }
        (Some(_), None) => tracing::warn!(event = "app_works_again", %app, "Flickr takes calls of an app again"),
        _ => {}
    }
}

/// Why a call is refused that was asked for together with more than there are.
fn refusal(after: &Budget, wanted: &Request, now: Timestamp) -> budget::Refused {
    let one = Request { calls: 1, ..*wanted };
    after.take(&one, now).err().unwrap_or(budget::Refused { retry_at: now, why: Why::Spent })
}

/// What an outcome says of Flickr's health; `None` means that the call was done.
pub(crate) fn signal(outcome: Option<&Outcome>, party: Party) -> Signal {
    let message = || outcome.map(|outcome| outcome.message.clone()).unwrap_or_default();
    match outcome.map(|outcome| outcome.class) {
        Some(Class::Throttled) => Signal::Throttled,
        Some(Class::Transient | Class::UnknownOutcome) => Signal::Failed(party),
        Some(Class::App) => Signal::KeyRefused(party, message()),
        Some(Class::Signature) => Signal::SignatureRefused(party, message()),
        _ => Signal::Succeeded,
    }
}
