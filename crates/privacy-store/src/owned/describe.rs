//! Compares the dataset with the live tables.

use std::collections::{BTreeMap, BTreeSet};

use privacy_dataset::{FieldPath, PlanError, Route, Step};
use segment_core::{
    IdentityKind, RowStep,
    ports::{DirectoryCheck, DirectoryError, DirectoryProblem},
};

use super::{
    OwnedDatabases, OwnedDirectory,
    database::{Columns, Table},
    databases::OwnedDatabase,
    directory::with_cause,
    lookup::{column, place},
};

/// The fields that look-ups use of one collection: whether each is a key of some step.
struct Used {
    step: Step,
    fields: BTreeMap<FieldPath, bool>,
}

/// Every check, in the order in which to mend what fails: connection, dataset, collections with fields and indexes.
pub(crate) async fn checks(directory: &OwnedDirectory) -> Vec<DirectoryCheck> {
    let databases = &directory.databases;
    let label = databases.label(directory.target.dataset()).to_owned();
    databases.forget();
    let mut checks = Vec::new();
    let own = databases.of_dataset(directory.target.dataset());
    if !connection(own, &label, &mut checks).await {
        return checks;
    }
    let kinds = kinds(directory);
    let name = format!("dataset {label}: field {}", directory.target);
    let (routes, lost) = match routes(directory, &kinds) {
        Ok(found) => found,
        Err(error) => {
            checks.push(check(name, Err(problem(with_cause(&error)))));
            return checks;
        }
    };
    checks.push(check(name, Ok(())));
    checks.push(check(format!("dataset {label}: identities"), identities(directory, &routes, &lost)));
    let mut reached = BTreeMap::from([(own.map(|database| &database.key), true)]);
    for used in used(&routes) {
        let other = databases.of_dataset(&used.step.dataset);
        let key = other.map(|database| &database.key);
        let known = reached.get(&key).copied();
        let is_reached = match known {
            Some(is_reached) => is_reached,
            None => connection(other, databases.label(&used.step.dataset), &mut checks).await,
        };
        reached.insert(key, is_reached);
        if let (true, Some(database)) = (is_reached, other) {
            collection(database, &used, &mut checks).await;
        }
    }
    checks
}

/// What one look-up costs. `values_of` says where the values come from, and is moved on to what this one takes.
pub(crate) async fn step(
    databases: &OwnedDatabases,
    step: &Step,
    values_of: &mut String,
) -> Result<RowStep, DirectoryError> {
    let database = databases.of_dataset(&step.dataset);
    let database = database.ok_or_else(|| DirectoryError::Schema(format!("{} is in no database", step.dataset)))?;
    let (table, name) = (Table::of(step), place(step));
    let columns = database.live.columns(&table, &name).await?;
    let column = column(&columns, step, &step.key_field)?;
    let cost = database.live.database.explain(&table, column).await.map_err(|error| error.at(&name))?;
    let collection = format!("{}.{}", databases.label(&step.dataset), step.collection);
    let takes = format!("{collection}.{}", step.take_field);
    Ok(RowStep {
        collection,
        by: step.key_field.to_string(),
        values_of: std::mem::replace(values_of, takes),
        expected_rows: cost.rows,
        index: Some(cost.index),
    })
}

/// Whether a database can be read.
pub(crate) async fn connection(
    database: Option<&OwnedDatabase>,
    label: &str,
    checks: &mut Vec<DirectoryCheck>,
) -> bool {
    // A dataset that is in no database is no part of the plan either, which says so.
    let Some(database) = database else { return true };
    let connected = database.live.database.ping().await;
    let is_connected = connected.is_ok();
    let result = connected.map_err(|error| problem(format!("no look-up is possible: {}", error.fault())));
    checks.push(check(format!("dataset {label}: connection"), result));
    is_connected
}

/// The kinds of identity that the dataset declares.
fn kinds(directory: &OwnedDirectory) -> BTreeSet<IdentityKind> {
    let collections = directory.databases.datasets.iter().flat_map(|dataset| &dataset.collections);
    let fields = collections.filter(|collection| !collection.skip_processing).flat_map(|collection| collection.walk());
    fields.filter_map(|(_, field)| IdentityKind::parse(field.identity.as_deref()?).ok()).collect()
}

