//! Query parameters and their errors.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::answer::Answer;
use crate::profile_api::{Found, invalid};

impl Found<'_> {
    /// `limit`, or the default; over the maximum it is an error or capped, as the mock is switched (U13).
    pub(super) fn limit(&self, default: usize, max: usize) -> Result<usize, Answer> {
        let Some(text) = self.call.query.get("limit") else { return Ok(default) };
        let limit: usize = text.parse().map_err(|_| invalid("The parameter `limit` must be a number."))?;
        match limit {
            0 => Err(invalid("The parameter `limit` must be at least 1.")),
            _ if limit <= max => Ok(limit),
            _ if self.shared.config.cap_limits => Ok(max),
            _ => Err(invalid(&format!("The parameter `limit` must be at most {max}."))),
        }
    }

    /// One of a few words.
    pub(super) fn choice(&self, name: &str, words: &[&str]) -> Result<Option<&str>, Answer> {
        let given = self.call.query.get(name).filter(|value| !value.is_empty());
        match given {
            Some(value) if !words.contains(&value) => {
                Err(invalid(&format!("The parameter `{name}` must be one of {}.", words.join(", "))))
            }
            given => Ok(given),
        }
    }

    /// An ISO 8601 date or time; without an offset it is UTC.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Answer> {
        let Some(text) = self.call.query.get(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        let local = || Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
        let time = text.parse::<Timestamp>().ok().or_else(local);
        time.map(Some).ok_or_else(|| invalid(&format!("The parameter `{name}` is not an ISO 8601 time.")))
    }
}
