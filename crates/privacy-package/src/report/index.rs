//! The overview: who asked, what there is, and what is not.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    Section, Shown, chart, page,
    pager::{Span, heading},
    records::words,
    texts::{Texts, fill, number},
};
use crate::archive::Contents;
use crate::layout::Shape;

/// Links to pages that are listed one by one; the pages themselves lead on.
const MOST_LINKS: usize = 2_000;
const MOST_NAMES: usize = 100;

pub(super) fn render(texts: &Texts, contents: &Contents, sections: &[Section<'_>]) -> String {
    let main = html! {
        h1 { (texts.title) }
        p { (texts.intro) }
        (asked(texts, contents))
        (listed(texts, sections))
        @for (at, section) in sections.iter().enumerate() { (one(texts, at, section)) }
        (missing(texts, contents))
        h2 #files { (texts.files) }
        p { (texts.files_intro) }
    };
    page::page(texts, texts.title, &main)
}

fn asked(texts: &Texts, contents: &Contents) -> Markup {
    html! {
        dl.facts {
            @for identity in contents.identities.iter() {
                dt { (texts.asked_by) }
                dd { (identity.kind().as_str().replace('_', " ")) " " strong { (identity.value().expose()) } }
            }
            dt { (texts.asked_at) } dd { (moment(contents.received_at)) }
            dt { (texts.made_at) } dd { (moment(contents.created_at)) }
            dt { (texts.request) } dd { (contents.request_id) }
        }
    }
}

fn listed(texts: &Texts, sections: &[Section<'_>]) -> Markup {
    html! {
        nav aria-label=(texts.contents) {
            h2 { (texts.what_we_hold) }
            ul {
                @for (at, section) in sections.iter().enumerate() {
                    @let words = words(texts, section.gathered.sealed.shape);
                    li {
                        a href=(format!("#part-{at}")) { (heading(texts, section.gathered)) }
                        ": " (words.counted(section.gathered.sealed.records))
                    }
                }
                li { a href="#missing" { (texts.not_in_here) } }
                li { a href="#files" { (texts.files) } }
            }
        }
    }
}

fn one(texts: &Texts, at: usize, section: &Section<'_>) -> Markup {
    let (gathered, sealed) = (section.gathered, &section.gathered.sealed);
    let whence = if sealed.shape == Shape::Table { texts.where_from_table } else { texts.where_from_segment };
    html! {
        h2 id=(format!("part-{at}")) { (heading(texts, gathered)) }
        p { (words(texts, sealed.shape).intro) " " span.soft { (fill(whence, &gathered.source)) } }
        @for gap in &sealed.gaps { p.note { (gap) } }
        @if sealed.shape == Shape::Events && sealed.records > 0 {
            (chart::by_day(texts, &sealed.survey.activity))
            (by_name(texts, section))
        }
        @match &section.shown {
            Shown::Here(records) => { (records) }
            Shown::Pages(spans) if spans.is_empty() => { p { (texts.nothing) } }
            Shown::Pages(spans) => { (pages(texts, section, spans)) }
        }
    }
}

fn by_name(texts: &Texts, section: &Section<'_>) -> Markup {
    let activity = &section.gathered.sealed.survey.activity;
    let mut names: Vec<_> = activity.names.iter().collect();
    names.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let rest: u64 = names.iter().skip(MOST_NAMES).map(|(_, count)| **count).sum::<u64>() + activity.other_names;
    html! {
        table {
            caption { (texts.by_name) }
            thead { tr { th scope="col" { (texts.event) } th.number scope="col" { (texts.count) } } }
            tbody {
                @for (name, count) in names.iter().take(MOST_NAMES) {
                    tr {
                        th scope="row" { (name.chars().take(200).collect::<String>()) }
                        td.number { (number(**count)) }
                    }
                }
                @if rest > 0 { tr { th scope="row" { (texts.others) } td.number { (number(rest)) } } }
            }
        }
    }
}

fn pages(texts: &Texts, section: &Section<'_>, spans: &[Span]) -> Markup {
    let words = words(texts, section.gathered.sealed.shape);
    html! {
        ol {
            @for span in spans.iter().take(MOST_LINKS) {
                li {
                    a href=(span.path) { (words.counted(span.records)) }
                    @if let Some((first, last)) = &span.times { span.soft { ", " (first) " – " (last) } }
                }
            }
        }
    }
}

fn missing(texts: &Texts, contents: &Contents) -> Markup {
    let holes: Vec<_> = contents.collections.iter().filter(|one| !one.sealed.gaps.is_empty()).collect();
    html! {
        h2 #missing { (texts.not_in_here) }
        @if contents.limits.is_empty() && holes.is_empty() {
            p { (texts.everything_in_here) }
        } @else {
            p { (texts.not_in_here_intro) }
            ul {
                @for one in holes {
                    li { strong { (fill(texts.hole, &heading(texts, one))) } " " (one.sealed.gaps.join("; ")) }
                }
                @for limit in &contents.limits { li { (limit) } }
            }
        }
    }
}

/// A moment for people, in UTC.
fn moment(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}
