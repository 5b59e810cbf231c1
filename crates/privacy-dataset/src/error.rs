//! Why a dataset cannot be read, or a look-up cannot be planned. Places are `dataset.collection.field`.

use thiserror::Error;

/// Why a text is no dataset.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// Not YAML, or a value of another type than a dataset has there.
    #[error("the dataset cannot be read: {message}")]
    Yaml {
        /// Line in the text, from 1.
        line: Option<u64>,
        /// What is wrong, with line and column.
        message: String,
    },
    /// YAML, but about something else.
    #[error("this is not a dataset: a Fides dataset file is a mapping with the key `dataset` and a list below it")]
    NotADataset,
    /// A name without characters.
    #[error("{place} has an empty name: give it the name that the database has")]
    EmptyName {
        /// What holds the empty name.
        place: String,
    },
    /// Two datasets with one key.
    #[error("the dataset {dataset} is there twice: `fides_key` must be unique")]
    DuplicateDataset {
        /// The key.
        dataset: String,
    },
    /// Two collections with one name.
    #[error("the collection {place} is there twice: put its fields into one entry")]
    DuplicateCollection {
        /// `dataset.collection`
        place: String,
    },
    /// Two fields with one name.
    #[error("the field {place} is there twice: keep one of them")]
    DuplicateField {
        /// `dataset.collection.field`
        place: String,
    },
    /// A reference that names no field.
    #[error("{place} refers to `{given}`: a reference needs `dataset`, and `field` as collection.field")]
    BadReference {
        /// `dataset.collection.field`
        place: String,
        /// What stands there.
        given: String,
    },
    /// A direction that is neither `from` nor `to`.
    #[error("{place} has a reference with direction `{given}`: use `from`, `to`, or leave it out for both ways")]
    UnknownDirection {
        /// `dataset.collection.field`
        place: String,
        /// What stands there.
        given: String,
    },
}

/// Why a look-up cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No dataset of that key.
    #[error("there is no dataset `{dataset}`; {known}")]
    UnknownDataset {
        /// The key.
        dataset: String,
        /// The nearest known names.
        known: String,
    },
    /// The dataset has no such collection.
    #[error("the dataset `{dataset}` has no collection `{collection}`; {known}")]
    UnknownCollection {
        /// The dataset's key.
        dataset: String,
        /// The collection's name.
        collection: String,
        /// The nearest known names.
        known: String,
    },
    /// The collection has no such field.
    #[error("the collection `{dataset}.{collection}` has no field `{field}`; {known}")]
    UnknownField {
        /// The dataset's key.
        dataset: String,
        /// The collection's name.
        collection: String,
        /// The field's path.
        field: String,
        /// The nearest known names.
        known: String,
    },
    /// A reference whose other end is not there.
    #[error("the field {place} has a reference that leads nowhere")]
    BrokenReference {
        /// `dataset.collection.field` of the field that carries the reference.
        place: String,
        /// What is missing.
        source: Box<Self>,
    },
    /// The only way on leads into a dataset that is not loaded.
    #[error(
        "nothing leads to {target} but a reference between {place} and the dataset `{dataset}`, which is not loaded: \
         add it to the same file, or describe the way inside one database"
    )]
    DatasetNotLoaded {
        /// The wanted field.
        target: String,
        /// `dataset.collection.field` of the field that carries the reference.
        place: String,
        /// The dataset that is not loaded.
        dataset: String,
    },
    /// Two datasets with one key, from several files.
    #[error("the dataset `{dataset}` is loaded twice: `fides_key` must be unique")]
    DuplicateDataset {
        /// The key.
        dataset: String,
    },
    /// The wanted field is in a collection that must not be entered.
    #[error("the collection of {target} has `skip_processing`, so nothing may be looked up there")]
    TargetSkipped {
        /// The wanted field.
        target: String,
    },
    /// `after` names nothing.
    #[error("the collection {place} comes after `{given}`, which is no collection; {known}")]
    UnknownAfter {
        /// `dataset.collection`
        place: String,
        /// What stands there.
        given: String,
        /// The nearest known names.
        known: String,
    },
    /// The references make too many ways to the target.
    #[error(
        "too many or too long ways lead to {target} (at most {max} are followed): give the references a `direction`"
    )]
    TooManyRoutes {
        /// The wanted field.
        target: String,
        /// How many are followed.
        max: usize,
    },
}
