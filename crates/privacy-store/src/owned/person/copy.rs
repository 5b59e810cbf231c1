//! Copying a person's rows into a package, as they come.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use privacy_dataset::{Entry, Traversal};
use segment_core::{
    ConnectionKey, DatasetRows, Pii, Records, Subject,
    ports::{DirectoryError, PackageError, PackageWriter},
};
use serde_json::{Map, Value};

use super::{
    json,
    values::Values,
    walk::{Failure, PersonRow, Place, Seen, Sink, Wanted},
};
use crate::owned::{OwnedDatabases, database::Column, directory::with_cause};

/// Copies the rows of the databases that are wanted, and says of each what came of it. The others are read as far as theirs lead on.
pub(super) async fn copy(
    databases: &OwnedDatabases,
    plan: &Traversal,
    subject: &Subject,
    wanted: &BTreeSet<ConnectionKey>,
    writer: &dyn PackageWriter,
) -> Result<Vec<DatasetRows>, PackageError> {
    let answers = wanted.iter().map(|key| (key.clone(), nothing(key))).collect();
    let mut copying = Copying { databases, plan, writer, answers, broken: BTreeMap::new() };
    let mut values = Values::new(subject, &databases.targets, None);
    for index in 0..plan.visits.len() {
        copying.visit(index, &mut values).await?;
    }
    Ok(copying.answers.into_values().collect())
}

pub(super) fn nothing(key: &ConnectionKey) -> DatasetRows {
    DatasetRows {
        dataset: key.clone(),
        collections: BTreeMap::new(),
        holes: BTreeMap::new(),
        passing: false,
        warnings: Vec::new(),
        findings: BTreeSet::new(),
    }
}

struct Copying<'a> {
    databases: &'a OwnedDatabases,
    plan: &'a Traversal,
    writer: &'a dyn PackageWriter,
    /// Of the databases that are wanted.
    answers: BTreeMap<ConnectionKey, DatasetRows>,
    /// The visits that were not read to their end, each with whether that may pass.
    broken: BTreeMap<usize, bool>,
}

impl Copying<'_> {
    async fn visit(&mut self, index: usize, values: &mut Values<'_>) -> Result<(), PackageError> {
        let visit = &self.plan.visits[index];
        let (source, collection) = (self.databases.label(&visit.dataset), package_name(&visit.collection));
        let of = self.databases.of_dataset(&visit.dataset).map(|database| &database.key);
        let writer = self.writer;
        let into = of.filter(|key| self.answers.contains_key(key)).map(|_| (source, collection.as_str(), writer));
        if let Some((source, collection, writer)) = into {
            writer.append(source, collection, Records::new()).await?;
        }
        let (mut holes, mut passing, mut mismatch) = (Vec::new(), false, None);
        for before in visit.entries.iter().filter_map(Entry::visit) {
            if let Some(passes) = self.broken.get(&before) {
                passing |= passes;
                let name = self.plan.visits[before].name();
                holes.push(format!("what {name} leads to could not be followed, since it was not read to its end"));
            }
        }
        let rows = match self.collect(index, values, into).await {
            Ok((seen, missing)) => {
                holes.extend(missing);
                mismatch = seen.mismatch(visit);
                if seen.truncated {
                    holes.push(format!("there are more than {} rows; the rest is left out", seen.rows));
                }
                seen.rows
            }
            Err((Failure::Package(error), _)) => return Err(error),
            Err((Failure::Directory(error), rows)) => {
                passing |= matches!(error, DirectoryError::Unavailable(_));
                holes.push(with_cause(&error));
                rows
            }
        };
        if !holes.is_empty() {
            self.broken.insert(index, passing);
        }
        let (Some((source, collection, writer)), Some(of)) = (into, of) else { return Ok(()) };
        let Some(answer) = self.answers.get_mut(of) else { return Ok(()) };
        let name = format!("{source}.{}", visit.collection);
        *answer.collections.entry(name.clone()).or_default() += rows;
        answer.findings.extend(mismatch);
        if !holes.is_empty() {
            let reason = holes.join("; ");
            writer.incomplete(source, collection, &reason).await?;
            answer.holes.insert(name, reason);
            answer.passing |= passing;
        }
        Ok(())
    }

    /// One collection: what was seen, and why something of it is missing; with an error, how many rows came before it.
    async fn collect(
        &self,
        index: usize,
        values: &mut Values<'_>,
        into: Option<(&str, &str, &dyn PackageWriter)>,
    ) -> Result<(Seen, Vec<String>), (Failure, u64)> {
        let found = Place::find(self.databases, self.plan, index).await;
        let place = found.map_err(|error| (Failure::Directory(error), 0))?;
        let fields = self.databases.dataset(&place.visit.dataset);
        let fields = fields.and_then(|dataset| dataset.collection(&place.visit.collection));
        let names = fields.iter().flat_map(|collection| &collection.fields).map(|field| field.name.as_str());
        let (mut shown, mut missing) = (Vec::new(), Vec::new());
        for name in names.filter(|_| into.is_some()) {
            match place.columns.get(name) {
                Some(column) => shown.push(column),
                None => missing.push(format!("the field {}.{name} is no column of its table", place.visit.name())),
            }
        }
        let wanted = Wanted { values: shown.clone(), ..Wanted::default() };
        let mut sink = PackageRows { into, columns: shown, rows: 0 };
        let seen = place.walk(place.database.live.database.as_ref(), values, &wanted, &mut sink).await;
        seen.map(|seen| (seen, missing)).map_err(|failure| (failure, sink.rows))
    }
}

