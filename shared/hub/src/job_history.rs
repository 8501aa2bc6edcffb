//! The jobs of an account, the latest first.

use std::{fmt, str::FromStr, time::Duration};

use domain::{AccountRef, JobId, JobRef, Timestamp, UserId, job::Job};

use crate::{
    Error,
    page::Page,
    ports::{Clock, JobHistory, ListedJob, TimeSpan},
    read::is_readable,
    tenants::Principal,
};

/// The most jobs of a page.
pub const MAX_PAGE_JOBS: u16 = 100;

/// By how much the clocks of two functions may differ: a job may have been accepted a little later than now.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

/// Which jobs are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRequest {
    /// Of which account.
    pub user: UserId,
    /// Accepted from then on; `None` for all that are kept.
    pub from: Option<Timestamp>,
    /// Accepted before then; `None` for all until now.
    pub until: Option<Timestamp>,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
    /// How many jobs are looked at, 1 to [`MAX_PAGE_JOBS`].
    pub limit: u16,
}

/// Where a page of the list begins: after this job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(ListedJob);

/// Some text is no [`Cursor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give the `next_cursor` of the page before")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.created_at.as_milliseconds(), self.0.id)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (created_at, id) = text.split_once('.').ok_or(InvalidCursor)?;
        let id: JobId = id.parse().map_err(|_| InvalidCursor)?;
        let created_at = created_at.parse().map(Timestamp::from_milliseconds).map_err(|_| InvalidCursor)?;
        Ok(Self(ListedJob { id, created_at }))
    }
}

/// A page of the jobs of an account, the latest first, of which only those are given that `is_wanted` wants. So a page
/// may be short, or empty, and not be the last. An account that is not there has no jobs, nor has one of another tenant.
///
/// # Errors
/// An invalid field, or a failure of the ports.
pub async fn list(
    ports: &(impl Clock + JobHistory),
    principal: &Principal,
    request: &HistoryRequest,
    is_wanted: impl Fn(&Job) -> bool,
) -> Result<Page<Job, Cursor>, Error> {
    let now = ports.now();
    let span = span(request, now)?;
    let account = AccountRef::new(principal.tenant(), &request.user);
    let after = request.cursor.as_ref().map(|cursor| &cursor.0);
    let listed = ports.accepted_jobs(&account, span, after, request.limit + 1).await?;
    let page = Page::of(listed, request.limit, |job| Cursor(job.clone()));
    let jobs: Vec<JobRef> = page.items.iter().map(|job| JobRef::new(principal.tenant(), &job.id)).collect();
    let mut items: Vec<Job> = ports.read_jobs(&jobs).await?.into_iter().flatten().collect();
    items.retain(|job| is_readable(job, now) && is_wanted(job));
    Ok(Page { items, next: page.next })
}

/// # Errors
/// Names the field that is not acceptable.
fn span(request: &HistoryRequest, now: Timestamp) -> Result<TimeSpan, Error> {
    if !(1..=MAX_PAGE_JOBS).contains(&request.limit) {
        return Err(Error::invalid("limit", format!("must be 1 to {MAX_PAGE_JOBS}")));
    }
    let until = request.until.unwrap_or(now + CLOCK_DIFFERENCE);
    let span = TimeSpan { from: request.from.unwrap_or(Timestamp::from_milliseconds(0)), until };
    if span.from >= span.until {
        return Err(Error::invalid("accepted_from", "must be before `accepted_until`"));
    }
    match &request.cursor {
        Some(Cursor(job)) if !span.contains(job.created_at) => Err(Error::invalid("cursor", InvalidCursor.to_string())),
        _ => Ok(span),
    }
}
