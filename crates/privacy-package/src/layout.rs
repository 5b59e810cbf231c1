//! Which files a collection becomes, and what they are called.

/// What a collection is, by its name. Everything that is not one of the Profile API's five is a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Metadata,
    Traits,
    ExternalIds,
    Events,
    Links,
    Table,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// An array of the records.
    Array,
    /// The only record as an object; an array if there are several.
    Single,
    /// Names and values as members of an object.
    Members,
    /// A record per line.
    Lines,
    /// A row per record.
    Csv,
}

impl Shape {
    /// `table`: whether its source is an owned database, where names mean nothing.
    pub(crate) fn of(table: bool, collection: &str) -> Self {
        match collection {
            _ if table => Self::Table,
            "metadata" => Self::Metadata,
            "traits" => Self::Traits,
            "external_ids" => Self::ExternalIds,
            "events" => Self::Events,
            "links" => Self::Links,
            _ => Self::Table,
        }
    }

    /// Columns that come first and are there even when no record has them.
    pub(crate) const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Traits => &["name", "value"],
            Self::ExternalIds => &["type", "id", "collection", "created_at", "encoding", "source_id"],
            Self::Events => &["timestamp", "type", "event", "message_id", "source_id", "properties", "context"],
            Self::Metadata | Self::Links | Self::Table => &[],
        }
    }

    /// The files: extension and format.
    const fn files(self) -> &'static [(&'static str, Format)] {
        match self {
            Self::Metadata => &[("json", Format::Single)],
            Self::Links => &[("json", Format::Array)],
            Self::Traits => &[("json", Format::Members), ("csv", Format::Csv)],
            Self::Events => &[("ndjson", Format::Lines), ("csv", Format::Csv)],
            Self::ExternalIds | Self::Table => &[("json", Format::Array), ("csv", Format::Csv)],
        }
    }
}

/// A collection's files, with their paths in the package. Both names are safe.
pub(crate) fn files_of(shape: Shape, source: &str, collection: &str) -> impl Iterator<Item = (String, Format)> {
    let stem = format!("{source}/{collection}");
    shape.files().iter().map(move |&(extension, format)| (format!("{stem}.{extension}"), format))
}
