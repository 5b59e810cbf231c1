//! Rows that others share are not masked.

use std::collections::{BTreeMap, BTreeSet};

use privacy_dataset::{Entry, Referrer};
use segment_core::{Finding, FindingCode, Pii, RowTrace, ports::DirectoryError};

use super::gather::{Gathered, Readers, RowKey, Shared};
use crate::owned::{
    OwnedDatabases,
    database::{Column, Keys, Reader, Select, Table, all},
    error::DbError,
    lookup::live_column,
};

/// Of how many rows it is asked at once who refers to them.
const CHUNK: usize = 500;

/// Gathered rows, parted by whose they are.
pub(super) struct Parted<'a> {
    /// Of each collection the keys of the rows to mask, and a finding where rows of it are left to others.
    pub(super) collections: Vec<(Gathered<'a>, Vec<RowKey>, Option<Finding>)>,
    /// The visits with rows of which others have a share.
    pub(super) shared: BTreeSet<usize>,
}

pub(super) async fn without_shared<'a>(
    databases: &'a OwnedDatabases,
    mut gathered: Vec<Gathered<'a>>,
    readers: &Readers<'_, 'a>,
    trace: &RowTrace,
) -> Result<Parted<'a>, DirectoryError> {
    let mut shared = BTreeSet::new();
    let mut alone = Vec::new();
    for at in 0..gathered.len() {
        let one = &gathered[at];
        let is_masked = !one.fitting.masks.is_empty();
        let leads_on = one.place.plan.visits.iter().flat_map(|visit| &visit.entries);
        let leads_on = leads_on.filter_map(Entry::visit).any(|from| from == one.place.index);
        // What hangs on a row that others share is theirs, too.
        let visit = one.place.visit;
        let hangs = visit.entries.iter().any(|entry| {
            let here = entry.visit().is_some_and(|from| shared.contains(&from));
            here || trace.shared.contains(&visit.field(&entry.column))
        });
        let (mut free, mut left) = (Vec::new(), 0_u64);
        let rows = if is_masked || leads_on { one.others.as_slice() } else { &[] };
        for rows in rows.chunks(CHUNK) {
            if !is_masked && left > 0 {
                break;
            }
            let referred = if hangs {
                vec![true; rows.len()]
            } else {
                are_referred_to(databases, &gathered, one, rows, readers, trace).await?
            };
            for (row, is_referred) in rows.iter().zip(referred) {
                if is_referred {
                    left += 1;
                } else {
                    free.push(row.key.clone());
                }
            }
        }
        if left > 0 {
            shared.insert(one.place.index);
        }
        alone.push(if is_masked { (free, left) } else { (Vec::new(), 0) });
    }
    let collections = gathered.drain(..).zip(alone).map(|(mut one, (free, left))| {
        let mut rows = std::mem::take(&mut one.own);
        rows.extend(free);
        // What the database equates may have come twice.
        rows.sort_unstable();
        rows.dedup();
        let label = format!("{}.{}", databases.label(&one.place.visit.dataset), one.place.visit.collection);
        let finding = (left > 0).then(|| {
            let message =
                format!("{left} rows of {label} were left as they are: rows of other people refer to them, too");
            Finding::new(FindingCode::SharedRow, message)
        });
        (one, rows, finding)
    });
    Ok(Parted { collections: collections.collect(), shared })
}

