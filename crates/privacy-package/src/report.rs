//! The report: what a person reads. `index.html` gives an overview and shows what is short; what is long stands on pages of
//! bounded size beside its files.

mod chart;
mod index;
mod page;
mod pager;
mod records;
pub(crate) mod texts;
mod values;

use std::io;

use maud::{Markup, PreEscaped};

pub(crate) use self::page::frame;
use self::{
    pager::{Pager, Span},
    records::Rows,
    texts::{ENGLISH, Texts},
};
use crate::archive::{Contents, Gathered};
use crate::content::for_each_record;
use crate::layout::Shape;

/// What is not longer than this stands in the overview itself.
const SHORT_RECORDS: u64 = 200;
const SHORT_BYTES: u64 = 256 * 1024;

/// One file of the report.
pub(crate) struct Page {
    /// Its path in the package.
    pub(crate) path: String,
    /// Records of a collection that it shows.
    pub(crate) records: u64,
    /// Why what it shows is not whole; empty if it is.
    pub(crate) gaps: Vec<String>,
    pub(crate) html: String,
}

/// A collection, and where its records are shown.
struct Section<'a> {
    gathered: &'a Gathered,
    shown: Shown,
}

enum Shown {
    Here(Markup),
    Pages(Vec<Span>),
}

/// Hands out all pages of the report, the overview last.
pub(crate) fn write(contents: &Contents, each: &mut dyn FnMut(Page) -> io::Result<()>) -> io::Result<()> {
    let texts = &ENGLISH;
    let mut sections = Vec::new();
    for gathered in &contents.collections {
        let shown = if is_short(gathered) {
            Shown::Here(whole(texts, gathered)?)
        } else {
            Shown::Pages(pages(texts, gathered, each)?)
        };
        sections.push(Section { gathered, shown });
    }
    // Who somebody is comes before what they did; sources keep their order.
    sections.sort_by_key(|section| (section.gathered.source.as_str(), records::place(section.gathered.sealed.shape)));
    let gaps = contents.collections.iter().flat_map(|one| one.sealed.gaps.iter().cloned()).collect();
    each(Page { path: "index.html".to_owned(), records: 0, gaps, html: index::render(texts, contents, &sections) })
}

fn is_short(gathered: &Gathered) -> bool {
    let sealed = &gathered.sealed;
    sealed.shape != Shape::Events && sealed.records <= SHORT_RECORDS && sealed.bytes <= SHORT_BYTES
}

fn whole(texts: &Texts, gathered: &Gathered) -> io::Result<Markup> {
    let rows = Rows::of(texts, gathered);
    let mut body = String::new();
    for_each_record(gathered.sealed.read()?, |record| {
        rows.add(&mut body, &record);
        Ok(())
    })?;
    Ok(if body.is_empty() { PreEscaped(texts.nothing.to_owned()) } else { rows.table(&body) })
}

fn pages(texts: &Texts, gathered: &Gathered, each: &mut dyn FnMut(Page) -> io::Result<()>) -> io::Result<Vec<Span>> {
    let mut pager = Pager::new(texts, gathered);
    for_each_record(gathered.sealed.read()?, |record| {
        if let Some(page) = pager.add(&record) {
            each(page)?;
        }
        Ok(())
    })?;
    if let Some(page) = pager.last() {
        each(page)?;
    }
    Ok(pager.into_spans())
}
