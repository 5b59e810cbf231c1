//! What masking would do, without a transaction: nothing is written.

use std::collections::BTreeMap;

use privacy_dataset::Traversal;
use segment_core::{ConnectionKey, DatasetRows, Pii, RowTrace, ports::DirectoryError};

use super::{
    copy::nothing,
    fit::Fitting,
    gather::gather,
    shared::{Parted, without_shared},
    values::Values,
};
use crate::owned::{OwnedDatabases, database::Reader};

async fn survey<'a>(
    databases: &'a OwnedDatabases,
    plan: &'a Traversal,
    values: &mut Values<'_>,
) -> Result<Parted<'a>, DirectoryError> {
    let readers = |dataset: &str| databases.of_dataset(dataset).map(|of| of.live.database.as_ref() as &dyn Reader);
    // Masking stops at it, for the database that it is in.
    let gathered = gather(databases, plan, &readers, values, Fitting::unfit).await?;
    without_shared(databases, gathered, &readers, &RowTrace::default()).await
}

/// How many rows each collection of the databases that are masked would have masked, and what would be left.
pub(super) async fn preview(
    databases: &OwnedDatabases,
    plan: &Traversal,
    values: &mut Values<'_>,
) -> Result<Vec<DatasetRows>, DirectoryError> {
    let masked = databases.all().iter().filter(|database| database.masks);
    let mut all: BTreeMap<_, _> = masked.map(|database| (database.key.clone(), nothing(&database.key))).collect();
    for (of, keys, finding) in survey(databases, plan, values).await?.collections {
        let Some(rows) = all.get_mut(&of.place.database.key) else { continue };
        rows.warnings.extend(of.fitting.left);
        rows.findings.extend(finding);
        rows.findings.extend(of.mismatch);
        if !of.fitting.masks.is_empty() {
            let label = format!("{}.{}", databases.label(&of.place.visit.dataset), of.place.visit.collection);
            rows.collections.insert(label, keys.len() as u64);
        }
    }
    Ok(all.into_values().collect())
}

/// What each database that is masked has to know of the others once rows of them are masked.
pub(super) async fn traces(
    databases: &OwnedDatabases,
    plan: &Traversal,
    values: &mut Values<'_>,
) -> Result<BTreeMap<ConnectionKey, RowTrace>, DirectoryError> {
    let masked = databases.all().iter().filter(|database| database.masks);
    let mut traces: BTreeMap<_, _> = masked.map(|database| (database.key.clone(), RowTrace::default())).collect();
    let key = |dataset: &str| databases.of_dataset(dataset).map(|database| &database.key);
    let crosses = |visit: usize, into: &str| key(&plan.visits[visit].dataset) != key(into);
    let entries = || plan.visits.iter().flat_map(|visit| visit.entries.iter().map(move |entry| (visit, entry)));
    if !entries().any(|(visit, entry)| entry.visit().is_some_and(|from| crosses(from, &visit.dataset))) {
        return Ok(traces);
    }
    // Values are followed through all databases.
    let surveyed = survey(databases, plan, values).await?;
    for (visit, entry) in
        entries().filter(|(visit, entry)| entry.visit().is_some_and(|from| crosses(from, &visit.dataset)))
    {
        let Some(trace) = key(&visit.dataset).and_then(|key| traces.get_mut(key)) else { continue };
        let field = visit.field(&entry.column);
        if entry.visit().is_some_and(|from| surveyed.shared.contains(&from)) {
            trace.shared.insert(field.clone());
        }
        let into = trace.entered_by.entry(field).or_default();
        for (value, own) in values.leading(entry) {
            *into.entry(Pii::new(value)).or_default() |= own;
        }
    }
    for (of, ..) in surveyed.collections {
        for (column, counts) in &of.referring {
            let field = of.place.visit.field(column);
            let elsewhere = traces.iter_mut().filter(|(key, _)| **key != of.place.database.key);
            for (_, trace) in elsewhere {
                let counts = counts.iter().map(|(value, rows)| (Pii::new(value.clone()), *rows));
                trace.referring.entry(field.clone()).or_default().extend(counts);
            }
        }
    }
    Ok(traces)
}
