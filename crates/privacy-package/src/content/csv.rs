//! CSV that a spreadsheet may open: no cell is taken for a formula.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};

use csv::Writer;
use serde_json::{Map, Value};

use super::for_each_record;
use crate::staging::Sealed;
use crate::survey::Survey;

pub(super) fn table(out: &mut dyn Write, sealed: &Sealed, survey: &Survey) -> io::Result<()> {
    if survey.columns.is_empty() {
        return Ok(());
    }
    let mut rows = Writer::from_writer(out);
    write_row(&mut rows, header(survey).iter().map(|name| harmless(name)))?;
    let known: HashSet<&str> = survey.columns.iter().map(String::as_str).collect();
    for_each_record(sealed.read()?, |record| {
        let fields = match record {
            Value::Object(fields) => fields,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        let cells = survey.columns.iter().map(|column| cell(fields.get(column)));
        let rest = survey.overflow.then(|| rest(&fields, &known));
        write_row(&mut rows, cells.chain(rest))
    })?;
    rows.flush()
}

fn write_row<'a>(rows: &mut Writer<&mut dyn Write>, mut cells: impl Iterator<Item = Cow<'a, str>>) -> io::Result<()> {
    cells.try_for_each(|cell| rows.write_field(cell.as_bytes()))?;
    rows.write_record(None::<&[u8]>)?;
    Ok(())
}

/// The columns, and the one for what did not fit, under a name that none of them has.
fn header(survey: &Survey) -> Vec<String> {
    let mut names = survey.columns.clone();
    if survey.overflow {
        let mut other = "other".to_owned();
        while names.contains(&other) {
            other.push('_');
        }
        names.push(other);
    }
    names
}

/// The fields without a column, as JSON.
fn rest(fields: &Map<String, Value>, known: &HashSet<&str>) -> Cow<'static, str> {
    let rest: Map<_, _> = fields
        .iter()
        .filter(|(name, _)| !known.contains(name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if rest.is_empty() { Cow::Borrowed("") } else { Cow::Owned(Value::Object(rest).to_string()) }
}

fn cell(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(Value::String(text)) => harmless(text),
        // A number may begin with a minus; objects and arrays begin with a bracket.
        Some(other) => Cow::Owned(other.to_string()),
    }
}

/// A text that no spreadsheet evaluates: an apostrophe goes before what begins like a formula.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formulas_are_neutralised_and_numbers_are_not() {
        let check = |value: Value, expected: &str| assert_eq!(cell(Some(&value)), expected);
        check(json!("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        check(json!("+1"), "'+1");
        check(json!("-1"), "'-1");
        check(json!("@SUM(A1)"), "'@SUM(A1)");
        check(json!("\t=1"), "'\t=1");
        check(json!("\r=1"), "'\r=1");
        check(json!("a=1"), "a=1");
        check(json!("grüße"), "grüße");
        check(json!(-12.5), "-12.5");
        check(json!(true), "true");
        check(json!(null), "");
        check(json!({"a": "=1"}), r#"{"a":"=1"}"#);
    }
}
