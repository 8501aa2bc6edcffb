//! Every setting of the functions, read from the environment, in one place.
//!
//! The template sets them for all functions alike; what a function may do with a table or key is
//! its policy's business.

use std::{fmt, time::Duration};

use domain::{
    budget::{Limit, MAX_PENDING},
    job::Policy,
};
use hub::budget::Limits;

/// What the environment says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `VAULT_TABLE`: the table of tenants, keys, apps and accounts.
    pub vault_table: String,
    /// `JOBS_TABLE`: the table of jobs.
    pub jobs_table: String,
    /// `RUNTIME_TABLE`: the table of what is short-lived.
    pub runtime_table: String,
    /// `REST_QUEUE_URL`: the queue of REST jobs.
    pub rest_queue_url: String,
    /// `RESULTS_BUCKET`: the bucket of long results.
    pub results_bucket: String,
    /// `TOKEN_KEY_ARN`: the KMS key of users' tokens.
    pub token_key_arn: String,
    /// `APP_KEY_ARN`: the KMS key of app secrets.
    pub app_key_arn: String,
    /// `HASH_SECRET_ARN`: the Secrets Manager secret that keyed hashes are made with.
    pub hash_secret_arn: String,
    /// `FLICKR_URL`: where Flickr is, instead of its own hosts. None by default.
    pub flickr_url: Option<String>,
    /// `PUBLIC_URL`: the API as browsers reach it, such as `https://api.example.org/api`. By
    /// default what the request says.
    pub public_url: Option<String>,
    /// `REST_ATTEMPTS`, `REST_BACKOFF_BASE_SECONDS`, `REST_BACKOFF_CAP_SECONDS`: how often and how
    /// far apart REST jobs are tried. By default [`Policy::REST`].
    pub rest_retries: Policy,
    /// `FLICKR_CALLS_PER_HOUR`, `FLICKR_BURST_CALLS`: the limit of a Flickr app, by default
    /// [`Limit::FLICKR`]. `ACCOUNT_CALLS_PER_HOUR`: that of one account, with a tenth of it as its
    /// burst; none by default.
    pub limits: Limits,
    /// `MAX_PENDING_JOBS`: how many jobs of one account may be pending. By default [`MAX_PENDING`].
    pub max_pending_jobs: u32,
    /// `ALLOWED_RETURN_URLS`: where browsers may be sent after a login, separated by commas. None
    /// by default.
    pub allowed_return_urls: String,
}

/// What is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    missing: Vec<&'static str>,
    not_numbers: Vec<&'static str>,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("missing", &self.missing), ("not a whole number above zero", &self.not_numbers)];
        let parts = parts.iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect();
        write!(f, "in the environment {}", parts.join("; "))
    }
}

impl std::error::Error for Wrong {}

impl Settings {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// Names all settings that are missing or malformed at once.
    pub fn from_env() -> Result<Self, Wrong> {
        Self::read(variable)
    }

