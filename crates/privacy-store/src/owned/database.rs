//! What a database must be able to do for look-ups.

use std::{borrow::Cow, collections::BTreeMap, fmt::Debug};

use async_trait::async_trait;
use privacy_dataset::Step;

use super::error::DbError;

/// One database product.
#[async_trait]
pub(crate) trait Database: Debug + Send + Sync {
    /// Opens a connection of its own and finds out whether it can read, and cannot write.
    async fn ping(&self) -> Result<(), DbError>;
    /// The names of tables and views that are found without a schema.
    async fn table_names(&self) -> Result<Vec<String>, DbError>;
    /// The columns of a table or view; `None` if there is no such table.
    async fn columns(&self, table: &Table) -> Result<Option<Columns>, DbError>;
    /// Rows whose key equals one of the keys and whose wanted value is not null, without repetition.
    async fn select(&self, query: &Select<'_>) -> Result<Vec<Row>, DbError>;
    /// Whether a look-up by this column uses an index.
    async fn index_serves(&self, table: &Table, column: &Column) -> Result<bool, DbError>;
    /// The statement that would make such an index.
    fn create_index(&self, table: &Table, column: &Column) -> String;
}

/// A table, perhaps in a schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Table {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

impl Table {
    /// The table of a step.
    pub(crate) fn of(step: &Step) -> Self {
        Self { schema: step.schema.clone(), name: step.collection.clone() }
    }
}

/// By name.
pub(crate) type Columns = BTreeMap<String, Column>;

/// A live column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The type as SQL spells it.
    pub(crate) sql_type: String,
    pub(crate) comparison: Comparison,
    /// Whether a single value can be compared with it.
    pub(crate) scalar: bool,
}

/// When the text of two values means the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Exact,
    /// Without the spaces at the end that `char(n)` adds.
    Padded,
    /// Without zeros at the end of a fraction.
    Number,
    /// Hexadecimal digits only, in lower case.
    Uuid,
}

impl Comparison {
    /// Equal values have equal canonical texts.
    pub(crate) fn canonical(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Exact => Cow::Borrowed(text),
            Self::Padded => Cow::Borrowed(text.trim_end_matches(' ')),
            Self::Number => Cow::Borrowed(without_trailing_zeros(text)),
            Self::Uuid => {
                let digits = text.chars().filter(|c| !matches!(c, '-' | '{' | '}'));
                Cow::Owned(digits.map(|c| c.to_ascii_lowercase()).collect())
            }
        }
    }

    /// What the canonical text of a found key must equal. A number stays as it was asked for: the identity `42.0` is
    /// not 42.
    pub(crate) fn asked(self, text: &str) -> Cow<'_, str> {
        if self == Self::Number { Cow::Borrowed(text) } else { self.canonical(text) }
    }
}

fn without_trailing_zeros(text: &str) -> &str {
    let is_decimal = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
    if is_decimal && text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// `SELECT DISTINCT key, take FROM table WHERE key IN (keys) AND take IS NOT NULL LIMIT limit`
#[derive(Debug)]
pub(crate) struct Select<'a> {
    pub(crate) table: &'a Table,
    pub(crate) key: &'a Column,
    pub(crate) take: &'a Column,
    pub(crate) keys: &'a [String],
    pub(crate) limit: usize,
}

/// One row; `None` is a text that is not Unicode.
#[derive(PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: Option<String>,
    pub(crate) taken: Option<String>,
}

/// A name as SQL writes it, whatever is in it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_texts() {
        let check = |comparison: Comparison, text: &str, expected: &str| {
            assert_eq!(comparison.canonical(text), expected, "{comparison:?} {text}");
        };
        check(Comparison::Exact, "Ann ", "Ann ");
        check(Comparison::Padded, " ann  ", " ann");
        for (text, expected) in
            [("42", "42"), ("42.00", "42"), ("42.50", "42.5"), ("100", "100"), ("-1.0", "-1"), ("042", "042")]
        {
            check(Comparison::Number, text, expected);
        }
        check(Comparison::Number, "v1.0", "v1.0");
        check(Comparison::Uuid, "{6BA7B810-9DAD-11D1-80B4-00C04FD430C8}", "6ba7b8109dad11d180b400c04fd430c8");
    }

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(quoted(r#"a" OR 1=1 --"#), r#""a"" OR 1=1 --""#);
    }
}
