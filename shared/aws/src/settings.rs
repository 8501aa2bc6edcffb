//! Every setting of the functions, read from the environment, in one place.
//!
//! Each part of [`Settings`] is what one part of the program needs, and reads itself. The template sets them for all
//! functions alike; what a function may do with a table or key is its policy's business. An empty setting counts as
//! missing, and all that are missing or malformed are reported at once.

use std::{fmt, num::NonZeroU16, str::FromStr, time::Duration};

use domain::{
    budget::{Limit, MAX_PENDING},
    egress::Policy,
    job::{PerTarget, RetryPolicy, Target},
    tenant::Origins,
    upload::{BYTES_PER_GIGABYTE, DedupCheck, FileRules, MAX_STORED_BYTES},
};
use hub::{limits::Limits, ports::Shards};

/// What the environment says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The names of the stores.
    pub stores: Stores,
    /// The names of keys and of the hash secret.
    pub keys: Keys,
    /// `AUDIT_LOG_GROUP`: the name of the log group that is the audit log.
    pub audit_log_group: String,
    /// How much may be asked for: `FLICKR_CALLS_PER_HOUR` and `FLICKR_BURST_CALLS` of a Flickr app, by default
    /// [`Limit::FLICKR`]; `ACCOUNT_CALLS_PER_HOUR` of one account, with a tenth of it as its burst, none by default;
    /// `MAX_PENDING_JOBS` of one account, by default [`MAX_PENDING`]; `MAX_STORED_GIGABYTES` of one tenant's files, by
    /// default [`MAX_STORED_BYTES`].
    pub limits: Limits,
    /// `{TARGET}_ATTEMPTS`, `{TARGET}_BACKOFF_BASE_SECONDS`, `{TARGET}_BACKOFF_CAP_SECONDS`: how often and how far
    /// apart the jobs of each target are tried. By default as [`Target::profile`] says.
    pub retries: PerTarget<RetryPolicy>,
    /// How files are sent: `DEDUP_CHECK` is what is done with bytes that the account has already, 0, 1 or 2;
    /// `UPLOAD_INDEX_LAG_SECONDS` and `UPLOAD_DEDUP_LAG_SECONDS` how long after an upload Flickr's search may not know
    /// the photo, and Flickr not tell the same bytes. By default as [`FileRules::default`] says.
    pub file_rules: FileRules,
    /// Where files may be fetched from: `SOURCE_NETWORKS` are networks besides the public ones, none by default, and
    /// `SOURCE_PORTS` the ports, by default [`domain::egress::DEFAULT_PORTS`], both separated by commas; `LOCAL_SOURCES`
    /// says whether this machine is allowed, `true` or `false`, the default. `AWS_LAMBDA_RUNTIME_API`, which AWS Lambda
    /// sets, never is.
    pub sources: Policy,
    /// `FLICKR_URL`: where Flickr is, instead of its own hosts. None by default.
    pub flickr_url: Option<String>,
    /// Where browsers are sent.
    pub login: Login,
    /// `ALLOWED_ORIGINS`: the origins of the web pages that may use the API at all, separated by commas. None by default.
    pub allowed_origins: Origins,
    /// How the sweep hands over.
    pub sweeping: Sweeping,
}

/// The names of the stores.
#[derive(Debug, Clone)]
pub struct Stores {
    /// `VAULT_TABLE`: the table of tenants, keys, apps and accounts.
    pub vault_table: String,
    /// `JOBS_TABLE`: the table of jobs.
    pub jobs_table: String,
    /// `RUNTIME_TABLE`: the table of what is short-lived.
    pub runtime_table: String,
    /// `{TARGET}_QUEUE_URL`: the queue of each target's jobs.
    pub queue_urls: PerTarget<String>,
    /// `RESULTS_BUCKET`: the bucket of long results.
    pub results_bucket: String,
    /// `UPLOADS_BUCKET`: the bucket of files on their way to Flickr.
    pub uploads_bucket: String,
    /// `SHARDS`: how many shards the lists of the sweep have, up to 255; by default as [`Shards::default`] says. It may
    /// grow, and must not shrink.
    pub shards: Shards,
}

/// How the sweep hands shards over to other invocations of itself.
#[derive(Debug, Clone)]
pub struct Sweeping {
    /// `AWS_LAMBDA_FUNCTION_NAME`, which AWS Lambda sets: this function. Without it, nothing is handed over.
    pub function: Option<String>,
    /// `SWEEP_MAXIMUM_CONCURRENCY`: how many invocations may sweep at once; 1 by default.
    pub at_once: u32,
}

