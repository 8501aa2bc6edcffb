//! Tenants and API keys of a former release, stored as this one does.

use domain::{KeyId, TenantId, api_key::Scopes};
use hub::{keyed_hash::ApiKeyHash, ports};

use super::{
    done,
    record::{self, HASH, KEY_ID, SCOPES, of_former_tenant, of_key},
};
use crate::{
    Cloud,
    item::{self, PARTITION, Reader, text},
    table::written_if,
    transaction::Part,
};

const MIGRATING: &str = "migrating a tenant";
const MIGRATING_KEY: &str = "migrating an API key";

impl Cloud {
    /// Moves the record of a tenant to where functions may not write. It is written there before it is removed here, and
    /// who reads it meanwhile finds it in one of both places.
    pub(crate) async fn migrate_tenant(&self, id: &TenantId) -> ports::Result<bool> {
        let Some(former) = self.vault.get(of_former_tenant(id), MIGRATING).await? else { return Ok(false) };
        let put = self.vault.write(record::tenant_item(&record::tenant(&former)?)?);
        let put = put.condition_expression(format!("attribute_not_exists({PARTITION})"));
        // Where it was changed since, it was written there already: that counts.
        written_if(put.send().await, MIGRATING)?;
        self.vault.remove(of_former_tenant(id), MIGRATING).await
    }

    /// Gives an API key an id and its scopes, and lists it by the id.
    pub(crate) async fn migrate_key(&self, hash: &ApiKeyHash, id: &KeyId) -> ports::Result<bool> {
        let Some(former) = self.vault.get(of_key(hash), MIGRATING_KEY).await? else { return Ok(false) };
        let tenant: TenantId = Reader(&former).parsed("tenant")?;
        let update = self
            .vault
            .update_part(of_key(hash))
            .condition_expression(format!("attribute_exists({PARTITION}) AND attribute_not_exists({KEY_ID})"))
            .update_expression(format!("SET {KEY_ID} = :id, {SCOPES} = if_not_exists({SCOPES}, :all)"))
            .expression_attribute_values(":id", text(id.as_str()))
            .expression_attribute_values(":all", text(Scopes::all().to_string()));
        let mut listed = item::key(record::partition(&tenant), record::listed(id));
        listed.insert(HASH.to_owned(), text(hash.as_str()));
        let parts = [update.build().and_then(Part::part), self.new_item(listed)];
        done(&self.vault.transact(parts, MIGRATING_KEY).await?, MIGRATING_KEY)
    }
}
