//! All secrets at rest.

use super::{
    accounts::StoredAccounts, apps::StoredApps, logins::StoredLogins, signing_secrets::StoredSigningSecrets,
    world::World,
};

impl World {
    /// All secrets at rest, as they would lie in a table.
    pub fn sealed(&self) -> Vec<Vec<u8>> {
        self.stores(|stores, _| {
            let mut sealed: Vec<Vec<u8>> = stores.part::<StoredApps>().secrets().cloned().collect();
            sealed.extend(stores.part::<StoredLogins>().secrets().cloned());
            sealed.extend(stores.part::<StoredAccounts>().secrets().cloned());
            sealed.extend(stores.part::<StoredSigningSecrets>().secrets().cloned());
            sealed
        })
    }
}
