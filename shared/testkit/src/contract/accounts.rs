//! Connected Flickr accounts.

use std::time::Duration;

use domain::{
    AccountRef, Jitter, UserId,
    account::{Account, Status},
    budget::{Circuit, CircuitRule, Party, Signal},
};
use hub::ports::{Accounts, Clock, Entropy};

use crate::build;

/// Storing, finding, listing, marking and removing accounts.
pub async fn accounts(ports: &(impl Clock + Entropy + Accounts)) {
    let (one, two) = (build::tenant(ports), build::tenant(ports));
    let mut saved: Vec<_> = (0..5).map(|number| build::account(&one, &format!("{number}@N00"), ports.now())).collect();
    let first = saved[0].clone();
    let account = build::account_ref(&one, "0@N00");
    let foreign = AccountRef { tenant: two.clone(), ..account.clone() };

    assert_eq!(ports.account(&account).await.unwrap(), None);
    assert!(!ports.remove_account(&account).await.unwrap());
    for account in &saved {
        ports.save_account(account).await.unwrap();
    }
    assert_eq!(ports.account(&account).await.unwrap(), Some(first.clone()));
    assert_eq!(ports.account(&foreign).await.unwrap(), None, "an account is its tenant's only");

    saved.sort_by(|a, b| a.account.user.cmp(&b.account.user));
    let listed: Vec<UserId> = saved.iter().map(|sealed| sealed.account.user.clone()).collect();
    let users = |accounts: Vec<Account>| accounts.into_iter().map(|account| account.user).collect::<Vec<_>>();
    assert_eq!(users(ports.accounts(&one, None, 10).await.unwrap()), listed);
    assert_eq!(users(ports.accounts(&one, None, 2).await.unwrap()), listed[..2]);
    assert_eq!(users(ports.accounts(&one, Some(&listed[1]), 2).await.unwrap()), listed[2..4]);
    assert_eq!(users(ports.accounts(&one, Some(&listed[4]), 2).await.unwrap()), []);
    assert_eq!(users(ports.accounts(&two, None, 10).await.unwrap()), []);

    let connected_at = first.account.connected_at;
    ports.mark_reconnect_needed(&account, connected_at + Duration::from_millis(1)).await.unwrap();
    let status = ports.account(&account).await.unwrap().unwrap().account.status;
    assert_eq!(status, Status::Connected, "a mark for another connection leaves this one alone");
    ports.mark_reconnect_needed(&account, connected_at).await.unwrap();
    let marked = ports.account(&account).await.unwrap().unwrap();
    assert_eq!(marked.account.status, Status::ReconnectNeeded);
    assert_eq!(marked.sealed_token, first.sealed_token);

    let failing = |circuit: &Circuit| {
        let signal = Signal::Failed(Party::account(&account));
        circuit.record(&signal, &CircuitRule::ACCOUNT, Jitter::NONE, connected_at)
    };
    let (closed, one_failure) = (Circuit::default(), failing(&Circuit::default()));
    let set = async |seen: &Circuit, circuit: &Circuit| ports.set_circuit(&account, seen, circuit).await.unwrap();
    assert!(!set(&one_failure, &closed).await, "it was another");
    assert!(set(&closed, &one_failure).await);
    assert!(!set(&closed, &one_failure).await, "what another recorded is not overwritten");
    assert_eq!(ports.account(&account).await.unwrap().unwrap().circuit, one_failure);
    assert!(set(&one_failure, &failing(&one_failure)).await && set(&failing(&one_failure), &closed).await);
    assert_eq!(ports.account(&account).await.unwrap(), Some(marked), "a closed one is as good as none");
    assert!(set(&closed, &one_failure).await);
    assert!(!ports.set_circuit(&foreign, &closed, &one_failure).await.unwrap(), "a circuit makes no account");

    let mut again = build::account(&one, "0@N00", connected_at + Duration::from_secs(1));
    again.account.perms_confirmed = !again.account.perms_confirmed;
    ports.save_account(&again).await.unwrap();
    assert_eq!(ports.account(&account).await.unwrap().as_ref(), Some(&again), "connecting anew replaces");
    let later = build::account(&one, "0@N00", connected_at + Duration::from_secs(2));
    assert!(!ports.add_account(&later).await.unwrap(), "another is there");
    assert_eq!(ports.account(&account).await.unwrap(), Some(again));

    assert!(!ports.remove_account(&foreign).await.unwrap());
    assert!(ports.remove_account(&account).await.unwrap());
    assert!(ports.add_account(&later).await.unwrap());
    assert_eq!(ports.account(&account).await.unwrap(), Some(later));
    assert!(ports.remove_account(&account).await.unwrap());
    assert_eq!(ports.account(&account).await.unwrap(), None);
    ports.mark_reconnect_needed(&account, connected_at).await.unwrap();
    assert_eq!(ports.account(&account).await.unwrap(), None, "a mark makes no account");
}
