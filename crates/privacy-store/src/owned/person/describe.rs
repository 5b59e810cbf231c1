//! What the connection test says of a dataset: how a person's rows are found, at what cost, and what is masked.

use std::collections::BTreeSet;

use privacy_dataset::{Entry, FieldRef, Origin, Traversal, Visit};
use segment_core::{
    ConnectionKey, IdentityKind, RowStep,
    ports::{DirectoryCheck, DirectoryError},
};

use super::{
    fit::{Fitting, How},
    walk::Place,
};
use crate::owned::{
    OwnedDatabases,
    database::{Column, Holds},
    databases::OwnedDatabase,
    describe::{check, connection, problem, said, warning},
    directory::with_cause,
};

/// The look-ups of one database for somebody of whom everything is known.
pub(super) async fn steps(databases: &OwnedDatabases, dataset: &ConnectionKey) -> Result<Vec<RowStep>, DirectoryError> {
    let Some(database) = databases.by_key(dataset) else { return Ok(Vec::new()) };
    let plan = plan(databases).map_err(|error| DirectoryError::Schema(with_cause(&error)))?;
    let mut steps = Vec::new();
    for (index, visit) in visits_of(databases, &plan, database) {
        let place = Place::find(databases, &plan, index).await?;
        for entry in &visit.entries {
            steps.push(step(databases, &plan, &place, entry).await?);
        }
    }
    Ok(steps)
}

async fn step(
    databases: &OwnedDatabases,
    plan: &Traversal,
    place: &Place<'_>,
    entry: &Entry,
) -> Result<RowStep, DirectoryError> {
    let cost = place.database.live.database.explain(&place.table, place.column(&entry.column)?).await;
    let cost = cost.map_err(|error| place.failed(error))?;
    Ok(RowStep {
        collection: labelled(databases, place.visit),
        by: entry.column.clone(),
        values_of: values_of(databases, plan, &entry.values),
        expected_rows: cost.rows,
        index: Some(cost.index),
    })
}

/// By everything that could be known of a person.
fn plan(databases: &OwnedDatabases) -> Result<Traversal, privacy_dataset::PlanError> {
    let collections = databases.datasets.iter().flat_map(|dataset| &dataset.collections);
    let fields = collections.filter(|collection| !collection.skip_processing).flat_map(|collection| collection.walk());
    let kinds = fields.filter_map(|(_, field)| IdentityKind::parse(field.identity.as_deref()?).ok()).collect();
    let targets: BTreeSet<&FieldRef> = databases.targets.values().collect();
    Traversal::new(&databases.datasets, &kinds, &targets.into_iter().cloned().collect::<Vec<_>>())
}

fn visits_of<'p>(databases: &OwnedDatabases, plan: &'p Traversal, database: &OwnedDatabase) -> Vec<(usize, &'p Visit)> {
    let here = |visit: &Visit| databases.of_dataset(&visit.dataset).is_some_and(|of| of.key == database.key);
    plan.visits.iter().enumerate().filter(|(_, visit)| here(visit)).collect()
}

fn labelled(databases: &OwnedDatabases, visit: &Visit) -> String {
    format!("{}.{}", databases.label(&visit.dataset), visit.collection)
}

fn values_of(databases: &OwnedDatabases, plan: &Traversal, origin: &Origin) -> String {
    match origin {
        Origin::Identity(kind) => format!("identity {kind}"),
        Origin::UserIds(target) => {
            let of = databases.targets.iter().filter(|(_, field)| *field == target).map(|(key, _)| key.as_str());
            format!("user ids of {}", of.collect::<Vec<_>>().join(", "))
        }
        Origin::Rows { visit, column, .. } => format!("{}.{column}", labelled(databases, &plan.visits[*visit])),
        _ => "what is known".to_owned(),
    }
}

/// Every check of one dataset, in the order in which to mend what fails.
pub(super) async fn checks(databases: &OwnedDatabases, dataset: &ConnectionKey) -> Vec<DirectoryCheck> {
    databases.forget();
    let mut checks = Vec::new();
    let Some(database) = databases.by_key(dataset) else { return checks };
    if !connection(Some(database), dataset.as_str(), &mut checks).await {
        return checks;
    }
    let plan = match plan(databases) {
        Ok(plan) => plan,
        Err(error) => {
            checks.push(check(format!("dataset {dataset}: references"), Err(problem(with_cause(&error)))));
            return checks;
        }
    };
    checks.push(check(format!("dataset {dataset}: references"), references(databases, &plan, database)));
    for (index, visit) in visits_of(databases, &plan, database) {
        match Place::find(databases, &plan, index).await {
            Ok(place) => collection(databases, &plan, &place, &mut checks).await,
            Err(error) => {
                checks.push(check(format!("dataset {dataset}: rows of {}", visit.collection), Err(said(&error))));
            }
        }
    }
    checks
}

