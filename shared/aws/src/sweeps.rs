//! Other sweeps: invocations of this very function.
//!
//! They are not part of [`crate::Cloud`]: no other function needs a client of Lambda.

use aws_sdk_lambda::{Client, primitives::Blob, types::InvocationType};
use aws_types::SdkConfig;
use hub::ports::{self, SweepScope, Sweeps};

use crate::{
    config::{Lazily, lazily},
    error::from_sdk,
    settings::Sweeping,
};

const HANDING_OVER: &str = "handing shards over to another sweep";

/// Invocations of this very function.
#[derive(Clone, Debug)]
pub struct SweepInvocations {
    client: Lazily<Client>,
    sweeping: Sweeping,
}

impl SweepInvocations {
    /// Invocations of the function that `sweeping` names. It asks nothing of AWS.
    pub fn new(config: &SdkConfig, sweeping: &Sweeping) -> Self {
        Self { client: lazily(config, Client::new), sweeping: sweeping.clone() }
    }
}

impl Sweeps for SweepInvocations {
    fn at_once(&self) -> usize {
        let most = usize::try_from(self.sweeping.at_once).unwrap_or(usize::MAX);
        if self.sweeping.function.is_some() { most } else { 1 }
    }

    async fn begin(&self, scope: &SweepScope) -> ports::Result<()> {
        let event = serde_json::to_vec(scope).map_err(|error| ports::Error::broken(HANDING_OVER, error))?;
        let invoke = self.client.invoke().set_function_name(self.sweeping.function.clone());
        let invoke = invoke.invocation_type(InvocationType::Event).payload(Blob::new(event));
        invoke.send().await.map(|_| ()).map_err(from_sdk(HANDING_OVER))
    }
}
