//! What MySQL and MariaDB say of their tables.

use std::collections::BTreeSet;

use sqlx::{MySqlPool, Row as _, mysql::MySqlRow};

use super::statement::parts;
use crate::owned::database::{Column, Columns, Comparison, Constraints, Holds, Table};

/// Texts are cast: MySQL 8 has columns of its catalogue as bytes.
const COLUMNS: &str = "
SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR), is_nullable = 'YES', COALESCE(generation_expression, '') = '',
    CAST(character_maximum_length AS UNSIGNED)
FROM information_schema.columns
WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?
AND (@@lower_case_table_names > 0 OR CAST(table_name AS BINARY) = CAST(? AS BINARY))";

const SHAPES: &[&str] = &[
    "geometry",
    "geomcollection",
    "geometrycollection",
    "point",
    "multipoint",
    "linestring",
    "multilinestring",
    "polygon",
    "multipolygon",
];

pub(super) const TABLE_NAMES: &str =
    "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE()";

/// Whether it is a table, and whether its engine has transactions.
const IS_TABLE: &str = "SELECT t.table_type = 'BASE TABLE', COALESCE(e.transactions = 'YES', FALSE) \
    FROM information_schema.tables t LEFT JOIN information_schema.engines e ON e.engine = t.engine \
    WHERE t.table_schema = COALESCE(?, DATABASE()) AND t.table_name = ?";

/// The columns of unique indexes; the primary key is one of them, and always has this name. An expression has no column.
const UNIQUE: &str = "SELECT CAST(index_name AS CHAR), CAST(column_name AS CHAR) FROM information_schema.statistics \
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND non_unique = 0 \
    ORDER BY index_name, seq_in_index";

/// What MariaDB calls JSON is a text with a check that is named after its column.
const JSON: &str = "SELECT CAST(constraint_name AS CHAR) FROM information_schema.check_constraints \
    WHERE constraint_schema = COALESCE(?, DATABASE()) AND table_name = ? AND check_clause LIKE 'json_valid(%'";

/// At this table's end of its own keys, and of those of others.
const FOREIGN: &str = "SELECT CAST(column_name AS CHAR) FROM information_schema.key_column_usage \
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND referenced_table_name IS NOT NULL \
    UNION SELECT CAST(referenced_column_name AS CHAR) FROM information_schema.key_column_usage \
    WHERE referenced_table_schema = COALESCE(?, DATABASE()) AND referenced_table_name = ?";

/// Rows of the table, and distinct values of a column that is the first of an index.
const STATISTICS: &str = "SELECT CAST(t.table_rows AS UNSIGNED), CAST(MAX(s.cardinality) AS UNSIGNED) \
    FROM information_schema.tables t JOIN information_schema.statistics s \
    ON s.table_schema = t.table_schema AND s.table_name = t.table_name AND s.column_name = ? AND s.seq_in_index = 1 \
    WHERE t.table_schema = COALESCE(?, DATABASE()) AND t.table_name = ? GROUP BY t.table_rows";

pub(super) async fn columns(pool: &MySqlPool, table: &Table) -> Result<Columns, sqlx::Error> {
    let (schema, name) = parts(table);
    let rows = sqlx::query(COLUMNS).bind(schema).bind(name).bind(name).fetch_all(pool).await?;
    let columns = rows.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let mut columns: Columns = columns.into_iter().map(|column| (column.name.clone(), column)).collect();
    if columns.values().any(|column| column.sql_type == "longtext") {
        // MySQL has no such list of a table, and needs none: JSON is a type there.
        let checked: Vec<String> = match sqlx::query_scalar(JSON).bind(schema).bind(name).fetch_all(pool).await {
            Err(sqlx::Error::Database(_)) => Vec::new(),
            checked => checked?,
        };
        for (name, column) in &mut columns {
            if checked.contains(name) {
                column.holds = Holds::Json;
            }
        }
    }
    Ok(columns)
}

pub(super) async fn constraints(pool: &MySqlPool, table: &Table) -> Result<Constraints, sqlx::Error> {
    let (schema, name) = parts(table);
    let table: Option<(bool, bool)> = sqlx::query_as(IS_TABLE).bind(schema).bind(name).fetch_optional(pool).await?;
    let (is_table, rolls_back) = table.unwrap_or_default();
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(UNIQUE).bind(schema).bind(name).fetch_all(pool).await?;
    let foreign: Vec<String> =
        sqlx::query_scalar(FOREIGN).bind(schema).bind(name).bind(schema).bind(name).fetch_all(pool).await?;
    let mut constraints = Constraints {
        is_table,
        rolls_back,
        foreign: foreign.into_iter().collect::<BTreeSet<_>>(),
        ..Constraints::default()
    };
    for index in rows.chunk_by(|one, next| one.0 == next.0) {
        // One of expressions makes no column unique.
        let Some(columns) = index.iter().map(|(_, column)| column.clone()).collect::<Option<Vec<_>>>() else {
            continue;
        };
        if index[0].0 == "PRIMARY" {
            constraints.primary.clone_from(&columns);
        }
        constraints.unique.push(columns);
    }
    Ok(constraints)
}

/// How many rows one value of a column has.
pub(super) async fn expected_rows(pool: &MySqlPool, table: &Table, column: &str) -> Result<Option<u64>, sqlx::Error> {
    let (schema, name) = parts(table);
    let found: Option<(Option<u64>, Option<u64>)> =
        sqlx::query_as(STATISTICS).bind(column).bind(schema).bind(name).fetch_optional(pool).await?;
    let per_value = |rows: u64, values: u64| rows.div_ceil(values.max(1)).max(1);
    Ok(found.and_then(|(rows, values)| Some(per_value(rows?, values?))))
}

fn column(row: &MySqlRow) -> Result<Column, sqlx::Error> {
    let (name, sql_type): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let sql_type = sql_type.to_ascii_lowercase();
    let comparison = match sql_type.as_str() {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "year" => Comparison::Number,
        "uuid" => Comparison::Uuid,
        _ => Comparison::Exact,
    };
    // The text of a float is not its value, and bytes of a fixed length are filled up or are a number's: both would miss people.
    let is_shape = SHAPES.contains(&sql_type.as_str());
    let scalar =
        !is_shape && !matches!(sql_type.as_str(), "float" | "double" | "binary" | "json" | "bit" | "set" | "vector");
    let holds = match sql_type.as_str() {
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => Holds::Text,
        "json" => Holds::Json,
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "float" | "double" | "bit" => {
            Holds::Number
        }
        _ if is_shape => Holds::Shape,
        _ if sql_type.ends_with("binary") || sql_type.ends_with("blob") => Holds::Bytes,
        _ => Holds::Other,
    };
    let length: Option<u64> = row.try_get(4)?;
    Ok(Column {
        name,
        sql_type,
        comparison,
        scalar,
        holds,
        nullable: row.try_get(2)?,
        writable: row.try_get(3)?,
        max_length: length.filter(|_| holds == Holds::Text).map(|length| usize::try_from(length).unwrap_or(usize::MAX)),
    })
}
