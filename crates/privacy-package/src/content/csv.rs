//! CSV that a spreadsheet may open: no cell is taken for a formula.

use std::borrow::{Borrow, Cow};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

use csv::Writer;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::for_each_line;
use crate::staging::Sealed;
use crate::survey::Survey;

/// The fields of a record, each as the JSON text that it is: what is copied needs no parsing.
type Fields<'a> = BTreeMap<Name<'a>, &'a RawValue>;

/// Of a field; borrowed unless it holds something escaped.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl Borrow<str> for Name<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

pub(super) fn table(out: &mut dyn Write, sealed: &Sealed) -> io::Result<()> {
    let survey = &sealed.survey;
    if survey.columns.is_empty() {
        return Ok(());
    }
    let mut rows = Writer::from_writer(out);
    write_row(&mut rows, header(survey).iter().map(|name| harmless(Cow::Borrowed(name))))?;
    let known: HashSet<&str> = survey.columns.iter().map(String::as_str).collect();
    for_each_line(sealed.read()?, |line| {
        let fields = match line.first() {
            Some(b'{') => serde_json::from_slice(line)?,
            _ => Fields::from([(Name(Cow::Borrowed("value")), serde_json::from_slice(line)?)]),
        };
        let cells = survey.columns.iter().map(|column| fields.get(column.as_str()).map_or(Ok(Cow::Borrowed("")), cell));
        let rest = survey.overflow.then(|| Ok(Cow::Owned(rest(&fields, &known))));
        let cells = cells.chain(rest).collect::<io::Result<Vec<_>>>()?;
        write_row(&mut rows, cells.into_iter())
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
fn rest(fields: &Fields<'_>, known: &HashSet<&str>) -> String {
    let rest = fields.iter().filter(|(name, _)| !known.contains(name.0.as_ref()));
    let members: Vec<_> =
        rest.map(|(name, value)| format!("{}:{}", Value::from(name.0.as_ref()), value.get())).collect();
    if members.is_empty() { String::new() } else { format!("{{{}}}", members.join(",")) }
}

fn cell<'a>(value: &&'a RawValue) -> io::Result<Cow<'a, str>> {
    let text = value.get();
    Ok(match text.as_bytes().first() {
        Some(b'"') => harmless(serde_json::from_str::<String>(text)?.into()),
        Some(b'n') => Cow::Borrowed(""),
        // A number may begin with a minus; objects and arrays begin with a bracket.
        _ => Cow::Borrowed(text),
    })
}

/// A text that no spreadsheet evaluates: an apostrophe goes before what begins like a formula.
fn harmless(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { Cow::Owned(format!("'{text}")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formulas_are_neutralised_and_numbers_are_not() {
        let check = |value: Value, expected: &str| {
            let raw = RawValue::from_string(value.to_string()).unwrap();
            assert_eq!(cell(&&*raw).unwrap(), expected);
        };
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
