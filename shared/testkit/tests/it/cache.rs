//! Kept answers, measured: what they spare.

use std::time::Duration;

use domain::timing::LEASE;
use testkit::simulator::{Setup, Start, run};

#[test]
fn who_asks_what_is_answered_neither_calls_nor_waits_in_line() {
    let report = run(3, &Setup::popular_question());
    assert_eq!((&report.violations, report.ends.get("completed")), (&vec![], Some(&1_500)));
    let popular: Vec<&Start> = report.starts.iter().filter(|start| start.flow == Some(0)).collect();
    let called = popular.iter().filter(|start| start.called_at.is_some()).count();
    // One in each time to live of five minutes, and now and then one more at once.
    assert!((2..=6).contains(&called), "{called} of {} called", popular.len());
    assert_eq!(report.shared, 600 - called as u64);
    let slow = popular.iter().filter(|start| start.ended_at.unwrap().since(start.accepted_at) > LEASE).count();
    assert!(slow <= 6, "{slow} stood in line");
    let latest = report.starts.iter().map(|start| start.ended_at.unwrap().since(start.accepted_at)).max();
    assert!(latest > Some(Duration::from_secs(300)), "the others did: {latest:?}");
}
