//! All sealed secrets of the vault table, by reading the whole table: an operator does, no function may.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | tenant | `ACCOUNT#user`, `APP#app` or `SIGNING#id` | a secret in the attribute `sealed` |

use domain::TenantId;
use hub::{
    page::Page,
    ports::{self, SealedRecord, SealedRecords, SecretOf},
};

use crate::{
    Cloud, accounts, apps, cursor,
    error::from_sdk,
    item::{Attributes, PARTITION, Reader, SORT, bytes, unreadable},
    signing_secrets,
    table::written_if,
};

const LISTING: &str = "listing all sealed secrets";
const REPLACING: &str = "replacing a sealed secret";
/// What every one of these items has.
const SEALED: &str = "sealed";

fn key(tenant: &TenantId, of: &SecretOf) -> Attributes {
    match of {
        SecretOf::Account(user) => accounts::key(&domain::AccountRef::new(tenant, user)),
        SecretOf::App(app) => apps::key(tenant, app),
        SecretOf::RequestSigning(id) => signing_secrets::key(tenant, id),
    }
}

/// What is read from an item; one of a kind that is not known is an error, since it would be left out unseen.
fn read(item: &Attributes) -> ports::Result<SealedRecord> {
    let item = Reader(item);
    let sort = item.text(SORT)?;
    let id = |prefix: &str| sort.strip_prefix(prefix);
    let of = if let Some(user) = id(accounts::ACCOUNT) {
        user.parse().map(SecretOf::Account)
    } else if let Some(app) = id(apps::APP) {
        app.parse().map(SecretOf::App)
    } else if let Some(key) = id(signing_secrets::SIGNING) {
        key.parse().map(SecretOf::RequestSigning)
    } else {
        return Err(unreadable(SORT));
    };
    let of = of.map_err(|_| unreadable(SORT))?;
    Ok(SealedRecord { tenant: item.parsed(PARTITION)?, of, sealed: item.bytes(SEALED)? })
}

impl SealedRecords for Cloud {
    async fn sealed_records(&self, after: Option<&str>, limit: u16) -> ports::Result<Page<SealedRecord, String>> {
        let scan = self
            .vault
            .scan()
            .filter_expression(format!("attribute_exists({SEALED})"))
            .projection_expression(format!("{PARTITION}, {SORT}, {SEALED}"))
            .consistent_read(true)
            .limit(limit.into())
            .set_exclusive_start_key(after.map(|after| cursor::start(after, LISTING)).transpose()?);
        let page = scan.send().await.map_err(from_sdk(LISTING))?;
        let items = page.items().iter().map(read).collect::<ports::Result<_>>()?;
        Ok(Page { items, next: page.last_evaluated_key().map(cursor::after).transpose()? })
    }

    async fn replace_sealed(&self, record: &SealedRecord, sealed: &[u8]) -> ports::Result<bool> {
        let update = self
            .vault
            .update(key(&record.tenant, &record.of))
            .condition_expression(format!("{SEALED} = :seen"))
            .update_expression(format!("SET {SEALED} = :sealed"))
            .expression_attribute_values(":seen", bytes(&record.sealed))
            .expression_attribute_values(":sealed", bytes(sealed));
        written_if(update.send().await, REPLACING)
    }
}

#[cfg(test)]
mod tests {
    use domain::{AppId, SigningKeyId, UserId};

    use super::*;

    #[test]
    fn an_item_is_that_of_its_key_and_one_of_another_kind_is_not_left_out() {
        let tenant = TenantId::from_bytes([1; 16]);
        for of in [
            SecretOf::Account(UserId::from_bytes([2; 16])),
            SecretOf::App(AppId::from_bytes([3; 16])),
            SecretOf::RequestSigning(SigningKeyId::from_bytes([4; 16])),
        ] {
            let mut item = key(&tenant, &of);
            item.insert(SEALED.to_owned(), bytes(&[7]));
            assert_eq!(read(&item).unwrap(), SealedRecord { tenant: tenant.clone(), of, sealed: vec![7] });
            item.insert(SORT.to_owned(), crate::item::text("OTHER#1"));
            assert!(read(&item).is_err());
        }
    }
}
