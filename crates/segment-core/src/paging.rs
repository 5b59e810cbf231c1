//! Pages and the way from one to the next.

use std::{collections::HashSet, future::Future};

use futures_util::stream::{self, Stream};

use crate::{ErrorKind, SegmentError, Service};

/// Where the next page begins. Opaque: a trait name, an id or base64, and sometimes personal data, so not shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[cursor]")
    }
}

impl Cursor {
    /// A cursor as an answer holds it; an empty one is none.
    pub fn new(cursor: impl Into<String>) -> Option<Self> {
        let cursor = cursor.into();
        (!cursor.is_empty()).then_some(Self(cursor))
    }

    /// The cursor for the wire; it must be percent-encoded there.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The page's items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The only page of a list.
    #[must_use]
    pub fn only(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// What a fetch of one page may find.
pub type Paged<T> = Result<Option<Page<T>>, SegmentError>;

/// Pages of one list, at most: two million events. A profile has fewer; a list that goes on is endless.
pub(crate) const MAX_PAGES: u32 = 20_000;
/// Pages without an item in a row, at most.
const MAX_EMPTY: u32 = 50;

/// How a list was read so far.
pub(crate) struct Followed<T> {
    cursors: HashSet<Cursor>,
    first_item: Option<T>,
    pages: u32,
    empty: u32,
}

impl<T> Default for Followed<T> {
    fn default() -> Self {
        Self { cursors: HashSet::new(), first_item: None, pages: 0, empty: 0 }
    }
}

impl<T: Clone + PartialEq> Followed<T> {
    /// Whether the list goes on after this page as a list should: by a new cursor, and with something new.
    pub(crate) fn goes_on(&mut self, page: &Page<T>, next: &Cursor) -> bool {
        self.pages += 1;
        self.empty = if page.items.is_empty() { self.empty + 1 } else { 0 };
        let first_item = page.items.first().cloned();
        let again = first_item.is_some() && first_item == self.first_item;
        self.first_item = first_item;
        self.cursors.insert(next.clone()) && !again && self.pages < MAX_PAGES && self.empty < MAX_EMPTY
    }
}

/// All pages of a list, one at a time: `fetch` is asked for the page at a cursor, `None` first.
///
/// It ends after the last page, at once where the list does not exist (`Ok(None)`, such as a profile that is not
/// there), and after an error. A cursor that was followed before, a page that begins like the one before, 50 pages in a row
/// without an item, and a 20,000th page are an error of kind [`EndlessList`](ErrorKind::EndlessList): an endless list is not read forever.
pub fn pages<T, F, Fut>(service: Service, fetch: F) -> impl Stream<Item = Result<Page<T>, SegmentError>>
where
    T: Clone + PartialEq,
    F: FnMut(Option<Cursor>) -> Fut,
    Fut: Future<Output = Paged<T>>,
{
    let start = Some((fetch, None::<Cursor>, Followed::default()));
    stream::try_unfold(start, move |state| async move {
        let Some((mut fetch, cursor, mut followed)) = state else { return Ok(None) };
        let Some(page) = fetch(cursor).await? else { return Ok(None) };
        let state = match page.next.clone() {
            None => None,
            Some(next) if followed.goes_on(&page, &next) => Some((fetch, Some(next), followed)),
            Some(_) => return Err(SegmentError::new(service, ErrorKind::EndlessList)),
        };
        Ok(Some((page, state)))
    })
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use futures_util::{StreamExt, TryStreamExt};

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "it is what a fetch answers")]
    fn page(items: &[u32], next: &str) -> Paged<u32> {
        Ok(Some(Page { items: items.to_vec(), next: Cursor::new(next) }))
    }

    fn read(fetch: impl FnMut(Option<Cursor>) -> std::future::Ready<Paged<u32>>) -> Result<Vec<u32>, SegmentError> {
        let all: Vec<Page<u32>> = block_on(pages(Service::ProfileApi, fetch).try_collect())?;
        Ok(all.into_iter().flat_map(|page| page.items).collect())
    }

    #[test]
    fn follows_cursors_to_the_end() {
        let all = read(|cursor| {
            std::future::ready(match cursor.as_ref().map(Cursor::as_str) {
                None => page(&[1, 2], "b"),
                Some("b") => page(&[], "c"),
                _ => page(&[3], ""),
            })
        });
        assert_eq!(all.unwrap(), [1, 2, 3]);
    }

    #[test]
    fn a_repeated_cursor_stops_with_an_error() {
        let mut calls = 0;
        let all = read(|_| {
            calls += 1;
            std::future::ready(page(&[1], "again"))
        });
        assert_eq!(all.unwrap_err().kind(), ErrorKind::EndlessList);
        assert_eq!(calls, 2);
    }

    #[test]
    fn pages_without_items_do_not_go_on_for_ever() {
        let mut calls = 0;
        let all = read(|_| {
            calls += 1;
            std::future::ready(page(&[], &calls.to_string()))
        });
        assert_eq!(all.unwrap_err().kind(), ErrorKind::EndlessList);
        assert_eq!(calls, MAX_EMPTY);
    }

    #[test]
    fn the_same_page_under_another_cursor_stops() {
        let mut calls = 0;
        let all = read(|_| {
            calls += 1;
            std::future::ready(page(&[1, 2], &calls.to_string()))
        });
        assert_eq!(all.unwrap_err().kind(), ErrorKind::EndlessList);
        assert_eq!(calls, 2);
    }

    #[test]
    fn a_list_that_always_has_more_ends_at_the_cap() {
        let mut calls = 0;
        let all = read(|_| {
            calls += 1;
            std::future::ready(page(&[calls], &calls.to_string()))
        });
        assert_eq!(all.unwrap_err().kind(), ErrorKind::EndlessList);
        assert_eq!(calls, MAX_PAGES);
    }

    #[test]
    fn what_does_not_exist_is_empty() {
        assert_eq!(read(|_| std::future::ready(Ok(None))).unwrap(), [0; 0]);
        let mut none = Box::pin(pages(Service::ProfileApi, |_| std::future::ready(Paged::<u32>::Ok(None))));
        assert!(block_on(none.next()).is_none());
    }
}
