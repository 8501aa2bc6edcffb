//! Tenants: what is known of one, and what it is held to.

mod networks;
mod origins;
mod quota;
mod tier;

use serde::{Deserialize, Serialize};

pub use networks::{Invalid as InvalidNetwork, Networks};
pub use origins::{InvalidOrigin, Origin, Origins};
pub use quota::{JobCounts, JobQuotas, QuotaWindow, ViolatedQuota, hour_of_day};
pub use tier::{InvalidTier, Tier};

use crate::{TenantId, Timestamp};

/// What is known of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    /// What it is called, for people.
    pub name: String,
    pub created_at: Timestamp,
    /// Which usage plan its API keys belong to.
    pub tier: Tier,
    /// Since when its requests are refused; its accepted jobs run on.
    pub suspended_at: Option<Timestamp>,
    pub limits: TenantLimits,
}

/// What a tenant is held to, apart from what all are. Where a limit is absent, the stack's counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantLimits {
    /// Jobs that may be accepted in an hour of the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs_per_hour: Option<u32>,
    /// Jobs that may be accepted in a day of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs_per_day: Option<u32>,
    /// Jobs of one account that may be pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_jobs: Option<u32>,
    /// The longest file that may be uploaded, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_bytes: Option<u64>,
    /// The URLs that a browser may be sent to after a login, in place of the stack's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_urls: Option<Vec<String>>,
    /// The networks that requests may come from. Absent, they may come from anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub networks: Option<Networks>,
    /// The origins of the web pages whose scripts may send its requests. Absent, there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origins: Option<Origins>,
}

/// A change of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantChange {
    /// Its requests are refused from now on. One that is suspended already keeps its time.
    Suspend(Timestamp),
    /// Its requests are taken again.
    Resume,
    /// It is held to these limits, in place of those before.
    SetLimits(TenantLimits),
    /// Its tier is another. Keys that it has stay in the usage plan that they are in.
    SetTier(Tier),
}

impl Tenant {
    /// A new one, held to what all are held to.
    pub fn new(id: TenantId, name: impl Into<String>, created_at: Timestamp) -> Self {
        let (tier, limits) = (Tier::default(), TenantLimits::default());
        Self { id, name: name.into(), created_at, tier, suspended_at: None, limits }
    }

    /// The tenant after a change.
    #[must_use]
    pub fn changed(self, change: TenantChange) -> Self {
        match change {
            TenantChange::Suspend(at) => Self { suspended_at: self.suspended_at.or(Some(at)), ..self },
            TenantChange::Resume => Self { suspended_at: None, ..self },
            TenantChange::SetLimits(limits) => Self { limits, ..self },
            TenantChange::SetTier(tier) => Self { tier, ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_are_absent_are_not_stored() {
        assert_eq!(serde_json::to_string(&TenantLimits::default()).unwrap(), "{}");
        let limits = TenantLimits { pending_jobs: Some(7), ..TenantLimits::default() };
        let text = serde_json::to_string(&limits).unwrap();
        assert_eq!(text, r#"{"pending_jobs":7}"#);
        assert_eq!(serde_json::from_str::<TenantLimits>(r#"{"pending_jobs":7,"of_later":1}"#).unwrap(), limits);
    }

    #[test]
    fn a_suspended_tenant_keeps_its_time_until_it_is_resumed() {
        let at = Timestamp::from_milliseconds;
        let tenant = Tenant::new(TenantId::from_bytes([1; 16]), "One", at(0));
        let suspended = tenant.clone().changed(TenantChange::Suspend(at(1))).changed(TenantChange::Suspend(at(2)));
        assert_eq!(suspended.suspended_at, Some(at(1)));
        assert_eq!(suspended.changed(TenantChange::Resume), tenant);
    }
}
