//! Every setting of the functions, read from the environment, in one place.
//!
//! The template sets them for all functions alike; what a function may do with a table or key is
//! its policy's business.

use std::fmt;

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
    /// `ALLOWED_RETURN_URLS`: where browsers may be sent after a login, separated by commas. None
    /// by default.
    pub allowed_return_urls: String,
}

/// The environment lacks these settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing(Vec<&'static str>);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing in the environment: {}", self.0.join(", "))
    }
}

impl std::error::Error for Missing {}

impl Settings {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// Names all settings that are missing at once.
    pub fn from_env() -> Result<Self, Missing> {
        Self::read(variable)
    }

    /// Reads what `look_up` knows. An empty setting counts as missing.
    fn read(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, Missing> {
        let look_up = |name: &str| look_up(name).filter(|value| !value.trim().is_empty());
        let mut missing = Vec::new();
        let mut required = |name: &'static str| {
            look_up(name).unwrap_or_else(|| {
                missing.push(name);
                String::new()
            })
        };
        let settings = Self {
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
        if missing.is_empty() { Ok(settings) } else { Err(Missing(missing)) }
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
            "missing in the environment: VAULT_TABLE, JOBS_TABLE, RUNTIME_TABLE, REST_QUEUE_URL, RESULTS_BUCKET, \
             TOKEN_KEY_ARN, APP_KEY_ARN, HASH_SECRET_ARN"
        );
    }

    #[test]
    fn what_has_a_default_may_be_left_out() {
        let settings = Settings::read(|name| {
            let optional = ["FLICKR_URL", "PUBLIC_URL", "ALLOWED_RETURN_URLS"];
            (!optional.contains(&name)).then(|| name.to_lowercase())
        });
        let settings = settings.unwrap();
        assert_eq!((settings.flickr_url, settings.public_url), (None, None));
        assert_eq!(settings.vault_table, "vault_table");
    }
}
