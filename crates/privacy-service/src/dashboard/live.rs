//! Server-sent events: something happened, look again. What happened is on the page, for whoever may see it.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, stream};

use super::{page::Failure, session::Visitor};
use crate::{api::Parameters, service::Service};

/// How often it is looked whether something happened.
const LOOK: Duration = Duration::from_secs(2);
/// A browser asks again then, and whether somebody may still look is asked, too.
const LENGTH: u32 = 300;

/// What a page is made of, to be asked before it is made.
pub(super) async fn seen(service: &Service) -> Option<i64> {
    service.desk().pulse().await.ok()
}

/// Tells that something happened, until the service stops.
pub(super) async fn events(
    State(service): State<Service>,
    _: Visitor,
    mut query: Parameters,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    // What the page was made of: it may be old by now.
    let seen = query.one::<i64>("seen", "a number")?;
    let changes = stream::unfold((service, seen, 0), |(service, mut seen, mut looks)| async move {
        loop {
            if looks > 0 {
                tokio::time::sleep(LOOK).await;
            }
            looks += 1;
            let desk = service.desk();
            if looks > LENGTH || !desk.works() {
                return None;
            }
            // A record database that is away is told by the page, when it is asked for.
            let Ok(now) = desk.pulse().await else { continue };
            if seen.replace(now) != Some(now) {
                return Some((Ok(Event::default().event("changed").data("look")), (service, seen, looks)));
            }
        }
    });
    Ok(Sse::new(changes).keep_alive(KeepAlive::default()))
}
