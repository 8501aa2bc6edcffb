use std::{collections::BTreeMap, time::Duration};

use domain::{
    ClaimId, Day, JobId, TenantId, Timestamp, UserId,
    budget::MAX_PENDING,
    cache::{Change, Families, Family, Pointer, Question, Uses},
    call::{MethodName, Params},
    job::{Event, Failure, FailureCode, Job, StoredResult, step},
    outcome::Nature,
    timing::{LEASE, VERIFICATION},
};
use hub::ports::{
    Cached, ChangeFreshness, ClaimJob, Claimed, Clock, CountPending, CountUses, Entropy, FindCached, InsertJob,
    ListUses, Look, SaveAccount, SaveJob, SetPointer,
};

use crate::build;

fn question(number: u32) -> Question {
    let params = serde_json::json!({ "photo_id": number });
    Question::of(&"flickr.photos.getInfo".parse().unwrap(), &Params::from_json(params.as_object().unwrap()).unwrap())
}

fn families(some: &[Family]) -> Families {
    some.iter().copied().collect()
}

/// Kept answers: found by their question and account alone, led by one job at a time, made void by
/// the ends of writes.
pub async fn answers(
    ports: &(
         impl Clock
         + Entropy
         + SaveAccount
         + FindCached
         + SetPointer
         + ChangeFreshness
         + InsertJob
         + ClaimJob
         + SaveJob
         + CountPending
     ),
) {
    let (tenant, now) = (build::tenant(ports), ports.now());
    let account = build::account(&tenant, "1@N00", now);
    let user = account.account.user.clone();
    let find = |question| {
        let (tenant, user) = (tenant.clone(), user.clone());
        async move { ports.account_and_cached(&tenant, &user, &question).await.unwrap() }
    };
    assert_eq!(find(question(1)).await, (None, Cached::default()));
    ports.save_account(&account).await.unwrap();
    assert_eq!(find(question(1)).await, (Some(account), Cached::default()));

    // Who is first leads.
    let pointer = |number, as_of| Pointer { leader: JobId::from_bytes([number; 16]), generation: 7, as_of };
    let (first, second, third) = (pointer(1, now), pointer(2, now), pointer(2, now + Duration::from_millis(1)));
    let set = |pointer: &Pointer, seen: Option<&Pointer>| {
        let (tenant, user, pointer, seen) = (tenant.clone(), user.clone(), pointer.clone(), seen.cloned());
        async move { ports.set_pointer(&tenant, &user, &question(1), &pointer, seen.as_ref()).await.unwrap() }
    };
    assert!(set(&first, None).await);
    assert!(set(&first, None).await, "repeating what was done is a success");
    assert!(!set(&second, None).await, "another leads");
    assert!(!set(&third, Some(&second)).await);
    assert_eq!(find(question(1)).await.1.pointer, Some(first.clone()));
    assert!(set(&second, Some(&first)).await);
    assert!(!set(&first, Some(&first)).await);
    assert!(set(&third, Some(&second)).await, "a leader may ask anew");
    assert_eq!(find(question(1)).await.1.pointer, Some(third));

    // Neither another question, nor another account, nor another tenant has it.
    assert_eq!(find(question(2)).await.1, Cached::default());
    let (stranger, neighbour) = (build::tenant(ports), UserId::of(&tenant, "2@N00"));
    for (tenant, user) in [(&tenant, &neighbour), (&stranger, &user)] {
        assert_eq!(ports.account_and_cached(tenant, user, &question(1)).await.unwrap().1, Cached::default());
    }

    // What is raised is raised for one account.
    let change = Change { families: families(&[Family::Photos, Family::Tags]), unsettled_until: None };
    ports.change_freshness(&tenant, &user, &change).await.unwrap();
    let all = Change { families: Families::all(), unsettled_until: Some(now + VERIFICATION) };
    ports.change_freshness(&tenant, &user, &all).await.unwrap();
    ports.change_freshness(&tenant, &user, &change).await.unwrap();
    let fresh = find(question(1)).await.1.freshness;
    let raised: BTreeMap<Family, u64> = Family::ALL
        .into_iter()
        .map(|family| (family, if matches!(family, Family::Photos | Family::Tags) { 3 } else { 1 }))
        .collect();
    assert_eq!((fresh.generations, fresh.unsettled_until), (raised, Some(now + VERIFICATION)));
    let other = ports.account_and_cached(&tenant, &neighbour, &question(1)).await.unwrap().1;
    assert_eq!(other, Cached::default());
    assert_eq!(ports.pending(&tenant, &user).await.unwrap(), 0, "that counts nothing");

    ends(ports, &tenant, now).await;
}

