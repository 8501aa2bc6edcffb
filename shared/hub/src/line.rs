//! The lines of Flickr apps: who goes at once, who waits for a turn, and whose turn has come.

use domain::{
    AppId, TenantId, Timestamp, UserId,
    budget::{Budget, Limit, Standing},
    job::{Carrier, Event, Job, Phase, Refusal, step},
    line::{Bucket, Line, Place, Priority},
    timing::JOB_DEADLINE,
};
use futures_util::future::join_all;

use crate::{
    Error, chain, dispatch,
    ports::{
        Clock, FindJob, FindLine, JoinLine, LOOK_SHARDS, ListWaiting, Look, SaveJob, SendDispatch, ServeLine, TakeTurn,
        Turn, Waiting,
    },
    sweep::Report,
};

/// How many jobs are dispatched at once.
const AT_ONCE: usize = 10;

/// How an app's budget and line stand.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// The app.
    pub app: AppId,
    /// How many calls may be made.
    pub limit: Limit,
    /// How the budget stands.
    pub standing: Standing,
    line: Line,
    now: Timestamp,
}

/// How the budget and the line of `app` stand.
///
/// # Errors
/// A failure of the port.
pub async fn outlook(ports: &(impl Clock + FindLine), limit: &Limit, app: &AppId) -> Result<Outlook, Error> {
    let (budget, line) = ports.budget_and_line(app).await?;
    Ok(Outlook::of(app, &budget, line, limit, ports.now()))
}

/// What becomes of a job that could run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// It need not wait: it has its place if there is no call for it after all.
    Go(Place),
    /// It waits in the line, about until then.
    Wait(Place, Timestamp),
    /// Too many jobs of the account are pending, or so many wait in the line that it would not run
    /// before its deadline.
    TooMany,
}

impl Outlook {
    /// How `budget` and `line` of `app` stand at `now`.
    pub(crate) fn of(app: &AppId, budget: &Budget, line: Line, limit: &Limit, now: Timestamp) -> Self {
        Self { app: app.clone(), limit: *limit, standing: budget.standing(limit, now), line, now }
    }

    /// Whether a new job has to look at the line.
    pub fn line_is_needed(&self) -> bool {
        self.line.is_needed(&self.standing)
    }

    /// When the job will about start; `None` when it started, or nobody can say.
    pub fn estimated_start(&self, job: &Job) -> Option<Timestamp> {
        match place_in_line(job).filter(|place| place.app == self.app) {
            Some(Place { tag, .. }) => Some(self.line.expected_of(*tag, job.state.due_at, &self.standing, self.now)),
            None => due(job, self.now),
        }
    }

    /// Decides what becomes of a new job of the account in this lane where the line is needed, and
    /// keeps it a place in the line if it must wait.
    ///
    /// # Errors
    /// A failure of the port.
    pub async fn way(
        &self,
        ports: &(impl TakeTurn + JoinLine),
        (tenant, user): (&TenantId, &UserId),
        lane: Priority,
        max_pending_jobs: u32,
    ) -> Result<Way, Error> {
        let virtual_time = self.line.virtual_time(self.now);
        let Turn::Taken(turns) = ports.take_turn(tenant, user, lane, virtual_time, max_pending_jobs).await? else {
            return Ok(Way::TooMany);
        };
        let place = Place { app: self.app.clone(), tag: turns.of(lane) };
        let spare = self.standing.is_closed() && self.standing.remaining_calls > 0;
        if spare && turns.under_share(lane, virtual_time) {
            return Ok(Way::Go(place));
        }
        let expected_at = self.expected_of_newcomer(&place);
        if expected_at.since(self.now) >= JOB_DEADLINE {
            // Who asks again and again does not fall behind by being refused.
            ports.return_turn(tenant, user, lane, place.tag).await?;
            return Ok(Way::TooMany);
        }
        self.join(ports, &place).await?;
        Ok(Way::Wait(place, expected_at))
    }

    /// Puts a job that was refused a call into the line: where it stood before, if it did.
    ///
    /// # Errors
    /// A failure of the port.
    pub async fn wait(&self, ports: &(impl TakeTurn + JoinLine), job: &Job) -> Result<(Place, Timestamp), Error> {
        let place = match job.state.place.as_ref().filter(|place| place.app == self.app) {
            Some(place) => place.clone(),
            None => {
                let (lane, virtual_time) = (job.order.priority, self.line.virtual_time(self.now));
                // The job is one of those that are pending already.
                let turn = ports.take_turn(&job.tenant, &job.order.user, lane, virtual_time, u32::MAX).await?;
                let Turn::Taken(turns) = turn else { return Err(Error::internal("no count is over its maximum")) };
                Place { app: self.app.clone(), tag: turns.of(lane) }
            }
        };
        let expected_at = self.expected_of_newcomer(&place);
        self.join(ports, &place).await?;
        Ok((place, expected_at))
    }

