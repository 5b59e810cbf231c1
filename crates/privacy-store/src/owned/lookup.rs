//! Runs the routes of a plan, step by step.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use privacy_dataset::{FieldPath, Route, Step, nearest_names};
use segment_core::ports::DirectoryError;

use super::{
    OwnedDatabases,
    database::{Cell, Column, Columns, Database, Form, Keys, Output, Row, Select, Table, all},
    databases::OwnedDatabase,
    error::DbError,
};

/// How many keys one query asks for.
const CHUNK: usize = 500;

/// The live tables, with a memory of their columns.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) database: Box<dyn Database>,
    columns: Mutex<HashMap<Table, Arc<Columns>>>,
}

impl Live {
    pub(crate) fn new(database: Box<dyn Database>) -> Self {
        Self { database, columns: Mutex::default() }
    }

    /// Tables can have changed: look again.
    pub(crate) fn forget(&self) {
        self.columns.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The columns of a table; `place` is its `dataset.collection`.
    pub(crate) async fn columns(&self, table: &Table, place: &str) -> Result<Arc<Columns>, DirectoryError> {
        let known = self.columns.lock().unwrap_or_else(PoisonError::into_inner).get(table).cloned();
        if let Some(columns) = known {
            return Ok(columns);
        }
        let Some(columns) = self.database.columns(table).await.map_err(|error| error.at(place))? else {
            let tables = self.database.table_names().await.map_err(|error| error.at(place))?;
            return Err(DirectoryError::Schema(format!(
                "the collection {place} is no table or view of the database; {}",
                nearest_names(&table.name, tables.iter().map(String::as_str))
            )));
        };
        let columns = Arc::new(columns);
        self.columns.lock().unwrap_or_else(PoisonError::into_inner).insert(table.clone(), Arc::clone(&columns));
        Ok(columns)
    }
}

/// The live column of a field.
pub(crate) fn column<'a>(columns: &'a Columns, step: &Step, field: &FieldPath) -> Result<&'a Column, DirectoryError> {
    let place = place(step);
    match field.as_column() {
        Some(name) => live_column(columns, &place, name),
        None => Err(DirectoryError::Schema(format!(
            "{place}.{field} is nested in a column, and nested fields cannot be looked up: name a column, or a view that has \
             one"
        ))),
    }
}

/// The live column of that name that single values can be compared with; `place` is its `dataset.collection`.
pub(crate) fn live_column<'a>(columns: &'a Columns, place: &str, name: &str) -> Result<&'a Column, DirectoryError> {
    let place = format!("{place}.{name}");
    let Some(column) = columns.get(name) else {
        return Err(DirectoryError::Schema(format!(
            "the field {place} is no column of its table; {}",
            nearest_names(name, columns.keys().map(String::as_str))
        )));
    };
    if column.scalar {
        Ok(column)
    } else {
        Err(DirectoryError::Schema(format!(
            "the field {place} has the type {}, which single values cannot be compared with",
            column.sql_type
        )))
    }
}

/// `dataset.collection`
pub(crate) fn place(step: &Step) -> String {
    format!("{}.{}", step.dataset, step.collection)
}

