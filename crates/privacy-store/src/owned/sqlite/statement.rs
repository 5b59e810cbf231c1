//! Reading rows.

use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Row as _, Sqlite, SqliteExecutor, TypeInfo, ValueRef,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{is_text, keep};
use crate::owned::{
    database::{Batches, Cell, Column, Form, Keys, Output, Rows, Select, quoted},
    error::DbError,
};

/// A value to bind.
pub(super) enum Bind {
    Text(String),
    Integer(i64),
    Blob(Vec<u8>),
}

pub(super) fn bind(query: Query<'_, Sqlite, SqliteArguments>, value: Bind) -> Query<'_, Sqlite, SqliteArguments> {
    match value {
        Bind::Text(text) => query.bind(text),
        Bind::Integer(integer) => query.bind(integer),
        Bind::Blob(bytes) => query.bind(bytes),
    }
}

/// Sends the rows of a query. Each is waited for so long and no longer; whoever takes them may take their time.
pub(super) async fn select(
    executor: impl SqliteExecutor<'_>,
    query: &Select<'_>,
    timeout: Duration,
    rows: Rows,
) -> Result<(), DbError> {
    let (condition, binds) = condition(&query.keys);
    let key = query.keys.columns().into_iter().map(|column| Output { column, form: Form::Text });
    let outputs: Vec<_> = key.chain(query.take.iter().copied()).map(expression).collect();
    let sql = query.sql(&quoted(&query.table.name), quoted, &outputs, &condition);
    let mut select = sqlx::query(AssertSqlSafe(sql));
    for value in binds {
        select = bind(select, value);
    }
    let mut stream = select.fetch(executor);
    let mut batches = Batches::new(rows);
    while let Some(row) = keep(timeout, stream.try_next()).await? {
        if !batches.push((0..outputs.len()).map(|index| cell(&row, index)).collect::<Result<_, _>>()?).await {
            break;
        }
    }
    batches.flush().await;
    Ok(())
}

fn expression(output: Output<'_>) -> String {
    let column = quoted(&output.column.name);
    match output.form {
        Form::Text => format!("CAST(t.{column} AS TEXT) COLLATE BINARY"),
        Form::Value => format!("t.{column}"),
    }
}

pub(super) fn condition(keys: &Keys<'_>) -> (String, Vec<Bind>) {
    match keys {
        Keys::Of(column, keys) => {
            let binds: Vec<_> = keys.iter().flat_map(|key| forms(column, key)).collect();
            (format!("t.{} IN ({})", quoted(&column.name), vec!["?"; binds.len()].join(", ")), binds)
        }
        Keys::OfAll(columns, keys) => {
            let (mut rows, mut binds) = (Vec::with_capacity(keys.len()), Vec::new());
            for key in *keys {
                let parts = columns.iter().zip(key).map(|(column, value)| {
                    let forms = forms(column, value);
                    let part = format!("t.{} IN ({})", quoted(&column.name), vec!["?"; forms.len()].join(", "));
                    binds.extend(forms);
                    part
                });
                rows.push(format!("({})", parts.collect::<Vec<_>>().join(" AND ")));
            }
            (rows.join(" OR "), binds)
        }
    }
}

/// Every form in which a column can hold the key.
fn forms(column: &Column, key: &str) -> Vec<Bind> {
    let mut forms = vec![Bind::Text(key.to_owned())];
    if is_text(&column.sql_type) {
        return forms;
    }
    // Only the canonical spelling: `042` is another key than 42.
    if let Ok(integer) = key.parse::<i64>()
        && integer.to_string() == key
    {
        forms.push(Bind::Integer(integer));
    }
    let declared = column.sql_type.to_ascii_uppercase();
    if declared.is_empty() || declared.contains("BLOB") || declared == "ANY" {
        forms.push(Bind::Blob(key.as_bytes().to_vec()));
    }
    forms
}

/// A value by how it is stored: a column holds whatever was put into it.
fn cell(row: &SqliteRow, index: usize) -> Result<Cell, sqlx::Error> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let stored = value.type_info().name().to_owned();
    Ok(match stored.as_str() {
        "INTEGER" => Cell::Integer(row.try_get_unchecked(index)?),
        "REAL" => Cell::Real(row.try_get_unchecked(index)?),
        "TEXT" => match row.try_get_unchecked(index) {
            Ok(text) => Cell::Text(text),
            Err(_) => Cell::Bytes(row.try_get_unchecked(index)?),
        },
        _ => Cell::Bytes(row.try_get_unchecked(index)?),
    })
}
