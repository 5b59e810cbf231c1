use std::{
    cell::Cell,
    future::{poll_fn, ready},
    task::Poll,
};

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
    events: Vec<(Timestamp, Event)>,
    page: usize,
    times: Times,
    /// Which answers take longer than others.
    hurry: usize,
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
        let event = |(n, ago): (usize, i64)| {
            let at = now() - ago.milliseconds();
            let record = json!({"message_id": format!("m-{n}"), "timestamp": at.to_string()});
            (at, Event { record: Pii::new(record) })
        };
        Self { events: ago.into_iter().enumerate().map(event).collect(), page, times: Times::Without, hurry: 0 }
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
        let all: Vec<_> = self.events.iter().filter(|(at, _)| is_asked(*at)).collect();
        let from = query.next.as_ref().map_or(0, |next| next.as_str().parse::<usize>().unwrap());
        let to = all.len().min(from + self.page);
        let next = (to < all.len()).then(|| Cursor::new(to.to_string())).flatten();
        Page { items: all[from..to].iter().map(|(_, event)| event.clone()).collect(), next }
    }

    /// The ids in the order in which they were given, and how many calls it took.
    fn read(&self, width: usize) -> (Result<Vec<String>, SegmentError>, usize) {
        let calls = Cell::new(0_usize);
        let fetch = |query: EventsQuery| {
            calls.set(calls.get() + 1);
            let page = self.answer(&query);
            // Answers overtake each other.
            let mut late = calls.get().wrapping_mul(self.hurry) % 7;
            poll_fn(move |context| {
                if late == 0 {
                    return Poll::Ready(Ok(Some(page.clone())));
                }
                late -= 1;
                context.waker().wake_by_ref();
                Poll::Pending
            })
        };
        let read = event_pages(NonZeroUsize::new(width).unwrap(), fetch).try_collect::<Vec<_>>();
        let ids = block_on(read).map(|pages| pages.iter().flat_map(|page| &page.items).map(Event::name).collect());
        (ids, calls.get())
    }

    fn ids(&self) -> Vec<String> {
        self.events.iter().map(|(_, event)| event.name()).collect()
    }

    fn pages(&self) -> usize {
        self.events.len().div_ceil(self.page).max(1)
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
    for events in [1_000, 10_000, 30_000] {
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
    assert!(calls <= listed.pages() + 14, "{calls} calls for {} pages", listed.pages());
}

/// How many answers one waits for, where each takes as long as any other.
fn rounds(listed: &Listed, width: usize) -> usize {
    let mut plan = Plan::new(NonZeroUsize::new(width).unwrap());
    let mut rounds = 0;
    loop {
        rounds += 1;
        let calls: Vec<_> = std::iter::from_fn(|| plan.call()).collect();
        for call in calls {
            plan.answer(call.window, Ok(Some(listed.answer(&call.query)))).unwrap();
        }
        loop {
            match plan.take().unwrap() {
                Next::Page(_) => {}
                Next::Wait => break,
                Next::End => return rounds,
            }
        }
    }
}

#[test]
fn windows_are_several_times_as_quick_as_pages() {
    let one_day = (0..9_000).map(|n| 3 * 86_400_000 + n * 9_600).chain(even(1_000, 13)).collect();
    for (name, history) in [("even", even(10_000, 13)), ("one day", one_day)] {
        let listed = Listed::new(history, 100);
        let (rounds, pages) = (rounds(&listed, 11), listed.pages());
        assert!(rounds * 3 <= pages, "{name}: {rounds} answers for {pages} pages");
    }
}

#[test]
fn a_few_full_pages_of_today_cost_few_calls_more() {
    for events in [250_i64, 450, 950] {
        let listed = Listed::new((0..events).map(|n| n * 1_000).collect(), 100);
        let (read, calls) = listed.read(8);
        assert_eq!(read.unwrap(), listed.ids());
        assert!(calls <= listed.pages() + 14, "{calls} calls for {} pages", listed.pages());
    }
}

#[test]
fn thousands_at_one_moment_are_read_one_after_the_other() {
    let listed = Listed::new(vec![5_000; 3_000], 100);
    let (read, calls) = listed.read(8);
    assert_eq!(read.unwrap(), listed.ids());
    assert!(calls < 60, "{calls}");
}

#[test]
fn a_service_that_takes_times_otherwise_is_found_out_by_one_call() {
    let batches = (0..300).flat_map(|hour| (0..250).map(move |n| hour * 3_600_000 + n * 1_000)).collect::<Vec<_>>();
    for history in [even(5_000, 13), even(50_000, 1), batches] {
        for times in [Times::Ignored, Times::Shifted, Times::EndOfDay, Times::Minutes] {
            let listed = Listed { times, ..Listed::new(history.clone(), 100) };
            let (read, calls) = listed.read(8);
            assert_eq!(read.unwrap(), listed.ids(), "{times:?}");
            assert_eq!(calls, listed.pages() + 1, "{times:?}");
        }
    }
}

fn read_with(width: usize, answer: impl Fn(&EventsQuery) -> Paged<Event>) -> Result<usize, SegmentError> {
    let pages = event_pages(NonZeroUsize::new(width).unwrap(), |query| ready(answer(&query)));
    let all = block_on(pages.try_collect::<Vec<_>>())?;
    Ok(all.iter().map(|page| page.items.len()).sum())
}

#[test]
fn a_window_that_is_refused_is_a_contradiction_and_other_errors_are_themselves() {
    let listed = Listed::new(even(5_000, 13), 100);
    // From the second question about a time on: the first is the proof.
    let later = |query: &EventsQuery, asked: &Cell<u32>| {
        asked.set(asked.get() + u32::from(query.end.is_some()));
        asked.get() > 1
    };
    let with = |kind| {
        let asked = Cell::new(0);
        let refused = |query: &EventsQuery| {
            let refusal = later(query, &asked).then(|| SegmentError::new(Service::ProfileApi, kind));
            refusal.map_or_else(|| Ok(Some(listed.answer(query))), Err)
        };
        read_with(8, refused).unwrap_err().kind()
    };
    assert_eq!(with(ErrorKind::Invalid), ErrorKind::Contradiction);
    assert_eq!(with(ErrorKind::Server), ErrorKind::Server);
    let asked = Cell::new(0);
    let gone = |query: &EventsQuery| Ok((!later(query, &asked)).then(|| listed.answer(query)));
    assert_eq!(read_with(8, gone).unwrap_err().kind(), ErrorKind::Contradiction);
    let never = |query: &EventsQuery| match query.end {
        Some(_) => Err(SegmentError::new(Service::ProfileApi, ErrorKind::Invalid)),
        None => Ok(Some(listed.answer(query))),
    };
    assert_eq!(read_with(8, never).unwrap(), 5_000, "who cannot prove it is read page by page");
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
        // Not the proof, which is about what was read: the newest.
        if query.end.is_some_and(|end| end < now() - 12.hours()) {
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
        hurry in 0..1_000_usize,
    ) {
        let listed = Listed { times, hurry, ..Listed::new(ago, page) };
        prop_assert_eq!(listed.read(width).0.unwrap(), listed.ids());
    }

    #[test]
    fn what_is_not_found_out_is_right(ago in histories(), page in 1..40_usize, width in 1..12_usize) {
        for times in [Times::Ignored, Times::Shifted, Times::EndOfDay, Times::Minutes] {
            let listed = Listed { times, ..Listed::new(ago.clone(), page) };
            match listed.read(width).0 {
                Ok(ids) => prop_assert_eq!(ids, listed.ids()),
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Contradiction),
            }
        }
    }
}
