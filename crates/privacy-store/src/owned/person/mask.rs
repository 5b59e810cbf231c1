//! Masking a person's rows in one database, in one transaction.

use async_trait::async_trait;
use futures_util::future::join;
use privacy_dataset::{Masked, MaskingSecrets, Traversal};
use segment_core::{
    Finding, MaskOrder, MaskReport, Pii, RowMark,
    ports::{Begun, DirectoryError, Masking, Random},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    fit::{ColumnMask, FieldMask, Fitting, How},
    gather::{Gathered, RowKey, gather},
    json,
    shared::without_shared,
    values::Values,
    walk::Place,
};
use crate::owned::{
    OwnedDatabases,
    database::{Cell, Column, Form, Holds, Keys, NewValues, Output, ROWS_AT_ONCE, Reader, Select, Update, Writer, all},
    error::DbError,
};

/// How many rows are masked at once.
const BATCH: usize = 5_000;
/// The same, where several columns name a row.
const BATCH_OF_COMPOSITE: usize = 250;
/// By how many rows a masking is recognised.
const MARKS: usize = 10;

/// A masking that waits to be committed.
#[derive(Debug)]
pub(super) struct OpenMasking {
    report: MaskReport,
    writer: Box<dyn Writer>,
    name: String,
}

#[async_trait]
impl Masking for OpenMasking {
    fn report(&self) -> &MaskReport {
        &self.report
    }

    async fn commit(self: Box<Self>) -> Result<(), DirectoryError> {
        self.writer.commit().await.map_err(|error| error.at(&self.name))
    }
}

/// Masks what the order says, unless that was committed before.
pub(super) async fn begin(
    databases: &OwnedDatabases,
    plan: &Traversal,
    order: &MaskOrder,
    random: &dyn Random,
) -> Result<Begun, DirectoryError> {
    let Some(database) = databases.by_key(&order.dataset).filter(|database| database.masks) else {
        return Err(DirectoryError::Schema(format!("the dataset {} is not one that is masked", order.dataset)));
    };
    let name = database.key.as_str().to_owned();
    let writer = database.live.database.begin().await.map_err(|error| error.at(&name))?;
    if is_committed(databases, plan, order, writer.as_ref()).await? {
        return Ok(Begun::Before);
    }
    let reader: &dyn Reader = writer.as_ref();
    let here = |dataset: &str| databases.of_dataset(dataset).is_some_and(|of| of.key == database.key);
    let mut values = Values::new(&order.subject, &databases.targets, Some(&order.trace));
    let readers = |dataset: &str| here(dataset).then_some(reader);
    let gathered = gather(databases, plan, &readers, &mut values, Err).await?;
    let rows = without_shared(databases, gathered, &readers, &order.trace).await?.collections;
    let mut masker = Masker {
        writer: writer.as_ref(),
        secrets: MaskingSecrets::from_key(order.key.expose()),
        random,
        report: MaskReport::default(),
    };
    for (of, keys, finding) in rows {
        let label = format!("{}.{}", databases.label(&of.place.visit.dataset), of.place.visit.collection);
        masker.collection(label, &of, &keys, finding).await?;
    }
    let report = masker.report;
    Ok(Begun::Open(Box::new(OpenMasking { report, writer, name })))
}

/// Whether a row is as it was masked, and none as it was before: somebody else can have made one so. Rows of marks are locked where
/// that is possible, since whoever is about to commit must be waited for; elsewhere whoever comes second fails.
async fn is_committed(
    databases: &OwnedDatabases,
    plan: &Traversal,
    order: &MaskOrder,
    reader: &dyn Reader,
) -> Result<bool, DirectoryError> {
    let mut seen = false;
    for mark in &order.trace.marks {
        let named = |index: &usize| plan.visits[*index].name() == mark.collection;
        let Some(index) = (0..plan.visits.len()).find(named) else { continue };
        let place = Place::find(databases, plan, index).await?;
        let fitting = Fitting::new(databases, &place).await?;
        let key = mark.key.iter().map(|value| value.expose().clone()).collect();
        let found = read(&place, &fitting, reader, &[key]).await?;
        let shown: Vec<_> = found.iter().map(|(_, cells)| digest(cells)).collect();
        if shown.contains(&mark.before) {
            return Ok(false);
        }
        seen |= shown.contains(&mark.digest);
    }
    Ok(seen)
}

