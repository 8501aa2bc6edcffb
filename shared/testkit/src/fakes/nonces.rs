//! The nonces of signed requests.

use std::collections::BTreeMap;

use domain::{SigningKeyId, Timestamp};
use hub::ports::{Nonces, Result};

use super::{keys::Partition, world::World};
use crate::call::Call;

/// Until when each nonce is used.
#[derive(Default)]
struct UsedNonces(BTreeMap<(SigningKeyId, String), Timestamp>);

impl UsedNonces {
    fn take(&mut self, nonce: (SigningKeyId, String), until: Timestamp, now: Timestamp) -> bool {
        // As DynamoDB tells the time of an item: in whole seconds.
        let is_used = self.0.get(&nonce).is_some_and(|until| until.as_seconds() > now.as_seconds());
        if !is_used {
            self.0.insert(nonce, until);
        }
        !is_used
    }
}

impl Nonces for World {
    async fn use_nonce(&self, key: &SigningKeyId, nonce: &str, until: Timestamp, now: Timestamp) -> Result<bool> {
        let nonce = (key.clone(), nonce.to_owned());
        let item = Partition::Nonce(nonce.0.clone(), nonce.1.clone()).item("NONCE");
        self.write(Call::UseNonce, item, |stores, _| stores.part::<UsedNonces>().take(nonce, until, now)).await
    }
}
