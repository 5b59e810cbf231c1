//! When events happened and what they are called, for the overview of a person.

use std::collections::BTreeMap;

use serde_json::Value;

/// More days or names than these would grow in memory; they are counted as others.
const MOST: usize = 1_000;

/// Counts of events.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Activity {
    /// By day, such as `2026-11-27`, in the offset that an event names.
    pub(crate) days: BTreeMap<String, u64>,
    /// By name.
    pub(crate) names: BTreeMap<String, u64>,
    /// Events of further days, or without one.
    pub(crate) other_days: u64,
    /// Events of further names.
    pub(crate) other_names: u64,
}

impl Activity {
    pub(crate) fn see(&mut self, record: &Value) {
        match record.get("timestamp").and_then(Value::as_str).and_then(day) {
            Some(day) => count(&mut self.days, day, &mut self.other_days),
            None => self.other_days += 1,
        }
        count(&mut self.names, name(record), &mut self.other_names);
    }
}

fn count(counts: &mut BTreeMap<String, u64>, key: &str, others: &mut u64) {
    if let Some(known) = counts.get_mut(key) {
        *known += 1;
    } else if counts.len() < MOST {
        counts.insert(key.to_owned(), 1);
    } else {
        *others += 1;
    }
}

/// The date that a timestamp begins with.
fn day(timestamp: &str) -> Option<&str> {
    let day = timestamp.get(..10)?;
    day.parse::<jiff::civil::Date>().ok().map(|_| day)
}

/// What an event is called: by its own name, a page or screen by its name, everything else by its kind.
pub(crate) fn name(record: &Value) -> &str {
    let text = |field: &str| record.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    text("event").or_else(|| text("name")).or_else(|| text("type")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn days_and_names_are_counted_and_bounded() {
        let mut activity = Activity::default();
        activity.see(&json!({"timestamp": "2026-11-27T10:00:00Z", "event": "Bought", "type": "track"}));
        activity.see(&json!({"timestamp": "2026-11-27T11:00:00.5+02:00", "type": "identify"}));
        activity.see(&json!({"timestamp": "yesterday\u{fe0f}", "event": "Bought"}));
        activity.see(&json!("what"));
        assert_eq!((activity.days, activity.other_days), ([("2026-11-27".to_owned(), 2)].into(), 2));
        let names = [("Bought", 2), ("identify", 1), ("", 1)].map(|(name, count)| (name.to_owned(), count));
        assert_eq!(activity.names, names.into());
        let mut activity = Activity::default();
        for n in 0..MOST + 7 {
            activity.see(&json!({"event": n.to_string()}));
        }
        assert_eq!((activity.names.len(), activity.other_names), (MOST, 7));
    }
}