/// The masked columns of the rows with these keys, as they are.
async fn read(
    place: &Place<'_>,
    fitting: &Fitting,
    reader: &dyn Reader,
    keys: &[RowKey],
) -> Result<Vec<(RowKey, Vec<Cell>)>, DirectoryError> {
    let key = fitting.key.iter().map(|name| place.column(name)).collect::<Result<Vec<_>, _>>()?;
    let masked = masked_columns(place, fitting);
    let take: Vec<_> = masked.iter().map(|column| Output { column, form: Form::Text }).collect();
    let single: Vec<_> = keys.iter().filter_map(|key| key.first().cloned()).collect();
    let keyed = match key.as_slice() {
        [] => return Ok(Vec::new()),
        [only] => Keys::Of(only, &single),
        all => Keys::OfAll(all, keys),
    };
    let query =
        Select { table: &place.table, keys: keyed, take: &take, distinct: false, lock: true, limit: usize::MAX >> 1 };
    let rows = all(reader, &query).await.map_err(|error| place.failed(error))?;
    Ok(rows
        .into_iter()
        .map(|mut row| {
            let cells = row.split_off(key.len());
            (row.iter().filter_map(|cell| cell.text().map(str::to_owned)).collect(), cells)
        })
        .collect())
}

fn masked_columns<'p>(place: &'p Place<'_>, fitting: &Fitting) -> Vec<&'p Column> {
    fitting.masks.iter().filter_map(|mask| place.columns.get(&mask.column)).collect()
}

/// Rows that wait to be written.
#[derive(Default)]
struct Batch {
    rows: Vec<NewValues>,
    /// Of the first of them the digests before.
    before: Vec<(RowKey, Pii<String>)>,
}

struct Masker<'a> {
    writer: &'a dyn Writer,
    secrets: MaskingSecrets,
    random: &'a dyn Random,
    report: MaskReport,
}