    /// Reads what `look_up` knows. An empty setting counts as missing.
    fn read(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, Wrong> {
        let look_up = |name: &str| look_up(name).filter(|value| !value.trim().is_empty());
        let mut missing = Vec::new();
        let mut required = |name: &'static str| {
            look_up(name).unwrap_or_else(|| {
                missing.push(name);
                String::new()
            })
        };
        let mut not_numbers = Vec::new();
        let mut number = |name: &'static str, default: u32| match look_up(name).map(|value| value.trim().parse()) {
            None => default,
            Some(Ok(number)) if number > 0 => number,
            Some(_) => {
                not_numbers.push(name);
                default
            }
        };
        let seconds = |length: Duration| u32::try_from(length.as_secs()).unwrap_or(u32::MAX);
        let defaults = Policy::REST;
        let rest_retries = Policy {
            attempts: number("REST_ATTEMPTS", defaults.attempts),
            base: Duration::from_secs(number("REST_BACKOFF_BASE_SECONDS", seconds(defaults.base)).into()),
            cap: Duration::from_secs(number("REST_BACKOFF_CAP_SECONDS", seconds(defaults.cap)).into()),
            ..defaults
        };
        let app = Limit {
            calls_per_hour: number("FLICKR_CALLS_PER_HOUR", Limit::FLICKR.calls_per_hour),
            burst_calls: number("FLICKR_BURST_CALLS", Limit::FLICKR.burst_calls),
        };
        let of_account = look_up("ACCOUNT_CALLS_PER_HOUR").map(|_| number("ACCOUNT_CALLS_PER_HOUR", 1));
        let account = of_account.map(|calls| Limit { calls_per_hour: calls, burst_calls: calls.div_ceil(10) });
        let max_pending_jobs = number("MAX_PENDING_JOBS", MAX_PENDING);
        let settings = Self {
            max_pending_jobs,
            limits: Limits { app, account },
            rest_retries,
            vault_table: required("VAULT_TABLE"),
            jobs_table: required("JOBS_TABLE"),
            runtime_table: required("RUNTIME_TABLE"),
            rest_queue_url: required("REST_QUEUE_URL"),
            results_bucket: required("RESULTS_BUCKET"),
            token_key_arn: required("TOKEN_KEY_ARN"),
            app_key_arn: required("APP_KEY_ARN"),
            hash_secret_arn: required("HASH_SECRET_ARN"),
            flickr_url: look_up("FLICKR_URL"),
            public_url: look_up("PUBLIC_URL"),
            allowed_return_urls: look_up("ALLOWED_RETURN_URLS").unwrap_or_default(),
        };
        if missing.is_empty() && not_numbers.is_empty() { Ok(settings) } else { Err(Wrong { missing, not_numbers }) }
    }
}

/// What the environment says of `name`.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_missing_settings_are_named_at_once() {
        let missing = Settings::read(|name| (name != "JOBS_TABLE").then(|| " ".to_owned())).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "in the environment missing: VAULT_TABLE, JOBS_TABLE, RUNTIME_TABLE, REST_QUEUE_URL, RESULTS_BUCKET, \
             TOKEN_KEY_ARN, APP_KEY_ARN, HASH_SECRET_ARN"
        );
    }

    #[test]
    fn what_has_a_default_may_be_left_out() {
        let settings = Settings::read(|name| {
            let optional = ["MAX_PENDING_JOBS", "FLICKR_URL", "PUBLIC_URL", "ALLOWED_RETURN_URLS"];
            (!optional.contains(&name)
                && !name.contains("CALLS")
                && !name.starts_with("REST_A")
                && !name.starts_with("REST_B"))
            .then(|| name.to_lowercase())
        });
        let settings = settings.unwrap();
        assert_eq!((settings.flickr_url, settings.public_url), (None, None));
        assert_eq!((settings.max_pending_jobs, settings.limits), (MAX_PENDING, Limits::default()));
        assert_eq!((settings.vault_table.as_str(), settings.rest_retries), ("vault_table", Policy::REST));
    }

    #[test]
    fn numbers_are_whole_and_above_zero() {
        let read = |attempts: &'static str| {
            Settings::read(|name| match name {
                "REST_ATTEMPTS" => Some(attempts.to_owned()),
                "REST_BACKOFF_BASE_SECONDS" => Some("7".to_owned()),
                "REST_BACKOFF_CAP_SECONDS" => None,
                name if name.contains("CALLS") || name == "MAX_PENDING_JOBS" => None,
                name => Some(name.to_owned()),
            })
        };
        let retries = read(" 9 ").unwrap().rest_retries;
        assert_eq!((retries.attempts, retries.base, retries.cap), (9, Duration::from_secs(7), Policy::REST.cap));
        for bad in ["0", "-1", "1.5", "many", "99999999999"] {
            let message = read(bad).unwrap_err().to_string();
            assert_eq!(message, "in the environment not a whole number above zero: REST_ATTEMPTS", "{bad}");
        }
    }
}
