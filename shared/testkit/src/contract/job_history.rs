//! The jobs of an account, in the order in which they were accepted.

use std::{collections::BTreeSet, time::Duration};

use domain::{AccountRef, Timestamp};
use hub::ports::{Clock, Entropy, JobHistory, Jobs, ListedJob, TimeSpan};

use super::steps::{claim_id, committed, held, insert, write_started};
use crate::build;

/// The history of an account: its jobs of a time, the latest first, page by page, wherever they stand.
pub async fn job_history(ports: &(impl Clock + Entropy + Jobs + JobHistory)) {
    let (now, by) = (ports.now(), claim_id(ports));
    let tenant = build::tenant(ports);
    let [account, other] = ["1@N00", "2@N00"].map(|user| build::account_ref(&tenant, user));
    let at = |seconds: u64| now + Duration::from_secs(seconds);
    let long = format!(r#"{{"text": "{}"}}"#, "x".repeat(5_000));
    let mut jobs = Vec::new();
    // Two were accepted at the same moment.
    for (seconds, params) in [(0, "{}"), (10, &*long), (20, "{}"), (20, "{}"), (30, "{}")] {
        let job = build::job(ports.random(), build::spec(&account, "flickr.test.null", params), at(seconds));
        insert(ports, &job).await;
        jobs.push(job);
    }
    let foreign = build::job(ports.random(), build::spec(&other, "flickr.test.null", "{}"), at(20));
    insert(ports, &foreign).await;
    let running = held(ports, &jobs[2], &by, at(20)).await;
    jobs[2] = committed(ports, &running, write_started(&by), at(21)).await;

    let always = TimeSpan { from: at(0), until: at(31) };
    let pages = async |account: &AccountRef, span, limit| {
        let mut all: Vec<ListedJob> = Vec::new();
        loop {
            let page = ports.accepted_jobs(account, span, all.last(), limit).await.unwrap();
            assert!(page.len() <= usize::from(limit));
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    };
    for limit in [1, 2, 5, 9] {
        let listed = pages(&account, always, limit).await;
        assert!(listed.is_sorted_by(|one, next| one.created_at >= next.created_at), "the latest first: {listed:?}");
        let ids: BTreeSet<_> = listed.iter().map(|job| &job.id).collect();
        assert_eq!((listed.len(), ids), (5, jobs.iter().map(|job| &job.id).collect()), "each once");
    }
    let created = async |from: Timestamp, until: Timestamp| {
        let listed = pages(&account, TimeSpan { from, until }, 9).await;
        listed.into_iter().map(|job| job.created_at).collect::<Vec<_>>()
    };
    assert_eq!(created(at(10), at(30)).await, [at(20), at(20), at(10)], "until before the end");
    assert_eq!(created(at(31), at(60)).await, []);
    let of_other = ListedJob { id: foreign.id.clone(), created_at: foreign.created_at };
    assert_eq!(pages(&other, always, 9).await, [of_other]);
    let stranger = AccountRef { tenant: build::tenant(ports), ..account.clone() };
    assert_eq!(pages(&stranger, always, 9).await, []);

    let gone = build::job(ports.random(), build::spec(&account, "flickr.test.null", "{}"), now);
    let asked = [&jobs[4], &gone, &jobs[1], &jobs[2]];
    let references: Vec<_> = asked.iter().map(|job| job.reference()).collect();
    let found = ports.read_jobs(&references).await.unwrap();
    assert_eq!(found, asked.map(|job| (job.id != gone.id).then(|| job.clone())));
    assert_eq!(ports.read_jobs(&[]).await.unwrap(), []);
}
