//! The month's quota of regulations: by calendar month in UTC, counted in users (docs/segment-api.md, 2.4, U8).

use jiff::{Timestamp, tz::TimeZone};
use segment_core::ClaimScope;
use segment_core::{
    ConnectionKey, MonthlyQuota, QuotaCategory,
    ports::{RequestStore, StoreError},
};

/// At most one part of so many of the month's quota is kept for people who would be overdue if they waited for the next month.
const RESERVED: u64 = 20;

/// How one of a connection's two quotas stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaUse {
    /// Users a month.
    pub limit: u64,
    /// Of those, so many are at most kept for people whose deadline lies in this month and who are not found yet.
    pub reserve: u64,
    /// User ids sent, or perhaps sent, this month.
    pub used: u64,
    /// User ids that wait for a regulation.
    pub waiting: u64,
    /// When the last of those is expected to leave, if this month has no room for it.
    pub forecast: Option<Timestamp>,
}

impl QuotaUse {
    /// As it stands by our own ledger; what others sent in the workspace shows only when Segment refuses, and is in the forecast
    /// from then on.
    ///
    /// # Errors
    ///
    /// What the record database says.
    pub async fn of(
        store: &dyn RequestStore,
        connection: &ConnectionKey,
        category: QuotaCategory,
        limit: u64,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let used = store.submitted(connection, category, month_start(now)).await?;
        let backlog = store.backlog(&ClaimScope::All, now).await?;
        let ours = backlog.iter().filter(|one| &one.connection == connection && one.kind.quota() == category);
        let (waiting, rests) =
            ours.fold((0, None), |(waiting, rests), one| (waiting + one.subjects, one.rests_until.max(rests)));
        let forecast = forecast(limit, used, waiting, now).max(rests);
        Ok(Self { limit, reserve: limit / RESERVED, used, waiting, forecast })
    }
}

/// When the last of those who wait leaves, if not this month.
fn forecast(limit: u64, used: u64, waiting: u64, now: Timestamp) -> Option<Timestamp> {
    let later = waiting.saturating_sub(limit.saturating_sub(used));
    let months = later.checked_div(limit)? + u64::from(!later.is_multiple_of(limit));
    let turns = (0..months.min(120)).fold(None, |turn: Option<Timestamp>, _| Some(next_month(turn.unwrap_or(now))));
    turns.filter(|_| later > 0)
}

pub(crate) fn of_month(users: u64, now: Timestamp) -> MonthlyQuota {
    MonthlyQuota { users, since: month_start(now), reserve: users / RESERVED, urgent_before: next_month(now) }
}

pub(crate) fn month_start(now: Timestamp) -> Timestamp {
    let zoned = now.to_zoned_datetime(TimeZone::UTC);
    zoned.first_of_month().and_then(|day| day.start_of_day()).map_or(now, |start| start.timestamp())
}

/// When the next month begins.
pub(crate) fn next_month(now: Timestamp) -> Timestamp {
    let zoned = now.to_zoned_datetime(TimeZone::UTC);
    let last = zoned.last_of_month().and_then(|day| day.tomorrow()).and_then(|day| day.start_of_day());
    last.map_or(now, |start| start.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_fit_waits_for_as_many_months_as_it_takes() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let when = |used, waiting| forecast(100, used, waiting, now).map(|at| at.to_string());
        assert_eq!(when(0, 0), None);
        assert_eq!(when(40, 60), None);
        assert_eq!(when(40, 61).as_deref(), Some("2026-12-01T00:00:00Z"));
        assert_eq!(when(40, 160).as_deref(), Some("2026-12-01T00:00:00Z"));
        assert_eq!(when(40, 161).as_deref(), Some("2027-01-01T00:00:00Z"));
        assert_eq!(when(500, 1).as_deref(), Some("2026-12-01T00:00:00Z"));
        assert_eq!(forecast(0, 0, 1, now), None, "without a quota nobody ever leaves");
    }

    #[test]
    fn a_month_is_the_calendars_in_utc() {
        let now: Timestamp = "2026-11-30T23:59:59Z".parse().unwrap();
        assert_eq!(month_start(now).to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(next_month(now).to_string(), "2026-12-01T00:00:00Z");
        assert_eq!(next_month(next_month(now)).to_string(), "2027-01-01T00:00:00Z");
    }
}