/// Rows on their way into a package.
struct PackageRows<'a> {
    /// The source, the collection and the package; nothing where rows only lead on.
    into: Option<(&'a str, &'a str, &'a dyn PackageWriter)>,
    columns: Vec<&'a Column>,
    rows: u64,
}

#[async_trait]
impl Sink for PackageRows<'_> {
    async fn take(&mut self, rows: Vec<PersonRow>) -> Result<(), Failure> {
        let (Some((source, collection, writer)), false) = (self.into, rows.is_empty()) else { return Ok(()) };
        self.rows += rows.len() as u64;
        let record = |row: PersonRow| {
            let fields = self.columns.iter().zip(row.values);
            let fields = fields.map(|(column, cell)| (column.name.clone(), json::value(column, cell)));
            Pii::new(Value::Object(fields.collect::<Map<_, _>>()))
        };
        let records = rows.into_iter().map(record).collect();
        writer.append(source, collection, records).await.map_err(Failure::Package)
    }
}

/// A table's name as a part of a path: what a path cannot have becomes `_` and its bytes in hex.
fn package_name(collection: &str) -> String {
    /// What is longer is cut, and told apart by what it would have been.
    const LONGEST: usize = 80;
    let last = collection.len().saturating_sub(1);
    let plain = |at: usize, byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || (byte == b'.' && at != 0 && at != last)
    };
    let part = |(at, byte): (usize, u8)| {
        if plain(at, byte) { char::from(byte).to_string() } else { format!("_{byte:02X}") }
    };
    let name: String = collection.bytes().enumerate().map(part).collect();
    let taken = ["manifest.json", "index.html"].iter().any(|file| file.eq_ignore_ascii_case(&name));
    if name.len() <= LONGEST && !taken {
        return name;
    }
    let digest = hex::encode(&<sha2::Sha256 as sha2::Digest>::digest(collection)[..8]);
    let kept: String = name.chars().take(LONGEST).collect();
    format!("{kept}-{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_become_parts_of_paths() {
        for (table, expected) in [
            ("customer", "customer"),
            ("sales.customer", "sales.customer"),
            ("Order Items", "Order_20Items"),
            ("../etc", "_2E._2Fetc"),
            ("a.", "a_2E"),
            ("größe", "gr_C3_B6_C3_9Fe"),
        ] {
            assert_eq!(package_name(table), expected);
        }
        let long = "x".repeat(200);
        assert_ne!(package_name(&long), package_name(&"x".repeat(201)));
        assert!(package_name(&long).len() <= 100);
        assert!(package_name("manifest.json").starts_with("manifest.json-"));
    }
}
