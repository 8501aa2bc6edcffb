use super::*;
use crate::fair_queue::{FlowTags, Priority, Step};

const STRIDE: u64 = Priority::Normal.stride();

fn slot(number: u8) -> Slot {
    Slot::from_number(number).unwrap()
}

/// The tags of jobs that come one after the other at virtual time 0, each of the account with that number.
fn tags_of(accounts: impl IntoIterator<Item = u8>) -> Vec<u64> {
    let (mut tenant_flow, mut flows) = (TenantFlow::default(), [FlowTags::default(); SLOTS as usize]);
    let tags = accounts.into_iter().map(|account| {
        tenant_flow = tenant_flow.taken(slot(account), STRIDE, 0);
        let step = Step { strides: tenant_flow.accounts(), ceiling: tenant_flow.tag };
        let flow = &mut flows[usize::from(account)];
        *flow = flow.taken(Priority::Normal, &step, 0);
        flow.normal
    });
    tags.collect()
}

#[test]
fn a_tenant_with_one_account_takes_the_turns_of_that_account() {
    assert_eq!(tags_of([7; 5]), [4, 8, 12, 16, 20]);
}

/// Twenty accounts that ask in turn get, together, about what one account gets.
#[test]
fn a_tenant_has_about_as_many_turns_with_many_accounts_as_with_one() {
    let tags = tags_of((0..20).cycle().take(400));
    for until in [400, 800, 1_600] {
        let turns = tags.iter().filter(|tag| **tag <= until).count() as u64;
        let fair = until / STRIDE;
        assert!((fair..=fair * 5 / 4 + 20).contains(&turns), "{turns} turns up to {until}, {fair} are fair");
    }
}

#[test]
fn an_account_with_few_jobs_goes_before_its_siblings_flood() {
    let tags = tags_of([1; 500].into_iter().chain([2, 2]));
    assert_eq!(tags[500..], [8, 16]);
}

#[test]
fn accounts_are_counted_while_they_may_wait_and_then_forgotten() {
    let crowd = (0..50).fold(TenantFlow::default(), |tenant_flow, account| tenant_flow.taken(slot(account), STRIDE, 0));
    assert!((50..=64).contains(&crowd.accounts()), "{}", crowd.accounts());
    let next = crowd.taken(slot(1), STRIDE, 4);
    assert_eq!(next.until, crowd.tag + STRIDE, "what waited in the beginning has run: it is counted anew");
    assert_eq!(next.accounts(), crowd.accounts(), "and those before still count");
    let later = next.taken(slot(1), STRIDE, next.until);
    assert_eq!(later.accounts(), 1);
    let idle = crowd.taken(slot(1), STRIDE, crowd.tag + 1);
    assert_eq!((idle.accounts(), idle.tag), (1, crowd.tag + 1 + STRIDE), "nobody waited any more");
}

#[test]
fn a_full_count_is_about_seven_hundred_and_an_empty_one_is_one() {
    let all = (0..SLOTS).map(slot).collect();
    assert!((650..=750).contains(&TenantFlow { current: all, ..TenantFlow::default() }.accounts()));
    assert_eq!(TenantFlow::default().accounts(), 1);
    assert_eq!(Slot::from_number(SLOTS), None);
}

#[test]
fn the_last_turn_is_given_back_and_no_other() {
    let tenant_flow = TenantFlow::default().taken(slot(1), STRIDE, 100).taken(slot(2), STRIDE, 100);
    assert_eq!(tenant_flow.returned(108, STRIDE).tag, 104);
    assert_eq!(tenant_flow.returned(104, STRIDE), tenant_flow);
}

proptest::proptest! {
    /// Whatever the tenant's accounts do, none of its tags is beyond the tenant's own, and each account's grow.
    #[test]
    fn no_tag_is_beyond_the_tenants_and_an_accounts_tags_grow(
        jobs in proptest::collection::vec((0_u8..8, 0_u64..6), 1..200),
    ) {
        let (mut tenant_flow, mut flows, mut virtual_time) = (TenantFlow::default(), [FlowTags::default(); 8], 0);
        for (account, passed) in jobs {
            virtual_time += passed;
            tenant_flow = tenant_flow.taken(slot(account), STRIDE, virtual_time);
            let step = Step { strides: tenant_flow.accounts(), ceiling: tenant_flow.tag };
            let flow = &mut flows[usize::from(account)];
            let before = flow.normal;
            *flow = flow.taken(Priority::Normal, &step, virtual_time);
            proptest::prop_assert!(before < flow.normal && flow.normal <= tenant_flow.tag);
        }
    }
}
