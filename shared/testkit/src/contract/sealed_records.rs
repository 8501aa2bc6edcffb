//! All sealed secrets of the vault.

use std::collections::BTreeMap;

use domain::{AccountRef, AppId, SigningKeyId, TenantId};
use hub::ports::{Accounts, Apps, Clock, Entropy, SealedRecord, SealedRecords, SecretOf, SigningSecrets};

use crate::build;

/// Low enough that a store with the records of other suites has several pages.
const LIMIT: u16 = 20;

/// The records of a tenant, each with how often it was listed.
async fn listed(ports: &impl SealedRecords, tenant: &TenantId) -> BTreeMap<SecretOf, (SealedRecord, u32)> {
    let (mut listed, mut cursor) = (BTreeMap::new(), None);
    loop {
        let page = ports.sealed_records(cursor.as_deref(), LIMIT).await.unwrap();
        assert!(page.items.len() <= usize::from(LIMIT));
        for record in page.items.into_iter().filter(|record| record.tenant == *tenant) {
            listed.entry(record.of.clone()).or_insert((record, 0)).1 += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            return listed;
        }
    }
}

/// Listing the sealed secrets page by page, and replacing one that is as it was read.
pub async fn sealed_records(ports: &(impl Clock + Entropy + Accounts + Apps + SigningSecrets + SealedRecords)) {
    let tenant = build::tenant(ports);
    let account = build::account(&tenant, "1@N00", ports.now());
    let at = AccountRef::new(&tenant, &account.account.user);
    let (app, id) = (AppId::from_bytes(ports.random()), SigningKeyId::from_bytes(ports.random()));
    ports.save_account(&account).await.unwrap();
    ports.save_app(&tenant, &app, &[2]).await.unwrap();
    ports.save_signing_secret(&tenant, &id, &[3]).await.unwrap();

    let records = listed(ports, &tenant).await;
    let sealed = |of, sealed: &[u8]| (SealedRecord { tenant: tenant.clone(), of, sealed: sealed.to_vec() }, 1);
    let of_account = SecretOf::Account(at.user.clone());
    let expected = [
        sealed(of_account.clone(), &account.sealed_token),
        sealed(SecretOf::App(app.clone()), &[2]),
        sealed(SecretOf::RequestSigning(id.clone()), &[3]),
    ];
    assert_eq!(records.values().cloned().collect::<Vec<_>>(), expected, "each once");

    for (record, _) in records.values() {
        assert!(ports.replace_sealed(record, &[7, 7]).await.unwrap());
        assert!(!ports.replace_sealed(record, &[8]).await.unwrap(), "it is another by now");
    }
    let replaced = listed(ports, &tenant).await;
    assert!(replaced.values().all(|(record, _)| record.sealed == [7, 7]), "{replaced:?}");
    let stored = ports.account(&at).await.unwrap().unwrap();
    assert_eq!((stored.account, stored.sealed_token), (account.account, vec![7, 7]), "nothing else of it changes");

    ports.remove_account(&at).await.unwrap();
    let (removed, _) = &replaced[&of_account];
    assert!(!ports.replace_sealed(removed, &[9]).await.unwrap(), "a replacement makes no account");
    assert_eq!(ports.account(&at).await.unwrap(), None);
}
