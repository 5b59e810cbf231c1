//! JSON: arrays, objects and lines. Arrays and lines copy the staged text; nothing is parsed that need not be.

use std::io::{self, Write};

use serde_json::Value;

use super::{for_each_line, for_each_record};
use crate::staging::Sealed;
use crate::survey::as_member;

pub(super) fn lines(out: &mut dyn Write, sealed: &Sealed) -> io::Result<()> {
    io::copy(&mut sealed.read()?, out).map(drop)
}

pub(super) fn single(out: &mut dyn Write, sealed: &Sealed) -> io::Result<()> {
    for_each_record(sealed.read()?, |record| pretty(out, &record))
}

pub(super) fn array(out: &mut dyn Write, sealed: &Sealed) -> io::Result<()> {
    let mut list = List::begin(out, b"[", b"]", 0)?;
    for_each_line(sealed.read()?, |line| list.item()?.write_all(line))?;
    list.end()?;
    out.write_all(b"\n")
}

pub(super) fn members(out: &mut dyn Write, sealed: &Sealed) -> io::Result<()> {
    object_of(out, sealed, None, 0)?;
    out.write_all(b"\n")
}

/// An object per profile, in an object keyed by segment id. One pass for each profile, which are few.
pub(super) fn members_by_profile(out: &mut dyn Write, sealed: &Sealed, ids: &[String]) -> io::Result<()> {
    let mut list = List::begin(out, b"{", b"}", 0)?;
    for id in ids {
        let out = list.item()?;
        serde_json::to_writer(&mut *out, id)?;
        out.write_all(b": ")?;
        object_of(out, sealed, Some(id), 1)?;
    }
    list.end()?;
    out.write_all(b"\n")
}

fn object_of(out: &mut dyn Write, sealed: &Sealed, of: Option<&str>, depth: usize) -> io::Result<()> {
    let mut list = List::begin(out, b"{", b"}", depth)?;
    for_each_record(sealed.read()?, |record| {
        let Some((name, value, _)) = as_member(&record).filter(|(_, _, profile)| *profile == of) else { return Ok(()) };
        let out = list.item()?;
        serde_json::to_writer(&mut *out, name)?;
        out.write_all(b": ")?;
        serde_json::to_writer(out, value)?;
        Ok(())
    })?;
    list.end()
}

fn pretty(out: &mut dyn Write, record: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, record)?;
    out.write_all(b"\n")
}

/// An array or object with an item per line.
struct List<'a> {
    out: &'a mut dyn Write,
    close: &'static [u8],
    depth: usize,
    is_empty: bool,
}

impl<'a> List<'a> {
    fn begin(out: &'a mut dyn Write, open: &[u8], close: &'static [u8], depth: usize) -> io::Result<Self> {
        out.write_all(open)?;
        Ok(Self { out, close, depth, is_empty: true })
    }

    fn item(&mut self) -> io::Result<&mut dyn Write> {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.write_all(b",")?;
        }
        self.indent(self.depth + 1)?;
        Ok(self.out)
    }

    fn end(mut self) -> io::Result<()> {
        if !self.is_empty {
            self.indent(self.depth)?;
        }
        self.out.write_all(self.close)
    }

    fn indent(&mut self, depth: usize) -> io::Result<()> {
        self.out.write_all(b"\n")?;
        (0..depth).try_for_each(|_| self.out.write_all(b"  "))
    }
}
