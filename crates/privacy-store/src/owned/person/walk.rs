//! Asking one collection for the rows of a person.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use futures_util::future::join;
use privacy_dataset::{Traversal, Visit};
use segment_core::{
    Finding, FindingCode,
    ports::{DirectoryError, PackageError},
};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::values::{Asked, Values};
use crate::owned::{
    OwnedDatabases,
    database::{Cell, Column, Columns, Form, Keys, Output, Reader, Row, Select, Table},
    databases::OwnedDatabase,
    error::DbError,
    lookup::live_column,
};

/// How many keys one query asks for.
const CHUNK: usize = 500;

/// Why a collection was not read to its end.
#[derive(Debug)]
pub(super) enum Failure {
    Directory(DirectoryError),
    Package(PackageError),
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

/// One row of the person.
pub(super) struct PersonRow {
    /// Whether it is the person's alone.
    pub(super) own: bool,
    /// As the visit wants them.
    pub(super) texts: Vec<Cell>,
    pub(super) values: Vec<Cell>,
}

/// Where the rows of a visit go.
#[async_trait]
pub(super) trait Sink: Send {
    async fn take(&mut self, rows: Vec<PersonRow>) -> Result<(), Failure>;
}

/// How a visit went.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) rows: u64,
    /// Rows that the database found equal although the key differs; they are left out.
    pub(super) mismatched: u64,
    /// Whether there were more rows than are read of one person.
    pub(super) truncated: bool,
}

impl Seen {
    /// What a person has to know of rows that were left out.
    pub(super) fn mismatch(&self, of: &Visit) -> Option<Finding> {
        let (rows, name) = (self.mismatched, of.name());
        let message =
            || format!("the database found {rows} rows of {name} equal whose key differs; they were left out");
        (rows > 0).then(|| Finding::new(FindingCode::LookupMismatch, message()))
    }
}

/// The table of a visit, as it is now.
pub(super) struct Place<'a> {
    pub(super) plan: &'a Traversal,
    pub(super) index: usize,
    pub(super) visit: &'a Visit,
    pub(super) database: &'a OwnedDatabase,
    pub(super) table: Table,
    pub(super) columns: Arc<Columns>,
}

/// What is wanted of each row, beside what the walk needs.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    pub(super) texts: Vec<&'a Column>,
    pub(super) values: Vec<&'a Column>,
    /// Nobody may change the rows before the transaction ends.
    pub(super) lock: bool,
}

impl<'a> Place<'a> {
    pub(super) async fn find(
        databases: &'a OwnedDatabases,
        plan: &'a Traversal,
        index: usize,
    ) -> Result<Self, DirectoryError> {
        let visit = &plan.visits[index];
        let (dataset, database) = (databases.dataset(&visit.dataset), databases.of_dataset(&visit.dataset));
        let (Some(dataset), Some(database)) = (dataset, database) else {
            return Err(DirectoryError::Schema(format!("the dataset {} is in no database", visit.dataset)));
        };
        let table = Table { schema: dataset.schema.clone(), name: visit.collection.clone() };
        let columns = database.live.columns(&table, &visit.name()).await?;
        Ok(Self { plan, index, visit, database, table, columns })
    }

    pub(super) fn column(&self, name: &str) -> Result<&Column, DirectoryError> {
        live_column(&self.columns, &self.visit.name(), name)
    }

    pub(super) fn failed(&self, error: DbError) -> DirectoryError {
        error.at(&self.visit.name())
    }

    /// Asks for the rows, by every way in, and sends each once.
    pub(super) async fn walk(
        &self,
        reader: &dyn Reader,
        values: &mut Values<'_>,
        wanted: &Wanted<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Seen, Failure> {
        let mut entries = Vec::new();
        for entry in &self.visit.entries {
            let column = self.column(&entry.column)?;
            entries.push((column, values.asked(self.plan, self.visit, entry).for_column(column)));
        }
        let takes = self.visit.takes.iter().map(|name| self.column(name)).collect::<Result<Vec<_>, _>>()?;
        let mut visiting = Visiting {
            place: self,
            entries: &entries,
            takes: &takes,
            wanted,
            reader,
            before: HashSet::new(),
            seen: Seen::default(),
        };
        for index in 0..entries.len() {
            visiting.by_entry(index, values, sink).await?;
        }
        Ok(visiting.seen)
    }
}

struct Visiting<'a, 'v> {
    place: &'a Place<'v>,
    entries: &'a [(&'a Column, Asked)],
    takes: &'a [&'a Column],
    wanted: &'a Wanted<'a>,
    reader: &'a dyn Reader,
    /// Rows that earlier ways in have found, by hash. Equal rows are found by the same ways.
    before: HashSet<[u8; 16]>,
    seen: Seen,
}

