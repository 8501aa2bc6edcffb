//! Secrets of the vault that are sealed again while everything runs.

use std::{cell::RefCell, sync::Arc, time::Duration};

use domain::{AccountRef, SigningKeyId, TenantId};
use hub::{
    Error,
    ports::{Accounts, Apps, Clock, Entropy, SealedAccount, SigningSecrets},
    rewrap::{self, Report},
    vaults::{self, Vaults},
};
use testkit::{Call, Fault, FaultPoint, World, build};
use vault::{Secret, memory::MemoryKeys};

/// Two tenants: their accounts with one app each, and a signing secret of the first.
struct Vault {
    world: World,
    vaults: Vaults<Arc<MemoryKeys>>,
    tenants: [TenantId; 2],
    accounts: Vec<SealedAccount>,
    signing: SigningKeyId,
}

impl Vault {
    async fn with_accounts(accounts: usize) -> Self {
        let (world, vaults) = (World::new(build::NOW, 1), build::vaults());
        let tenants = [(); 2].map(|()| build::tenant(&world));
        let mut saved = Vec::new();
        for number in 0..accounts {
            let tenant = &tenants[number % 2];
            let (account, app) = build::sealed_account(&vaults, tenant, &format!("{number}@N00"), world.now()).await;
            world.save_app(tenant, &account.account.app, &app).await.unwrap();
            world.save_account(&account).await.unwrap();
            saved.push(account);
        }
        let signing = SigningKeyId::from_bytes(world.random());
        let context = vaults::request_signing(&tenants[0], &signing).unwrap();
        let sealed = vaults.secrets.seal(&context, &Secret::from("signs")).await.unwrap();
        world.save_signing_secret(&tenants[0], &signing, sealed.as_bytes()).await.unwrap();
        Self { world, vaults, tenants, accounts: saved, signing }
    }

    async fn rewrap(&self, tenant: Option<&TenantId>) -> Result<Report, Error> {
        rewrap::run(&self.world, &self.vaults, tenant, None, async |_| {}, |_, _| {}).await
    }

    /// Whether everything opens, and to what it was.
    async fn opens(&self) -> bool {
        for SealedAccount { account, .. } in &self.accounts {
            let stored = self.world.account(&AccountRef::new(&account.tenant, &account.user)).await.unwrap().unwrap();
            assert_eq!(stored.account, *account);
            let token = self.vaults.open_account(&stored).await.unwrap();
            let app = self.vaults.open_app(&self.world, &account.tenant, &account.app).await.unwrap();
            if (token.token(), app.key()) != (&*build::token_of(&account.user), account.app.as_str()) {
                return false;
            }
        }
        let sealed = self.world.signing_secret(&self.tenants[0], &self.signing).await.unwrap().unwrap();
        let context = vaults::request_signing(&self.tenants[0], &self.signing).unwrap();
        self.vaults.secrets.open(&context, &sealed).await.unwrap().expose() == b"signs"
    }
}

#[tokio::test]
async fn every_secret_is_sealed_again_and_opens_to_the_same() {
    // More than a page.
    let vault = Vault::with_accounts(120).await;
    let before = vault.world.sealed();
    for _ in 0..2 {
        let expected = Report { rewrapped: 123, ..Report::default() };
        assert_eq!(vault.rewrap(None).await.unwrap(), expected, "it may be repeated");
        assert!(vault.opens().await);
    }
    let after = vault.world.sealed();
    assert!(!after.iter().any(|sealed| before.contains(sealed)), "nothing is as it was");
    assert_eq!(after.len(), before.len());
}

#[tokio::test]
async fn only_the_secrets_of_a_tenant_that_is_named_are_sealed_again() {
    let vault = Vault::with_accounts(4).await;
    let before = vault.world.sealed();
    let report = vault.rewrap(Some(&vault.tenants[1])).await.unwrap();
    assert_eq!(report, Report { rewrapped: 3, ..Report::default() });
    let untouched = vault.world.sealed().iter().filter(|sealed| before.contains(sealed)).count();
    assert_eq!(untouched, before.len() - 3);
    assert!(vault.opens().await);
}

#[tokio::test]
async fn an_account_that_is_connected_anew_meanwhile_keeps_its_new_token() {
    let mut vault = Vault::with_accounts(1).await;
    let (later, _) =
        build::sealed_account(&vault.vaults, &vault.tenants[0], "0@N00", build::NOW + Duration::from_secs(1)).await;
    // It is connected after its record was read, and before the record is replaced.
    let reconnect = async |_| vault.world.save_account(&later).await.unwrap();
    let report = rewrap::run(&vault.world, &vault.vaults, None, None, reconnect, |_, _| {}).await.unwrap();
    assert_eq!(report, Report { rewrapped: 2, replaced_meanwhile: 1, failed: 0 });
    let account = AccountRef::new(&later.account.tenant, &later.account.user);
    assert_eq!(vault.world.account(&account).await.unwrap().as_ref(), Some(&later), "as it was stored");
    vault.accounts = vec![later];
    assert!(vault.opens().await);
}

#[tokio::test]
async fn it_is_told_how_far_it_is_and_goes_on_from_there() {
    let vault = Vault::with_accounts(120).await;
    let (told, paced) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let pace = async |secrets| paced.borrow_mut().push(secrets);
    let tell = |report: &Report, next: Option<&str>| told.borrow_mut().push((*report, next.map(str::to_owned)));
    rewrap::run(&vault.world, &vault.vaults, None, None, pace, tell).await.unwrap();
    let told = told.into_inner();
    let [(first, Some(cursor)), (all, None)] = &told[..] else { panic!("two pages: {told:?}") };
    assert_eq!((first.rewrapped, all.rewrapped), (100, 123));
    let paced = paced.into_inner();
    assert_eq!((paced.iter().sum::<u32>(), paced.iter().max()), (123, Some(&10)), "each few waits");

    let rest = rewrap::run(&vault.world, &vault.vaults, None, Some(cursor.clone()), async |_| {}, |_, _| {});
    assert_eq!(rest.await.unwrap().rewrapped, 23);
}

#[tokio::test]
async fn one_secret_that_cannot_be_opened_or_stored_is_counted_and_the_others_are_sealed_again() {
    let vault = Vault::with_accounts(2).await;
    let mut moved = vault.accounts[0].clone();
    moved.sealed_token.clone_from(&vault.accounts[1].sealed_token);
    vault.world.save_account(&moved).await.unwrap();
    assert_eq!(vault.rewrap(None).await.unwrap(), Report { rewrapped: 4, replaced_meanwhile: 0, failed: 1 });
    let at = AccountRef::new(&moved.account.tenant, &moved.account.user);
    assert_eq!(vault.world.account(&at).await.unwrap().as_ref(), Some(&moved), "it stays as it was");

    vault.world.save_account(&vault.accounts[0]).await.unwrap();
    // The list is the first call, and each secret is stored by one.
    for point in [FaultPoint::Before, FaultPoint::After] {
        vault.world.forget_calls();
        vault.world.fault(2, point, Fault::Fail);
        assert_eq!(vault.rewrap(None).await.unwrap(), Report { rewrapped: 4, replaced_meanwhile: 0, failed: 1 });
        assert_eq!(vault.world.count(Call::ReplaceSealed), 5);
        assert!(vault.opens().await, "{point:?}");
    }
    vault.world.forget_calls();
    vault.world.fault_next(FaultPoint::Before, Fault::Fail);
    assert!(vault.rewrap(None).await.is_err(), "what cannot be listed is not passed over");
}
