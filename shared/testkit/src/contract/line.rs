use std::{collections::BTreeSet, time::Duration};

use domain::{
    AppId, ClaimId, Timestamp, UserId,
    budget::{Budget, HostClass, Limit, MAX_PENDING},
    job::{Event, Job, State, step},
    line::{Allotment, Bucket, Line, Place, Priority, Turns},
    timing::LEASE,
};
use futures_util::future::join_all;
use hub::ports::{
    BudgetKey, ClaimJob, Clock, Entropy, FindJob, FindLine, FindReception, InsertJob, JoinLine, KeepBudget,
    LOOK_SHARDS, ListWaiting, Look, SaveAccount, SaveJob, ServeLine, TakeTurn, Turn,
};

use crate::build;

/// Taking turns: each once, in each lane by itself, and none where too many jobs are pending.
pub async fn turns(ports: &(impl Clock + Entropy + InsertJob + TakeTurn)) {
    let tenant = build::tenant(ports);
    let user = UserId::of(&tenant, "1@N00");
    let take = |lane, virtual_time, max| ports.take_turn(&tenant, &user, lane, virtual_time, max);

    assert_eq!(take(Priority::Normal, 100, 1).await.unwrap(), Turn::Taken(Turns { normal: 104, ..Turns::default() }));
    let several = join_all((0..6).map(|_| take(Priority::Normal, 100, 1))).await;
    let tags: BTreeSet<u64> = several
        .iter()
        .map(|turn| match turn.as_ref().unwrap() {
            Turn::Taken(turns) => turns.normal,
            Turn::TooMany => panic!("none is pending"),
        })
        .collect();
    assert_eq!(tags, (1..=6).map(|n| 104 + 4 * n).collect(), "turns at once are different ones");
    let high = take(Priority::High, 110, 1).await.unwrap();
    assert_eq!(high, Turn::Taken(Turns { high: 111, normal: 128, low: 0 }));
    let later = take(Priority::Normal, 500, 1).await.unwrap();
    assert_eq!(later, Turn::Taken(Turns { high: 111, normal: 504, low: 0 }), "a turn that passed is not made up for");

    ports.return_turn(&tenant, &user, Priority::Normal, 500).await.unwrap();
    let after_an_older = take(Priority::Normal, 500, 1).await.unwrap();
    assert_eq!(after_an_older, Turn::Taken(Turns { high: 111, normal: 508, low: 0 }), "only the last is given back");
    ports.return_turn(&tenant, &user, Priority::Normal, 508).await.unwrap();
    let again = take(Priority::Normal, 500, 1).await.unwrap();
    assert_eq!(again, Turn::Taken(Turns { high: 111, normal: 508, low: 0 }), "and then it is there again");
    let stranger = UserId::of(&tenant, "2@N00");
    ports.return_turn(&tenant, &stranger, Priority::High, 1).await.unwrap();

    let job = build::job(&tenant, ports.random(), build::order(&user, "flickr.test.null", "{}"), ports.now());
    ports.insert_job(&job, MAX_PENDING).await.unwrap();
    assert_eq!(take(Priority::Low, 500, 1).await.unwrap(), Turn::TooMany);
    let low = take(Priority::Low, 500, 2).await.unwrap();
    assert_eq!(low, Turn::Taken(Turns { high: 111, normal: 508, low: 516 }), "a refusal took no turn");
}

/// What a new job has to know: the account, and the budget and the line of its app as they are now.
pub async fn reception(
    ports: &(impl Clock + Entropy + SaveAccount + KeepBudget + FindLine + JoinLine + FindReception),
) {
    let (tenant, now) = (build::tenant(ports), ports.now());
    let user = UserId::of(&tenant, "1@N00");
    let find = || async { ports.reception(&tenant, &user).await.unwrap() };
    assert!(find().await.is_none(), "the account is not there");

    let apps = [AppId::from_bytes(ports.random()), AppId::from_bytes(ports.random())];
    for app in &apps {
        let mut account = build::account(&tenant, "1@N00", now);
        account.account.app = app.clone();
        ports.save_account(&account).await.unwrap();
        let before = find().await.unwrap();
        assert_eq!((before.account, before.budget, before.line.waiting_jobs()), (account, Budget::default(), 0));

        let key = BudgetKey::App(app.clone());
        ports.change_budget(&key, |budget| budget.take(&Limit::FLICKR, HostClass::Rest, 2, now)).await.unwrap();
        ports.join_line(app, Bucket::of(1, 1), now).await.unwrap();
        let after = find().await.unwrap();
        assert_ne!(after.budget, Budget::default());
        let (budget, line) = ports.budget_and_line(app).await.unwrap();
        assert_eq!((after.budget, after.line.waiting_jobs(), line.waiting_jobs()), (budget, 1, 1));
    }
    let stranger = build::tenant(ports);
    assert!(ports.reception(&stranger, &user).await.unwrap().is_none());
}

