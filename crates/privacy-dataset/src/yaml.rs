//! The YAML as it is written, and the checks that make a [`Dataset`] of it.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value},
};

use crate::{Collection, Dataset, DatasetError, Direction, Field, FieldRef, MaskingOverride, Reference};

/// `dataset:` of a document, or that it has none.
#[derive(Debug)]
struct Document(Option<Vec<RawDataset>>);

#[derive(Debug, Deserialize)]
struct RawDataset {
    fides_key: String,
    name: Option<String>,
    description: Option<String>,
    data_categories: Option<Vec<String>>,
    fides_meta: Option<RawDatasetMeta>,
    fidesops_meta: Option<RawDatasetMeta>,
    #[serde(default)]
    collections: Option<Vec<RawCollection>>,
}

#[derive(Debug, Deserialize)]
struct RawDatasetMeta {
    namespace: Option<RawNamespace>,
}

#[derive(Debug, Deserialize)]
struct RawNamespace {
    schema: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RawCollection {
    name: String,
    description: Option<String>,
    data_categories: Option<Vec<String>>,
    fields: Option<Vec<RawField>>,
    fides_meta: Option<RawCollectionMeta>,
    fidesops_meta: Option<RawCollectionMeta>,
}

#[derive(Debug, Deserialize, Default)]
struct RawCollectionMeta {
    after: Option<Vec<String>>,
    skip_processing: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct RawField {
    name: String,
    description: Option<String>,
    data_categories: Option<Vec<String>>,
    fides_meta: Option<RawFieldMeta>,
    fidesops_meta: Option<RawFieldMeta>,
    fields: Option<Vec<Self>>,
}

#[derive(Debug, Deserialize, Default)]
struct RawFieldMeta {
    identity: Option<String>,
    primary_key: Option<bool>,
    read_only: Option<bool>,
    references: Option<Vec<RawReference>>,
    data_type: Option<String>,
    length: Option<u32>,
    masking_strategy_override: Option<RawMasking>,
}

#[derive(Debug, Deserialize)]
struct RawReference {
    #[serde(default)]
    dataset: String,
    #[serde(default)]
    field: String,
    direction: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RawMasking {
    strategy: String,
    #[serde(default)]
    configuration: serde_json::Value,
}

pub(crate) fn parse_all(yaml: &str) -> Result<Vec<Dataset>, DatasetError> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        // A parameter of a masking strategy that is not finite is for the strategy to refuse.
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
    };
    // The parser's default budgets bound depth, nodes and the replay of aliases.
    let Document(raw) = serde_saphyr::from_str_with_options(yaml, options).map_err(|error| DatasetError::Yaml {
        line: error.location().map(|location| location.line()),
        message: error.to_string(),
    })?;
    let datasets = raw.ok_or(DatasetError::NotADataset)?.into_iter().map(dataset).collect::<Result<Vec<_>, _>>()?;
    let mut seen = HashSet::new();
    match datasets.iter().find(|dataset| !seen.insert(&dataset.fides_key)) {
        Some(twice) => Err(DatasetError::DuplicateDataset { dataset: twice.fides_key.clone() }),
        None => Ok(datasets),
    }
}

fn dataset(raw: RawDataset) -> Result<Dataset, DatasetError> {
    let key = named(raw.fides_key, || "a dataset's `fides_key`".to_owned())?;
    let collections = raw
        .collections
        .unwrap_or_default()
        .into_iter()
        .map(|collection| self::collection(&key, collection))
        .collect::<Result<Vec<_>, _>>()?;
    let mut seen = HashSet::new();
    if let Some(twice) = collections.iter().find(|collection| !seen.insert(&collection.name)) {
        return Err(DatasetError::DuplicateCollection { place: format!("{key}.{}", twice.name) });
    }
    Ok(Dataset {
        schema: raw
            .fides_meta
            .or(raw.fidesops_meta)
            .and_then(|meta| meta.namespace)
            .and_then(|namespace| namespace.schema),
        fides_key: key,
        name: raw.name,
        description: raw.description,
        data_categories: raw.data_categories.unwrap_or_default(),
        collections,
    })
}

fn collection(dataset: &str, raw: RawCollection) -> Result<Collection, DatasetError> {
    let name = named(raw.name, || format!("a collection of {dataset}"))?;
    let meta = raw.fides_meta.or(raw.fidesops_meta).unwrap_or_default();
    Ok(Collection {
        fields: fields(&format!("{dataset}.{name}"), raw.fields)?,
        name,
        description: raw.description,
        data_categories: raw.data_categories.unwrap_or_default(),
        after: meta.after.unwrap_or_default(),
        skip_processing: meta.skip_processing.unwrap_or_default(),
    })
}

fn fields(place: &str, raw: Option<Vec<RawField>>) -> Result<Vec<Field>, DatasetError> {
    let fields =
        raw.unwrap_or_default().into_iter().map(|field| self::field(place, field)).collect::<Result<Vec<_>, _>>()?;
    let mut seen = HashSet::new();
    match fields.iter().find(|field| !seen.insert(&field.name)) {
        Some(twice) => Err(DatasetError::DuplicateField { place: format!("{place}.{}", twice.name) }),
        None => Ok(fields),
    }
}

fn field(parent: &str, raw: RawField) -> Result<Field, DatasetError> {
    let name = named(raw.name, || format!("a field of {parent}"))?;
    let place = format!("{parent}.{name}");
    let meta = raw.fides_meta.or(raw.fidesops_meta).unwrap_or_default();
    let references = meta.references.unwrap_or_default();
    Ok(Field {
        references: references.iter().map(|raw| reference(&place, raw)).collect::<Result<_, _>>()?,
        fields: fields(&place, raw.fields)?,
        name,
        description: raw.description,
        data_categories: raw.data_categories.unwrap_or_default(),
        identity: meta.identity,
        primary_key: meta.primary_key.unwrap_or_default(),
        read_only: meta.read_only.unwrap_or_default(),
        data_type: meta.data_type,
        length: meta.length,
        masking_strategy_override: meta
            .masking_strategy_override
            .map(|raw| MaskingOverride { strategy: raw.strategy, configuration: raw.configuration }),
    })
}

fn reference(place: &str, raw: &RawReference) -> Result<Reference, DatasetError> {
    let field = FieldRef::new(&raw.dataset, &raw.field).map_err(|_| DatasetError::BadReference {
        place: place.to_owned(),
        given: format!("{}.{}", raw.dataset, raw.field).trim_matches('.').to_owned(),
    })?;
    let direction = match raw.direction.as_deref() {
        None => None,
        Some("from") => Some(Direction::From),
        Some("to") => Some(Direction::To),
        Some(other) => {
            return Err(DatasetError::UnknownDirection { place: place.to_owned(), given: other.to_owned() });
        }
    };
    Ok(Reference { field, direction })
}

fn named(name: String, place: impl FnOnce() -> String) -> Result<String, DatasetError> {
    if name.trim().is_empty() { Err(DatasetError::EmptyName { place: place() }) } else { Ok(name) }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

/// Tells "something else than a dataset" from a dataset with a mistake.
struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping with the key `dataset`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut datasets = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "dataset" {
                datasets = map.next_value::<OneOrMany>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Document(datasets))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Document(None))
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Document, E> {
        Ok(Document(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Document, E> {
        Ok(Document(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Document, E> {
        Ok(Document(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Document, E> {
        Ok(Document(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Document, E> {
        Ok(Document(None))
    }
}

/// A list of datasets, or one without a list around it; nothing where the key has no value.
struct OneOrMany(Option<Vec<RawDataset>>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor)
    }
}

struct OneOrManyVisitor;

impl<'de> Visitor<'de> for OneOrManyVisitor {
    type Value = OneOrMany;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of datasets below `dataset`")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany, A::Error> {
        RawDataset::deserialize(value::MapAccessDeserializer::new(map)).map(|one| OneOrMany(Some(vec![one])))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = seq.next_element()? {
            all.push(one);
        }
        Ok(OneOrMany(Some(all)))
    }

    fn visit_unit<E>(self) -> Result<OneOrMany, E> {
        Ok(OneOrMany(None))
    }
}