fn references(
    databases: &OwnedDatabases,
    plan: &Traversal,
    database: &OwnedDatabase,
) -> Result<(), segment_core::ports::DirectoryProblem> {
    let mut sentences = plan.not_followed.clone();
    let here = |name: &&String| {
        let of = databases.datasets.iter().find(|dataset| name.starts_with(&format!("{}.", dataset.fides_key)));
        of.and_then(|dataset| databases.of_dataset(&dataset.fides_key)).is_some_and(|of| of.key == database.key)
    };
    let unreached: Vec<_> = plan.unreached.iter().filter(here).map(String::as_str).collect();
    if !unreached.is_empty() {
        sentences.push(format!(
            "nothing leads to {}, which holds personal data: add an `identity` or `references`, or `skip_processing`",
            unreached.join(", ")
        ));
    }
    if sentences.is_empty() { Ok(()) } else { Err(warning(sentences.join("; "))) }
}

async fn collection(databases: &OwnedDatabases, plan: &Traversal, place: &Place<'_>, checks: &mut Vec<DirectoryCheck>) {
    let key = &place.database.key;
    for entry in &place.visit.entries {
        let name = format!("dataset {key}: {} by {}", place.visit.collection, entry.column);
        let result = match step(databases, plan, place, entry).await {
            Err(error) => Err(said(&error)),
            Ok(step) if step.index == Some(false) => {
                let index = place
                    .column(&entry.column)
                    .map(|column| place.database.live.database.create_index(&place.table, column));
                let helps = index.map(|index| format!("; this would help: {index}")).unwrap_or_default();
                Err(warning(format!("{}{helps}", sentence(&step))))
            }
            Ok(step) => Ok(sentence(&step)),
        };
        checks.push(DirectoryCheck { name, result });
    }
    let fields =
        databases.dataset(&place.visit.dataset).and_then(|dataset| dataset.collection(&place.visit.collection));
    let missing: Vec<_> = fields
        .iter()
        .flat_map(|collection| &collection.fields)
        .filter(|field| !place.columns.contains_key(&field.name))
        .map(|field| format!("the field {}.{} is no column of its table", place.visit.name(), field.name))
        .collect();
    if !missing.is_empty() {
        let name = format!("dataset {key}: fields of {}", place.visit.collection);
        checks.push(check(name, Err(problem(missing.join("; ")))));
    }
    let types: Vec<_> = fields
        .iter()
        .flat_map(|collection| &collection.fields)
        .filter_map(|field| differs(field.data_type.as_deref()?, place.columns.get(&field.name)?))
        .collect();
    if !types.is_empty() {
        let name = format!("dataset {key}: types of {}", place.visit.collection);
        checks.push(check(name, Err(warning(format!("{}: correct `data_type`", types.join("; "))))));
    }
    if place.database.masks {
        masking(databases, place, checks).await;
    }
}

/// Where the dataset's type and the live column's contradict each other. What we do follows the column's.
fn differs(said: &str, column: &Column) -> Option<String> {
    let fits = match said.trim_end_matches("[]") {
        "string" => !matches!(column.holds, Holds::Number | Holds::Boolean | Holds::Bytes),
        "integer" | "float" => matches!(column.holds, Holds::Number | Holds::Other | Holds::Json),
        "boolean" => matches!(column.holds, Holds::Boolean | Holds::Number | Holds::Other),
        "object" => matches!(column.holds, Holds::Json | Holds::Text | Holds::Other),
        _ => true,
    };
    (!fits).then(|| format!("{} is {} in the dataset and {} in the table", column.name, said, column.sql_type))
}

fn sentence(step: &RowStep) -> String {
    let rows = step.expected_rows.map_or(String::new(), |rows| format!(", about {rows} rows a value"));
    let index = match step.index {
        Some(true) => ", by an index",
        Some(false) => ", without an index: each look-up reads the whole table",
        None => "",
    };
    format!("asked by {}{rows}{index}", step.values_of)
}

async fn masking(databases: &OwnedDatabases, place: &Place<'_>, checks: &mut Vec<DirectoryCheck>) {
    let name = format!("dataset {}: masking of {}", place.database.key, place.visit.collection);
    let fitting = match Fitting::new(databases, place).await {
        Ok(fitting) => fitting,
        Err(error) => return checks.push(check(name, Err(said(&error)))),
    };
    let says = if fitting.masks.is_empty() { "nothing is masked".to_owned() } else { masks(&fitting) };
    let mut warnings = fitting.left.clone();
    if is_reversible(&fitting) {
        warnings.push("aes_encrypt can be undone by whoever has the key: it hides, and does not erase".to_owned());
    }
    let result = if warnings.is_empty() { Ok(says) } else { Err(warning(format!("{says}; {}", warnings.join("; ")))) };
    checks.push(DirectoryCheck { name, result });
}

fn masks(fitting: &Fitting) -> String {
    let one = |mask: &super::fit::ColumnMask| match &mask.how {
        How::Null => format!("{} becomes null", mask.column),
        How::Whole(field) => format!("{} by {}", mask.column, field.strategy.name()),
        How::Nested(fields) => {
            let fields = fields.iter().map(|field| format!("{} by {}", field.path.join("."), field.strategy.name()));
            format!("in {}: {}", mask.column, fields.collect::<Vec<_>>().join(", "))
        }
    };
    fitting.masks.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn is_reversible(fitting: &Fitting) -> bool {
    fitting.masks.iter().any(|mask| match &mask.how {
        How::Null => false,
        How::Whole(field) => field.strategy.is_reversible(),
        How::Nested(fields) => fields.iter().any(|field| field.strategy.is_reversible()),
    })
}
