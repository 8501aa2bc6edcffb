//! Connected accounts, in the vault table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | tenant | `ACCOUNT#user` | an account with its sealed token |
//!
//! One write stores an account whole, so that a token never stands with another connection's data.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AccountRef, TenantId, Timestamp, UserId,
    account::{Account, Status},
    budget::Circuit,
};
use hub::ports::{self, Accounts, SealedAccount};

use crate::{
    Cloud,
    item::{self, Attributes, PARTITION, Reader, bytes, json, name_of, named, text, time},
    table::{list, written_if},
    tenants::items_of,
};

const STORING: &str = "storing an account";
const SEALED: &str = "sealed";
/// How the account's calls went of late, as JSON; absent where it is simply closed.
const CIRCUIT: &str = "circuit";
/// Whether Flickr said what it granted; absent in what was stored before Flickr was asked.
const PERMS_CONFIRMED: &str = "perms_confirmed";
/// What the sort keys of accounts begin with.
pub(crate) const ACCOUNT: &str = "ACCOUNT#";

/// The key of an account in the vault table.
pub(crate) fn key(account: &AccountRef) -> Attributes {
    item::key(account.tenant.as_str(), format!("{ACCOUNT}{}", account.user))
}

fn read(tenant: &TenantId, item: &Attributes) -> ports::Result<Account> {
    let item = Reader(item);
    Ok(Account {
        tenant: tenant.clone(),
        user: item.parsed("user")?,
        app: item.parsed("app")?,
        nsid: item.text("nsid")?.to_owned(),
        username: item.text("username")?.to_owned(),
        fullname: item.text("fullname")?.to_owned(),
        perms: item.named("perms")?,
        perms_confirmed: item.optional_flag(PERMS_CONFIRMED).unwrap_or(false),
        status: item.named("status")?,
        connected_at: item.time("connected_at")?,
    })
}

/// The account in its item, with its sealed token.
pub(crate) fn read_sealed(tenant: &TenantId, item: &Attributes) -> ports::Result<SealedAccount> {
    let reader = Reader(item);
    let circuit = reader.optional_text(CIRCUIT).map(|_| reader.json(CIRCUIT)).transpose()?;
    Ok(SealedAccount {
        account: read(tenant, item)?,
        sealed_token: reader.bytes(SEALED)?,
        circuit: circuit.unwrap_or_default(),
    })
}

/// A newly connected account's item.
fn record(SealedAccount { account, sealed_token, .. }: &SealedAccount) -> Attributes {
    let mut item = key(&AccountRef::new(&account.tenant, &account.user));
    item.extend(named([
        ("user", text(account.user.as_str())),
        ("app", text(account.app.as_str())),
        ("nsid", text(&account.nsid)),
        ("username", text(&account.username)),
        ("fullname", text(&account.fullname)),
        ("perms", name_of(&account.perms)),
        (PERMS_CONFIRMED, AttributeValue::Bool(account.perms_confirmed)),
        ("status", name_of(&account.status)),
        ("connected_at", time(account.connected_at)),
        (SEALED, bytes(sealed_token)),
    ]));
    item
}

impl Accounts for Cloud {
    async fn save_account(&self, sealed: &SealedAccount) -> ports::Result<()> {
        self.vault.put(record(sealed), STORING).await
    }

    async fn add_account(&self, sealed: &SealedAccount) -> ports::Result<bool> {
        let put = self.vault.write(record(sealed));
        let put = put.condition_expression(format!("attribute_not_exists({PARTITION})"));
        written_if(put.send().await, STORING)
    }

    async fn account(&self, account: &AccountRef) -> ports::Result<Option<SealedAccount>> {
        let found = self.vault.get(key(account), "finding an account").await?;
        found.map(|item| read_sealed(&account.tenant, &item)).transpose()
    }

    async fn accounts(&self, tenant: &TenantId, after: Option<&UserId>, limit: u16) -> ports::Result<Vec<Account>> {
        let start = after.map(|user| key(&AccountRef::new(tenant, user)));
        let items = list(items_of(&self.vault, tenant, ACCOUNT), start, limit, "listing accounts").await?;
        items.iter().map(|item| read(tenant, item)).collect()
    }

    async fn remove_account(&self, account: &AccountRef) -> ports::Result<bool> {
        self.vault.remove(key(account), "removing an account").await
    }

    async fn mark_reconnect_needed(&self, account: &AccountRef, connected_at: Timestamp) -> ports::Result<()> {
        let update = self
            .vault
            .update(key(account))
            .condition_expression("connected_at = :connected_at")
            .update_expression("SET #status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":connected_at", time(connected_at))
            .expression_attribute_values(":status", name_of(&Status::ReconnectNeeded));
        written_if(update.send().await, "marking an account").map(|_| ())
    }

    async fn set_circuit(&self, account: &AccountRef, seen: &Circuit, circuit: &Circuit) -> ports::Result<bool> {
        let update = self.vault.update(key(account));
        let update = if *seen == Circuit::default() {
            update.condition_expression(format!("attribute_exists({PARTITION}) AND attribute_not_exists({CIRCUIT})"))
        } else {
            update.condition_expression(format!("{CIRCUIT} = :seen")).expression_attribute_values(":seen", json(seen)?)
        };
        let update = if *circuit == Circuit::default() {
            update.update_expression(format!("REMOVE {CIRCUIT}"))
        } else {
            update
                .update_expression(format!("SET {CIRCUIT} = :circuit"))
                .expression_attribute_values(":circuit", json(circuit)?)
        };
        written_if(update.send().await, "recording how an account's calls go")
    }
}

#[cfg(test)]
mod tests {
    use domain::{AppId, account::Perms};

    use super::*;

    #[test]
    fn what_was_stored_before_flickr_was_asked_is_not_confirmed() {
        let (tenant, app) = (TenantId::from_bytes([1; 16]), AppId::from_bytes([2; 16]));
        let user = UserId::of(&tenant, "1@N00");
        let mut item = key(&AccountRef::new(&tenant, &user));
        item.extend(named([
            ("user", text(user.as_str())),
            ("app", text(app.as_str())),
            ("nsid", text("1@N00")),
            ("username", text("ada")),
            ("fullname", text("Ada L.")),
            ("perms", text("write")),
            ("status", text("connected")),
            ("connected_at", time(Timestamp::from_milliseconds(1))),
        ]));
        let account = read(&tenant, &item).unwrap();
        assert_eq!((account.perms, account.perms_confirmed), (Perms::Write, false));
    }
}
