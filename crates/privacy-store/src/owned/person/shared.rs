//! Rows that others share are not masked.

use std::collections::BTreeSet;

use privacy_dataset::{Entry, Referrer};
use segment_core::{Finding, FindingCode, Pii, RowTrace, ports::DirectoryError};

use super::gather::{Gathered, Readers, RowKey};
use crate::owned::{
    OwnedDatabases,
    database::{Keys, Reader, Select, Table, all},
    lookup::live_column,
};

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
        for row in one.others.iter().filter(|_| is_masked || leads_on) {
            if !is_masked && left > 0 {
                break;
            }
            if hangs || is_referred_to(databases, &gathered, one, &row.named_by, readers, trace).await? {
                left += 1;
            } else {
                free.push(row.key.clone());
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

/// Whether rows that were not gathered refer to a row.
async fn is_referred_to<'a>(
    databases: &'a OwnedDatabases,
    gathered: &[Gathered<'a>],
    one: &Gathered<'a>,
    named_by: &[(String, String)],
    readers: &Readers<'_, 'a>,
    trace: &RowTrace,
) -> Result<bool, DirectoryError> {
    for referrer in &one.place.visit.referrers {
        let Some((_, value)) = named_by.iter().find(|(column, _)| *column == referrer.of) else { continue };
        let own = gathered.iter().find(|other| {
            other.place.visit.dataset == referrer.dataset && other.place.visit.collection == referrer.collection
        });
        let here = || own?.referring.get(&referrer.column)?.get(value).copied();
        // Rows of a database that is not asked now.
        let field = format!("{}.{}.{}", referrer.dataset, referrer.collection, referrer.column);
        let elsewhere = || trace.referring.get(&field)?.get(&Pii::new(value.clone())).copied();
        let known = here().or_else(elsewhere).unwrap_or_default();
        if exceeds(databases, referrer, value, known, readers(&referrer.dataset)).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether more than the known rows refer to a value. What the database equates counts: better a row too many is left.
async fn exceeds(
    databases: &OwnedDatabases,
    referrer: &Referrer,
    value: &str,
    known: u64,
    reader: Option<&dyn Reader>,
) -> Result<bool, DirectoryError> {
    let place = format!("{}.{}", referrer.dataset, referrer.collection);
    let (dataset, database) = (databases.dataset(&referrer.dataset), databases.of_dataset(&referrer.dataset));
    let (Some(dataset), Some(database)) = (dataset, database) else {
        return Err(DirectoryError::Schema(format!("the dataset {} is in no database", referrer.dataset)));
    };
    let table = Table { schema: dataset.schema.clone(), name: referrer.collection.clone() };
    let columns = database.live.columns(&table, &place).await?;
    let column = live_column(&columns, &place, &referrer.column)?;
    let (keys, known) = ([value.to_owned()], usize::try_from(known).unwrap_or(usize::MAX));
    let query = Select {
        table: &table,
        keys: Keys::Of(column, &keys),
        take: &[],
        distinct: false,
        lock: false,
        limit: known.saturating_add(1),
    };
    let reader = reader.unwrap_or(database.live.database.as_ref());
    match all(reader, &query).await {
        Ok(rows) => Ok(rows.len() > known),
        // No row can have it.
        Err(crate::owned::error::DbError::Uncastable) => Ok(false),
        Err(error) => Err(error.at(&place)),
    }
}