/// Whether rows that were not gathered refer to each of these rows.
async fn are_referred_to<'a>(
    databases: &'a OwnedDatabases,
    gathered: &[Gathered<'a>],
    one: &Gathered<'a>,
    rows: &[Shared],
    readers: &Readers<'_, 'a>,
    trace: &RowTrace,
) -> Result<Vec<bool>, DirectoryError> {
    let mut are = vec![false; rows.len()];
    for referrer in &one.place.visit.referrers {
        let value = |row: &'_ Shared| {
            row.named_by.iter().find(|(column, _)| *column == referrer.of).map(|(_, value)| value.clone())
        };
        let own = gathered.iter().find(|other| {
            other.place.visit.dataset == referrer.dataset && other.place.visit.collection == referrer.collection
        });
        // Rows of a database that is not asked now.
        let field = format!("{}.{}.{}", referrer.dataset, referrer.collection, referrer.column);
        let known = |value: &String| {
            let here = || own?.referring.get(&referrer.column)?.get(value).copied();
            let elsewhere = || trace.referring.get(&field)?.get(&Pii::new(value.clone())).copied();
            here().or_else(elsewhere).unwrap_or_default()
        };
        let known: Known = rows.iter().filter_map(value).map(|value| (value.clone(), known(&value))).collect();
        if known.is_empty() {
            continue;
        }
        let asking = Asking::of(databases, referrer, readers(&referrer.dataset)).await?;
        let exceeding = asking.exceeding(&known).await?;
        for (row, is) in rows.iter().zip(&mut are) {
            *is |= value(row).is_some_and(|value| exceeding.contains(&value));
        }
    }
    Ok(are)
}

/// How many rows are known to refer to each value.
type Known = BTreeMap<String, u64>;

/// A column whose rows may refer to others.
struct Asking<'r> {
    place: String,
    table: Table,
    column: Column,
    reader: &'r dyn Reader,
}

impl<'r> Asking<'r> {
    async fn of(
        databases: &'r OwnedDatabases,
        referrer: &Referrer,
        reader: Option<&'r dyn Reader>,
    ) -> Result<Self, DirectoryError> {
        let place = format!("{}.{}", referrer.dataset, referrer.collection);
        let (dataset, database) = (databases.dataset(&referrer.dataset), databases.of_dataset(&referrer.dataset));
        let (Some(dataset), Some(database)) = (dataset, database) else {
            return Err(DirectoryError::Schema(format!("the dataset {} is in no database", referrer.dataset)));
        };
        let table = Table { schema: dataset.schema.clone(), name: referrer.collection.clone() };
        let columns = database.live.columns(&table, &place).await?;
        let column = live_column(&columns, &place, &referrer.column)?.clone();
        Ok(Self { place, table, column, reader: reader.unwrap_or(database.live.database.as_ref()) })
    }

    /// The values to which more rows refer than are known.
    async fn exceeding(&self, known: &Known) -> Result<BTreeSet<String>, DirectoryError> {
        let all: Vec<_> = known.keys().cloned().collect();
        let expected: u64 = known.values().sum();
        let found = self.referring(&all, expected).await?;
        if let Some(found) = found.filter(|found| found.len() as u64 <= expected) {
            let mut counts = Known::new();
            for value in &found {
                *counts.entry(self.column.comparison.carried(value).into_owned()).or_default() += 1;
            }
            if counts.iter().all(|(value, rows)| known.get(value).is_some_and(|known| rows <= known)) {
                return Ok(BTreeSet::new());
            }
        }
        // Which of them it is. What the database equates counts: better a row too many is left.
        let mut exceeding = BTreeSet::new();
        for (value, known) in known {
            let found = self.referring(std::slice::from_ref(value), *known).await?;
            if found.is_some_and(|found| found.len() as u64 > *known) {
                exceeding.insert(value.clone());
            }
        }
        Ok(exceeding)
    }

    /// By which values rows refer to any of these, one more than expected at most; `None` where the column can hold none of them.
    async fn referring(&self, values: &[String], expected: u64) -> Result<Option<Vec<String>>, DirectoryError> {
        let query = Select {
            table: &self.table,
            keys: Keys::Of(&self.column, values),
            take: &[],
            distinct: false,
            lock: false,
            limit: usize::try_from(expected).unwrap_or(usize::MAX).saturating_add(1),
        };
        match all(self.reader, &query).await {
            Ok(rows) => Ok(Some(rows.iter().map(|row| row[0].text().unwrap_or_default().to_owned()).collect())),
            Err(DbError::Uncastable) => Ok(None),
            Err(error) => Err(error.at(&self.place)),
        }
    }
}