/// A line: who joins is counted, who waits is listed in order, calls are handed out once.
pub async fn lines(
    ports: &(
         impl Clock
         + Entropy
         + KeepBudget
         + FindLine
         + JoinLine
         + ListWaiting
         + ServeLine
         + InsertJob
         + FindJob
         + SaveJob
         + ClaimJob
     ),
) {
    let app = AppId::from_bytes(ports.random());
    let now = ports.now();
    let (budget, line) = ports.budget_and_line(&app).await.unwrap();
    assert_eq!((budget, line.waiting_jobs()), (Budget::default(), 0));
    assert!(!listed(ports).await.contains(&app), "an app that nobody waits for has no line");

    let limit = Limit { calls_per_hour: 3600, burst_calls: 3 };
    let key = BudgetKey::App(app.clone());
    ports.change_budget(&key, |budget| budget.take(&limit, HostClass::Rest, 2, now)).await.unwrap();
    let begin = Line::new(now).virtual_time(now);
    let (near, far) = (Bucket::of(begin + 4, begin), Bucket::of(begin + 4_000, begin));
    let joins = join_all([near, far, near, near].map(|bucket| ports.join_line(&app, bucket, now))).await;
    assert!(joins.iter().all(Result::is_ok));
    let (budget, line) = ports.budget_and_line(&app).await.unwrap();
    assert_eq!(budget.standing(&limit, now).remaining_calls, 1);
    assert_eq!(line.waiting, [(near, 3), (far, 1)].into());
    assert!(listed(ports).await.contains(&app));

    let before = line.allotted.0;
    let until = before + Duration::from_secs(120);
    let allotment = Allotment { calls: 2, anchor: (now, begin + 1), from: before, until };
    let handed_out = join_all((0..5).map(|_| ports.hand_out(&app, before, &allotment))).await;
    assert_eq!(handed_out.iter().filter(|done| *done.as_ref().unwrap()).count(), 1, "of many at once one does");
    let (_, after) = ports.budget_and_line(&app).await.unwrap();
    assert_eq!(after, line.handed_out(&allotment));

    let line = after;
    let served = line.served(&[begin + 4, begin + 4], false);
    ports.serve_line(&app, &served).await.unwrap();
    let (_, after) = ports.budget_and_line(&app).await.unwrap();
    assert_eq!(after, line.after(&served));
    assert_eq!(after.waiting, [(near, 1), (far, 1)].into());
    assert_eq!(after.virtual_time(until), begin + 4);
    ports.serve_line(&app, &after.served(&[], true)).await.unwrap();
    let (_, empty) = ports.budget_and_line(&app).await.unwrap();
    assert_eq!(empty.waiting_jobs(), 0);
    assert!(listed(ports).await.contains(&app), "an empty line stays as long as someone may be on the way to it");

    waiting_jobs(ports, &app).await;
}

async fn listed(ports: &impl ServeLine) -> BTreeSet<AppId> {
    let mut apps = BTreeSet::new();
    for shard in 0..LOOK_SHARDS {
        apps.extend(ports.lines(shard).await.unwrap());
    }
    apps
}

/// Jobs are listed while they wait, by their tags, then as they came.
async fn waiting_jobs(
    ports: &(impl Clock + Entropy + ListWaiting + InsertJob + FindJob + SaveJob + ClaimJob),
    app: &AppId,
) {
    let tenant = build::tenant(ports);
    let user = UserId::of(&tenant, "1@N00");
    let now = ports.now();
    let job = |tag: Option<u64>, created_at: Timestamp| {
        let order = build::order(&user, "flickr.test.null", "{}");
        let state = match tag {
            Some(tag) => State::in_line(Place { app: app.clone(), tag }, created_at, created_at),
            None => State { place: Some(Place { app: app.clone(), tag: 1 }), ..State::first(created_at, created_at).0 },
        };
        Job { state, ..build::job(&tenant, ports.random(), order, created_at) }
    };
    let second = now + Duration::from_millis(1);
    let (last, middle, first) = (job(Some(90), now), job(Some(17), second), job(Some(17), now));
    let direct = job(None, now);
    for job in [&last, &middle, &first, &direct] {
        ports.insert_job(job, MAX_PENDING).await.unwrap();
        assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap().as_ref(), Some(job), "a place is kept");
    }
    let order = async |limit| {
        let waiting = ports.first_in_line(app, limit).await.unwrap();
        waiting.into_iter().map(|waiting| (waiting.id, waiting.tag)).collect::<Vec<_>>()
    };
    let all = [(first.id.clone(), 17), (middle.id.clone(), 17), (last.id.clone(), 90)];
    assert_eq!(order(10).await, all);
    assert_eq!(order(2).await, all[..2]);

    let (state, _) = step(&first.state, Event::Release { at: second }, second).unwrap();
    let released = Job { state, ..first.clone() };
    assert!(ports.save_job(&released, &first.state, Look::Anew).await.unwrap());
    assert_eq!(order(10).await, all[1..], "who was dispatched waits no more");
    let claim = ClaimId::from_bytes(ports.random());
    let later = second + Duration::from_secs(1);
    let dispatch = released.state.dispatch;
    ports.claim_job(&tenant, &first.id, dispatch, &claim, later + LEASE, later).await.unwrap();
    let held = ports.job(&tenant, &first.id).await.unwrap().unwrap();
    let place = held.state.place.clone().unwrap();
    let back = Event::Line { claim, place, expected_at: later, why: "spent".to_owned() };
    let (state, _) = step(&held.state, back, later).unwrap();
    let again = Job { state, ..held.clone() };
    assert!(ports.save_job(&again, &held.state, Look::AsTold).await.unwrap());
    assert_eq!(order(10).await, all, "who comes back has the place it had");

    let late = again.state.deadline();
    let (state, _) = step(&again.state, Event::Look, late).unwrap();
    assert!(ports.save_job(&Job { state, ..again.clone() }, &again.state, Look::Anew).await.unwrap());
    assert_eq!(order(10).await, all[1..], "who has ended waits no more");
}
