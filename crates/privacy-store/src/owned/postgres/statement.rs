//! Reading rows.

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgExecutor, Row as _, postgres::PgRow};

use crate::owned::{
    database::{Batches, Cell, Column, Form, Keys, Output, Rows, Select, Table, quoted},
    error::DbError,
    server::Limits,
};

/// Sends the rows of a query. Each is waited for so long and no longer; whoever takes them may take their time.
pub(super) async fn select(
    executor: impl PgExecutor<'_>,
    query: &Select<'_>,
    limits: Limits,
    rows: Rows,
) -> Result<(), DbError> {
    let (condition, binds) = condition(&query.keys);
    let key = query.keys.columns().into_iter().map(|column| Output { column, form: Form::Text });
    let outputs: Vec<_> =
        key.chain(query.take.iter().copied()).map(|output| expression(output, query.distinct)).collect();
    let sql = query.sql(&name(query.table), quoted, &outputs, &condition);
    let mut select = sqlx::query(AssertSqlSafe(sql));
    for bind in binds {
        select = select.bind(bind);
    }
    let mut stream = select.fetch(executor);
    let mut batches = Batches::new(rows);
    while let Some(row) = limits.keep(stream.try_next()).await? {
        if !batches.push((0..outputs.len()).map(|index| cell(&row, index)).collect()).await {
            break;
        }
    }
    batches.flush().await;
    Ok(())
}

fn expression(output: Output<'_>, distinct: bool) -> String {
    // The collation keeps DISTINCT from merging what only some collation equates.
    let collation = if distinct { " COLLATE \"C\"" } else { "" };
    format!("CAST(t.{} AS text){collation}", quoted(&output.column.name))
}

/// The condition, and the texts that it binds: an array for each column.
fn condition(keys: &Keys<'_>) -> (String, Vec<Vec<String>>) {
    match keys {
        Keys::Of(column, keys) => {
            (format!("t.{} = ANY (CAST($1 AS {}[]))", quoted(&column.name), column.sql_type), vec![keys.to_vec()])
        }
        Keys::OfAll(columns, keys) => {
            let binds = (0..columns.len()).map(|at| keys.iter().map(|key| key[at].clone()).collect()).collect();
            let names: Vec<_> = columns.iter().map(|column| format!("t.{}", quoted(&column.name))).collect();
            let casts: Vec<_> = columns
                .iter()
                .enumerate()
                .map(|(at, column)| format!("CAST(k.k{at} AS {})", column.sql_type))
                .collect();
            let condition =
                format!("({}) IN (SELECT {} FROM {})", names.join(", "), casts.join(", "), texts(columns, "k", 1));
            (condition, binds)
        }
    }
}

/// Arrays of texts as a table: `unnest($1::text[], …) AS k (k0, …)`.
pub(super) fn texts(columns: &[&Column], alias: &str, first: usize) -> String {
    let arrays: Vec<_> = (first..first + columns.len()).map(|number| format!("CAST(${number} AS text[])")).collect();
    let names: Vec<_> = (0..columns.len()).map(|at| format!("k{at}")).collect();
    format!("unnest({}) AS {alias} ({})", arrays.join(", "), names.join(", "))
}

fn cell(row: &PgRow, index: usize) -> Cell {
    match row.try_get::<Option<String>, _>(index) {
        Ok(Some(text)) => Cell::Text(text),
        Ok(None) => Cell::Null,
        Err(_) => Cell::Bytes(Vec::new()),
    }
}

/// `"schema"."table"` or `"table"`. A dot in a name without a schema parts the two.
pub(super) fn name(table: &Table) -> String {
    let split = match &table.schema {
        Some(schema) => Some((schema.as_str(), table.name.as_str())),
        None => table.name.split_once('.'),
    };
    split.map_or_else(|| quoted(&table.name), |(schema, table)| format!("{}.{}", quoted(schema), quoted(table)))
}
