//! Finding all rows of a person before any is masked.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use privacy_dataset::Traversal;
use segment_core::{Finding, ports::DirectoryError};

use super::{
    fit::Fitting,
    values::Values,
    walk::{Failure, PersonRow, Place, Sink, Wanted},
};
use crate::owned::{
    OwnedDatabases,
    database::{Cell, Column, Reader},
    error::DbError,
};

/// The primary key of a row.
pub(super) type RowKey = Vec<String>;

/// What was found of one collection.
pub(super) struct Gathered<'a> {
    pub(super) place: Place<'a>,
    pub(super) fitting: Fitting,
    /// Rows that are the person's alone, if any of their fields is masked.
    pub(super) own: Vec<RowKey>,
    /// Rows that may be somebody else's, too.
    pub(super) others: Vec<Shared>,
    /// How many rows have each value, of the columns by which they refer to others.
    pub(super) referring: HashMap<String, BTreeMap<String, u64>>,
    /// Rows that are the person's to the database alone.
    pub(super) mismatch: Option<Finding>,
}

/// A row that others may refer to.
pub(super) struct Shared {
    pub(super) key: RowKey,
    /// The values by which it is referred to, by column.
    pub(super) named_by: Vec<(String, String)>,
}

/// Through what each dataset is read; one that is not is passed over.
pub(super) type Readers<'f, 'r> = dyn Fn(&str) -> Option<&'r dyn Reader> + Send + Sync + 'f;

/// What becomes of a table that cannot hold what masking makes of its fields.
pub(super) type Unfit = fn(DirectoryError) -> Result<Fitting, DirectoryError>;

/// Asks the collections of one database, or of all.
pub(super) async fn gather<'a>(
    databases: &'a OwnedDatabases,
    plan: &'a Traversal,
    readers: &Readers<'_, 'a>,
    values: &mut Values<'_>,
    unfit: Unfit,
) -> Result<Vec<Gathered<'a>>, DirectoryError> {
    let mut all = Vec::new();
    for (index, visit) in plan.visits.iter().enumerate() {
        let Some(reader) = readers(&visit.dataset) else { continue };
        let place = Place::find(databases, plan, index).await?;
        let fitting = Fitting::new(databases, &place).await.or_else(unfit)?;
        all.push(one(place, fitting, reader, values).await?);
    }
    Ok(all)
}

async fn one<'a>(
    place: Place<'a>,
    fitting: Fitting,
    reader: &dyn Reader,
    values: &mut Values<'_>,
) -> Result<Gathered<'a>, DirectoryError> {
    let masked = !fitting.masks.is_empty();
    let key = if masked { fitting.key.as_slice() } else { &[] };
    let key = key.iter().map(|name| place.column(name)).collect::<Result<Vec<_>, _>>()?;
    let named_by: Vec<_> =
        place.visit.referrers.iter().map(|referrer| place.column(&referrer.of)).collect::<Result<_, _>>()?;
    let referring = place.plan.referring(place.visit);
    let referring: Vec<_> = referring.into_iter().map(|name| place.column(name)).collect::<Result<_, _>>()?;
    let texts = [key.as_slice(), named_by.as_slice(), referring.as_slice()].concat();
    let wanted = Wanted { texts, values: Vec::new(), lock: masked };
    let mut sink = GatheredRows {
        name: place.visit.name(),
        keys: key.len(),
        named_by: named_by.clone(),
        referring: referring.clone(),
        masked,
        own: Vec::new(),
        others: Vec::new(),
        counts: HashMap::new(),
    };
    let seen = match place.walk(reader, values, &wanted, &mut sink).await {
        Ok(seen) => seen,
        Err(Failure::Directory(error)) => return Err(error),
        Err(Failure::Package(_)) => return Err(place.failed(DbError::changed())),
    };
    if seen.truncated {
        return Err(place.failed(DbError::too_many_rows(seen.rows)));
    }
    let (own, others, referring) = (sink.own, sink.others, sink.counts);
    let mismatch = seen.mismatch(place.visit);
    Ok(Gathered { place, fitting, own, others, referring, mismatch })
}

struct GatheredRows<'a> {
    /// `dataset.collection`
    name: String,
    keys: usize,
    named_by: Vec<&'a Column>,
    referring: Vec<&'a Column>,
    masked: bool,
    own: Vec<RowKey>,
    others: Vec<Shared>,
    counts: HashMap<String, BTreeMap<String, u64>>,
}

#[async_trait]
impl Sink for GatheredRows<'_> {
    async fn take(&mut self, rows: Vec<PersonRow>) -> Result<(), Failure> {
        for row in rows {
            let mut cells = row.texts.into_iter();
            let key: RowKey = cells.by_ref().take(self.keys).filter_map(text).collect();
            let named_by = self.named_by.iter().zip(cells.by_ref()).filter_map(|(column, cell)| {
                Some((column.name.clone(), column.comparison.carried(&text(cell)?).into_owned()))
            });
            let named_by: Vec<_> = named_by.collect();
            for (column, cell) in self.referring.iter().zip(cells) {
                if let Some(value) = text(cell) {
                    let value = column.comparison.carried(&value).into_owned();
                    *self.counts.entry(column.name.clone()).or_default().entry(value).or_default() += 1;
                }
            }
            if key.len() < self.keys {
                let message = "a row's primary key has no value, or one that is no text: it cannot be masked";
                return Err(DirectoryError::Schema(format!("{}: {message}", self.name)).into());
            }
            match (self.masked, row.own) {
                (false, true) => {}
                (true, true) => self.own.push(key),
                // Also where nothing is masked: what hangs on it may be.
                (_, false) => self.others.push(Shared { key, named_by }),
            }
        }
        Ok(())
    }
}

fn text(cell: Cell) -> Option<String> {
    if let Cell::Text(text) = cell { Some(text) } else { None }
}