    /// Counts first, then the job is written: so no line is forgotten in which somebody waits.
    async fn join(&self, ports: &impl JoinLine, place: &Place) -> Result<(), Error> {
        let bucket = Bucket::of(place.tag, self.line.virtual_time(self.now));
        Ok(ports.join_line(&self.app, bucket, self.now).await?)
    }

    fn expected_of_newcomer(&self, place: &Place) -> Timestamp {
        self.line.expected(self.line.ahead(place.tag), &self.standing, self.now)
    }
}

/// Where the job stands in line, if it does.
pub(crate) fn place_in_line(job: &Job) -> Option<&Place> {
    let waits = matches!(job.state.phase, Phase::Queued | Phase::Deferred { .. });
    job.state.place.as_ref().filter(|_| waits && job.state.carrier == Carrier::Line)
}

/// When a job that has not started is to start, whatever its line says.
pub(crate) fn due(job: &Job, now: Timestamp) -> Option<Timestamp> {
    let waits = matches!(job.state.phase, Phase::Scheduled | Phase::Queued | Phase::Deferred { .. });
    waits.then(|| job.state.due_at.max(now))
}

/// Dispatches from all lines what their budgets allow, until `stop_at`.
///
/// # Errors
/// A failure to list the lines. A line that cannot be served does not keep the others waiting: it
/// is counted, and served by the next sweep.
pub async fn serve<P>(ports: &P, limit: &Limit, stop_at: Timestamp, report: &mut Report) -> Result<(), Error>
where
    P: Clock + FindLine + ListWaiting + ServeLine + FindJob + SaveJob + SendDispatch,
{
    // Each sweep begins at another part, so that none is always the last.
    let minute = ports.now().as_seconds() / 60;
    let first = u8::try_from(minute.rem_euclid(i64::from(LOOK_SHARDS))).unwrap_or_default();
    for shard in (0..LOOK_SHARDS).map(|number| (first + number) % LOOK_SHARDS) {
        for app in ports.lines(shard).await? {
            if ports.now() >= stop_at {
                report.unfinished = true;
                return Ok(());
            }
            if let Err(error) = serve_one(ports, limit, &app, report).await {
                report.failed += 1;
                tracing::error!(error = chain(&error), %app, "a line could not be served");
            }
        }
    }
    Ok(())
}

async fn serve_one<P>(ports: &P, limit: &Limit, app: &AppId, report: &mut Report) -> Result<(), Error>
where
    P: Clock + FindLine + ListWaiting + ServeLine + FindJob + SaveJob + SendDispatch,
{
    let Outlook { standing, line, now, .. } = outlook(ports, limit, app).await?;
    let Some(allotment) = line.allot(&standing, now) else { return Ok(()) };
    let wanted = u16::try_from(allotment.calls).unwrap_or(u16::MAX);
    let first = ports.first_in_line(app, wanted).await?;
    if first.is_empty() && line.waiting.is_empty() {
        return Ok(());
    }
    // Of two sweeps that see the same line one hands its calls out.
    if !first.is_empty() && !ports.hand_out(app, line.allotted.0, &allotment).await? {
        return Ok(());
    }
    let all = first.len() < usize::from(wanted);
    let mut tags = Vec::new();
    let slots: Vec<(Waiting, Timestamp)> = first.into_iter().zip((0..).map(|number| allotment.slot(number))).collect();
    for some in slots.chunks(AT_ONCE) {
        let released = join_all(some.iter().map(|(waiting, at)| release(ports, waiting, *at))).await;
        for ((waiting, _), released) in some.iter().zip(released) {
            match released {
                Ok(true) => tags.push(waiting.tag),
                Ok(false) => {}
                Err(error) => {
                    report.failed += 1;
                    tracing::error!(error = chain(&error), job_id = %waiting.id, "a job could not be dispatched");
                }
            }
        }
    }
    ports.serve_line(app, &line.served(&tags, all)).await?;
    report.dispatched += u32::try_from(tags.len()).unwrap_or(u32::MAX);
    tracing::info!(%app, dispatched = tags.len(), waiting = line.waiting_jobs(), "line served");
    Ok(())
}

/// Sends the job its message, if it still waits. Whether it did.
async fn release<P>(ports: &P, waiting: &Waiting, at: Timestamp) -> Result<bool, Error>
where
    P: Clock + FindJob + SaveJob + SendDispatch,
{
    let Some(job) = ports.job(&waiting.tenant, &waiting.id).await? else { return Ok(false) };
    let now = ports.now();
    let (state, effects) = match step(&job.state, Event::Release { at: at.max(now) }, now) {
        Ok(next) => next,
        Err(Refusal::NotInLine | Refusal::Ended) => return Ok(false),
        Err(refusal) => return Err(Error::internal(format!("{refusal:?}"))),
    };
    let after = Job { state, ..job.clone() };
    if !ports.save_job(&after, &job.state, Look::Anew).await? {
        return Ok(false);
    }
    dispatch::send(ports, &after, effects, now).await?;
    Ok(!after.state.is_terminal())
}
