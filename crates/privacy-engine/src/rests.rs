//! Which connections are not sent to for a while, and why. This is one worker's knowledge: it saves calls that would fail.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use segment_core::{ConnectionKey, QuotaCategory};

use crate::{Policy, engine::after};

/// How soon it is looked again whether the month has room: what was sent may turn out not to have left.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// An outage rests a connection, a quota that is used up rests one of its categories.
#[derive(Debug, Default)]
pub(crate) struct Rests {
    outages: Mutex<HashMap<ConnectionKey, Outage>>,
    quotas: Mutex<HashMap<(ConnectionKey, QuotaCategory), Hold>>,
}

/// How a connection has failed since it last worked.
#[derive(Debug, Default)]
struct Outage {
    until: Timestamp,
    failures: u32,
    /// When the last failure was counted.
    failed_at: Option<Timestamp>,
    /// How often Segment asked to slow down, which is no failure.
    turned_away: u32,
}

/// A month's quota is used up by our own ledger. Segment's word on it is in the record database, for all workers.
#[derive(Debug, Clone, Copy)]
struct Hold {
    /// When there is room for certain.
    forecast: Timestamp,
    look_again: Timestamp,
}

impl Rests {
    /// A call that began at `begun` did not leave. Answers whether that has gone on for too long. Calls side by side that
    /// meet the same outage count once: what began before the last failure tells nothing new.
    pub(crate) fn failed(&self, connection: &ConnectionKey, begun: Timestamp, now: Timestamp, policy: &Policy) -> bool {
        let mut outages = lock(&self.outages);
        let outage = outages.entry(connection.clone()).or_default();
        if outage.failed_at.is_none_or(|at| begun > at) {
            let given_up = outage.failures >= policy.attempts;
            outage.failures = if given_up { 1 } else { outage.failures + 1 };
            outage.failed_at = Some(now);
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

    /// By our own ledger the month has no room for the next person. That ledger changes: it is looked at again.
    pub(crate) fn no_room(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        now: Timestamp,
        month: Timestamp,
    ) {
        let hold = Hold { forecast: month, look_again: month.min(after(now, LOOK_AGAIN)) };
        lock(&self.quotas).insert((connection.clone(), category), hold);
    }

    /// Something that counted against the quota was not created after all.
    pub(crate) fn room(&self, connection: &ConnectionKey, category: QuotaCategory) {
        lock(&self.quotas).remove(&(connection.clone(), category));
    }

    /// Until when it makes no sense to close a batch of this category, if that lies ahead.
    pub(crate) fn until(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        now: Timestamp,
    ) -> Option<Timestamp> {
        self.later(connection, category, now, |hold| hold.look_again)
    }

    /// Until when nothing of this category is likely to be sent, if that lies ahead.
    pub(crate) fn forecast(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        now: Timestamp,
    ) -> Option<Timestamp> {
        self.later(connection, category, now, |hold| hold.forecast)
    }

    fn later(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        now: Timestamp,
        of: impl Fn(&Hold) -> Timestamp,
    ) -> Option<Timestamp> {
        let outage = lock(&self.outages).get(connection).map(|outage| outage.until);
        let quota = lock(&self.quotas).get(&(connection.clone(), category)).map(of);
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
        let (rests, policy) = (Rests::default(), Policy { attempts: 2, ..Policy::default() });
        let at = |second: i64| Timestamp::UNIX_EPOCH + second.seconds();
        for end in 10..26 {
            assert!(
                !rests.failed(&main(), at(0), at(end), &policy),
                "sixteen calls, one failure, however late they end"
            );
        }
        assert!(rests.failed(&main(), at(30), at(31), &policy));
        assert!(rests.failed(&main(), at(30), at(32), &policy), "all of them are given up");
        assert!(!rests.failed(&main(), at(40), at(41), &policy), "and counted anew, when somebody tries again");
    }

    #[test]
    fn what_works_again_is_counted_anew_but_rests_as_long_as_it_was_asked_to() {
        let (rests, policy, now) =
            (Rests::default(), Policy { attempts: 2, ..Policy::default() }, Timestamp::UNIX_EPOCH);
        rests.failed(&main(), now, now, &policy);
        rests.turned_away(&main(), now, Some(Duration::from_mins(3)), &policy);
        rests.works(&main());
        assert_eq!(rests.until(&main(), QuotaCategory::SegmentOnly, now), Some(now + 3.minutes()));
        assert!(!rests.failed(&main(), now + 4.minutes(), now + 5.minutes(), &policy));
    }

    #[test]
    fn our_own_count_of_the_quota_is_looked_at_again() {
        let (rests, now, category) = (Rests::default(), Timestamp::UNIX_EPOCH, QuotaCategory::SegmentOnly);
        let month = now + 240.hours();
        rests.no_room(&main(), category, now, month);
        assert_eq!(rests.until(&main(), category, now), Some(now + 1.minute()));
        assert_eq!(rests.forecast(&main(), category, now), Some(month));
        rests.room(&main(), category);
        assert_eq!(rests.forecast(&main(), category, now), None);
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
        assert!(!rests.failed(&main(), now, now, &policy));
    }

    #[test]
    fn a_quota_rests_its_category_only() {
        let (rests, now) = (Rests::default(), Timestamp::UNIX_EPOCH);
        rests.no_room(&main(), QuotaCategory::SegmentOnly, now, now + 240.hours());
        assert_eq!(rests.until(&main(), QuotaCategory::SegmentOnly, now), Some(now + 1.minute()));
        assert_eq!(rests.until(&main(), QuotaCategory::SegmentAndDestination, now), None);
        assert_eq!(rests.until(&ConnectionKey::new("other"), QuotaCategory::SegmentOnly, now), None);
    }
}
