//! What a Segment on this machine holds on a person, counted:
//!
//! ```text
//! cargo run -p segment-unify --example profile -- http://127.0.0.1:8123 SPACE SECRET email ann@example.com
//! ```
//!
//! A secret on a command line is visible to everybody on the machine, so this refuses any other host.

use std::{error::Error, io::Write, sync::Arc};

use futures_util::{Stream, TryStreamExt};
use segment_core::{
    EventsQuery, ExternalIdsQuery, IdentityKind, LinksQuery, Page, Pii, ProfileRef, SegmentError, TraitsQuery,
    ports::Profiles,
};
use segment_http::{Endpoint, Environment, Limits, OsRandom, SoloPacer, SystemClock};
use segment_unify::ProfileApi;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [domain, space, secret, kind, value] = arguments.as_slice() else {
        return Err("expected: URL SPACE SECRET TYPE VALUE".into());
    };
    let endpoint = Endpoint::parse(domain, false)?;
    if !endpoint.is_loopback() {
        return Err("this example is for a Segment on this machine".into());
    }
    let environment = Environment {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(OsRandom),
        pacer: Arc::new(SoloPacer::new(Limits::default())),
    };
    let unify = ProfileApi::new(endpoint, space, secret.clone().into(), environment)?;
    let mut out = std::io::stdout().lock();

    let person = ProfileRef::external_id(IdentityKind::parse(kind)?, Pii::from(value.as_str()));
    if unify.metadata(&person).await?.is_none() {
        // Segment matches lower case only.
        writeln!(out, "nobody; was it spelled in lower case?")?;
        return Ok(());
    }
    writeln!(out, "{} traits", count(unify.traits_all(&person, TraitsQuery::default())).await?)?;
    writeln!(out, "{} external ids", count(unify.external_ids_all(&person, ExternalIdsQuery::default())).await?)?;
    writeln!(out, "{} events of the last 14 days", count(unify.events_all(&person, EventsQuery::default())).await?)?;
    writeln!(out, "{} links", count(unify.links_all(&person, LinksQuery::default())).await?)?;
    Ok(())
}

/// Page by page: a profile is never held as a whole.
async fn count<T>(pages: impl Stream<Item = Result<Page<T>, SegmentError>>) -> Result<usize, SegmentError> {
    pages.try_fold(0, |sum, page| async move { Ok(sum + page.items.len()) }).await
}