/// The names of keys and of the hash secret.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `TOKEN_KEY_ARN`: the KMS key of users' tokens.
    pub token_key_arn: String,
    /// `APP_KEY_ARN`: the KMS key of app secrets.
    pub app_key_arn: String,
    /// `HASH_SECRET_ARN`: the Secrets Manager secret that keyed hashes are made with.
    pub hash_secret_arn: String,
}

/// Where browsers are sent.
#[derive(Debug, Clone)]
pub struct Login {
    /// `PUBLIC_URL`: the API as browsers reach it, such as `https://api.example.org/api`, without a slash at its end.
    /// By default what the request says.
    pub public_url: Option<String>,
    /// `ALLOWED_RETURN_URLS`: where browsers may be sent after a login, separated by commas. None by default.
    pub allowed_return_urls: String,
}

/// What is wrong with the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsError {
    missing: Vec<String>,
    not_numbers: Vec<String>,
    not_choices: Vec<String>,
    malformed: Vec<String>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("missing", &self.missing),
            ("not a whole number above zero", &self.not_numbers),
            ("none of its values", &self.not_choices),
            ("malformed", &self.malformed),
        ];
        let parts = parts.iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect();
        write!(f, "in the environment {}", parts.join("; "))
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// Names all settings that are missing or malformed at once.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_lookup(variable)
    }

    /// Reads what `look_up` gives for the names of variables.
    ///
    /// # Errors
    /// As for [`Settings::from_env`].
    pub fn from_lookup(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut environment = Environment { look_up: &look_up, error: SettingsError::default() };
        let settings = Self::read(&mut environment);
        if environment.error == SettingsError::default() { Ok(settings) } else { Err(environment.error) }
    }

    fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            stores: Stores::read(environment),
            keys: Keys::read(environment),
            audit_log_group: environment.required("AUDIT_LOG_GROUP"),
            limits: limits(environment),
            retries: PerTarget::new(|target| retry_policy(environment, target)),
            file_rules: file_rules(environment),
            sources: sources(environment),
            flickr_url: environment.optional("FLICKR_URL"),
            login: Login::read(environment),
            allowed_origins: allowed_origins(environment),
            sweeping: Sweeping::read(environment),
        }
    }
}

impl Stores {
    fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            vault_table: environment.required("VAULT_TABLE"),
            jobs_table: environment.required("JOBS_TABLE"),
            runtime_table: environment.required("RUNTIME_TABLE"),
            queue_urls: PerTarget::new(|target| environment.required(&of_target(target, "QUEUE_URL"))),
            results_bucket: environment.required("RESULTS_BUCKET"),
            uploads_bucket: environment.required("UPLOADS_BUCKET"),
            shards: environment.shards("SHARDS"),
        }
    }
}

impl Sweeping {
    fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            function: environment.optional("AWS_LAMBDA_FUNCTION_NAME"),
            at_once: environment.number("SWEEP_MAXIMUM_CONCURRENCY", 1),
        }
    }
}

impl Keys {
    fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            token_key_arn: environment.required("TOKEN_KEY_ARN"),
            app_key_arn: environment.required("APP_KEY_ARN"),
            hash_secret_arn: environment.required("HASH_SECRET_ARN"),
        }
    }
}

impl Login {
    fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            public_url: environment.optional("PUBLIC_URL").map(|url| url.trim_end_matches('/').to_owned()),
            allowed_return_urls: environment.optional("ALLOWED_RETURN_URLS").unwrap_or_default(),
        }
    }
}

fn limits(environment: &mut Environment<'_>) -> Limits {
    let app = Limit {
        calls_per_hour: environment.number("FLICKR_CALLS_PER_HOUR", Limit::FLICKR.calls_per_hour),
        burst_calls: environment.number("FLICKR_BURST_CALLS", Limit::FLICKR.burst_calls),
    };
    let of_account = environment.optional_number("ACCOUNT_CALLS_PER_HOUR");
    let account = of_account.map(|calls| Limit { calls_per_hour: calls, burst_calls: calls.div_ceil(10) });
    let max_pending_jobs = environment.number("MAX_PENDING_JOBS", MAX_PENDING);
    let gigabytes = environment.optional_number("MAX_STORED_GIGABYTES");
    let max_stored_bytes = gigabytes.map_or(MAX_STORED_BYTES, |number| u64::from(number) * BYTES_PER_GIGABYTE);
    Limits { app, account, max_pending_jobs, max_stored_bytes, ..Limits::default() }
}

