//! What a database must be able to do for look-ups, and for masking.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use async_trait::async_trait;
use futures_util::future::join;
use privacy_dataset::Step;
use tokio::sync::mpsc;

use super::error::DbError;

/// Where rows go as they come.
pub(crate) type Rows = mpsc::Sender<Vec<Row>>;

/// How many rows come at once.
pub(crate) const ROWS_AT_ONCE: usize = 256;

/// What rows can be read through: a pool, or a transaction.
#[async_trait]
pub(crate) trait Reader: Debug + Send + Sync {
    /// The rows whose key is one of the keys. Whoever takes them must not read through the same reader meanwhile.
    async fn select(&self, query: &Select<'_>, rows: Rows) -> Result<(), DbError>;
}

/// One database product.
#[async_trait]
pub(crate) trait Database: Reader {
    /// Opens a connection of its own and finds out whether it can read, and cannot write.
    async fn ping(&self) -> Result<(), DbError>;
    /// The names of tables and views that are found without a schema.
    async fn table_names(&self) -> Result<Vec<String>, DbError>;
    /// The columns of a table or view; `None` if there is no such table.
    async fn columns(&self, table: &Table) -> Result<Option<Columns>, DbError>;
    /// What the database itself demands of a table.
    async fn constraints(&self, table: &Table) -> Result<Constraints, DbError>;
    /// What a look-up by this column costs.
    async fn explain(&self, table: &Table, column: &Column) -> Result<Cost, DbError>;
    /// The statement that would make an index for it.
    fn create_index(&self, table: &Table, column: &Column) -> String;
    /// Begins a transaction that may write, on a connection of its own.
    async fn begin(&self) -> Result<Box<dyn Writer>, DbError>;
}

/// A transaction that may write. Nobody changes the rows that it reads with [`Select::lock`] before it ends: either they
/// cannot, or it fails as [clashed](DbError::clashed). Dropped, it is rolled back.
#[async_trait]
pub(crate) trait Writer: Reader {
    /// Sets columns of rows that are named by their primary keys; how many rows there were.
    async fn update(&self, update: &Update<'_>) -> Result<u64, DbError>;
    /// Ends it.
    async fn commit(self: Box<Self>) -> Result<(), DbError>;
}

/// All rows of a query.
pub(crate) async fn all(reader: &dyn Reader, query: &Select<'_>) -> Result<Vec<Row>, DbError> {
    let (send, mut receive) = mpsc::channel::<Vec<Row>>(4);
    let gather = async {
        let mut all = Vec::new();
        while let Some(rows) = receive.recv().await {
            all.extend(rows);
        }
        all
    };
    let (done, all) = join(reader.select(query, send), gather).await;
    done.map(|()| all)
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
    pub(crate) holds: Holds,
    pub(crate) nullable: bool,
    /// Whether a value can be set; not where the database computes it.
    pub(crate) writable: bool,
    /// In characters.
    pub(crate) max_length: Option<usize>,
}

/// What kind of values a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Any text.
    Text,
    Number,
    Boolean,
    Json,
    Bytes,
    /// Points and figures of MySQL, which have a text only where one asks for it.
    Shape,
    /// Values with a form of their own: times, UUIDs, enumerations.
    Other,
}

/// What the database itself demands of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Constraints {
    /// Whether it is a table; a view is none.
    pub(crate) is_table: bool,
    /// Whether a transaction that is broken off leaves it as it was.
    pub(crate) rolls_back: bool,
    /// The columns of the primary key, in its order.
    pub(crate) primary: Vec<String>,
    /// Columns of foreign keys, at either end.
    pub(crate) foreign: BTreeSet<String>,
    /// The columns of each unique index.
    pub(crate) unique: Vec<Vec<String>>,
}

/// What a look-up costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Whether an index serves it.
    pub(crate) index: bool,
    /// How many rows one value has, if the database has an idea.
    pub(crate) rows: Option<u64>,
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

    /// A value on its way to another column, whose type may be another: a `numeric` 42.00 refers to an `integer` 42.
    pub(crate) fn carried(self, text: &str) -> Cow<'_, str> {
        if self == Self::Number { self.canonical(text) } else { Cow::Borrowed(text) }
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

/// `SELECT key, take FROM table WHERE key IN (keys) LIMIT limit`
#[derive(Debug, Clone, Copy)]
pub(crate) struct Select<'a> {
    pub(crate) table: &'a Table,
    pub(crate) keys: Keys<'a>,
    /// What comes back after the columns of the key, which come as texts.
    pub(crate) take: &'a [Output<'a>],
    /// Each combination once, and none of which a value is null: only texts are taken then.
    pub(crate) distinct: bool,
    /// Nobody may change these rows before the transaction ends.
    pub(crate) lock: bool,
    pub(crate) limit: usize,
}

impl Select<'_> {
    /// The statement. The alias keeps SQLite from reading an unknown quoted name as a string.
    pub(crate) fn sql(&self, table: &str, quote: fn(&str) -> String, outputs: &[String], condition: &str) -> String {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let mut sql = format!("SELECT {distinct}{} FROM {table} AS t WHERE {condition}", outputs.join(", "));
        for output in self.take.iter().filter(|_| self.distinct) {
            sql.push_str(" AND t.");
            sql.push_str(&quote(&output.column.name));
            sql.push_str(" IS NOT NULL");
        }
        format!("{sql} LIMIT {}", self.limit)
    }
}

/// Which rows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keys<'a> {
    /// Those with one of the values in a column.
    Of(&'a Column, &'a [String]),
    /// Those with one of the combinations in several columns.
    OfAll(&'a [&'a Column], &'a [Vec<String>]),
}

impl<'a> Keys<'a> {
    pub(crate) fn columns(&self) -> Vec<&'a Column> {
        match self {
            Self::Of(column, _) => vec![column],
            Self::OfAll(columns, _) => columns.to_vec(),
        }
    }
}

/// A column that comes back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output<'a> {
    pub(crate) column: &'a Column,
    pub(crate) form: Form,
}

/// In what form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the text that a look-up compares and asks by.
    Text,
    /// As it is, for people to read.
    Value,
}

/// Sets `columns` to the values of each row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Update<'a> {
    pub(crate) table: &'a Table,
    pub(crate) key: &'a [&'a Column],
    pub(crate) columns: &'a [&'a Column],
    pub(crate) rows: &'a [NewValues],
}

/// The primary key of a row, and its new values. Never shown: both are data of people.
pub(crate) struct NewValues {
    pub(crate) key: Vec<String>,
    pub(crate) values: Vec<Option<String>>,
}

impl Debug for NewValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewValues").finish_non_exhaustive()
    }
}

/// One row, in the order of the key and of [`Select::take`].
pub(crate) type Row = Vec<Cell>;

/// One value.
#[derive(Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Real(f64),
    /// Bytes, or a text that is not Unicode.
    Bytes(Vec<u8>),
}

/// Values are data of people.
impl Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[value]")
    }
}

impl Cell {
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// Sends rows on, so many at once.
pub(crate) struct Batches {
    rows: Rows,
    next: Vec<Row>,
}

impl Batches {
    pub(crate) fn new(rows: Rows) -> Self {
        Self { rows, next: Vec::new() }
    }

    /// Whether anybody still listens: if not, the rest need not be read.
    pub(crate) async fn push(&mut self, row: Row) -> bool {
        self.next.push(row);
        self.next.len() < ROWS_AT_ONCE || self.flush().await
    }

    pub(crate) async fn flush(&mut self) -> bool {
        let rows = std::mem::take(&mut self.next);
        self.rows.send(rows).await.is_ok()
    }
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