/// The end of a write raises what it names; that of a read raises nothing.
async fn ends(
    ports: &(impl Entropy + FindCached + InsertJob + ClaimJob + SaveJob + CountPending),
    tenant: &TenantId,
    now: Timestamp,
) {
    let user = UserId::of(tenant, "3@N00");
    let end = |raises: Families, event: fn(ClaimId) -> Event| {
        let (tenant, user) = (tenant.clone(), user.clone());
        async move {
            let order = build::order(&user, "flickr.photosets.create", "{}");
            let job =
                Job { nature: Nature::UnrepeatableWrite, raises, ..build::job(&tenant, ports.random(), order, now) };
            ports.insert_job(&job, MAX_PENDING).await.unwrap();
            let claim = ClaimId::from_bytes(ports.random());
            let claimed = ports.claim_job(&tenant, &job.id, 1, &claim, now + LEASE, now).await.unwrap();
            let Claimed::Held(held) = claimed else { panic!("{claimed:?}") };
            assert_eq!(held.raises, job.raises);
            let (state, _) = step(&held.state, event(claim), now).unwrap();
            let ended = Job { state, ..(*held).clone() };
            assert!(ports.save_job(&ended, &held.state, Look::AsTold).await.unwrap());
            ports.account_and_cached(&tenant, &user, &question(1)).await.unwrap().1.freshness
        }
    };
    let done: fn(ClaimId) -> Event = |claim| Event::Complete(claim, StoredResult::Inline("{}".to_owned()));
    let unknown: fn(ClaimId) -> Event = |claim| {
        let failure = Failure { code: FailureCode::OutcomeUnknown, message: String::new(), flickr_code: None };
        Event::Fail(claim, failure)
    };
    assert_eq!(end(Families::default(), done).await.generations, BTreeMap::new());
    let after = end(families(&[Family::Photosets]), done).await;
    assert_eq!((after.generations, after.unsettled_until), ([(Family::Photosets, 1)].into(), None));
    let after = end(families(&[Family::Photos, Family::Photosets]), unknown).await;
    assert_eq!(after.generations, [(Family::Photosets, 2), (Family::Photos, 1)].into());
    assert_eq!(after.unsettled_until, Some(now + VERIFICATION));
    let after = end(families(&[Family::Photos]), done).await;
    assert_eq!(after.unsettled_until, Some(now + VERIFICATION), "one that is settled settles no other");
    assert_eq!(ports.pending(tenant, &user).await.unwrap(), 0);
}

/// Counts of uses: added up by tenant, day and method.
pub async fn uses(ports: &(impl Clock + Entropy + CountUses + ListUses)) {
    let (tenant, stranger) = (build::tenant(ports), build::tenant(ports));
    let days = ["2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"];
    let days = days.map(|text| Day::of(text.parse().unwrap()));
    let (info, sizes): (MethodName, MethodName) =
        ("flickr.photos.getInfo".parse().unwrap(), "flickr.photos.getSizes".parse().unwrap());
    let some = Uses { hits: 3, misses: 1, ..Uses::default() };
    let more = Uses { hits: 1, shared: 2, bypassed: 4, unavailable: 5, ..Uses::default() };
    for (tenant, day, method, uses) in [
        (&tenant, &days[0], &info, &some),
        (&tenant, &days[1], &info, &some),
        (&tenant, &days[1], &info, &more),
        (&tenant, &days[2], &sizes, &some),
        (&stranger, &days[2], &sizes, &more),
    ] {
        ports.count_uses(tenant, day, method, uses).await.unwrap();
    }
    let total = |from: Day| {
        let tenant = tenant.clone();
        async move {
            let mut sums: BTreeMap<MethodName, Uses> = BTreeMap::new();
            for (method, uses) in ports.uses(&tenant, &from).await.unwrap() {
                *sums.entry(method).or_default() += uses;
            }
            sums
        }
    };
    let both = Uses { hits: 4, shared: 2, misses: 1, bypassed: 4, unavailable: 5 };
    assert_eq!(total(days[1].clone()).await, [(info.clone(), both), (sizes.clone(), some)].into());
    let all = Uses { hits: 7, misses: 2, ..both };
    assert_eq!(total(days[0].clone()).await[&info], all);
    assert_eq!(total(days[2].clone()).await, [(sizes, some)].into());
}
