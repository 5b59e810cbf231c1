//! What Unify holds on a person, counted. The person's id is standard input, since arguments are visible to everybody on
//! the machine:
//!
//! ```text
//! export SEGMENT_ACCESS_SECRET=… SEGMENT_SPACE_ID=spa_…     # Unify > Unify settings > API access
//! echo ann@example.com | cargo run -p segment-unify --example held -- email
//! ```
//!
//! A second argument is another host: `profiles.euw1.segment.com`, or a Segment on this machine.

use std::{error::Error, io::Write, sync::Arc};

use futures_util::{Stream, TryStreamExt};
use secrecy::SecretString;
use segment_core::{
    EventsQuery, ExternalIdsQuery, IdentityKind, LinksQuery, Page, Pii, ProfileRef, SegmentError, TraitsQuery,
    ports::Profiles,
};
use segment_http::{Endpoint, Environment, Limits, OsRandom, SoloPacer, SystemClock};
use segment_unify::ProfileApi;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let kind = std::env::args().nth(1).ok_or("expected a kind of id, such as email or user_id")?;
    let value = std::io::read_to_string(std::io::stdin())?;
    let person = ProfileRef::external_id(IdentityKind::parse(&kind)?, Pii::from(value.trim()));
    let environment = Environment {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(OsRandom),
        pacer: Arc::new(SoloPacer::new(Limits::default())),
    };
    let (secret, space) = (SecretString::from(variable("SEGMENT_ACCESS_SECRET")?), variable("SEGMENT_SPACE_ID")?);
    let host = std::env::args().nth(2).unwrap_or_else(|| Endpoint::PROFILES_US.to_owned());
    let unify = ProfileApi::new(Endpoint::parse(&host, false)?, space, secret, environment)?;
    let mut out = std::io::stdout().lock();
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

/// The value is never repeated: it may be a secret.
#[expect(clippy::disallowed_methods, reason = "an example has no configuration")]
fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))
}
