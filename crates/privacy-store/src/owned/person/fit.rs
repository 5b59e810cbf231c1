//! Whether a table can hold what masking makes of its fields.

use privacy_dataset::{MaskedField, MaskedFields, MaskingStrategy};
use segment_core::ports::DirectoryError;

use super::walk::Place;
use crate::owned::{
    OwnedDatabases,
    database::{Column, Constraints, Holds},
    directory::with_cause,
};

/// What is masked in one table, as its columns allow.
#[derive(Debug, Default)]
pub(super) struct Fitting {
    pub(super) masks: Vec<ColumnMask>,
    /// The columns of the primary key, by which rows are named. Empty where nothing is masked.
    pub(super) key: Vec<String>,
    /// Fields that are left as they are, and why: sentences.
    pub(super) left: Vec<String>,
}

/// What is masked of one column.
#[derive(Debug)]
pub(super) struct ColumnMask {
    pub(super) column: String,
    pub(super) how: How,
}

#[derive(Debug)]
pub(super) enum How {
    /// Becomes null.
    Null,
    Whole(FieldMask),
    /// Fields nested in JSON.
    Nested(Vec<FieldMask>),
}

#[derive(Debug)]
pub(super) struct FieldMask {
    /// Below the column; empty for the column itself.
    pub(super) path: Vec<String>,
    pub(super) strategy: MaskingStrategy,
    pub(super) max_length: Option<usize>,
}

impl Fitting {
    /// Nothing is masked of a table that cannot be, and it is said why.
    pub(super) fn unfit(error: DirectoryError) -> Result<Self, DirectoryError> {
        match error {
            DirectoryError::Schema(why) => Ok(Self { left: vec![why], ..Self::default() }),
            other => Err(other),
        }
    }

    /// What is masked of a place, or why it cannot be. Nothing where its database is only read.
    pub(super) async fn new(databases: &OwnedDatabases, place: &Place<'_>) -> Result<Self, DirectoryError> {
        if !place.database.masks {
            return Ok(Self::default());
        }
        let targets: Vec<_> = databases.targets.values().cloned().collect();
        let (dataset, collection) = (place.visit.dataset.as_str(), place.visit.collection.as_str());
        let planned = MaskedFields::new(&databases.datasets, dataset, collection, &databases.policy, &targets)
            .map_err(|error| DirectoryError::Schema(with_cause(&error)))?;
        let mut fitting = Self { left: planned.left, ..Self::default() };
        if planned.fields.is_empty() {
            return Ok(fitting);
        }
        let constraints = place.database.live.database.constraints(&place.table).await;
        let constraints = constraints.map_err(|error| place.failed(error))?;
        for field in &planned.fields {
            fitting.add(place, &constraints, field)?;
        }
        if !fitting.masks.is_empty() {
            fitting.key = key(databases, place, &constraints)?;
            fitting.keeps_unique(place, &constraints)?;
        }
        Ok(fitting)
    }

    fn add(&mut self, place: &Place<'_>, constraints: &Constraints, field: &MaskedField) -> Result<(), DirectoryError> {
        let named = format!("{}.{}", place.visit.name(), field.path);
        let refuse = |why: String| Err(DirectoryError::Schema(format!("{named} cannot be masked: {why}")));
        let (name, below) =
            field.path.segments().split_first().map_or(("", [].as_slice()), |(name, below)| (name, below));
        // Looked up by name: a column that holds no single values can be masked all the same.
        let Some(column) = place.columns.get(name) else {
            return refuse("it is no column of its table".to_owned());
        };
        let role = match () {
            () if constraints.primary.iter().any(|key| key == name) => Some("part of the primary key"),
            // SQLite shows a column as the foreign key spells it.
            () if constraints.foreign.iter().any(|key| key.eq_ignore_ascii_case(name)) => Some("part of a foreign key"),
            () => None,
        };
        match role {
            Some(role) if field.overridden => {
                return refuse(format!("it is {role}, which is never masked; take its masking_strategy_override away"));
            }
            Some(role) => {
                self.left.push(format!("{named} holds personal data and is {role}: it stays as it is"));
                return Ok(());
            }
            None if !column.writable => {
                return refuse("the database computes it; mask what it is computed from".to_owned());
            }
            None => {}
        }
        let mask = FieldMask {
            path: below.to_vec(),
            strategy: field.strategy.clone(),
            max_length: shorter(field.length, column.max_length.filter(|_| below.is_empty())),
        };
        if !below.is_empty() {
            if !matches!(column.holds, Holds::Json | Holds::Text) {
                return refuse(format!("its column is {}, which holds no nested fields", column.sql_type));
            }
            if column.holds == Holds::Text && !column.nullable {
                let column = format!("{}.{name}", place.visit.name());
                let said = format!(
                    "what is no JSON in {column} cannot become null, which is not allowed there: then nothing is masked"
                );
                if !self.left.contains(&said) {
                    self.left.push(said);
                }
            }
            self.nest(name, mask);
            return Ok(());
        }
        let how = match column.holds {
            Holds::Text if !field.strategy.is_null() => How::Whole(mask),
            _ if column.nullable => How::Null,
            _ => return refuse(not_null(column, &field.strategy)),
        };
        self.masks.push(ColumnMask { column: name.to_owned(), how });
        Ok(())
    }

