//! Changes of what a tenant is held to.

use clap::{Args, ValueEnum};
use domain::tenant::{InvalidNetwork, InvalidOrigin, Networks, Origins, TenantLimits};
use hub::connect::AllowedReturnUrls;

/// Limits that are set, and limits that are taken away.
#[derive(Debug, Clone, Default, Args)]
pub struct Changes {
    /// Jobs that may be accepted in an hour of the clock.
    #[arg(long, value_name = "JOBS")]
    jobs_per_hour: Option<u32>,
    /// Jobs that may be accepted in a day of UTC.
    #[arg(long, value_name = "JOBS")]
    jobs_per_day: Option<u32>,
    /// Jobs of one account that may be pending, in place of the stack's `MaxPendingJobs`.
    #[arg(long, value_name = "JOBS")]
    pending_jobs: Option<u32>,
    /// The longest file that may be uploaded.
    #[arg(long, value_name = "BYTES")]
    upload_bytes: Option<u64>,
    /// A URL that a browser may be sent to after a login; repeat it for several. They count in place of the stack's
    /// `AllowedReturnUrls`, and of those that were set before.
    #[arg(long = "return-url", value_name = "URL")]
    return_urls: Vec<String>,
    /// A network, or an address, that requests may come from; repeat it for several. They count in place of those that
    /// were set before.
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<String>,
    /// An origin of web pages whose scripts may send the tenant's requests, such as `https://app.example.org`; repeat it
    /// for several. It must be one of the stack's `AllowedOrigins`. They count in place of those that were set before.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// A limit that is taken away, so that the stack's counts again; repeat it for several.
    #[arg(long, value_name = "LIMIT")]
    unset: Vec<Limit>,
}

/// A limit of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Limit {
    JobsPerHour,
    JobsPerDay,
    PendingJobs,
    UploadBytes,
    ReturnUrls,
    Networks,
    Origins,
}

/// A limit that cannot be set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A browser is never sent to this URL.
    #[error("`{0}` cannot be a return URL: it must be an https URL without a fragment, commas and spaces")]
    ReturnUrl(String),
    /// No network.
    #[error(transparent)]
    Network(#[from] InvalidNetwork),
    /// No origin.
    #[error(transparent)]
    Origin(#[from] InvalidOrigin),
    /// A browser would not be told that the API may be used from there.
    #[error("`{0}` is not one of the stack's allowed origins: deploy it with `AllowedOrigins` first")]
    OriginNotAllowed(String),
}

/// The limits after the changes. `allowed_origins` are those of the stack.
///
/// # Errors
/// [`Invalid`].
pub fn changed(limits: TenantLimits, changes: Changes, allowed_origins: &Origins) -> Result<TenantLimits, Invalid> {
    let Changes { jobs_per_hour, jobs_per_day, pending_jobs, upload_bytes, return_urls, networks, origins, unset } =
        changes;
    if let Some(bad) = return_urls.iter().find(|url| !AllowedReturnUrls::can_list(url)) {
        return Err(Invalid::ReturnUrl(bad.clone()));
    }
    let networks = if networks.is_empty() { None } else { Some(Networks::parse(&networks)?) };
    let origins = if origins.is_empty() { None } else { Some(Origins::parse(&origins)?) };
    if let Some(bad) = origins.as_ref().and_then(|origins| origins.outside(allowed_origins)) {
        return Err(Invalid::OriginNotAllowed(bad.to_string()));
    }
    let mut limits = TenantLimits {
        jobs_per_hour: jobs_per_hour.or(limits.jobs_per_hour),
        jobs_per_day: jobs_per_day.or(limits.jobs_per_day),
        pending_jobs: pending_jobs.or(limits.pending_jobs),
        upload_bytes: upload_bytes.or(limits.upload_bytes),
        return_urls: if return_urls.is_empty() { limits.return_urls } else { Some(return_urls) },
        networks: networks.or(limits.networks),
        origins: origins.or(limits.origins),
    };
    for limit in unset {
        match limit {
            Limit::JobsPerHour => limits.jobs_per_hour = None,
            Limit::JobsPerDay => limits.jobs_per_day = None,
            Limit::PendingJobs => limits.pending_jobs = None,
            Limit::UploadBytes => limits.upload_bytes = None,
            Limit::ReturnUrls => limits.return_urls = None,
            Limit::Networks => limits.networks = None,
            Limit::Origins => limits.origins = None,
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let first = Changes { pending_jobs: Some(7), networks: vec!["192.0.2.0/24".to_owned()], ..Changes::default() };
        let limits = changed(TenantLimits::default(), first, &Origins::default()).unwrap();
        assert_eq!((limits.pending_jobs, limits.networks.is_some()), (Some(7), true));
        let next = Changes { upload_bytes: Some(9), unset: vec![Limit::Networks], ..Changes::default() };
        let limits = changed(limits, next, &Origins::default()).unwrap();
        assert_eq!(limits, TenantLimits { pending_jobs: Some(7), upload_bytes: Some(9), ..TenantLimits::default() });
    }

    #[test]
    fn what_could_not_be_used_is_not_set() {
        for url in ["http://a.example/", "https://a.example/#x", "https://a.example/?state=1", "https://a.example/,b"] {
            let changes = Changes { return_urls: vec![url.to_owned()], ..Changes::default() };
            assert_eq!(
                changed(TenantLimits::default(), changes, &Origins::default()),
                Err(Invalid::ReturnUrl(url.to_owned()))
            );
        }
        let changes = Changes { networks: vec!["192.0.2.0/33".to_owned()], ..Changes::default() };
        assert!(matches!(changed(TenantLimits::default(), changes, &Origins::default()), Err(Invalid::Network(_))));
    }
    #[test]
    fn origins_are_some_of_those_that_the_stack_allows() {
        let allowed = Origins::parse(["https://app.example.org", "https://b.example"]).unwrap();
        let set = |origin: &str| {
            let changes = Changes { origins: vec![origin.to_owned()], ..Changes::default() };
            changed(TenantLimits::default(), changes, &allowed)
        };
        let origins = set("https://B.example:443").unwrap().origins;
        assert_eq!(origins, Some(Origins::parse(["https://b.example"]).unwrap()));
        let outside = Invalid::OriginNotAllowed("https://c.example".to_owned());
        assert_eq!(set("https://c.example"), Err(outside));
        assert!(matches!(set("*"), Err(Invalid::Origin(_))));
        let unset = Changes { unset: vec![Limit::Origins], ..Changes::default() };
        let limits = TenantLimits { origins, ..TenantLimits::default() };
        assert_eq!(changed(limits, unset, &allowed), Ok(TenantLimits::default()));
    }
}