/// The look-up of one identity.
pub(crate) struct Lookup<'a> {
    databases: &'a OwnedDatabases,
    /// Routes share their beginnings.
    done: HashMap<(Step, Vec<String>), Vec<String>>,
    pub(crate) mismatched: u64,
    pub(crate) truncated: bool,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(databases: &'a OwnedDatabases) -> Self {
        Self { databases, done: HashMap::new(), mismatched: 0, truncated: false }
    }

    fn database(&self, step: &Step) -> Result<&'a OwnedDatabase, DirectoryError> {
        let found = self.databases.of_dataset(&step.dataset);
        found.ok_or_else(|| DirectoryError::Schema(format!("the dataset {} is in no database", step.dataset)))
    }

    /// The values at the end of a route. `fold_case`: the identities are e-mail addresses.
    pub(crate) async fn follow(
        &mut self,
        route: &Route,
        identities: &[String],
        fold_case: bool,
    ) -> Result<Vec<String>, DirectoryError> {
        let mut values = identities.to_vec();
        let last = route.steps().len() - 1;
        for (index, step) in route.steps().iter().enumerate() {
            if values.is_empty() {
                break;
            }
            let memory = (step.clone(), values);
            let taken = match self.done.get(&memory) {
                Some(taken) => taken.clone(),
                None => self.take(step, &memory.1, fold_case && index == 0).await?,
            };
            self.done.insert(memory, taken.clone());
            values = if index == last { taken } else { self.as_keys(step, taken).await? };
        }
        Ok(values)
    }

    /// Values on their way to another column.
    async fn as_keys(&self, step: &Step, taken: Vec<String>) -> Result<Vec<String>, DirectoryError> {
        let columns = self.database(step)?.live.columns(&Table::of(step), &place(step)).await?;
        let comparison = column(&columns, step, &step.take_field)?.comparison;
        Ok(taken.iter().map(|value| comparison.carried(value).into_owned()).collect())
    }

    /// Looks at the tables again, once, if they are not as we remember them.
    async fn take(&mut self, step: &Step, keys: &[String], fold_case: bool) -> Result<Vec<String>, DirectoryError> {
        match self.take_once(step, keys, fold_case).await {
            Err(DirectoryError::Schema(_)) => {
                self.database(step)?.live.forget();
                self.take_once(step, keys, fold_case).await
            }
            answer => answer,
        }
    }

    async fn take_once(
        &mut self,
        step: &Step,
        keys: &[String],
        fold_case: bool,
    ) -> Result<Vec<String>, DirectoryError> {
        let (database, table, place) = (self.database(step)?, Table::of(step), place(step));
        let columns = database.live.columns(&table, &place).await?;
        let key = column(&columns, step, &step.key_field)?;
        let take = column(&columns, step, &step.take_field)?;
        let fold = |text: &str| if fold_case { text.to_ascii_lowercase() } else { text.to_owned() };
        let asked: HashSet<_> = keys.iter().map(|text| fold(&key.comparison.asked(text))).collect();
        let same =
            |found: &str| asked.contains(&fold(&key.comparison.canonical(found))) || asked.contains(&fold(found));
        let (mut taken, mut seen) = (Vec::new(), HashSet::new());
        for row in self.rows(database, &table, key, take, keys).await.map_err(|error| error.at(&place))? {
            match row.as_slice() {
                [Cell::Text(found), Cell::Text(value)] if same(found) => {
                    // An empty value says that there is none, and would join all who have none.
                    if !value.trim().is_empty() && seen.insert(value.clone()) {
                        taken.push(value.clone());
                    }
                }
                _ => self.mismatched += 1,
            }
        }
        Ok(taken)
    }

    /// At most `max_rows` rows with one of the keys. A key that cannot be of the column's type has none.
    async fn rows(
        &mut self,
        database: &OwnedDatabase,
        table: &Table,
        key: &Column,
        take: &Column,
        keys: &[String],
    ) -> Result<Vec<Row>, DbError> {
        let max_rows = database.options.max_rows;
        let mut rows = Vec::new();
        let mut open: Vec<_> = keys.chunks(CHUNK).rev().collect();
        while let Some(keys) = open.pop() {
            let limit = max_rows - rows.len() + 1;
            let take = [Output { column: take, form: Form::Text }];
            let keyed = Keys::Of(key, keys);
            let query = Select { table, keys: keyed, take: &take, distinct: true, lock: false, limit };
            match all(database.live.database.as_ref(), &query).await {
                Ok(found) => rows.extend(found),
                // Which of them it is, halving finds: one bad key must not hide the others.
                Err(DbError::Uncastable) if keys.len() > 1 => {
                    let (first, second) = keys.split_at(keys.len() / 2);
                    open.extend([second, first]);
                }
                Err(DbError::Uncastable) => {}
                Err(error) => return Err(error),
            }
            if rows.len() > max_rows {
                rows.truncate(max_rows);
                self.truncated = true;
                break;
            }
        }
        Ok(rows)
    }
}
