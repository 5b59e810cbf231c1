//! Which connections are not sent to for a while, and why. This is one worker's knowledge: it saves calls that would fail.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use segment_core::{ConnectionKey, QuotaCategory};

use crate::{Policy, engine::after};

/// An outage rests a connection, a quota that is used up rests one of its categories.
#[derive(Debug, Default)]
pub(crate) struct Rests {
    outages: Mutex<HashMap<ConnectionKey, Outage>>,
    quotas: Mutex<HashMap<(ConnectionKey, QuotaCategory), Timestamp>>,
}

/// How a connection has failed since it last worked.
#[derive(Debug, Default)]
struct Outage {
    until: Timestamp,
    failures: u32,
    /// How often Segment asked to slow down, which is no failure.
    turned_away: u32,
}

impl Rests {
    /// A call did not leave. Answers whether that has gone on for too long. Calls side by side that meet the same outage
    /// count once: while the connection rests, what fails had begun before.
    pub(crate) fn failed(&self, connection: &ConnectionKey, now: Timestamp, policy: &Policy) -> bool {
        let mut outages = lock(&self.outages);
        let outage = outages.entry(connection.clone()).or_default();
        if outage.until <= now {
            let given_up = outage.failures >= policy.attempts;
            outage.failures = if given_up { 1 } else { outage.failures + 1 };
            // After the last one somebody has to say "again", and is not kept waiting.
            let pause = if outage.failures < policy.attempts { outage.failures } else { 1 };
            outage.until = after(now, policy.pause(pause));
        }
        outage.failures >= policy.attempts
    }

    /// Segment asked to slow down, perhaps for so long. It never gives up.
    pub(crate) fn turned_away(
        &self,
        connection: &ConnectionKey,
        now: Timestamp,
        asked: Option<Duration>,
        policy: &Policy,
    ) {
        let mut outages = lock(&self.outages);
        let outage = outages.entry(connection.clone()).or_default();
        if outage.until <= now {
            outage.turned_away += 1;
            outage.until = after(now, policy.pause(outage.turned_away));
        }
        outage.until = outage.until.max(after(now, asked.unwrap_or_default()));
    }

    /// The connection works again: what was counted is over. What Segment asked for still holds.
    pub(crate) fn works(&self, connection: &ConnectionKey) {
        if let Some(outage) = lock(&self.outages).get_mut(connection) {
            (outage.failures, outage.turned_away) = (0, 0);
        }
    }

    /// A month's quota is used up.
    pub(crate) fn hold(&self, connection: &ConnectionKey, category: QuotaCategory, until: Timestamp) {
        lock(&self.quotas).insert((connection.clone(), category), until);
    }

    /// Until when a connection is not sent regulations of this category, if that lies ahead.
    pub(crate) fn until(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let outage = lock(&self.outages).get(connection).map(|outage| outage.until);
        let quota = lock(&self.quotas).get(&(connection.clone(), category)).copied();
        outage.max(quota).filter(|until| *until > now)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn main() -> ConnectionKey {
        ConnectionKey::new("main")
    }

    #[test]
    fn calls_side_by_side_meet_one_outage() {
        let (rests, policy, now) =
            (Rests::default(), Policy { attempts: 2, ..Policy::default() }, Timestamp::UNIX_EPOCH);
        for _ in 0..16 {
            assert!(!rests.failed(&main(), now, &policy), "sixteen calls, one failure");
        }
        let later = now + 10.seconds();
        assert!(rests.failed(&main(), later, &policy));
        assert!(rests.failed(&main(), later, &policy), "all of them are given up");
        assert!(!rests.failed(&main(), later + 10.seconds(), &policy), "and counted anew, when somebody tries again");
    }

    #[test]
    fn what_works_again_is_counted_anew_but_rests_as_long_as_it_was_asked_to() {
        let (rests, policy, now) =
            (Rests::default(), Policy { attempts: 2, ..Policy::default() }, Timestamp::UNIX_EPOCH);
        rests.failed(&main(), now, &policy);
        rests.turned_away(&main(), now, Some(Duration::from_mins(3)), &policy);
        rests.works(&main());
        assert_eq!(rests.until(&main(), QuotaCategory::SegmentOnly, now), Some(now + 3.minutes()));
        assert!(!rests.failed(&main(), now + 4.minutes(), &policy));
    }

    #[test]
    fn being_turned_away_rests_longer_each_time_and_is_no_failure() {
        let (rests, policy) = (Rests::default(), Policy { attempts: 2, ..Policy::default() });
        let mut now = Timestamp::UNIX_EPOCH;
        let mut pauses = Vec::new();
        for _ in 0..4 {
            rests.turned_away(&main(), now, None, &policy);
            let until = rests.until(&main(), QuotaCategory::SegmentOnly, now).unwrap();
            pauses.push(until.duration_since(now).as_secs());
            now = until;
        }
        assert_eq!(pauses, [5, 30, 180, 1_080]);
        assert!(!rests.failed(&main(), now, &policy));
    }

    #[test]
    fn a_quota_rests_its_category_only() {
        let (rests, now) = (Rests::default(), Timestamp::UNIX_EPOCH);
        rests.hold(&main(), QuotaCategory::SegmentOnly, now + 1.hour());
        assert_eq!(rests.until(&main(), QuotaCategory::SegmentOnly, now), Some(now + 1.hour()));
        assert_eq!(rests.until(&main(), QuotaCategory::SegmentAndDestination, now), None);
        assert_eq!(rests.until(&ConnectionKey::new("other"), QuotaCategory::SegmentOnly, now), None);
    }
}
