//! The records of a collection as rows of a table.

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use super::{
    texts::{Collection, Texts},
    values::Shown,
};
use crate::archive::Gathered;
use crate::layout::{Shape, files_of};
use crate::survey::{Members, Survey, event_name};

/// A table that is wider than this is shown as a list of names and values.
const WIDEST: usize = 8;

/// How the records of a collection are shown.
pub(super) struct Rows<'a> {
    texts: &'a Texts,
    shape: Shape,
    survey: &'a Survey,
    /// The file that holds all of them.
    file: String,
    caption: String,
}

impl<'a> Rows<'a> {
    pub(super) fn of(texts: &'a Texts, gathered: &'a Gathered) -> Self {
        let sealed = &gathered.sealed;
        let file = files_of(sealed.shape, &gathered.source, &gathered.collection).next();
        Self {
            texts,
            shape: sealed.shape,
            survey: &sealed.survey,
            file: file.map(|(path, _)| path).unwrap_or_default(),
            caption: words(texts, sealed.shape).counted(sealed.records),
        }
    }

    /// The table around rows that [`add`](Self::add) made.
    pub(super) fn table(&self, body: &str) -> Markup {
        let heads = self.heads();
        html! {
            div.scroll {
                table {
                    caption { (self.caption) }
                    @if !heads.is_empty() {
                        thead { tr { @for head in &heads { th scope="col" { (head) } } } }
                    }
                    tbody { (PreEscaped(body)) }
                }
            }
        }
    }

    fn heads(&self) -> Vec<&str> {
        let texts = self.texts;
        match self.shape {
            Shape::Events => vec![texts.time, texts.event, texts.details],
            Shape::Traits if self.has_profiles() => vec![texts.name, texts.value, texts.kind_of_trait, texts.profile],
            Shape::Traits => vec![texts.name, texts.value, texts.kind_of_trait],
            Shape::ExternalIds => vec![texts.name, texts.value, texts.time],
            Shape::Table if self.is_narrow() => self.survey.columns.iter().map(String::as_str).collect(),
            Shape::Metadata | Shape::Links | Shape::Table => Vec::new(),
        }
    }

    fn has_profiles(&self) -> bool {
        matches!(self.survey.members, Members::Profiles(_))
    }

    fn is_narrow(&self) -> bool {
        !self.survey.overflow && self.survey.columns.len() <= WIDEST
    }

    /// Adds the row of a record.
    pub(super) fn add(&self, body: &mut String, record: &Value) {
        let shown = Shown { texts: self.texts, file: &self.file };
        let row = match self.shape {
            Shape::Events => self.event(shown, record),
            Shape::Traits => self.of_trait(shown, record),
            Shape::ExternalIds => html! {
                tr {
                    th scope="row" { (shown.value(&record["type"])) }
                    td { (shown.value(&record["id"])) }
                    td.time { (shown.time(&record["created_at"])) }
                }
            },
            Shape::Table if self.is_narrow() => html! {
                tr { @for column in &self.survey.columns { td { (field(shown, record, column)) } } }
            },
            Shape::Metadata | Shape::Links | Shape::Table => html! { tr { td { (shown.value(record)) } } },
        };
        body.push_str(&row.into_string());
    }

    fn of_trait(&self, shown: Shown<'_>, record: &Value) -> Markup {
        let class = match record["class"].as_str() {
            Some("audience") => self.texts.audience,
            Some(_) => self.texts.computed,
            None => self.texts.custom,
        };
        html! {
            tr {
                th scope="row" { (shown.value(&record["name"])) }
                td { (shown.value(&record["value"])) }
                td { (class) }
                @if self.has_profiles() { td { (shown.value(&record["segment_id"])) } }
            }
        }
    }

    fn event(&self, shown: Shown<'_>, record: &Value) -> Markup {
        let name = event_name(record);
        html! {
            tr data-event=(name) {
                td.time { (shown.time(&record["timestamp"])) }
                th scope="row" { (shown.text(name)) }
                td {
                    @if let Some(properties) = record.get("properties") { (shown.value(properties)) }
                    details { summary { (self.texts.everything_else) } (shown.json(record)) }
                }
            }
        }
    }
}

/// A record that is no object is the one column.
fn field(shown: Shown<'_>, record: &Value, column: &str) -> Markup {
    match record {
        Value::Object(fields) => shown.value(fields.get(column).unwrap_or(&Value::Null)),
        other => shown.value(other),
    }
}

/// Where a shape stands in the overview of its source.
pub(super) fn place(shape: Shape) -> usize {
    match shape {
        Shape::Metadata => 0,
        Shape::Traits => 1,
        Shape::ExternalIds => 2,
        Shape::Events => 3,
        Shape::Links => 4,
        Shape::Table => 5,
    }
}

/// What the records of a shape are called.
pub(super) fn words(texts: &Texts, shape: Shape) -> &Collection {
    match shape {
        Shape::Metadata => &texts.metadata,
        Shape::Traits => &texts.traits,
        Shape::ExternalIds => &texts.external_ids,
        Shape::Events => &texts.events,
        Shape::Links => &texts.links,
        Shape::Table => &texts.rows,
    }
}