/// The routes of all kinds, and the kinds without one.
fn routes(
    directory: &OwnedDirectory,
    kinds: &BTreeSet<IdentityKind>,
) -> Result<(Vec<Route>, Vec<IdentityKind>), PlanError> {
    // Without any kind, whether the target is there is still to be found out.
    directory.plan(kinds.first().unwrap_or(&IdentityKind::Email))?;
    let (mut routes, mut lost) = (Vec::new(), Vec::new());
    for kind in kinds {
        match directory.plan(kind)? {
            Some(plan) => routes.extend_from_slice(plan.routes()),
            None => lost.push(kind.clone()),
        }
    }
    Ok((routes, lost))
}

fn identities(directory: &OwnedDirectory, routes: &[Route], lost: &[IdentityKind]) -> Result<(), DirectoryProblem> {
    let target = &directory.target;
    if routes.is_empty() {
        return Err(problem(format!(
            "no identity leads to {target}: give the column that holds e-mail addresses `fides_meta: {{ identity: email }}`, \
             and the columns between it and {target} `references`"
        )));
    }
    if lost.is_empty() {
        return Ok(());
    }
    let lost: Vec<_> = lost.iter().map(IdentityKind::as_str).collect();
    Err(warning(format!(
        "nobody is found by {}: the collections that hold such identities do not lead to {target}; add `references`",
        lost.join(", ")
    )))
}

fn used(routes: &[Route]) -> Vec<Used> {
    let mut all: Vec<Used> = Vec::new();
    for step in routes.iter().flat_map(Route::steps) {
        let same = |used: &Used| used.step.dataset == step.dataset && used.step.collection == step.collection;
        let index = all.iter().position(same).unwrap_or_else(|| {
            all.push(Used { step: step.clone(), fields: BTreeMap::new() });
            all.len() - 1
        });
        all[index].fields.insert(step.key_field.clone(), true);
        all[index].fields.entry(step.take_field.clone()).or_default();
    }
    all
}

async fn collection(database: &OwnedDatabase, used: &Used, checks: &mut Vec<DirectoryCheck>) {
    let Step { dataset, collection, .. } = &used.step;
    let name = format!("dataset {dataset}: collection {collection}");
    match database.live.columns(&Table::of(&used.step), &place(&used.step)).await {
        Err(error) => checks.push(check(name, Err(said(&error)))),
        Ok(columns) => {
            checks.push(check(name, Ok(())));
            for (path, is_key) in &used.fields {
                field(database, used, &columns, path, *is_key, checks).await;
            }
        }
    }
}

async fn field(
    database: &OwnedDatabase,
    used: &Used,
    columns: &Columns,
    path: &FieldPath,
    is_key: bool,
    checks: &mut Vec<DirectoryCheck>,
) {
    let Step { dataset, collection, .. } = &used.step;
    let found = column(columns, &used.step, path);
    let result = found.as_ref().map(drop).map_err(said);
    checks.push(check(format!("dataset {dataset}: field {collection}.{path}"), result));
    let (true, Ok(column)) = (is_key, found) else { return };
    let (database, table) = (&database.live.database, Table::of(&used.step));
    let result = match database.explain(&table, column).await.map(|cost| cost.index) {
        Ok(true) => Ok(()),
        Ok(false) => Err(warning(format!(
            "no index serves {dataset}.{collection}.{path}, so each look-up reads the whole table; this would help \
             (for a view, on the table behind it): {}",
            database.create_index(&table, column)
        ))),
        Err(error) => {
            Err(warning(format!("whether an index serves {dataset}.{collection}.{path} is unknown: {}", error.fault())))
        }
    };
    checks.push(check(format!("dataset {dataset}: index {collection}.{path}"), result));
}

pub(crate) fn check(name: String, result: Result<(), DirectoryProblem>) -> DirectoryCheck {
    DirectoryCheck { name, result: result.map(|()| "as the dataset says".to_owned()) }
}

pub(crate) fn problem(message: String) -> DirectoryProblem {
    DirectoryProblem { warning: false, message }
}

pub(crate) fn warning(message: String) -> DirectoryProblem {
    DirectoryProblem { warning: true, message }
}

pub(crate) fn said(error: &DirectoryError) -> DirectoryProblem {
    match std::error::Error::source(error) {
        Some(source) => problem(format!("{error}: {source}")),
        None => problem(error.to_string()),
    }
}
