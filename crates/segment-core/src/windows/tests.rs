use std::{cell::Cell, future::ready};

use futures_executor::block_on;
use futures_util::TryStreamExt;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Cursor, ErrorKind, Pii, Service};

/// A service that answers from a list, newest first.
#[derive(Debug, Clone)]
struct Listed {
    /// When each happened, in milliseconds before now.
    ago: Vec<i64>,
    page: usize,
    times: Times,
}

/// How it takes `start` and `end`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Times {
    Without,
    With,
    /// Whole seconds.
    Rounded,
    /// Whole minutes.
    Minutes,
    Ignored,
    /// Of another time zone.
    Shifted,
    /// `end` is the day.
    EndOfDay,
}

fn now() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

impl Listed {
    fn new(mut ago: Vec<i64>, page: usize) -> Self {
        ago.sort_unstable();
        Self { ago, page, times: Times::Without }
    }

    fn events(&self) -> Vec<(Timestamp, String)> {
        self.ago.iter().enumerate().map(|(n, ago)| (now() - ago.milliseconds(), format!("m-{n}"))).collect()
    }

    fn answer(&self, query: &EventsQuery) -> Page<Event> {
        let second = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap();
        let minute = |at: Timestamp| Timestamp::from_second(at.as_second() / 60 * 60).unwrap();
        let day = |at: Timestamp| Timestamp::from_second(at.as_second() / 86_400 * 86_400).unwrap();
        let is_asked = |at: Timestamp| {
            let after = |start: Timestamp| match self.times {
                Times::Without | Times::EndOfDay => at > start,
                Times::With => at >= start,
                Times::Rounded => second(at) > second(start),
                Times::Minutes => at > minute(start),
                Times::Ignored => true,
                Times::Shifted => at > start + 1.hour(),
            };
            let before = |end: Timestamp| match self.times {
                Times::Without => at < end,
                Times::With => at <= end,
                Times::Rounded => second(at) < second(end),
                Times::Minutes => at < minute(end),
                Times::Ignored => true,
                Times::Shifted => at < end + 1.hour(),
                Times::EndOfDay => at < day(end),
            };
            query.start.is_none_or(after) && query.end.is_none_or(before)
        };
        let all: Vec<_> = self.events().into_iter().filter(|(at, _)| is_asked(*at)).collect();
        let from = query.next.as_ref().map_or(0, |next| next.as_str().parse::<usize>().unwrap());
        let to = all.len().min(from + self.page);
        let event = |(at, id): &(Timestamp, String)| {
            let record = json!({"message_id": id, "timestamp": at.to_string()});
            Event { record: Pii::new(record) }
        };
        let next = (to < all.len()).then(|| Cursor::new(to.to_string())).flatten();
        Page { items: all[from..to].iter().map(event).collect(), next }
    }

    /// The ids in the order in which they were given, and how many calls it took.
    fn read(&self, width: usize) -> (Result<Vec<String>, SegmentError>, usize) {
        let calls = Cell::new(0);
        let fetch = |query: EventsQuery| {
            calls.set(calls.get() + 1);
            ready(Ok(Some(self.answer(&query))))
        };
        let read = event_pages(NonZeroUsize::new(width).unwrap(), fetch).try_collect::<Vec<_>>();
        let ids = block_on(read).map(|pages| pages.iter().flat_map(|page| &page.items).map(Event::name).collect());
        (ids, calls.get())
    }

    fn ids(&self) -> Vec<String> {
        self.events().into_iter().map(|(_, id)| id).collect()
    }

    fn pages(&self) -> usize {
        self.ago.len().div_ceil(self.page).max(1)
    }
}

/// So many, evenly over the last days.
fn even(events: usize, days: i64) -> Vec<i64> {
    let events = i64::try_from(events).unwrap();
    (0..events).map(|n| n * (days * 86_400_000 / events)).collect()
}

#[test]
fn nothing_is_asked_twice_for_where_there_is_little() {
    for events in [0, 1, 99, 100, 101, 200] {
        let listed = Listed::new(even(events, 13), 100);
        let (read, calls) = listed.read(8);
        assert_eq!((read.unwrap(), calls), (listed.ids(), listed.pages()), "{events} events");
    }
}

#[test]
fn many_cost_few_calls_more() {
    for events in [1_000, 10_000, 100_000] {
        let listed = Listed::new(even(events, 13), 100);
        let (read, calls) = listed.read(8);
        assert_eq!(read.unwrap(), listed.ids());
        assert!(calls < listed.pages() * 13 / 10 + 8, "{calls} calls for {} pages", listed.pages());
    }
}

#[test]
fn a_burst_before_a_quiet_fortnight_costs_few_calls_more() {
    let mut ago: Vec<_> = (0..450).map(|n| n * 20).collect();
    ago.extend(even(40, 13));
    let listed = Listed::new(ago, 100);
    let (read, calls) = listed.read(8);
    assert_eq!(read.unwrap(), listed.ids());
    assert!(calls <= listed.pages() + 25, "{calls} calls for {} pages", listed.pages());
}

#[test]
fn thousands_at_one_moment_are_read_one_after_the_other() {
    let listed = Listed::new(vec![5_000; 3_000], 100);
    let (read, calls) = listed.read(8);
    assert_eq!(read.unwrap(), listed.ids());
    assert!(calls < 60, "{calls}");
}

