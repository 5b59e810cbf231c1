//! `dataset.collection.field`.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A field inside a collection: its name, or the names down to a nested field. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// Reads `field` or `field.nested`.
    pub fn parse(path: &str) -> Result<Self, FieldRefError> {
        segments(path, 1).map(Self)
    }

    pub(crate) fn below(parent: Option<&Self>, name: &str) -> Self {
        let mut segments = parent.map_or_else(Vec::new, |path| path.0.clone());
        segments.push(name.to_owned());
        Self(segments)
    }

    /// The names from the outermost in.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// The name, if this is no nested field.
    #[must_use]
    pub fn as_column(&self) -> Option<&str> {
        match self.0.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A field of a collection of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldRef {
    dataset: String,
    collection: String,
    field: FieldPath,
}

impl FieldRef {
    /// Names a field of `dataset` by `collection.field`, as references in a dataset do.
    pub fn new(dataset: &str, collection_and_field: &str) -> Result<Self, FieldRefError> {
        if dataset.trim().is_empty() {
            return Err(FieldRefError {
                needed: "dataset.collection.field",
                given: format!(".{collection_and_field}"),
            });
        }
        let mut rest = segments(collection_and_field, 2)?;
        let collection = rest.remove(0);
        Ok(Self { dataset: dataset.to_owned(), collection, field: FieldPath(rest) })
    }

    /// The dataset's key.
    #[must_use]
    pub fn dataset(&self) -> &str {
        &self.dataset
    }

    /// The collection's name.
    #[must_use]
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// The field inside the collection.
    #[must_use]
    pub fn field(&self) -> &FieldPath {
        &self.field
    }

    /// The same field of another dataset.
    #[must_use]
    pub fn in_dataset(mut self, dataset: &str) -> Self {
        dataset.clone_into(&mut self.dataset);
        self
    }

    pub(crate) fn from_parts(dataset: &str, collection: &str, field: FieldPath) -> Self {
        Self { dataset: dataset.to_owned(), collection: collection.to_owned(), field }
    }

    /// Every way to read `a.b.c` as a collection and a field of it: `a` and `b.c`, `a.b` and `c`.
    pub(crate) fn splits(&self) -> impl Iterator<Item = (String, FieldPath)> + '_ {
        (0..self.field.0.len()).map(|taken| {
            let mut collection = self.collection.clone();
            for name in &self.field.0[..taken] {
                collection.push('.');
                collection.push_str(name);
            }
            (collection, FieldPath(self.field.0[taken..].to_vec()))
        })
    }
}

impl fmt::Display for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.dataset, self.collection, self.field)
    }
}

impl FromStr for FieldRef {
    type Err = FieldRefError;

    fn from_str(text: &str) -> Result<Self, FieldRefError> {
        let mut all = segments(text, 3)?;
        let dataset = all.remove(0);
        let collection = all.remove(0);
        Ok(Self { dataset, collection, field: FieldPath(all) })
    }
}

fn segments(text: &str, at_least: usize) -> Result<Vec<String>, FieldRefError> {
    let all: Vec<_> = text.split('.').map(|name| name.trim().to_owned()).collect();
    if all.len() < at_least || all.iter().any(String::is_empty) {
        let needed = match at_least {
            1 => "field",
            2 => "collection.field",
            _ => "dataset.collection.field",
        };
        return Err(FieldRefError { needed, given: text.to_owned() });
    }
    Ok(all)
}

/// A text that names no field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` is not of the form {needed}")]
pub struct FieldRefError {
    needed: &'static str,
    given: String,
}
