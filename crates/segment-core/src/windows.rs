//! The events of one profile, read in several windows of time at once.

mod plan;
mod proof;
mod stretch;
mod window;

use std::{future::Future, num::NonZeroUsize};

use futures_util::{
    FutureExt,
    stream::{self, FuturesUnordered, Stream, StreamExt},
};

use self::plan::{Next, Plan};
use crate::{Event, EventsQuery, Page, Paged, SegmentError};

/// All events of a profile in Segment's order, newest first: up to `width` pages are asked for at once, of windows that are
/// divided by time (`start` and `end` of the query).
///
/// It begins page by page. After two full pages it asks once more for a part of what it has read: only where that answer is right,
/// windows are used. They are as long as about eight pages take by what was read so far, ask for a little more than they keep on
/// either side, and keep what happened within them, so that each event is given once; about a hundred pages are held at most. Where
/// the list is over soon after all, that has cost a few calls, and no time.
///
/// It is only as right as the service is: an event outside what was asked for, an order that is not by time, two neighbours that
/// do not agree on what happened where they meet, and a window that cannot be asked for, are an error of kind
/// [`Contradiction`](crate::ErrorKind::Contradiction). What was given by then is not to be used, and
/// [`pages`](crate::pages) reads the list instead. Where the very first pages hold events without a time, or in another order,
/// it goes on page by page by itself.
pub fn event_pages<F, Fut>(width: NonZeroUsize, fetch: F) -> impl Stream<Item = Result<Page<Event>, SegmentError>>
where
    F: Fn(EventsQuery) -> Fut,
    Fut: Future<Output = Paged<Event>>,
{
    let under_way = FuturesUnordered::new();
    stream::try_unfold((Plan::new(width), fetch, under_way), async |(mut plan, fetch, mut under_way)| {
        loop {
            while let Some(call) = plan.call() {
                under_way.push(fetch(call.query).map(move |answer| (call.window, answer)));
            }
            // What waits to be given must not keep answers waiting.
            while let Some(Some((window, answer))) = under_way.next().now_or_never() {
                plan.answer(window, answer)?;
            }
            match plan.take()? {
                Next::Page(items) => return Ok(Some((Page::only(items), (plan, fetch, under_way)))),
                Next::End => return Ok(None),
                Next::Wait => {}
            }
            if let Some((window, answer)) = under_way.next().await {
                plan.answer(window, answer)?;
            }
        }
    })
}

#[cfg(test)]
mod tests;