#[test]
fn a_service_that_ignores_times_is_found_out() {
    for times in [Times::Ignored, Times::Shifted, Times::EndOfDay] {
        let listed = Listed { times, ..Listed::new(even(5_000, 13), 100) };
        let error = listed.read(8).0.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Contradiction, "{times:?}");
    }
    // The minutes that are missing at each end are more than an eighth of a page.
    let listed = Listed { times: Times::Minutes, ..Listed::new(even(50_000, 1), 100) };
    assert_eq!(listed.read(8).0.unwrap_err().kind(), ErrorKind::Contradiction);
}

fn read_with(width: usize, answer: impl Fn(&EventsQuery) -> Paged<Event>) -> Result<usize, SegmentError> {
    let pages = event_pages(NonZeroUsize::new(width).unwrap(), |query| ready(answer(&query)));
    let all = block_on(pages.try_collect::<Vec<_>>())?;
    Ok(all.iter().map(|page| page.items.len()).sum())
}

#[test]
fn a_window_that_is_refused_is_a_contradiction_and_other_errors_are_themselves() {
    let listed = Listed::new(even(5_000, 13), 100);
    let with = |kind| {
        let refused = |query: &EventsQuery| match query.end {
            Some(_) => Err(SegmentError::new(Service::ProfileApi, kind)),
            None => Ok(Some(listed.answer(query))),
        };
        read_with(8, refused).unwrap_err().kind()
    };
    assert_eq!(with(ErrorKind::Invalid), ErrorKind::Contradiction);
    assert_eq!(with(ErrorKind::Server), ErrorKind::Server);
    let gone = |query: &EventsQuery| Ok(query.end.is_none().then(|| listed.answer(query)));
    assert_eq!(read_with(8, gone).unwrap_err().kind(), ErrorKind::Contradiction);
    assert_eq!(read_with(8, |_| Ok(None)).unwrap(), 0, "a profile that is not there");
}

#[test]
fn what_came_before_an_error_is_given_before_it() {
    let listed = Listed::new(even(5_000, 13), 100);
    let (given, calls) = (Cell::new(0), Cell::new(0));
    let pages = event_pages(NonZeroUsize::new(8).unwrap(), |query| {
        calls.set(calls.get() + 1);
        ready(match calls.get() {
            20 => Err(SegmentError::new(Service::ProfileApi, ErrorKind::Server)),
            _ => Ok(Some(listed.answer(&query))),
        })
    });
    let read = pages.try_for_each(|page| {
        let ids: Vec<_> = page.items.iter().map(Event::name).collect();
        assert_eq!(ids, listed.ids()[given.get()..given.get() + ids.len()], "in order, without a gap");
        given.set(given.get() + ids.len());
        ready(Ok(()))
    });
    assert_eq!(block_on(read).unwrap_err().kind(), ErrorKind::Server);
    assert!(given.get() > 500, "only {}", given.get());
}

#[test]
fn events_without_a_time_are_read_page_by_page() {
    let answer = |query: &EventsQuery| {
        assert_eq!((query.start, query.end), (None, None));
        let from = query.next.as_ref().map_or(0, |next| next.as_str().parse::<usize>().unwrap());
        let items = (from..from + 100).map(|n| Event { record: Pii::new(json!({"message_id": n})) }).collect();
        Ok(Some(Page { items, next: (from < 900).then(|| Cursor::new((from + 100).to_string())).flatten() }))
    };
    assert_eq!(read_with(8, answer).unwrap(), 1_000);
}

#[test]
fn a_window_that_begins_again_is_a_contradiction() {
    let listed = Listed::new(even(5_000, 13), 100);
    let answer = |query: &EventsQuery| {
        let mut page = listed.answer(query);
        if query.end.is_some() {
            page.next = Cursor::new("0");
        }
        Ok(Some(page))
    };
    assert_eq!(read_with(8, answer).unwrap_err().kind(), ErrorKind::Contradiction);
}

/// Bursts, quiet days, many at once, and times that fall on whole seconds and days.
fn histories() -> impl Strategy<Value = Vec<i64>> {
    let burst = (0..1_209_600_i64, 1..120_i64, prop::sample::select(vec![0_i64, 1, 7, 500, 1_000, 60_000]));
    let bursts = prop::collection::vec(burst, 0..12);
    bursts.prop_map(|bursts| {
        let each = |(from, events, apart): (i64, i64, i64)| (0..events).map(move |n| from * 1_000 + n * apart);
        bursts.into_iter().flat_map(each).filter(|ago| *ago < 1_209_600_000).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_or_doubled_and_the_order_is_kept(
        ago in histories(),
        page in 1..40_usize,
        width in 1..12_usize,
        times in prop::sample::select(vec![Times::Without, Times::With, Times::Rounded]),
    ) {
        let listed = Listed { times, ..Listed::new(ago, page) };
        prop_assert_eq!(listed.read(width).0.unwrap(), listed.ids());
    }

    #[test]
    fn what_is_not_found_out_is_right(ago in histories(), page in 1..40_usize, width in 1..12_usize) {
        for times in [Times::Ignored, Times::Shifted] {
            let listed = Listed { times, ..Listed::new(ago.clone(), page) };
            match listed.read(width).0 {
                Ok(ids) => prop_assert_eq!(ids, listed.ids()),
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Contradiction),
            }
        }
    }
}
