//! What a SQLite file says of its tables.

use std::collections::BTreeSet;

use sqlx::SqlitePool;

use super::is_text;
use crate::owned::database::{Column, Columns, Comparison, Constraints, Holds};

pub(super) const TABLE_NAMES: &str =
    "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// What is hidden is computed, or a virtual table's own.
const COLUMNS: &str = "SELECT name, type, \"notnull\" <> 0, hidden <> 0 FROM pragma_table_xinfo(?1)";

const IS_TABLE: &str = "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE";

const PRIMARY: &str = "SELECT name FROM pragma_table_xinfo(?1) WHERE pk > 0 ORDER BY pk";

const UNIQUE: &str = "SELECT i.name, c.name FROM pragma_index_list(?1) AS i, pragma_index_info(i.name) AS c \
    WHERE i.\"unique\" <> 0 AND i.partial = 0 ORDER BY i.name, c.seqno";

/// At this table's end of its own keys, and of those of others; a key that names no column means the primary key.
const FOREIGN: &str = "SELECT f.\"from\" FROM pragma_foreign_key_list(?1) AS f UNION \
    SELECT f.\"to\" FROM sqlite_schema AS s, pragma_foreign_key_list(s.name) AS f \
    WHERE s.type = 'table' AND f.\"table\" = ?1 COLLATE NOCASE AND f.\"to\" IS NOT NULL";

/// Statistics are there once somebody has run ANALYZE: rows of the table, and rows for each value of the first column.
const STATISTICS: &str = "SELECT s.stat FROM sqlite_stat1 AS s, pragma_index_info(s.idx) AS c \
    WHERE s.tbl = ?1 COLLATE NOCASE AND c.seqno = 0 AND c.name = ?2 COLLATE NOCASE LIMIT 1";

pub(super) async fn columns(pool: &SqlitePool, table: &str) -> Result<Option<Columns>, sqlx::Error> {
    let rows: Vec<(String, String, bool, bool)> = sqlx::query_as(COLUMNS).bind(table).fetch_all(pool).await?;
    let column = |(name, declared, not_null, hidden)| (String::clone(&name), column(name, declared, not_null, hidden));
    let columns: Columns = rows.into_iter().map(column).collect();
    Ok(if columns.is_empty() { None } else { Some(columns) })
}

fn column(name: String, declared: String, not_null: bool, hidden: bool) -> Column {
    let text = is_text(&declared);
    let upper = declared.to_ascii_uppercase();
    let holds = match upper.as_str() {
        _ if text => Holds::Text,
        "JSON" | "JSONB" => Holds::Json,
        "" | "ANY" | "BLOB" => Holds::Other,
        _ if upper.contains("DATE") || upper.contains("TIME") || upper.contains("UUID") => Holds::Other,
        _ => Holds::Number,
    };
    Column {
        comparison: if text { Comparison::Exact } else { Comparison::Number },
        scalar: true,
        holds,
        nullable: !not_null,
        writable: !hidden,
        max_length: length(&upper).filter(|_| text),
        name,
        sql_type: declared,
    }
}

/// The length in a declared type, such as `VARCHAR(20)`. SQLite does not enforce it; whoever reads the table may rely on it.
fn length(declared: &str) -> Option<usize> {
    declared.split_once('(')?.1.split_once(')')?.0.trim().parse().ok()
}

pub(super) async fn constraints(pool: &SqlitePool, table: &str) -> Result<Constraints, sqlx::Error> {
    let is_table: bool = sqlx::query_scalar(IS_TABLE).bind(table).fetch_one(pool).await?;
    let primary: Vec<String> = sqlx::query_scalar(PRIMARY).bind(table).fetch_all(pool).await?;
    let columns: Vec<(String, Option<String>)> = sqlx::query_as(UNIQUE).bind(table).fetch_all(pool).await?;
    let foreign: Vec<String> = sqlx::query_scalar(FOREIGN).bind(table).fetch_all(pool).await?;
    let indexes = columns.chunk_by(|one, next| one.0 == next.0);
    // An expression has no column, and makes none unique.
    let columns = indexes.map(|columns| columns.iter().map(|(_, column)| column.clone()).collect::<Option<Vec<_>>>());
    let mut unique: Vec<Vec<String>> = columns.flatten().collect();
    // The key of an ordinary table that is an integer has no index of its own.
    if !primary.is_empty() && !unique.contains(&primary) {
        unique.push(primary.clone());
    }
    Ok(Constraints {
        is_table,
        rolls_back: true,
        primary,
        foreign: foreign.into_iter().collect::<BTreeSet<_>>(),
        unique,
    })
}

/// How many rows one value of a column has.
pub(super) async fn expected_rows(pool: &SqlitePool, table: &str, column: &str) -> Result<Option<u64>, sqlx::Error> {
    let analyzed: bool = sqlx::query_scalar("SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'sqlite_stat1'")
        .fetch_one(pool)
        .await?;
    if !analyzed {
        return Ok(None);
    }
    let found: Option<String> = sqlx::query_scalar(STATISTICS).bind(table).bind(column).fetch_optional(pool).await?;
    Ok(found.and_then(|text| text.split(' ').nth(1)?.parse().ok()))
}
