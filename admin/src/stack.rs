//! Which stack is operated: where its tables and keys are, and how AWS is reached.
//!
//! A stack that is named says so itself, by its outputs; nothing of it is read from the environment, so that two stacks
//! are never mixed. Credentials and region are then found by the AWS SDK's default chain, which no function carries.

use std::collections::HashMap;

use aws::{AuditLogGroup, CachedKmsKey, Cloud, ConfigError, Settings, SettingsError, StartError, settings::Stores};
use aws_config::BehaviorVersion;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};
use aws_types::SdkConfig;
use domain::{
    job::Target,
    tenant::{InvalidOrigin, Origins},
};
use hub::{hash_secret::HashSecret, keyed_hash::KeyedHash, limits::Limits, ports, vaults::Vaults};
use vault::InvalidKeyArn;

use crate::deployed_stack::{self, DeployedStack};

/// A stack, and how AWS is reached.
pub struct Stack {
    config: SdkConfig,
    settings: Settings,
    /// `None` where the environment speaks of it.
    deployed_stack: Option<DeployedStack>,
}

/// Why a stack that was named cannot be operated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No region was found.
    #[error("no AWS region was found: set AWS_REGION, or a region in the profile that AWS_PROFILE names")]
    NoRegion,
    /// No credentials were found.
    #[error("no AWS credentials were found: sign in, for example with `aws sso login`, or set AWS_PROFILE")]
    NoCredentials(#[source] Option<CredentialsError>),
    /// CloudFormation does not describe the stack.
    #[error(transparent)]
    DeployedStack(#[from] deployed_stack::Error),
    /// The stack is not of FlickrHub, is not deployed whole, or is of an earlier version.
    #[error("the stack `{stack}` lacks these outputs: {}", outputs.join(", "))]
    MissingOutputs {
        /// Its name.
        stack: String,
        /// Their names.
        outputs: Vec<String>,
    },
    /// A setting that no output is for.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl Stack {
    /// The stack that the environment speaks of.
    ///
    /// # Errors
    /// When the environment lacks settings, credentials or a region.
    pub fn from_env() -> Result<Self, StartError> {
        Ok(Self { settings: Settings::from_env()?, config: aws::sdk_config()?, deployed_stack: None })
    }

    /// The stack with this name, with the operator's credentials and region.
    ///
    /// # Errors
    /// When there are no credentials, no region or no such stack, or it lacks outputs.
    pub async fn open(name: &str) -> Result<Self, Error> {
        let config = operators_config().await?;
        let deployed_stack = deployed_stack::describe(&config, name).await?;
        let settings = settings(name, &deployed_stack.outputs, &deployed_stack.parameters)?;
        Ok(Self { settings, config, deployed_stack: Some(deployed_stack) })
    }

    /// The ports that the stack serves.
    pub fn cloud(&self) -> Cloud {
        Cloud::new(&self.config, &self.settings.stores)
    }

    /// The ports that the stack serves, with other tables in place of its jobs table and, if one is named, its vault
    /// table.
    pub fn cloud_with(&self, vault_table: Option<String>, jobs_table: String) -> Cloud {
        let stores = self.settings.stores.clone();
        let vault_table = vault_table.unwrap_or_else(|| stores.vault_table.clone());
        Cloud::new(&self.config, &Stores { vault_table, jobs_table, ..stores })
    }

    /// The vaults under the stack's two KMS keys.
    ///
    /// # Errors
    /// When one of them is no key ARN.
    pub fn vaults(&self) -> Result<Vaults<CachedKmsKey>, InvalidKeyArn> {
        aws::vaults(&self.config, &self.settings.keys)
    }

    /// How much may be asked for by a tenant without limits of its own.
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Where Flickr is, instead of its own hosts.
    pub fn flickr_url(&self) -> Option<&str> {
        self.settings.flickr_url.as_deref()
    }

    /// The stack's audit log.
    pub fn audit_log(&self) -> AuditLogGroup {
        AuditLogGroup::new(&self.config, &self.settings.audit_log_group)
    }

    /// How AWS is reached.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The tables that the stack uses.
    pub fn table_names(&self) -> [&str; 3] {
        let Stores { vault_table, jobs_table, runtime_table, .. } = &self.settings.stores;
        [vault_table, jobs_table, runtime_table]
    }

    /// The origins of the web pages that the stack lets use its API.
    ///
    /// # Errors
    /// When it was deployed with what is none.
    pub fn allowed_origins(&self) -> Result<Origins, InvalidOrigin> {
        match &self.deployed_stack {
            Some(deployed_stack) => deployed_stack.allowed_origins(),
            None => Ok(self.settings.allowed_origins.clone()),
        }
    }

    /// Whether nothing runs the stack's jobs; `None` where the stack was not named.
    pub fn is_paused(&self) -> Option<bool> {
        self.deployed_stack.as_ref().map(DeployedStack::is_paused)
    }

    /// Whether the stack protects its vault table from deletion.
    pub fn protects_vault(&self) -> bool {
        self.deployed_stack.as_ref().is_none_or(DeployedStack::protects_vault)
    }

    /// What the stack says of itself, by name; `None` where it was not named.
    pub fn outputs(&self) -> Option<&HashMap<String, String>> {
        self.deployed_stack.as_ref().map(|deployed_stack| &deployed_stack.outputs)
    }

    /// The tags of the stack's resources.
    pub fn tags(&self) -> &[(String, String)] {
        self.deployed_stack.as_ref().map_or(&[], |deployed_stack| &deployed_stack.tags)
    }

    /// The keyed hash under the stack's hash secret.
    ///
    /// # Errors
    /// When the secret cannot be read, or is malformed.
    pub async fn keyed_hash(&self) -> ports::Result<KeyedHash> {
        aws::keyed_hash(&self.config, &self.settings.keys).await
    }

    /// The stack's hash secret.
    ///
    /// # Errors
    /// When the secret cannot be read, or is malformed.
    pub async fn hash_secret(&self) -> ports::Result<HashSecret> {
        aws::hash_secret(&self.config, &self.settings.keys).await
    }

    /// Stores the stack's hash secret.
    ///
    /// # Errors
    /// When the secret cannot be written.
    pub async fn set_hash_secret(&self, secret: &HashSecret) -> ports::Result<()> {
        aws::set_hash_secret(&self.config, &self.settings.keys, secret).await
    }
}

/// How the operator reaches AWS. `AWS_ENDPOINT_URL`, where set, stands for every service.
///
/// # Errors
/// When there are no credentials or no region.
pub async fn operators_config() -> Result<SdkConfig, Error> {
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(aws::http_client()?).load().await;
    config.region().ok_or(Error::NoRegion)?;
    // Asked for here, so that it is not a request to CloudFormation that fails without them.
    let credentials = config.credentials_provider().ok_or(Error::NoCredentials(None))?;
    credentials.provide_credentials().await.map_err(|error| Error::NoCredentials(Some(error)))?;
    Ok(config)
}

/// The settings and the outputs of the stack that they are in.
fn names() -> Vec<(String, String)> {
    let names = [
        ("VAULT_TABLE", "VaultTableName"),
        ("JOBS_TABLE", "JobsTableName"),
        ("RUNTIME_TABLE", "RuntimeTableName"),
        ("RESULTS_BUCKET", "ResultsBucketName"),
        ("UPLOADS_BUCKET", "UploadsBucketName"),
        ("TOKEN_KEY_ARN", "TokenKeyArn"),
        ("APP_KEY_ARN", "AppSecretKeyArn"),
        ("HASH_SECRET_ARN", "HashSecretArn"),
        ("AUDIT_LOG_GROUP", "AuditLogGroupName"),
    ];
    let names = names.map(|(setting, output)| (setting.to_owned(), output.to_owned()));
    names.into_iter().chain(Target::ALL.map(queue_names)).collect()
}

/// The settings that the stack was deployed with, and their parameters. One that is not said has its default.
const PARAMETERS: [(&str, &str); 6] = [
    ("FLICKR_URL", "FlickrUrl"),
    ("FLICKR_CALLS_PER_HOUR", "FlickrCallsPerHour"),
    ("FLICKR_BURST_CALLS", "FlickrBurstCalls"),
    ("ACCOUNT_CALLS_PER_HOUR", "AccountCallsPerHour"),
    ("MAX_PENDING_JOBS", "MaxPendingJobs"),
    ("MAX_STORED_GIGABYTES", "MaxStoredGigabytes"),
];

/// The setting and the output of a target's queue.
fn queue_names(target: Target) -> (String, String) {
    let (first, rest) = target.as_str().split_at(1);
    (format!("{}_QUEUE_URL", target.as_str().to_uppercase()), format!("{}{rest}QueueUrl", first.to_uppercase()))
}

/// The outputs that settings are read from and that are not among `outputs`.
pub fn missing(outputs: &HashMap<String, String>) -> Vec<String> {
    let names = names().into_iter().map(|(_, output)| output);
    names.filter(|output| !outputs.contains_key(output)).collect()
}

/// The settings that the outputs and the parameters of a stack say; what else has a default keeps it.
fn settings(
    stack: &str,
    outputs: &HashMap<String, String>,
    parameters: &HashMap<String, String>,
) -> Result<Settings, Error> {
    let names = names();
    let missing = missing(outputs);
    if !missing.is_empty() {
        return Err(Error::MissingOutputs { stack: stack.to_owned(), outputs: missing });
    }
    let values: HashMap<&str, &String> =
        names.iter().filter_map(|(setting, output)| Some((setting.as_str(), outputs.get(output)?))).collect();
    let deployed_with = PARAMETERS.iter().filter_map(|(setting, name)| Some((*setting, parameters.get(*name)?)));
    let values: HashMap<&str, &String> = values.into_iter().chain(deployed_with).collect();
    Ok(Settings::from_lookup(|setting| values.get(setting).map(|value| (*value).clone()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../template.yaml");

    /// The stack's outputs, each with its name in lower case as its value.
    fn outputs() -> HashMap<String, String> {
        names().into_iter().map(|(_, output)| (output.clone(), output.to_lowercase())).collect()
    }

    #[test]
    fn outputs_become_settings() {
        let settings = settings("flickrhub", &outputs(), &HashMap::new()).unwrap();
        assert_eq!(settings.stores.vault_table, "vaulttablename");
        for (target, url) in settings.stores.queue_urls.iter() {
            assert_eq!(*url, format!("{target}queueurl"));
        }
        assert_eq!(settings.stores.uploads_bucket, "uploadsbucketname");
        assert_eq!(settings.keys.hash_secret_arn, "hashsecretarn");
        assert_eq!(settings.keys.app_key_arn, "appsecretkeyarn");
    }

    #[test]
    fn all_missing_outputs_are_named() {
        let mut outputs = outputs();
        outputs.retain(|name, _| !name.ends_with("Arn"));
        let error = settings("other", &outputs, &HashMap::new()).map(|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the stack `other` lacks these outputs: TokenKeyArn, AppSecretKeyArn, HashSecretArn"
        );
    }

    #[test]
    fn what_the_stack_was_deployed_with_holds() {
        let parameters = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let of = |pairs: &[(&str, &str)]| settings("flickrhub", &outputs(), &parameters(pairs)).unwrap();
        let said = of(&[("FlickrCallsPerHour", "3000"), ("FlickrUrl", "http://127.0.0.1:3001"), ("Other", "x")]);
        assert_eq!((said.limits.app.calls_per_hour, said.flickr_url.as_deref()), (3000, Some("http://127.0.0.1:3001")));
        let unsaid = of(&[("FlickrCallsPerHour", ""), ("FlickrUrl", "")]);
        assert_eq!((unsaid.limits, unsaid.flickr_url), (Limits::default(), None));
        for (_, name) in PARAMETERS {
            assert!(TEMPLATE.contains(&format!("\n  {name}:\n")), "{name}");
        }
    }

    #[test]
    fn the_template_has_each_output() {
        let (_, outputs) = TEMPLATE.split_once("\nOutputs:\n").unwrap();
        for (setting, output) in names() {
            assert!(outputs.contains(&format!("\n  {output}:\n")), "{output} for {setting}");
        }
    }
}
