//! The opening of every function: logs, settings, clients.

use aws_types::SdkConfig;
use hub::{keyed_hash::KeyedHash, ports, vaults::Vaults};
use vault::InvalidKeyArn;

use crate::{
    AuditLogGroup, Cloud, Settings, SettingsError,
    config::{self, sdk_config},
    kms::{CachedKmsKey, vaults},
    logging,
    secrets::keyed_hash,
    sweeps::SweepInvocations,
};

/// What a function has of AWS once it has started.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The ports that AWS serves.
    pub cloud: Cloud,
    /// What the environment says.
    pub settings: Settings,
    config: SdkConfig,
}

/// Why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment lacks settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The environment does not say how to reach AWS.
    #[error(transparent)]
    Config(#[from] config::Error),
}

impl Aws {
    /// Starts logging, reads the environment and makes the clients. It asks nothing of AWS.
    ///
    /// # Errors
    /// When the environment lacks settings, credentials or a region, or one of them is malformed.
    pub fn start() -> Result<Self, StartError> {
        logging::start(std::io::stdout);
        let settings = Settings::from_env()?;
        let config = sdk_config()?;
        Ok(Self { cloud: Cloud::new(&config, &settings.stores), settings, config })
    }

    /// The keyed hash under the stack's hash secret. While it is read, a connection to DynamoDB is opened: who hashes
    /// API keys looks them up there.
    ///
    /// # Errors
    /// When the secret cannot be read, or is malformed.
    pub async fn keyed_hash(&self) -> ports::Result<KeyedHash> {
        let (keyed_hash, ()) = tokio::join!(keyed_hash(&self.config, &self.settings.keys), self.cloud.open_tables());
        keyed_hash
    }

    /// The audit log, for the function that appends to it.
    pub fn audit_log(&self) -> AuditLogGroup {
        AuditLogGroup::new(&self.config, &self.settings.audit_log_group)
    }

    /// Other sweeps, for the function that sweeps.
    pub fn sweeps(&self) -> SweepInvocations {
        SweepInvocations::new(&self.config, &self.settings.sweeping)
    }

    /// The vaults under the stack's two KMS keys.
    ///
    /// # Errors
    /// When one of them is no key ARN.
    pub fn vaults(&self) -> Result<Vaults<CachedKmsKey>, InvalidKeyArn> {
        vaults(&self.config, &self.settings.keys)
    }
}
