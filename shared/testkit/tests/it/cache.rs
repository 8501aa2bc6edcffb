//! The response cache, measured: which calls it saves.

use std::time::Duration;

use domain::timing::Timing;
use testkit::simulator::{JobStart, Profile, run};

#[test]
fn a_cached_call_is_neither_made_nor_waits_in_the_fair_queue() {
    let report = run(3, &Profile::popular_call());
    assert_eq!((&report.violations, report.ends.get("completed")), (&vec![], Some(&1_500)));
    let popular: Vec<&JobStart> = report.starts.iter().filter(|start| start.flow == Some(0)).collect();
    let called = popular.iter().filter(|start| start.called_at.is_some()).count();
    // One in each time to live of five minutes, and sometimes another at the same moment.
    assert!((2..=6).contains(&called), "{called} of {} called", popular.len());
    assert_eq!(report.shared, 600 - called as u64);
    let slow =
        popular.iter().filter(|start| start.ended_at.unwrap().since(start.accepted_at) > Timing::REST.lease).count();
    assert!(slow <= 6, "{slow} waited in the fair queue");
    let latest = report.starts.iter().map(|start| start.ended_at.unwrap().since(start.accepted_at)).max();
    assert!(latest > Some(Duration::from_secs(300)), "the others waited there: {latest:?}");
}
