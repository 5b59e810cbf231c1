//! What stands in the files: staging lines turned into JSON and CSV, a record at a time.

mod csv;
mod json;

use std::io::{self, BufRead, Write};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::layout::Format;
use crate::staging::Sealed;
use crate::survey::Members;

/// Writes a collection in a format.
pub(crate) fn write(out: &mut dyn Write, sealed: &Sealed, format: Format) -> io::Result<()> {
    match format {
        Format::Csv => csv::table(out, sealed),
        Format::Lines => json::lines(out, sealed),
        Format::Single if sealed.records == 0 => out.write_all(b"{}\n"),
        Format::Single if sealed.records == 1 => json::single(out, sealed),
        Format::Array | Format::Single => json::array(out, sealed),
        Format::Members => match &sealed.survey.members {
            Members::OneProfile => json::members(out, sealed),
            Members::Profiles(ids) => json::members_by_profile(out, sealed, ids),
            Members::No => json::array(out, sealed),
        },
    }
}

/// Calls `each` with every line, without its end.
fn for_each_line(mut lines: impl BufRead, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut line = Zeroizing::new(Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 {
        each(line.strip_suffix(b"\n").unwrap_or(&line))?;
        line.clear();
    }
    Ok(())
}

/// Calls `each` with every record.
pub(crate) fn for_each_record(lines: impl BufRead, mut each: impl FnMut(Value) -> io::Result<()>) -> io::Result<()> {
    for_each_line(lines, |line| each(serde_json::from_slice(line)?))
}