impl Masker<'_> {
    async fn collection(
        &mut self,
        label: String,
        of: &Gathered<'_>,
        keys: &[RowKey],
        finding: Option<Finding>,
    ) -> Result<(), DirectoryError> {
        self.report.findings.extend(finding);
        self.report.findings.extend(of.mismatch.clone());
        if of.fitting.masks.is_empty() {
            return Ok(());
        }
        let size = if of.fitting.key.len() == 1 { BATCH } else { BATCH_OF_COMPOSITE };
        let (mut masked, mut open) = (0, Batch::default());
        for keys in keys.chunks(size) {
            let found = read(&of.place, &of.fitting, self.writer, keys).await?;
            if found.len() != keys.len() {
                return Err(of.place.failed(DbError::not_as_found()));
            }
            // The database works on one batch while the next is made.
            let (written, next) = join(self.write(of, &open), self.batch(of, found)).await;
            masked += written?;
            self.note(of, &open).await?;
            open = next?;
        }
        masked += self.write(of, &open).await?;
        self.note(of, &open).await?;
        self.report.collections.insert(label, masked);
        Ok(())
    }

    /// What becomes of rows.
    async fn batch(&self, of: &Gathered<'_>, found: Vec<(RowKey, Vec<Cell>)>) -> Result<Batch, DirectoryError> {
        let (mut batch, columns) = (Batch::default(), masked_columns(&of.place, &of.fitting));
        for (at, (key, before)) in found.into_iter().enumerate() {
            if at % ROWS_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
            let cells = of.fitting.masks.iter().zip(&columns).zip(&before);
            let new = cells.map(|((mask, column), cell)| self.mask(mask, column.holds, cell));
            let new = new.collect::<Result<Vec<_>, _>>().map_err(|error| of.place.failed(error))?;
            let after = new.into_iter().zip(&before).map(|(new, cell)| new.unwrap_or_else(|| cell.clone()));
            let after: Vec<_> = after.collect();
            if after == before {
                continue;
            }
            if batch.before.len() < MARKS {
                batch.before.push((key.clone(), digest(&before)));
            }
            let values = after.into_iter().map(|cell| if let Cell::Text(text) = cell { Some(text) } else { None });
            batch.rows.push(NewValues { key, values: values.collect() });
        }
        Ok(batch)
    }

    async fn write(&self, of: &Gathered<'_>, batch: &Batch) -> Result<u64, DirectoryError> {
        if batch.rows.is_empty() {
            return Ok(0);
        }
        let (place, fitting) = (&of.place, &of.fitting);
        let key = fitting.key.iter().map(|name| place.column(name)).collect::<Result<Vec<_>, _>>()?;
        let columns = masked_columns(place, fitting);
        let update = Update { table: &place.table, key: &key, columns: &columns, rows: &batch.rows };
        let done = self.writer.update(&update).await.map_err(|error| place.failed(refused(error)))?;
        if done == batch.rows.len() as u64 { Ok(done) } else { Err(place.failed(DbError::not_as_found())) }
    }

    /// Notes by what the masking of a batch is recognised: rows as the database shows them now, which may spell a value in its own
    /// way. One that looks as before says nothing.
    async fn note(&mut self, of: &Gathered<'_>, batch: &Batch) -> Result<(), DirectoryError> {
        let room = MARKS.saturating_sub(self.report.marks.len());
        let before = &batch.before[..room.min(batch.before.len())];
        if before.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = before.iter().map(|(key, _)| key.clone()).collect();
        for (key, cells) in read(&of.place, &of.fitting, self.writer, &keys).await? {
            let digest = digest(&cells);
            let Some((_, before)) = before.iter().find(|(of, before)| *of == key && *before != digest) else {
                continue;
            };
            let key = key.into_iter().map(Pii::new).collect();
            self.report.marks.push(RowMark { collection: of.place.visit.name(), key, before: before.clone(), digest });
        }
        Ok(())
    }

    /// What a value becomes; `None` if it stays. What is not there stays away.
    fn mask(&self, mask: &ColumnMask, holds: Holds, cell: &Cell) -> Result<Option<Cell>, DbError> {
        Ok(match (&mask.how, cell) {
            (_, Cell::Null) => None,
            (How::Whole(field), Cell::Text(text)) => self.text(field, text),
            (How::Nested(fields), Cell::Text(text)) => return self.nested(fields, holds, text),
            // Or a value that is no text in a column of texts: what it says cannot be kept.
            (How::Null | How::Whole(_) | How::Nested(_), _) => Some(Cell::Null),
        })
    }

    fn text(&self, field: &FieldMask, text: &str) -> Option<Cell> {
        let mut fill = |bytes: &mut [u8]| self.random.fill(bytes);
        match field.strategy.mask(text, field.max_length, &self.secrets, &mut fill) {
            Masked::Kept => None,
            Masked::Null => Some(Cell::Null),
            Masked::Text(masked) => Some(Cell::Text(masked)),
        }
    }

    fn nested(&self, fields: &[FieldMask], holds: Holds, text: &str) -> Result<Option<Cell>, DbError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let Ok(mut json) = serde_json::from_str::<Value>(text) else {
            // What is no JSON has no fields to mask one by one. What the database calls JSON is only none to us.
            return if holds == Holds::Json { Err(DbError::unreadable_json()) } else { Ok(Some(Cell::Null)) };
        };
        if !json::is_exact(text) {
            return Err(DbError::inexact_json());
        }
        let mut changed = false;
        for field in fields {
            changed |= self.below(field, &field.path, &mut json);
        }
        Ok(changed.then(|| Cell::Text(json.to_string())))
    }

    /// Masks a field in an object, or in each object of a list; whether anything changed.
    fn below(&self, field: &FieldMask, path: &[String], value: &mut Value) -> bool {
        match (path.split_first(), value) {
            (_, Value::Array(items)) => {
                let each = items.iter_mut().map(|item| self.below(field, path, item));
                each.fold(false, |changed, item| changed | item)
            }
            (Some((name, rest)), Value::Object(fields)) => {
                fields.get_mut(name).is_some_and(|value| self.below(field, rest, value))
            }
            (Some(_), _) | (None, Value::Null) => false,
            (None, other) => {
                let text = other.as_str().filter(|_| !field.strategy.is_null());
                *other = match text.map(|text| self.text(field, text)) {
                    Some(None) => return false,
                    Some(Some(Cell::Text(masked))) => Value::String(masked),
                    _ => Value::Null,
                };
                true
            }
        }
    }
}

/// What the update of masked values meets. A value that does not fit is no key that nobody has.
fn refused(error: DbError) -> DbError {
    match error {
        DbError::Uncastable => DbError::does_not_fit(),
        other => other,
    }
}

/// By what masked values are recognised.
fn digest(cells: &[Cell]) -> Pii<String> {
    let mut hasher = Sha256::new();
    for cell in cells {
        match cell.text() {
            Some(text) => {
                hasher.update([1]);
                hasher.update(text.len().to_le_bytes());
                hasher.update(text);
            }
            None => hasher.update([0]),
        }
    }
    Pii::new(hex::encode(hasher.finalize()))
}
