//! A look at each record as it comes: what the records of a collection have in common decides how it is laid out.

mod activity;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

pub(crate) use activity::{Activity, name as event_name};

use crate::layout::Shape;

/// More columns than this share the last one.
pub(crate) const MOST_COLUMNS: usize = 200;
/// More profiles or names than these are not worth an object, and would grow in memory.
const MOST_PROFILES: usize = 1_000;
const MOST_NAMES: usize = 100_000;

/// What was seen.
pub(crate) struct Survey {
    /// The columns, the known ones first, then as they were met.
    pub(crate) columns: Vec<String>,
    /// Whether there are more fields than columns.
    pub(crate) overflow: bool,
    pub(crate) members: Members,
    pub(crate) activity: Activity,
}

/// Whether the records are names and values that an object can hold without losing any.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Members {
    /// Of one profile.
    OneProfile,
    /// Of several, named by `segment_id`.
    Profiles(Vec<String>),
    /// They are not, or a name repeats within a profile.
    No,
}

/// Sees one record after the other; its memory is bounded.
pub(crate) struct Surveyor {
    shape: Shape,
    columns: Columns,
    members: MemberCheck,
    activity: Activity,
}

impl Surveyor {
    pub(crate) fn new(shape: Shape) -> Self {
        let members = MemberCheck { failed: shape != Shape::Traits, ..MemberCheck::default() };
        Self { shape, columns: Columns::new(shape.columns()), members, activity: Activity::default() }
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    pub(crate) fn see(&mut self, record: &Value) {
        match record {
            Value::Object(fields) => self.columns.see(fields.keys().map(String::as_str)),
            _ => self.columns.see(["value"]),
        }
        self.members.see(record);
        if self.shape == Shape::Events {
            self.activity.see(record);
        }
    }

    pub(crate) fn conclude(self) -> Survey {
        Survey {
            columns: self.columns.names,
            overflow: self.columns.overflow,
            members: self.members.conclude(),
            activity: self.activity,
        }
    }
}

struct Columns {
    names: Vec<String>,
    known: HashSet<String>,
    overflow: bool,
}

impl Columns {
    fn new(first: &[&str]) -> Self {
        let names: Vec<_> = first.iter().map(ToString::to_string).collect();
        Self { known: names.iter().cloned().collect(), names, overflow: false }
    }

    fn see<'a>(&mut self, fields: impl IntoIterator<Item = &'a str>) {
        for field in fields {
            if self.known.contains(field) {
                continue;
            }
            if self.names.len() == MOST_COLUMNS {
                self.overflow = true;
                return;
            }
            self.names.push(field.to_owned());
            self.known.insert(field.to_owned());
        }
    }
}

/// The name, the value and the profile of a trait, if `record` is one.
pub(crate) fn as_member(record: &Value) -> Option<(&str, &Value, Option<&str>)> {
    let fields: &Map<String, Value> = record.as_object()?;
    let profile = fields.get("segment_id");
    let class = fields.get("class");
    if fields.len() != 2 + usize::from(profile.is_some()) + usize::from(class.is_some()) {
        return None;
    }
    let profile = profile.map(|id| id.as_str().ok_or(())).transpose().ok()?;
    Some((fields.get("name")?.as_str()?, fields.get("value")?, profile))
}

#[derive(Default)]
struct MemberCheck {
    profiles: Vec<String>,
    without_profile: bool,
    /// Hashes of profile and name: a clash merely costs the object.
    names: HashSet<u64>,
    failed: bool,
}

impl MemberCheck {
    fn see(&mut self, record: &Value) {
        if self.failed {
            return;
        }
        self.failed = !as_member(record).is_some_and(|(name, _, profile)| self.note(name, profile));
    }

    fn note(&mut self, name: &str, profile: Option<&str>) -> bool {
        match profile {
            None => self.without_profile = true,
            Some(id) if self.profiles.iter().any(|known| known == id) => {}
            Some(id) => self.profiles.push(id.to_owned()),
        }
        let mut hash = DefaultHasher::new();
        (profile, name).hash(&mut hash);
        let is_new = self.names.insert(hash.finish());
        is_new && self.names.len() <= MOST_NAMES && self.profiles.len() <= MOST_PROFILES
    }

    fn conclude(self) -> Members {
        match (self.failed, self.without_profile, self.profiles.is_empty()) {
            (true, _, _) | (false, true, false) => Members::No,
            (false, _, true) => Members::OneProfile,
            (false, false, false) => Members::Profiles(self.profiles),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn members(records: &[Value]) -> Members {
        let mut check = MemberCheck::default();
        for record in records {
            check.see(record);
        }
        check.conclude()
    }

    #[test]
    fn only_unique_names_and_values_become_an_object() {
        let plan = json!({"name": "plan", "value": 1});
        let of = |id: &str| json!({"name": "plan", "value": 1, "segment_id": id});
        assert_eq!(members(&[]), Members::OneProfile);
        assert_eq!(members(std::slice::from_ref(&plan)), Members::OneProfile);
        assert_eq!(members(&[of("b"), of("a")]), Members::Profiles(vec!["b".into(), "a".into()]));
        assert_eq!(members(&[plan.clone(), plan.clone()]), Members::No, "a name repeats");
        assert_eq!(members(&[plan, of("a")]), Members::No, "one names its profile, one does not");
        assert_eq!(members(&[json!({"name": "x", "value": 1, "id": 2})]), Members::No, "another field");
        assert_eq!(members(&[json!({"name": 1, "value": 1})]), Members::No, "a name that is none");
        assert_eq!(members(&[json!("x")]), Members::No);
    }

    #[test]
    fn memory_for_columns_and_names_is_bounded() {
        let mut columns = Columns::new(&["first"]);
        for n in 0..1_000 {
            columns.see([format!("c{n}").as_str()]);
        }
        assert_eq!((columns.names.len(), columns.known.len()), (MOST_COLUMNS, MOST_COLUMNS));
        assert!(columns.overflow);
        let mut check = MemberCheck::default();
        for n in 0..MOST_NAMES + 10 {
            check.see(&json!({"name": n.to_string(), "value": n}));
        }
        assert!(check.failed && check.names.len() == MOST_NAMES + 1);
    }
}
