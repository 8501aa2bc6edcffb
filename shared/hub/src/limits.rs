//! How much may be asked for.

use domain::{
    AccountRef,
    budget::{HostClass, Limit, MAX_PENDING},
    tenant::{JobQuotas, TenantLimits},
    upload::MAX_STORED_BYTES,
};

use crate::ports::BudgetKey;

/// A login calls Flickr when it begins, and twice when it is completed.
const CALLS_OF_A_LOGIN: u32 = 3;

/// How much may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls of a Flickr app, all its users together.
    pub app: Limit,
    /// Calls of one account; `None` means the app's alone.
    pub account: Option<Limit>,
    /// Jobs of one account that may be pending.
    pub max_pending_jobs: u32,
    /// Bytes of files that one tenant may have stored.
    pub max_stored_bytes: u64,
    /// Jobs of one tenant that may be accepted.
    pub job_quotas: JobQuotas,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            app: Limit::FLICKR,
            account: None,
            max_pending_jobs: MAX_PENDING,
            max_stored_bytes: MAX_STORED_BYTES,
            job_quotas: JobQuotas::default(),
        }
    }
}

impl Limits {
    /// Those of a tenant: its own, and where it has none, these.
    #[must_use]
    pub fn of_tenant(self, tenant: &TenantLimits) -> Self {
        Self {
            max_pending_jobs: tenant.pending_jobs.unwrap_or(self.max_pending_jobs),
            job_quotas: JobQuotas {
                per_hour: tenant.jobs_per_hour.or(self.job_quotas.per_hour),
                per_day: tenant.jobs_per_day.or(self.job_quotas.per_day),
            },
            ..self
        }
    }

    /// The limit of one tenant's logins with an app: half of what the app has for logins, so that no tenant alone keeps
    /// the others' users out.
    pub fn of_logins(&self) -> Limit {
        let share = HostClass::Oauth.part(&self.app).unwrap_or(self.app).part(2);
        Limit { burst_calls: share.burst_calls.max(CALLS_OF_A_LOGIN), ..share }
    }

    /// The limit of an account with the budget that it is held to, where it has one of its own.
    pub fn of_account(&self, account: &AccountRef) -> Option<(Limit, BudgetKey)> {
        self.account.map(|limit| (limit, BudgetKey::Account(account.clone())))
    }
}
