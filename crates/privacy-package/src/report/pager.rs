//! Long collections, page by page.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::Value;

use super::{
    Page, page,
    records::{Rows, words},
    texts::{Texts, fill},
};
use crate::archive::Gathered;
use crate::layout::Shape;
use crate::survey::event_name;

/// Records of a page at most, and bytes after which it ends.
const RECORDS: u64 = 500;
const BYTES: usize = 1024 * 1024;

/// What the overview says of a page.
pub(super) struct Span {
    pub(super) path: String,
    pub(super) records: u64,
    /// The times of its first and its last event.
    pub(super) times: Option<(String, String)>,
}

/// Makes the pages of a collection one after the other, each when it is known whether another one follows.
pub(super) struct Pager<'a> {
    texts: &'a Texts,
    gathered: &'a Gathered,
    rows: Rows<'a>,
    body: String,
    names: BTreeSet<String>,
    current: Span,
    done: Vec<Span>,
}

impl<'a> Pager<'a> {
    pub(super) fn new(texts: &'a Texts, gathered: &'a Gathered) -> Self {
        Self {
            texts,
            gathered,
            rows: Rows::of(texts, gathered),
            body: String::new(),
            names: BTreeSet::new(),
            current: Span::new(gathered, 1),
            done: Vec::new(),
        }
    }

    /// Adds a record; the page before it, if that is full.
    pub(super) fn add(&mut self, record: &Value) -> Option<Page> {
        let is_full = self.current.records == RECORDS || self.body.len() >= BYTES;
        let full = is_full.then(|| self.end(true));
        self.rows.add(&mut self.body, record);
        self.current.records += 1;
        if self.gathered.sealed.shape == Shape::Events {
            self.names.insert(event_name(record).to_owned());
            if let Some(time) = record["timestamp"].as_str() {
                let time = || time.chars().take(40).collect::<String>();
                let (_, last) = self.current.times.get_or_insert_with(|| (time(), time()));
                *last = time();
            }
        }
        full
    }

    /// The page that is left.
    pub(super) fn last(&mut self) -> Option<Page> {
        (self.current.records > 0).then(|| self.end(false))
    }

    pub(super) fn into_spans(self) -> Vec<Span> {
        self.done
    }

    fn end(&mut self, more: bool) -> Page {
        let number = self.done.len() + 1;
        let body = std::mem::take(&mut self.body);
        let title = heading(self.texts, self.gathered);
        let main = html! {
            h1 { (title) }
            p.soft { (fill(self.texts.page, &number.to_string())) }
            (self.filter())
            (self.links(number, more))
            (self.rows.table(&body))
            (self.links(number, more))
        };
        self.names.clear();
        let done = std::mem::replace(&mut self.current, Span::new(self.gathered, number + 1));
        let page = Page {
            path: done.path.clone(),
            records: done.records,
            gaps: self.gathered.sealed.gaps.clone(),
            html: page::page(self.texts, &title, &main),
        };
        self.done.push(done);
        page
    }

    fn links(&self, number: usize, more: bool) -> Markup {
        let to = |number| file(self.gathered, number);
        html! {
            nav.pages aria-label=(self.texts.contents) {
                ul {
                    li { a href="../index.html" { (self.texts.overview) } }
                    @if number > 1 {
                        li { a href=(to(1)) { (self.texts.first) } }
                        li { a href=(to(number - 1)) rel="prev" { (self.texts.previous) } }
                    }
                    @if more { li { a href=(to(number + 1)) rel="next" { (self.texts.next) } } }
                }
            }
        }
    }

    /// Hidden until the script that it needs runs.
    fn filter(&self) -> Markup {
        html! {
            @if self.names.len() > 1 {
                div.filter hidden {
                    label {
                        (self.texts.only) " "
                        select {
                            option value="" { (self.texts.all_events) }
                            @for name in &self.names { option value=(name) { (name) } }
                        }
                    }
                }
            }
        }
    }
}

impl Span {
    fn new(gathered: &Gathered, number: usize) -> Self {
        let path = format!("{}/{}", gathered.source, file(gathered, number));
        Self { path, records: 0, times: None }
    }
}

fn file(gathered: &Gathered, number: usize) -> String {
    format!("{}-{number:04}.html", gathered.collection)
}

/// The title of a collection.
pub(super) fn heading(texts: &Texts, gathered: &Gathered) -> String {
    fill(words(texts, gathered.sealed.shape).title, &gathered.collection)
}