fn retry_policy(environment: &mut Environment<'_>, target: Target) -> RetryPolicy {
    let defaults = target.profile().retry;
    RetryPolicy {
        attempts: environment.number(&of_target(target, "ATTEMPTS"), defaults.attempts),
        base: environment.seconds(&of_target(target, "BACKOFF_BASE_SECONDS"), defaults.base),
        cap: environment.seconds(&of_target(target, "BACKOFF_CAP_SECONDS"), defaults.cap),
        ..defaults
    }
}

fn file_rules(environment: &mut Environment<'_>) -> FileRules {
    let defaults = FileRules::default();
    FileRules {
        dedup_check: environment.dedup_check("DEDUP_CHECK", defaults.dedup_check),
        index_lag: environment.seconds("UPLOAD_INDEX_LAG_SECONDS", defaults.index_lag),
        dedup_lag: environment.seconds("UPLOAD_DEDUP_LAG_SECONDS", defaults.dedup_lag),
    }
}

fn sources(environment: &mut Environment<'_>) -> Policy {
    let mut policy = Policy::default()
        .with_networks(environment.list("SOURCE_NETWORKS", "networks such as 192.0.2.0/24").unwrap_or_default())
        .with_runtime_api(environment.parsed("AWS_LAMBDA_RUNTIME_API", "host:port"));
    if let Some(ports) = environment.list::<NonZeroU16>("SOURCE_PORTS", "ports such as 443") {
        policy = policy.with_ports(ports.into_iter().map(u16::from));
    }
    if environment.is_true("LOCAL_SOURCES") { policy.local() } else { policy }
}

fn allowed_origins(environment: &mut Environment<'_>) -> Origins {
    let origins = environment.list("ALLOWED_ORIGINS", "origins such as https://app.example.org");
    origins.unwrap_or_default().into_iter().collect()
}

/// The name of a target's setting.
fn of_target(target: Target, setting: &str) -> String {
    format!("{}_{setting}", target.as_str().to_uppercase())
}

/// Reads variables, and notes what is wrong with them. What it gives for one that is wrong is of no use.
struct Environment<'a> {
    look_up: &'a dyn Fn(&str) -> Option<String>,
    error: SettingsError,
}

