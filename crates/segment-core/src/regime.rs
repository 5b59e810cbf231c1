//! The law's deadlines.

use jiff::{Timestamp, ToSpan, tz::TimeZone};

/// Which law sets the default deadline of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Regime {
    /// GDPR article 12(3): one month from receipt.
    Gdpr,
    /// CCPA, Cal. Civ. Code 1798.130(a)(2): 45 days from receipt.
    Ccpa,
}

impl Regime {
    /// When a request received then is due. Months are calendar months in UTC; the 31st falls back to the month's end.
    #[must_use]
    pub fn due_at(self, received_at: Timestamp) -> Timestamp {
        self.after(received_at, 1, 45)
    }

    /// When a request due then is due once extended: two further months (GDPR), 45 further days (CCPA).
    #[must_use]
    pub fn extended(self, due_at: Timestamp) -> Timestamp {
        self.after(due_at, 2, 45)
    }

    fn after(self, start: Timestamp, months: i64, days: i64) -> Timestamp {
        let span = match self {
            Self::Gdpr => months.months(),
            Self::Ccpa => days.days(),
        };
        // Only a date beyond the year 9999 cannot be computed.
        start.to_zoned_datetime(TimeZone::UTC).checked_add(span).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// The name in configuration, JSON and the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gdpr => "gdpr",
            Self::Ccpa => "ccpa",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Gdpr, Self::Ccpa].into_iter().find(|regime| regime.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(regime: Regime, received: &str, due: &str) {
        assert_eq!(regime.due_at(received.parse().unwrap()), due.parse::<Timestamp>().unwrap());
    }

    #[test]
    fn a_month_is_a_calendar_month() {
        check(Regime::Gdpr, "2026-11-24T08:00:00Z", "2026-12-24T08:00:00Z");
        check(Regime::Gdpr, "2027-01-31T08:00:00Z", "2027-02-28T08:00:00Z");
        check(Regime::Ccpa, "2027-01-31T08:00:00Z", "2027-03-17T08:00:00Z");
    }

    #[test]
    fn extensions_add_to_the_deadline() {
        let due = "2026-12-24T08:00:00Z".parse().unwrap();
        assert_eq!(Regime::Gdpr.extended(due).to_string(), "2027-02-24T08:00:00Z");
        assert_eq!(Regime::Ccpa.extended(due).to_string(), "2027-02-07T08:00:00Z");
    }
}
