//! What PostgreSQL says of its tables.

use std::collections::BTreeSet;

use sqlx::{PgPool, Row as _, postgres::PgRow};

use crate::owned::database::{Column, Columns, Comparison, Constraints, Holds};

/// The columns of a relation with the type below any domain. `-1` leaves the length out of the type, so that a cast
/// never cuts a value.
const COLUMNS: &str = "
WITH RECURSIVE base AS (
    SELECT a.attname, a.attnotnull, a.attgenerated <> '' OR a.attidentity = 'a' AS computed, a.atttypmod AS typmod,
        t.oid, t.typtype, t.typbasetype, t.typtypmod
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = pg_catalog.to_regclass($1)::oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT b.attname, b.attnotnull OR t.typnotnull, b.computed, GREATEST(b.typmod, b.typtypmod),
        t.oid, t.typtype, t.typbasetype, t.typtypmod
    FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'
)
SELECT b.attname::text, pg_catalog.format_type(b.oid, -1), t.typname::text, t.typcategory::text, b.attnotnull, b.computed,
    b.typmod
FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.oid WHERE b.typtype <> 'd'";

pub(super) const TABLE_NAMES: &str = "
SELECT relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_catalog.pg_table_is_visible(c.oid)
AND n.nspname NOT IN ('pg_catalog', 'information_schema')";

const IS_TABLE: &str =
    "SELECT relkind IN ('r', 'p') FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1)::oid";

/// Of each unique index whether it is the primary key, and its columns. One of some rows, or of expressions, makes no column unique.
const UNIQUE: &str = "
SELECT i.indisprimary, ARRAY(
    SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_catalog.pg_index i WHERE i.indrelid = pg_catalog.to_regclass($1)::oid AND i.indisunique AND i.indisvalid
    AND i.indpred IS NULL AND NOT 0 = ANY (i.indkey::int2[])";

/// The columns at this table's end of each foreign key.
const FOREIGN: &str = "
SELECT DISTINCT a.attname::text FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass($1)::oid
    AND ((c.conrelid = a.attrelid AND a.attnum = ANY (c.conkey)) OR (c.confrelid = a.attrelid AND a.attnum = ANY (c.confkey)))
WHERE c.contype = 'f'";

/// Four bytes of a length are its own.
const LENGTH_HEADER: i32 = 4;

pub(super) async fn columns(pool: &PgPool, table: &str) -> Result<Option<Columns>, sqlx::Error> {
    let rows = sqlx::query(COLUMNS).bind(table).fetch_all(pool).await?;
    let columns = rows.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let columns: Columns = columns.into_iter().map(|column| (column.name.clone(), column)).collect();
    Ok(if columns.is_empty() { None } else { Some(columns) })
}

pub(super) async fn constraints(pool: &PgPool, table: &str) -> Result<Constraints, sqlx::Error> {
    let is_table: Option<bool> = sqlx::query_scalar(IS_TABLE).bind(table).fetch_optional(pool).await?;
    let indexes: Vec<(bool, Vec<String>)> = sqlx::query_as(UNIQUE).bind(table).fetch_all(pool).await?;
    let foreign: Vec<String> = sqlx::query_scalar(FOREIGN).bind(table).fetch_all(pool).await?;
    let primary = indexes.iter().find(|(primary, _)| *primary).map(|(_, columns)| columns.clone());
    Ok(Constraints {
        is_table: is_table.unwrap_or_default(),
        rolls_back: true,
        primary: primary.unwrap_or_default(),
        foreign: foreign.into_iter().collect::<BTreeSet<_>>(),
        unique: indexes.into_iter().map(|(_, columns)| columns).filter(|columns| !columns.is_empty()).collect(),
    })
}

fn column(row: &PgRow) -> Result<Column, sqlx::Error> {
    let (type_name, category): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    let comparison = match type_name.as_str() {
        "bpchar" => Comparison::Padded,
        "uuid" => Comparison::Uuid,
        _ if category == "N" => Comparison::Number,
        _ => Comparison::Exact,
    };
    let holds = match (type_name.as_str(), category.as_str()) {
        ("json" | "jsonb", _) => Holds::Json,
        ("bytea", _) => Holds::Bytes,
        ("citext", _) | (_, "S") => Holds::Text,
        (_, "N") => Holds::Number,
        (_, "B") => Holds::Boolean,
        _ => Holds::Other,
    };
    let length: i32 = row.try_get(6)?;
    let bounded = matches!(type_name.as_str(), "varchar" | "bpchar") && length > LENGTH_HEADER;
    let (not_null, computed): (bool, bool) = (row.try_get(4)?, row.try_get(5)?);
    Ok(Column {
        name: row.try_get(0)?,
        sql_type: row.try_get(1)?,
        comparison,
        scalar: !matches!(category.as_str(), "A" | "C") && !matches!(type_name.as_str(), "json" | "xml"),
        holds,
        nullable: !not_null,
        writable: !computed,
        max_length: bounded.then(|| usize::try_from(length - LENGTH_HEADER).unwrap_or(usize::MAX)),
    })
}