impl Environment<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.look_up)(name).filter(|value| !value.trim().is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.error.missing.push(name.to_owned());
            String::new()
        })
    }

    /// A whole number above zero, if it is set.
    fn optional_number(&mut self, name: &str) -> Option<u32> {
        let number = u32::from_str(self.optional(name)?.trim()).ok().filter(|number| *number > 0);
        if number.is_none() {
            self.error.not_numbers.push(name.to_owned());
        }
        number
    }

    fn number(&mut self, name: &str, default: u32) -> u32 {
        self.optional_number(name).unwrap_or(default)
    }

    fn shards(&mut self, name: &str) -> Shards {
        let number = self.optional_number(name);
        let shards = number.map(|number| u8::try_from(number).ok().and_then(Shards::new));
        if shards == Some(None) {
            self.error.not_numbers.push(format!("{name} (at most 255)"));
        }
        shards.flatten().unwrap_or_default()
    }

    fn seconds(&mut self, name: &str, default: Duration) -> Duration {
        self.optional_number(name).map_or(default, |seconds| Duration::from_secs(seconds.into()))
    }

    /// What is separated by commas, if it is set; `shape` says how each must look.
    fn list<T: FromStr>(&mut self, name: &str, shape: &str) -> Option<Vec<T>> {
        let text = self.optional(name)?;
        let items = text.split(',').map(|item| item.trim().parse().ok()).collect();
        self.read(name, shape, items)
    }

    /// What is set, if it is; `shape` says how it must look.
    fn parsed<T: FromStr>(&mut self, name: &str, shape: &str) -> Option<T> {
        let item = self.optional(name)?.trim().parse().ok();
        self.read(name, shape, item)
    }

    fn read<T>(&mut self, name: &str, shape: &str, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.error.malformed.push(format!("{name} ({shape})"));
        }
        read
    }

    fn is_true(&mut self, name: &str) -> bool {
        match self.optional(name).as_deref().map(str::trim) {
            Some("true") => true,
            Some("false") | None => false,
            Some(_) => {
                self.error.not_choices.push(format!("{name} (true or false)"));
                false
            }
        }
    }

    fn dedup_check(&mut self, name: &str, default: DedupCheck) -> DedupCheck {
        let Some(value) = self.optional(name) else { return default };
        DedupCheck::from_value(value.trim()).unwrap_or_else(|| {
            self.error.not_choices.push(format!("{name} (0, 1 or 2)"));
            default
        })
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

    const REQUIRED: [&str; 12] = [
        "VAULT_TABLE",
        "JOBS_TABLE",
        "RUNTIME_TABLE",
        "REST_QUEUE_URL",
        "UPLOAD_QUEUE_URL",
        "REPLACE_QUEUE_URL",
        "RESULTS_BUCKET",
        "UPLOADS_BUCKET",
        "TOKEN_KEY_ARN",
        "APP_KEY_ARN",
        "HASH_SECRET_ARN",
        "AUDIT_LOG_GROUP",
    ];

    /// What is required, under its name in lower case, and these.
    fn with(others: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_lookup(|name| {
            let other = others.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
            other.or_else(|| REQUIRED.contains(&name).then(|| name.to_lowercase()))
        })
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let blank = Settings::from_lookup(|name| (name != "JOBS_TABLE").then(|| " ".to_owned())).unwrap_err();
        assert_eq!(blank.to_string(), format!("in the environment missing: {}", REQUIRED.join(", ")));
        let both = with(&[("HASH_SECRET_ARN", ""), ("REST_ATTEMPTS", "no"), ("ACCOUNT_CALLS_PER_HOUR", "0")]);
        assert_eq!(
            both.unwrap_err().to_string(),
            "in the environment missing: HASH_SECRET_ARN; \
             not a whole number above zero: ACCOUNT_CALLS_PER_HOUR, REST_ATTEMPTS"
        );
    }

    #[test]
    fn what_has_a_default_may_be_left_out() {
        let settings = with(&[]).unwrap();
        assert_eq!((settings.flickr_url, settings.login.public_url), (None, None));
        assert_eq!(settings.login.allowed_return_urls, "");
        assert_eq!((settings.limits, settings.retries), (Limits::default(), PerTarget::default()));
        assert_eq!(settings.stores.vault_table, "vault_table");
        assert_eq!((settings.stores.shards, settings.sweeping.at_once), (Shards::default(), 1));
        for (target, url) in settings.stores.queue_urls.iter() {
            assert_eq!(*url, format!("{target}_queue_url"));
        }
        assert_eq!(settings.file_rules, FileRules::default());
    }

    #[test]
    fn numbers_are_whole_and_above_zero() {
        let retries = with(&[("REST_ATTEMPTS", " 9 "), ("REST_BACKOFF_BASE_SECONDS", "7")]).unwrap().retries;
        let expected = RetryPolicy { attempts: 9, base: Duration::from_secs(7), ..Target::Rest.profile().retry };
        assert_eq!(*retries.get(Target::Rest), expected);
        for bad in ["0", "-1", "1.5", "many", "99999999999"] {
            let message = with(&[("REST_ATTEMPTS", bad)]).unwrap_err().to_string();
            assert_eq!(message, "in the environment not a whole number above zero: REST_ATTEMPTS", "{bad}");
        }
    }

    #[test]
    fn files_are_sent_as_the_environment_says() {
        let lags = [("UPLOAD_INDEX_LAG_SECONDS", "20"), ("UPLOAD_DEDUP_LAG_SECONDS", "30")];
        for (value, dedup_check) in [("0", DedupCheck::Off), (" 1 ", DedupCheck::Refuse), ("2", DedupCheck::Restore)] {
            let (index_lag, dedup_lag) = (Duration::from_secs(20), Duration::from_secs(30));
            let settings = with(&[("DEDUP_CHECK", value), lags[0], lags[1]]).unwrap();
            assert_eq!(settings.file_rules, FileRules { dedup_check, index_lag, dedup_lag });
        }
        let message = with(&[("DEDUP_CHECK", "yes"), ("UPLOAD_INDEX_LAG_SECONDS", "0")]).unwrap_err().to_string();
        assert_eq!(
            message,
            "in the environment not a whole number above zero: UPLOAD_INDEX_LAG_SECONDS; \
             none of its values: DEDUP_CHECK (0, 1 or 2)"
        );
    }

    #[test]
    fn files_are_fetched_from_where_the_environment_says() {
        let allows = |others: &[(&str, &str)], url: &str| with(others).unwrap().sources.url(url).is_ok();
        let (public, private, port) = ("https://a.example/", "https://10.1.2.3/", "https://a.example:444/");
        let (local, runtime_api) = ("http://127.0.0.1:5000/", "http://127.0.0.1:9001/");
        assert_eq!(with(&[]).unwrap().sources, Policy::default());
        assert_eq!(with(&[("SOURCE_PORTS", " "), ("LOCAL_SOURCES", "false")]).unwrap().sources, Policy::default());
        for (settings, allowed) in [
            (&[][..], [true, false, false, false]),
            (&[("SOURCE_NETWORKS", "fd00::/8, 10.0.0.0/8")], [true, true, false, false]),
            (&[("SOURCE_PORTS", "443, 444")], [true, false, true, false]),
            (&[("SOURCE_PORTS", "444")], [false, false, true, false]),
            (&[("LOCAL_SOURCES", " true ")], [true, false, false, true]),
        ] {
            assert_eq!([public, private, port, local].map(|url| allows(settings, url)), allowed, "{settings:?}");
        }
        let function = [("LOCAL_SOURCES", "true"), ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")];
        assert_eq!((allows(&function, local), allows(&function, runtime_api)), (true, false));
        assert!(allows(&function[..1], runtime_api));
    }

    #[test]
    fn where_files_may_be_fetched_from_is_read_whole_or_not_at_all() {
        for (name, bad, said) in [
            ("SOURCE_NETWORKS", "10.0.0.0", "malformed: SOURCE_NETWORKS (networks such as 192.0.2.0/24)"),
            ("SOURCE_NETWORKS", "10.0.0.0/8,", "malformed: SOURCE_NETWORKS (networks such as 192.0.2.0/24)"),
            ("SOURCE_PORTS", "443;8443", "malformed: SOURCE_PORTS (ports such as 443)"),
            ("SOURCE_PORTS", "0", "malformed: SOURCE_PORTS (ports such as 443)"),
            ("SOURCE_PORTS", "65536", "malformed: SOURCE_PORTS (ports such as 443)"),
            ("LOCAL_SOURCES", "yes", "none of its values: LOCAL_SOURCES (true or false)"),
            ("AWS_LAMBDA_RUNTIME_API", "a:b", "malformed: AWS_LAMBDA_RUNTIME_API (host:port)"),
        ] {
            let message = with(&[(name, bad)]).unwrap_err().to_string();
            assert_eq!(message, format!("in the environment {said}"), "{bad}");
        }
    }

    #[test]
    fn there_are_up_to_255_shards() {
        for (text, number) in [("1", 1), ("40", 40), ("255", 255)] {
            assert_eq!(with(&[("SHARDS", text)]).unwrap().stores.shards, Shards::new(number).unwrap());
        }
        for (bad, name) in [("0", "SHARDS"), ("many", "SHARDS"), ("256", "SHARDS (at most 255)")] {
            let message = with(&[("SHARDS", bad)]).unwrap_err().to_string();
            assert_eq!(message, format!("in the environment not a whole number above zero: {name}"));
        }
    }

    #[test]
    fn an_account_has_a_tenth_of_its_hour_at_once() {
        let limits = with(&[("ACCOUNT_CALLS_PER_HOUR", "101"), ("MAX_PENDING_JOBS", "5")]).unwrap().limits;
        assert_eq!(limits.account, Some(Limit { calls_per_hour: 101, burst_calls: 11 }));
        assert_eq!((limits.app, limits.max_pending_jobs), (Limit::FLICKR, 5));
    }

    #[test]
    fn files_may_have_so_many_gigabytes() {
        for (text, bytes) in [("1", 1_000_000_000), ("4294967295", 4_294_967_295_000_000_000)] {
            assert_eq!(with(&[("MAX_STORED_GIGABYTES", text)]).unwrap().limits.max_stored_bytes, bytes);
        }
    }

    #[test]
    fn the_public_url_ends_without_a_slash() {
        let login = with(&[("PUBLIC_URL", "https://a.example/api/")]).unwrap().login;
        assert_eq!(login.public_url.as_deref(), Some("https://a.example/api"));
    }
    #[test]
    fn pages_of_some_origins_may_use_the_api() {
        assert!(with(&[]).unwrap().allowed_origins.is_empty());
        let listed = with(&[("ALLOWED_ORIGINS", "https://a.example, http://localhost:5173")]).unwrap().allowed_origins;
        assert_eq!(listed, Origins::parse(["https://a.example", "http://localhost:5173"]).unwrap());
        for bad in ["*", "https://a.example,*", "https://a.example/x"] {
            let message = with(&[("ALLOWED_ORIGINS", bad)]).unwrap_err().to_string();
            let said = "malformed: ALLOWED_ORIGINS (origins such as https://app.example.org)";
            assert_eq!(message, format!("in the environment {said}"), "{bad}");
        }
    }
}
