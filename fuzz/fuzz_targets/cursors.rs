//! Lists whose pages come from the input, a page a line: its items, a letter each, then `|` and the cursor of the next page.
//! A list ends, and no cursor leaves its place in a URL.
#![no_main]

use std::future::ready;

use futures_executor::block_on;
use futures_util::TryStreamExt as _;
use libfuzzer_sys::fuzz_target;
use segment_core::{Cursor, ErrorKind, Page, Service, pages};
use segment_http::Query;

fuzz_target!(|text: &str| {
    let script: Vec<Page<char>> = text.lines().map(page).collect();
    if script.is_empty() {
        return;
    }
    let mut calls = 0;
    let read = pages(Service::ProfileApi, |cursor| {
        if let Some(cursor) = &cursor {
            stays_one_value(cursor);
        }
        let page = script[calls % script.len()].clone();
        calls += 1;
        ready(Ok(Some(page)))
    });
    let read: Result<Vec<Page<char>>, _> = block_on(read.try_collect());
    // The script begins anew with a cursor that was followed before.
    assert!(calls <= script.len() + 1, "{calls} calls for {} pages", script.len());
    match read {
        Ok(pages) => assert!(pages.last().is_some_and(|last| last.next.is_none())),
        Err(error) => assert_eq!(error.kind(), ErrorKind::EndlessList),
    }
});

fn page(line: &str) -> Page<char> {
    let (items, next) = line.split_once('|').unwrap_or((line, ""));
    Page { items: items.chars().collect(), next: Cursor::new(next) }
}

fn stays_one_value(cursor: &Cursor) {
    let query = Query::default().with("next", cursor.as_str());
    let value = query.as_str().strip_prefix("?next=").expect("the query has one parameter");
    assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)), "{value}");
}