    fn nest(&mut self, column: &str, mask: FieldMask) {
        let known = self.masks.iter_mut().find(|known| known.column == column);
        match known.map(|known| &mut known.how) {
            Some(How::Nested(masks)) => masks.push(mask),
            Some(_) => {}
            None => self.masks.push(ColumnMask { column: column.to_owned(), how: How::Nested(vec![mask]) }),
        }
    }

    /// Equal values everywhere are no values of a unique index.
    fn keeps_unique(&mut self, place: &Place<'_>, constraints: &Constraints) -> Result<(), DirectoryError> {
        let constant = |name: &String| {
            let mask = self.masks.iter().find(|mask| mask.column == *name);
            matches!(mask.map(|mask| &mask.how), Some(How::Whole(mask)) if mask.strategy.is_constant())
        };
        let broken = constraints.unique.iter().find(|columns| !columns.is_empty() && columns.iter().all(constant));
        let varies = |name: &String| self.masks.iter().any(|mask| mask.column == *name) && !constant(name);
        let stays_unique = |columns: &&Vec<String>| self.key.iter().all(|key| columns.contains(key));
        let may_break = |columns: &&Vec<String>| columns.iter().any(constant) && !columns.iter().any(varies);
        let doubtful: Vec<_> =
            constraints.unique.iter().filter(may_break).filter(|columns| !stays_unique(columns)).cloned().collect();
        self.left.extend(doubtful.iter().map(|columns| {
            format!(
                "the unique index over {}.{} may be violated, since string_rewrite makes values equal: then nothing is masked",
                place.visit.name(),
                columns.join(", ")
            )
        }));
        match broken {
            None => Ok(()),
            Some(columns) => Err(DirectoryError::Schema(format!(
                "{}.{} cannot be masked: a unique index would be violated, since string_rewrite makes all values equal. Use \
                 hmac or random_string_rewrite, or null_rewrite where null is allowed",
                place.visit.name(),
                columns.join(", ")
            ))),
        }
    }
}

fn not_null(column: &Column, strategy: &MaskingStrategy) -> String {
    let null = "null is not allowed in it";
    if strategy.is_null() {
        return format!("{null}, so `null_rewrite` is not possible; use another strategy, or `preserve`");
    }
    format!(
        "it is {}, in which `{}` has no place, and {null}. Allow null, or override it with `preserve`",
        column.sql_type,
        strategy.name()
    )
}

fn shorter(said: Option<u32>, live: Option<usize>) -> Option<usize> {
    let said = said.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    said.into_iter().chain(live).min()
}

/// By which columns rows are named: the live primary key, or the one of the dataset where a unique index holds it.
fn key(
    databases: &OwnedDatabases,
    place: &Place<'_>,
    constraints: &Constraints,
) -> Result<Vec<String>, DirectoryError> {
    let name = place.visit.name();
    let refuse = |why: &str| Err(DirectoryError::Schema(format!("{name} cannot be masked: {why}")));
    if !constraints.is_table {
        return refuse("it is no table; describe the table behind it, or set `skip_processing`");
    }
    if !constraints.rolls_back {
        return refuse(
            "its engine has no transactions, so half a masking could not be taken back: ALTER TABLE … ENGINE = InnoDB",
        );
    }
    let unnamed = unnamed(place, &constraints.primary);
    if !constraints.primary.is_empty() && unnamed.is_none() {
        return Ok(constraints.primary.clone());
    }
    let fields =
        databases.dataset(&place.visit.dataset).and_then(|dataset| dataset.collection(&place.visit.collection));
    let fields = fields.iter().flat_map(|collection| &collection.fields).filter(|field| field.primary_key);
    let said: Vec<_> = fields.map(|field| field.name.clone()).collect();
    let same =
        |columns: &&Vec<String>| columns.len() == said.len() && columns.iter().all(|column| said.contains(column));
    let found = constraints.unique.iter().find(same).filter(|columns| self::unnamed(place, columns).is_none());
    match (found, unnamed) {
        (Some(columns), _) => Ok(columns.clone()),
        (None, Some(column)) => refuse(&format!(
            "its primary key has {}, which is {}, and such values name no row. Give it a unique index over columns of texts or whole \
             numbers, and call those `primary_key` in the dataset",
            column.name, column.sql_type
        )),
        (None, None) => refuse(
            "it has no primary key, so its rows cannot be named. Give it one, or a unique index over the fields that the dataset \
             calls `primary_key`",
        ),
    }
}

/// A column of a key by which no row can be named: rows are named by what their key shows as a text.
fn unnamed<'p>(place: &'p Place<'_>, key: &[String]) -> Option<&'p Column> {
    let mut columns = key.iter().filter_map(|name| place.columns.get(name));
    columns.find(|column| !column.scalar || column.holds == Holds::Bytes)
}
