//! The virtual clock.

use jiff::Timestamp;
use segment_mock::VirtualClock;

use crate::support::HOUR;

#[test]
fn stands_until_advanced_and_clones_share_time() {
    let start: Timestamp = "2026-01-31T23:00:00Z".parse().unwrap();
    let clock = VirtualClock::at(start);
    let other = clock.clone();
    assert_eq!(clock.now(), start);
    other.advance(HOUR);
    assert_eq!(clock.now().to_string(), "2026-02-01T00:00:00Z");
}

#[test]
fn runs_at_a_multiple_of_real_time() {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let clock = VirtualClock::running_from(start, 1e9);
    let first = clock.now();
    std::thread::sleep(std::time::Duration::from_millis(2));
    // 2 ms at this speed are 23 days: far more than any real time that can pass meanwhile.
    assert!(clock.now().duration_since(first).as_hours() >= 24);
    clock.advance(HOUR);
    assert!(clock.now() > first);
}
