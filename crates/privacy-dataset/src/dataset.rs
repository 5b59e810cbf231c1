//! What a dataset says, as far as privacy requests need it.

use segment_core::IdentityKind;

use crate::{DatasetError, FieldPath, FieldRef, yaml};

/// The collections of one database, as a Fides dataset describes them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Dataset {
    /// The key by which references and the configuration name this dataset.
    pub fides_key: String,
    /// For people.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Such as `user.contact`: of every field in it.
    pub data_categories: Vec<String>,
    /// The schema of all its tables (`fides_meta.namespace.schema`), where it is not the database's default.
    pub schema: Option<String>,
    /// In the order of the file.
    pub collections: Vec<Collection>,
}

impl Dataset {
    /// Reads every dataset of a YAML document.
    pub fn parse_all(yaml: &str) -> Result<Vec<Self>, DatasetError> {
        yaml::parse_all(yaml)
    }

    /// The collection of that name.
    #[must_use]
    pub fn collection(&self, name: &str) -> Option<&Collection> {
        self.collections.iter().find(|collection| collection.name == name)
    }

    /// Finds what `field` names in this dataset. A collection may have dots in its name (`schema.table`), so the
    /// boundary between collection and field is known only here; the shortest collection name wins.
    pub(crate) fn resolve(&self, field: &FieldRef) -> Option<(&Collection, FieldPath)> {
        field.splits().find_map(|(name, path)| {
            let collection = self.collection(&name)?;
            collection.field(&path).map(|_| (collection, path))
        })
    }
}

/// A table, or whatever the database calls it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Collection {
    /// The table's name; `schema.table` is possible.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Such as `user.contact`: of every field in it.
    pub data_categories: Vec<String>,
    /// In the order of the file.
    pub fields: Vec<Field>,
    /// Collections (`dataset.collection`) that come before this one.
    pub after: Vec<String>,
    /// Leave this collection out of every request.
    pub skip_processing: bool,
}

impl Collection {
    /// The field at that path.
    #[must_use]
    pub fn field(&self, path: &FieldPath) -> Option<&Field> {
        let mut fields = &self.fields;
        let mut found = None;
        for name in path.segments() {
            let field = fields.iter().find(|field| field.name == *name)?;
            fields = &field.fields;
            found = Some(field);
        }
        found
    }

    /// Every field with its path, nested ones after the field that holds them.
    #[must_use]
    pub fn walk(&self) -> Vec<(FieldPath, &Field)> {
        fn enter<'a>(parent: Option<&FieldPath>, fields: &'a [Field], all: &mut Vec<(FieldPath, &'a Field)>) {
            for field in fields {
                let path = FieldPath::below(parent, &field.name);
                all.push((path.clone(), field));
                enter(Some(&path), &field.fields, all);
            }
        }
        let mut all = Vec::new();
        enter(None, &self.fields, &mut all);
        all
    }
}

/// A column, or a field nested in one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Field {
    /// The column's name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Such as `user.contact.email`.
    pub data_categories: Vec<String>,
    /// The kind of identity that this field holds, in the file's spelling.
    pub identity: Option<String>,
    /// Whether it is part of the primary key.
    pub primary_key: bool,
    /// Whether it must not be written.
    pub read_only: bool,
    /// Fields that hold equal values.
    pub references: Vec<Reference>,
    /// Such as `string`, `integer`, `object`.
    pub data_type: Option<String>,
    /// How many characters fit.
    pub length: Option<u32>,
    /// How this field is masked whatever the policy says.
    pub masking_strategy_override: Option<MaskingOverride>,
    /// Nested fields.
    pub fields: Vec<Self>,
}

impl Field {
    /// Whether the field holds identities of that kind.
    #[must_use]
    pub fn holds(&self, kind: &IdentityKind) -> bool {
        self.identity.as_deref().is_some_and(|name| IdentityKind::parse(name).as_ref() == Ok(kind))
    }
}

/// The values of the field that carries this reference equal those of the field it names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// The referenced field.
    pub field: FieldRef,
    /// Which way data flows; `None` is both ways.
    pub direction: Option<Direction>,
}

/// Which way data flows along a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// `from`: from the referenced field to the one that carries the reference.
    From,
    /// `to`: from the field that carries the reference to the referenced one.
    To,
}

/// `masking_strategy_override`, not interpreted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MaskingOverride {
    /// Such as `string_rewrite`.
    pub strategy: String,
    /// The strategy's parameters; null where there are none.
    pub configuration: serde_json::Value,
}
