use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    Jitter, Timestamp,
    budget::{Budget, HostClass, Limit, Request, Signal},
};

const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);
const LIMIT: Limit = Limit::FLICKR;

fn after(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

/// The tags of so many jobs of one flow that come at once.
fn tags(jobs: u64, lane: Priority, virtual_time: u64) -> Vec<u64> {
    let mut flow = FlowTags::default();
    let take = |_| {
        flow = flow.taken(lane, &Step::ALONE, virtual_time);
        flow.of(lane)
    };
    (0..jobs).map(take).collect()
}

/// The budget after so many calls were taken, if any are granted.
fn after_calls(budget: &Budget, limit: &Limit, calls: u32, now: Timestamp) -> Option<Budget> {
    let request = Request { limit: *limit, class: Some(HostClass::Rest), calls };
    budget.changed(&budget.take(&request, now).ok()?)
}

/// The budget after Flickr refused a call.
fn throttled(budget: &Budget) -> Budget {
    let change = budget.record(HostClass::Rest, &Signal::Throttled, Jitter::NONE, NOW);
    change.map_or_else(|| budget.clone(), |change| budget.changed(&change).unwrap())
}

/// A budget after so many calls at once.
fn spent(calls: u32, now: Timestamp) -> Budget {
    after_calls(&Budget::default(), &LIMIT, calls, now).unwrap()
}

fn queue_of(tags: &[u64]) -> FairQueue {
    let mut queue = FairQueue::new(NOW);
    let virtual_time = queue.virtual_time(NOW);
    for tag in tags {
        *queue.waiting.entry(Bucket::of(*tag, virtual_time)).or_default() += 1;
    }
    queue
}

#[test]
fn accounts_take_turns_however_many_jobs_each_has() {
    let (flood, quiet) = (tags(1_000, Priority::Normal, 0), tags(3, Priority::Normal, 0));
    let before_last_of_quiet = flood.iter().filter(|tag| **tag <= quiet[2]).count();
    assert_eq!(before_last_of_quiet, 3);
    let mut flow = FlowTags::default();
    for _ in 0..1_000 {
        flow = flow.taken(Priority::Normal, &Step::ALONE, 0);
    }
    assert!(flow.normal > 3_000);
    assert_eq!(flow.taken(Priority::Normal, &Step::ALONE, 9_000).normal, 9_004, "what ran is forgotten");
}

#[test]
fn a_higher_lane_comes_by_more_often_and_a_lower_one_is_not_forgotten() {
    let (high, normal, low) =
        (tags(400, Priority::High, 0), tags(400, Priority::Normal, 0), tags(400, Priority::Low, 0));
    let by = |tags: &[u64], tag: u64| tags.iter().filter(|own| **own <= tag).count();
    assert_eq!((by(&high, 160), by(&normal, 160), by(&low, 160)), (160, 40, 10));
    let newcomer = next_tag(0, Priority::High.stride(), low[399]);
    assert!(newcomer > low[399], "who waits long goes before who comes then, whatever the lane");
}

#[test]
fn an_account_under_its_share_does_not_wait_and_one_over_it_does() {
    let take =
        |flow: FlowTags, jobs, lane| (0..jobs).fold(flow, |flow: FlowTags, _| flow.taken(lane, &Step::ALONE, 100));
    let few = take(FlowTags::default(), 5, Priority::Normal);
    assert!(few.is_under_share(Priority::Normal, &Step::ALONE, 100));
    let many = take(few, 1, Priority::Normal);
    assert!(!many.is_under_share(Priority::Normal, &Step::ALONE, 100));
    assert!(
        !take(many, 1, Priority::Low).is_under_share(Priority::Low, &Step::ALONE, 100),
        "nor do its lower lanes pass it"
    );
    assert!(take(many, 1, Priority::High).is_under_share(Priority::High, &Step::ALONE, 100), "but its higher ones do");
    assert!(
        many.taken(Priority::Normal, &Step::ALONE, 124).is_under_share(Priority::Normal, &Step::ALONE, 124),
        "until its flow have passed"
    );
}

#[test]
fn the_virtual_time_runs_through_what_was_handed_out() {
    let mut queue = FairQueue::new(NOW);
    let begin = queue.virtual_time(NOW);
    queue.allocated = (after(100), begin + 50);
    assert_eq!(queue.virtual_time(NOW), begin);
    assert_eq!(queue.virtual_time(after(50)), begin + 25);
    assert_eq!(queue.virtual_time(after(1_000)), begin + 50);
    let allocation = Allocation { calls: 9, anchor: (after(50), begin + 25), from: after(100), until: after(150) };
    let queue = queue.with_allocation(&allocation);
    let batch = queue.dispatched(&[begin + 90], false);
    for queue in [&queue, &queue.after_dispatch(&batch)] {
        assert_eq!(queue.virtual_time(after(50)), begin + 25, "it does not go back");
    }
    assert_eq!(queue.after_dispatch(&batch).virtual_time(after(100)), begin + 25 + (90 - 25) / 2);
}

#[test]
fn the_jobs_ahead_are_those_with_lower_tags_and_those_who_came_before() {
    let begin = FairQueue::new(NOW).virtual_time(NOW);
    let mut all = Vec::new();
    for _ in 0..200 {
        all.extend(tags(5, Priority::Normal, begin));
    }
    let queue = queue_of(&all);
    assert_eq!(queue.waiting_jobs(), 1_000);
    assert_eq!(queue.ahead(begin + 3), 0);
    assert_eq!(queue.ahead(begin + 4), 200);
    assert_eq!(queue.ahead(begin + 12), 600);

    let deep = queue_of(&tags(1_000, Priority::Normal, begin));
    for (number, tag) in tags(1_000, Priority::Normal, begin).into_iter().enumerate() {
        let (ahead, exact) = (deep.ahead(tag), number as u64 + 1);
        assert!(ahead.abs_diff(exact) <= 2 + exact / 10, "{ahead} {exact}");
    }
}

#[test]
fn what_was_dispatched_is_counted_no_more() {
    let begin = FairQueue::new(NOW).virtual_time(NOW);
    let all = tags(300, Priority::Normal, begin);
    let queue = queue_of(&all);
    let batch = queue.dispatched(&all[..100], false);
    let rest = queue.after_dispatch(&batch);
    assert!(rest.waiting_jobs().abs_diff(200) <= 4, "{}", rest.waiting_jobs());
    assert_eq!(rest.ahead(all[99]), 0);
    assert!(rest.after_dispatch(&rest.dispatched(&all[100..], true)).waiting.is_empty());
}

#[test]
fn a_queue_is_needed_when_the_budget_is_down_to_the_reserve_or_someone_waits() {
    let queue = FairQueue::new(NOW);
    let status = |calls| spent(calls, NOW).status(&LIMIT, HostClass::Rest, NOW);
    assert!(!queue.is_needed(&status(49)));
    assert!(queue.is_needed(&status(50)));
    assert!(queue_of(&[queue.allocated.1 + 4]).is_needed(&status(1)));
    let mut refused = spent(3, NOW);
    for _ in 0..3 {
        refused = throttled(&refused);
    }
    assert!(queue.is_needed(&refused.status(&LIMIT, HostClass::Rest, NOW)), "an open circuit");
}

#[test]
fn an_open_circuit_gets_nothing_and_a_half_open_one_its_probe() {
    let mut budget = spent(3, NOW);
    for _ in 0..3 {
        budget = throttled(&budget);
    }
    let queue = queue_of(&tags(100, Priority::Normal, FairQueue::new(NOW).allocated.1));
    assert_eq!(queue.allocate(&budget.status(&LIMIT, HostClass::Rest, after(299)), after(299)), None);
    let probe = queue.allocate(&budget.status(&LIMIT, HostClass::Rest, after(600)), after(600)).unwrap();
    assert_eq!(probe.calls, 1);
    let waits = queue.expected(0, &budget.status(&LIMIT, HostClass::Rest, after(10)), after(10));
    assert!(waits >= after(300), "and whoever waits is told so");
}

#[test]
fn less_than_half_a_minute_is_left_to_the_next_sweep() {
    let status = |seconds| spent(150, NOW).status(&LIMIT, HostClass::Rest, after(seconds));
    let queue = queue_of(&[u64::MAX / 2]);
    let queue = queue.with_allocation(&queue.allocate(&status(0), NOW).unwrap());
    assert_eq!(queue.allocate(&status(29), after(29)), None);
    let next = queue.allocate(&status(30), after(30)).unwrap();
    assert_eq!((next.from, next.until), (after(120), after(150)), "and nothing is left out");
}

#[test]
fn a_queue_is_idle_when_nobody_waits_and_nobody_can_be_on_the_way() {
    let empty = FairQueue { joined_at: Some(NOW), ..FairQueue::new(NOW) };
    assert_eq!([0, 300, 301].map(|seconds| empty.is_idle(after(seconds))), [false, false, true]);
    assert!(!FairQueue { joined_at: Some(NOW), ..queue_of(&[7]) }.is_idle(after(301)), "someone waits");
    assert!(FairQueue::new(NOW).is_idle(NOW), "nobody ever joined");
}

#[test]
fn names_of_buckets_are_short_and_read_back() {
    let begin = FairQueue::new(NOW).allocated.1;
    for away in [0, 1, 63, 64, 1_000, 1_023, 1_024, 1_000_000, 900_000_000] {
        let bucket = Bucket::of(begin + away, begin);
        assert_eq!(Bucket::from_name(&bucket.name()), Some(bucket));
        assert!(bucket.holds(begin + away) && bucket.name().len() <= 9, "{}", bucket.name());
    }
    for bad in ["", "x", "pk", "expires_at", "x-1", "w10", "é", "y zz", "xzzzzzzzzzzzzzzzz", "x3w5e11264sgsf"] {
        assert_eq!(Bucket::from_name(bad), None, "{bad}");
    }
}

/// What comes of a queue that is swept every minute, by a budget that only the queue spends.
struct Run {
    budget: Budget,
    queue: FairQueue,
    calls: u32,
    refused: u32,
}

impl Run {
    /// Sweeps at each of `pauses` and spends each call in its slot.
    fn over(mut self, limit: &Limit, pauses: impl IntoIterator<Item = Duration>) -> Self {
        let mut now = NOW;
        let mut slots: Vec<Timestamp> = Vec::new();
        for pause in pauses {
            if let Some(allocation) = self.queue.allocate(&self.budget.status(limit, HostClass::Rest, now), now) {
                slots.extend((0..allocation.calls).map(|number| allocation.slot(number)));
                self.queue.allocated.0 = allocation.until;
            }
            now = now + pause;
            slots.sort();
            let due = slots.partition_point(|slot| *slot <= now);
            for slot in slots.drain(..due) {
                match after_calls(&self.budget, limit, 1, slot) {
                    Some(after) => {
                        self.budget = after;
                        self.calls += 1;
                    }
                    None => self.refused += 1,
                }
            }
        }
        self
    }
}

#[test]
fn a_queue_uses_the_budget_and_asks_for_no_more() {
    let run = Run { budget: spent(150, NOW), queue: queue_of(&[u64::MAX / 2]), calls: 0, refused: 0 };
    let run = run.over(&LIMIT, (0..60).map(|_| Duration::from_secs(60)));
    assert!(f64::from(run.calls) > 0.95 * 3_330.0, "{} calls in an hour", run.calls);
    assert_eq!(run.refused, 0);
    assert!(run.budget.status(&LIMIT, HostClass::Rest, after(3_600)).remaining_calls >= 60, "the reserve is there");
}

proptest! {
    /// Whatever the limit and however late sweeps come, the queue asks for about what is there, and
    /// makes use of it.
    #[test]
    fn a_queue_asks_for_what_the_budget_has(
        rate in 60u32..20_000, burst in 3u32..300, begin in 0u32..3,
        lateness in prop::collection::vec(0u64..20, 120..180),
    ) {
        let limit = Limit { calls_per_hour: rate, burst_calls: burst };
        let taken = burst * begin / 2;
        let budget = after_calls(&Budget::default(), &limit, taken, NOW).unwrap_or_default();
        let run = Run { budget, queue: queue_of(&[u64::MAX / 2]), calls: 0, refused: 0 };
        let length: u64 = lateness.iter().map(|late| 60 + late).sum();
        let run = run.over(&limit, lateness.into_iter().map(|late| Duration::from_secs(60 + late)));
        let had = u64::from(rate) * length / 3_600;
        // Half of the rate is handed out even while the budget is below its reserve.
        prop_assert!(run.refused <= run.calls / 50 + 3 + u32::try_from(had / 50).unwrap(), "{} of {}", run.refused, run.calls);
        prop_assert!(u64::from(run.calls + burst) + 4 >= had * 95 / 100, "{} calls, {had} were there", run.calls);
    }

    /// The expected start of one who joins an undisturbed queue is when it starts.
    #[test]
    fn the_expected_start_comes_true(accounts in 1u64..60, jobs in 1u64..60, taken in 50u32..150) {
        let budget = spent(taken, NOW);
        let begin = FairQueue::new(NOW).allocated.1;
        let mut queue = queue_of(&[]);
        let mut waiting = Vec::new();
        for account in 0..accounts {
            for tag in tags(jobs, Priority::Normal, begin) {
                waiting.push((tag, account));
            }
        }
        // They come mixed, as requests do.
        waiting.sort_by_key(|(tag, account)| (tag / 16, (account * 7) % 13, *tag));
        let status = budget.status(&LIMIT, HostClass::Rest, NOW);
        let mut expected = Vec::new();
        for (spec, (tag, _)) in waiting.iter().enumerate() {
            expected.push((*tag, spec, queue.expected(queue.ahead(*tag), &status, NOW)));
            *queue.waiting.entry(Bucket::of(*tag, begin)).or_default() += 1;
        }
        expected.sort();
        let mut run = Run { budget, queue, calls: 0, refused: 0 };
        let mut starts: Vec<Timestamp> = Vec::new();
        let mut now = after(30);
        while starts.len() < expected.len() {
            if let Some(allocation) = run.queue.allocate(&run.budget.status(&LIMIT, HostClass::Rest, now), now) {
                starts.extend((0..allocation.calls).map(|number| allocation.slot(number)));
                run.queue.allocated.0 = allocation.until;
            }
            let next = now + Duration::from_secs(60);
            for slot in starts.iter().filter(|slot| (now..next).contains(*slot)) {
                run.budget = after_calls(&run.budget, &LIMIT, 1, *slot).unwrap_or(run.budget);
            }
            now = next;
        }
        let last = expected.len() - 1;
        let (_, _, when) = expected[last];
        let (real, said) = (starts[last].since(NOW).as_secs_f64(), when.since(NOW).as_secs_f64());
        prop_assert!((real - said).abs() <= 65.0 + 0.05 * real, "started after {real} s, {said} s were said");
    }
}