impl Visiting<'_, '_> {
    async fn by_entry(&mut self, index: usize, values: &mut Values<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
        let (column, asked) = &self.entries[index];
        let mut found = HashSet::new();
        let mut open: Vec<_> = asked.keys.chunks(CHUNK).rev().collect();
        while let Some(keys) = open.pop() {
            if self.seen.truncated {
                return Ok(());
            }
            match self.chunk((index, column, keys), values, sink, &mut found).await? {
                // Which of them it is, halving finds: one bad key must not hide the others.
                Err(DbError::Uncastable) if keys.len() > 1 => {
                    let (first, second) = keys.split_at(keys.len() / 2);
                    open.extend([second, first]);
                }
                Ok(()) | Err(DbError::Uncastable) => {}
                Err(error) => return Err(self.place.failed(error).into()),
            }
        }
        self.before.extend(found);
        Ok(())
    }

    async fn chunk(
        &mut self,
        (index, key, keys): (usize, &Column, &[String]),
        values: &mut Values<'_>,
        sink: &mut dyn Sink,
        found: &mut HashSet<[u8; 16]>,
    ) -> Result<Result<(), DbError>, Failure> {
        let texts = self.entries.iter().map(|(column, _)| *column).chain(self.takes.iter().copied());
        let texts = texts.chain(self.wanted.texts.iter().copied()).map(|column| Output { column, form: Form::Text });
        let shown = self.wanted.values.iter().map(|column| Output { column, form: Form::Value });
        let take: Vec<_> = texts.chain(shown).collect();
        let query = Select {
            table: &self.place.table,
            keys: Keys::Of(key, keys),
            take: &take,
            distinct: false,
            lock: self.wanted.lock,
            // Rows that were found before come again.
            limit: self.place.database.options.max_rows_of_a_person.saturating_add(1),
        };
        let (send, mut receive) = mpsc::channel::<Vec<Row>>(4);
        let reader = self.reader;
        let receiving = async {
            let mut came = 0_usize;
            while let Some(rows) = receive.recv().await {
                came += rows.len();
                let rows = rows.into_iter().filter_map(|row| self.accept(index, row, values, found)).collect();
                if let Err(failure) = sink.take(rows).await {
                    // Whoever sends would wait until the query takes too long.
                    receive.close();
                    return Err(failure);
                }
            }
            Ok::<_, Failure>(came)
        };
        let (done, came) = join(reader.select(&query, send), receiving).await;
        let came = came?;
        // Rows that are left out take up room, too.
        self.seen.truncated |= came >= query.limit;
        match (done, came) {
            // Not a key: a row could not be computed.
            (Err(DbError::Uncastable), came) if came > 0 => Ok(Err(DbError::broken_row())),
            (done, _) => Ok(done),
        }
    }

    /// A row that is the person's, and was not found before.
    fn accept(
        &mut self,
        index: usize,
        mut row: Row,
        values: &mut Values<'_>,
        found: &mut HashSet<[u8; 16]>,
    ) -> Option<PersonRow> {
        // The first is the key, which stands among the entries again.
        let mut cells = row.split_off(1).into_iter();
        let entries: Vec<_> = cells.by_ref().take(self.entries.len()).collect();
        let matches = |at: usize| {
            let (column, asked) = &self.entries[at];
            entries[at].text().and_then(|shown| asked.contains(column, shown))
        };
        if matches(index).is_none() {
            self.seen.mismatched += 1;
            return None;
        }
        let own = (0..self.entries.len()).any(|at| matches(at) == Some(true));
        let takes: Vec<_> = cells.by_ref().take(self.takes.len()).collect();
        let texts: Vec<_> = cells.by_ref().take(self.wanted.texts.len()).collect();
        let shown: Vec<_> = cells.collect();
        if self.entries.len() > 1 {
            let hash = hash(entries.iter().chain(&takes).chain(&texts).chain(&shown));
            if self.before.contains(&hash) {
                return None;
            }
            found.insert(hash);
        }
        if self.seen.rows >= self.max_rows() {
            self.seen.truncated = true;
            return None;
        }
        self.seen.rows += 1;
        for (column, value) in self.takes.iter().zip(&takes) {
            if let Some(value) = value.text() {
                values.take(self.place.index, column, value, own);
            }
        }
        Some(PersonRow { own, texts, values: shown })
    }

    fn max_rows(&self) -> u64 {
        self.place.database.options.max_rows_of_a_person as u64
    }
}

fn hash<'c>(cells: impl Iterator<Item = &'c Cell>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    let mut part = |kind: u8, bytes: &[u8]| {
        hasher.update([kind]);
        hasher.update(bytes.len().to_le_bytes());
        hasher.update(bytes);
    };
    for cell in cells {
        match cell {
            Cell::Null => part(0, &[]),
            Cell::Text(text) => part(1, text.as_bytes()),
            Cell::Integer(number) => part(2, &number.to_le_bytes()),
            Cell::Real(number) => part(3, &number.to_le_bytes()),
            Cell::Bytes(bytes) => part(4, bytes),
        }
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize()[..16]);
    short
}
