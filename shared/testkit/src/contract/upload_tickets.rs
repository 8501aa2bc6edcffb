//! The upload tickets that the jobs of an account await.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Timestamp,
    upload::{AwaitedTickets, MAX_AWAITED, TicketAnswer, TicketState, TicketsChange},
};
use hub::ports::{Clock, Entropy, UploadTickets};

use crate::build;

/// Listing tickets, and recording what Flickr said of them.
pub async fn upload_tickets(ports: &(impl Clock + Entropy + UploadTickets)) {
    let tenant = build::tenant(ports);
    let (account, other) = (build::account_ref(&tenant, "1@N00"), build::account_ref(&tenant, "2@N00"));
    let now = Timestamp::from_milliseconds(ports.now().as_seconds() * 1_000);
    let until = now + Duration::from_secs(3_600);
    let stored = async |account| ports.awaited_tickets(account).await.unwrap();
    assert_eq!(stored(&account).await, AwaitedTickets::default());

    ports.await_ticket(&account, "1-2", until).await.unwrap();
    ports.await_ticket(&account, "1-2", until).await.unwrap();
    ports.await_ticket(&account, "1-3", until).await.unwrap();
    let awaited: BTreeMap<String, Timestamp> = ["1-2", "1-3"].map(|id| (id.to_owned(), until)).into();
    let listed = AwaitedTickets { awaited, ..AwaitedTickets::default() };
    assert_eq!(stored(&account).await, listed);
    assert_eq!(stored(&other).await, AwaitedTickets::default(), "of one account alone");

    let answer = |state| TicketAnswer { state, asked_at: ports.now() };
    let answers = [
        ("1-2".to_owned(), answer(TicketState::Done("53900000001".to_owned()))),
        ("1-3".to_owned(), answer(TicketState::Pending)),
    ];
    let settled = [("1-2".to_owned(), until), ("never listed".to_owned(), until)].into();
    let change = TicketsChange { answers: answers.into(), settled };
    ports.record_tickets(&account, &change).await.unwrap();
    let after = stored(&account).await;
    assert_eq!(after, listed.changed(&change));
    assert_eq!(after.awaited.into_keys().collect::<Vec<_>>(), ["1-3"]);
    let failed = [("1-3".to_owned(), answer(TicketState::Failed))].into();
    let change = TicketsChange { answers: failed, settled: BTreeMap::new() };
    ports.record_tickets(&account, &change).await.unwrap();
    assert_eq!(stored(&account).await.answers, change.answers, "in the place of those before");

    let first = TicketsChange { answers: BTreeMap::new(), settled: BTreeMap::new() };
    ports.record_tickets(&other, &first).await.unwrap();
    assert_eq!(stored(&other).await, AwaitedTickets::default());
    for number in 0..=MAX_AWAITED {
        ports.await_ticket(&other, &format!("2-{number}"), until).await.unwrap();
    }
    assert_eq!(stored(&other).await.awaited.len(), MAX_AWAITED, "beyond that nothing is listed");
}
