//! Reading rows.

use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, MySqlExecutor, Row as _,
    mysql::{MySql, MySqlArguments, MySqlRow},
    query::Query,
};

use super::keys::{Bind, bind, mark};
use crate::owned::{
    database::{Batches, Cell, Column, Comparison, Form, Holds, Keys, Output, Rows, Select, Table},
    error::DbError,
    server::Limits,
};

/// Sends the rows of a query. Each is waited for so long and no longer; whoever takes them may take their time. `false`: no type holds all of its keys; halved, they are asked for apart.
pub(super) async fn select(
    executor: impl MySqlExecutor<'_>,
    query: &Select<'_>,
    lock: &str,
    limits: Limits,
    rows: Rows,
) -> Result<bool, DbError> {
    let Some((condition, binds)) = condition(&query.keys) else { return Ok(false) };
    if binds.is_empty() {
        return Ok(true);
    }
    let key = query.keys.columns().into_iter().map(|column| Output { column, form: Form::Text });
    // Bytes keep DISTINCT from merging what only some collation equates.
    let outputs: Vec<_> = key.chain(query.take.iter().copied()).map(|output| bytes(output.column)).collect();
    let sql = format!("{}{lock}", query.sql(&name(query.table), quoted, &outputs, &condition));
    let mut select = sqlx::query(AssertSqlSafe(sql));
    for key in &binds {
        select = bound(select, key);
    }
    let mut stream = select.fetch(executor);
    let mut batches = Batches::new(rows);
    while let Some(row) = limits.keep(stream.try_next()).await? {
        if !batches.push((0..outputs.len()).map(|index| cell(&row, index)).collect()).await {
            break;
        }
    }
    batches.flush().await;
    Ok(true)
}

pub(super) fn bound<'q>(query: Query<'q, MySql, MySqlArguments>, key: &Bind<'_>) -> Query<'q, MySql, MySqlArguments> {
    match key {
        Bind::Signed(number) => query.bind(*number),
        Bind::Unsigned(number) => query.bind(*number),
        Bind::Decimal(text) | Bind::Text(text) => query.bind((*text).to_owned()),
    }
}

fn condition<'a>(keys: &Keys<'a>) -> Option<(String, Vec<Bind<'a>>)> {
    match *keys {
        Keys::Of(column, keys) => {
            let keys: Vec<_> = keys.iter().filter_map(|key| bind(column, key)).collect();
            let marks = vec![mark(&keys)?; keys.len()];
            Some((format!("t.{} IN ({})", quoted(&column.name), marks.join(", ")), keys))
        }
        Keys::OfAll(columns, keys) => {
            let same: Vec<_> = columns.iter().map(|column| format!("t.{} = ?", quoted(&column.name))).collect();
            let row = format!("({})", same.join(" AND "));
            let values = keys.iter().flat_map(|key| columns.iter().zip(key));
            let binds: Option<Vec<_>> = values.map(|(column, value)| bind(column, value)).collect();
            Some((vec![row; keys.len()].join(" OR "), binds?))
        }
    }
}

/// The bytes of a value's text.
pub(super) fn bytes(column: &Column) -> String {
    let name = quoted(&column.name);
    // Converting bytes that are no text makes question marks of them.
    let is_bytes = column.sql_type.ends_with("binary") || column.sql_type.ends_with("blob");
    if is_bytes {
        return format!("t.{name}");
    }
    if column.holds == Holds::Shape {
        return format!("CAST(CONVERT(ST_AsText(t.{name}) USING utf8mb4) AS BINARY)");
    }
    // Without the zeros that `zerofill` puts before a number; and bits as their number.
    let plain = if column.comparison == Comparison::Number || column.sql_type == "bit" { " + 0" } else { "" };
    format!("CAST(CONVERT(t.{name}{plain} USING utf8mb4) AS BINARY)")
}

/// A text, or `None` where the bytes are none.
pub(super) fn unicode(row: &MySqlRow, index: usize) -> Option<String> {
    let bytes = row.try_get::<Option<Vec<u8>>, _>(index).ok().flatten()?;
    String::from_utf8(bytes).ok()
}

fn cell(row: &MySqlRow, index: usize) -> Cell {
    match row.try_get::<Option<Vec<u8>>, _>(index) {
        Ok(None) => Cell::Null,
        Ok(Some(bytes)) => String::from_utf8(bytes).map_or_else(|error| Cell::Bytes(error.into_bytes()), Cell::Text),
        Err(_) => Cell::Bytes(Vec::new()),
    }
}

/// A database is what others call a schema. A dot in a name without one parts the two.
pub(super) fn parts(table: &Table) -> (Option<&str>, &str) {
    match &table.schema {
        Some(schema) => (Some(schema.as_str()), table.name.as_str()),
        None => table.name.split_once('.').map_or((None, table.name.as_str()), |(schema, name)| (Some(schema), name)),
    }
}

pub(super) fn name(table: &Table) -> String {
    match parts(table) {
        (Some(schema), name) => format!("{}.{}", quoted(schema), quoted(name)),
        (None, name) => quoted(name),
    }
}

/// A name as MySQL writes it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_quotes() {
        let table = |schema: Option<&str>, name: &str| Table { schema: schema.map(Into::into), name: name.to_owned() };
        assert_eq!(name(&table(None, "a` OR 1=1 --")), "`a`` OR 1=1 --`");
        assert_eq!(name(&table(None, "sales.customer")), "`sales`.`customer`");
        assert_eq!(name(&table(Some("sales"), "a.b")), "`sales`.`a.b`");
    }
}
