//! What each port promises, as suites that every implementation passes.
//!
//! A suite is a function of the ports that it asks. It panics where a promise is broken. It uses fresh tenants and
//! apps, so that suites can share one deployed stack. [`suites`] lists them all, but for [`sweeps`](fn@sweeps) and
//! [`audit_log`](fn@audit_log), whose adapters stand by themselves, and [`multiparts`](fn@multiparts) and
//! [`former_records`](fn@former_records), for which somebody else stores something.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a suite of assertions")]

mod accounts;
mod apps;
mod audit_log;
mod budgets;
mod dead_jobs;
mod fair_queue;
mod former_records;
mod health;
mod job_counts;
mod job_history;
mod jobs;
mod key_uses;
mod logins;
mod messages;
mod multiparts;
mod nonces;
mod pending_jobs;
mod response_cache;
mod results;
mod sealed_records;
mod signing_secrets;
mod steps;
mod stored_bytes;
mod sweeps;
mod system;
mod tenants;
mod upload_tickets;
mod uploads;

pub use accounts::accounts;
pub use apps::apps;
pub use audit_log::audit_log;
pub use budgets::budgets;
pub use dead_jobs::{dead_jobs, quarantine};
pub use fair_queue::{fair_queues, submit_context, tags, tenant_flows, waiting_jobs};
pub use former_records::former_records;
pub use health::health;
pub use job_counts::job_counts;
pub use job_history::job_history;
pub use jobs::{
    checks, claims, commits, insertion, open_and_dead_jobs, pages_of_checks, resends, revisions, wait_reasons, waits,
};
pub use key_uses::key_uses;
pub use logins::logins;
pub use messages::messages;
pub use multiparts::multiparts;
pub use nonces::nonces;
pub use pending_jobs::pending_jobs;
pub use response_cache::{cache_entries, cache_stats, invalidation};
pub use results::{result_objects, results};
pub use sealed_records::sealed_records;
pub use signing_secrets::signing_secrets;
pub use stored_bytes::stored_bytes;
pub use sweeps::sweeps;
pub use system::system;
pub use tenants::{keys_of_tenants, refused_keys, request_signing, tenant_changes, tenants};
pub use upload_tickets::upload_tickets;
pub use uploads::{fetched_files, new_photos, photo_locks, upload_locks, uploads};

pub use crate::contract_suites as suites;

/// Makes a `#[tokio::test]` of each suite of [`contract`](crate::contract), named like the suite, over ports that the
/// given expression makes anew for each.
///
/// ```ignore
/// testkit::contract::suites!(World::new(NOW, 1));
/// ```
#[macro_export]
macro_rules! contract_suites {
    ($ports:expr) => {
        $crate::contract_suites!(@each ($ports)
            accounts apps budgets cache_entries cache_stats checks claims commits dead_jobs fair_queues fetched_files
            health insertion invalidation job_counts job_history key_uses keys_of_tenants logins messages new_photos
            nonces open_and_dead_jobs pages_of_checks pending_jobs photo_locks quarantine refused_keys request_signing
            resends result_objects results revisions sealed_records signing_secrets stored_bytes submit_context system
            tags tenant_changes tenant_flows tenants upload_locks upload_tickets uploads wait_reasons waiting_jobs waits
        );
    };
    (@each $ports:tt $($suite:ident)*) => {
        $(
            #[tokio::test]
            async fn $suite() {
                $crate::contract::$suite(&$ports).await;
            }
        )*
    };
}
