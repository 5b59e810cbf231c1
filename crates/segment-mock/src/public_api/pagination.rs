//! `pagination` of the lists: opaque base64 cursors over a decimal offset, as the samples `MA==` and `Mg==` \[W-PAGE\].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::call::Query;
use crate::config::MockConfig;
use crate::public_api::validation::Failures;

/// 1 to 1000 since 73.2.0; 200 before \[TS\].
const MAX_COUNT: usize = 1_000;

/// The part of a list that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    offset: usize,
    count: usize,
}

impl Page {
    /// Reads the pagination parameters in any of their spellings.
    pub(super) fn read(query: &Query, config: &MockConfig, failures: &mut Failures) -> Self {
        let (count, cursor) = (query.field("pagination", "count"), query.field("pagination", "cursor"));
        let counted = match (count, cursor) {
            (None, None) => {
                if config.require_pagination {
                    failures.add("pagination", "is required");
                }
                config.pages.regulations
            }
            (None, Some(_)) => {
                failures.add("pagination.count", "is required");
                0
            }
            (Some(count), _) => read_count(count, failures),
        };
        let offset = cursor.map_or(Some(0), read_cursor).unwrap_or_else(|| {
            failures.add("pagination.cursor", "is not a valid cursor");
            0
        });
        Self { offset, count: counted }
    }

    /// The members of the page.
    pub(super) fn of<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.count).collect()
    }

    /// `pagination` with `previous: null` on the first page and `next: null` on the last.
    pub(super) fn output(self, total: usize) -> Value {
        let end = self.offset + self.count;
        json!({
            "current": cursor(self.offset),
            "next": (end < total).then(|| cursor(end)),
            "previous": (self.offset > 0).then(|| cursor(self.offset.saturating_sub(self.count))),
            "totalEntries": total,
        })
    }

    /// `pagination` with absent fields in the place of null and without a total, as the samples of P7.
    pub(super) fn sparse_output(self, total: usize) -> Value {
        let mut output = self.output(total);
        if let Some(fields) = output.as_object_mut() {
            fields.retain(|key, value| key != "totalEntries" && !value.is_null());
        }
        output
    }
}

fn read_count(count: &str, failures: &mut Failures) -> usize {
    match count.parse::<usize>() {
        Ok(count) if (1..=MAX_COUNT).contains(&count) => return count,
        Ok(0) => failures.add("pagination.count", "must be greater than or equal to 1"),
        Ok(_) => failures.add("pagination.count", "must be less than or equal to 1000"),
        Err(_) => failures.add("pagination.count", "must be a number"),
    }
    0
}

fn cursor(offset: usize) -> String {
    STANDARD.encode(offset.to_string())
}

fn read_cursor(cursor: &str) -> Option<usize> {
    String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?.parse().ok()
}
