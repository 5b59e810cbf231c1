//! The regulations that a workspace has had in the last 90 days, counted by their status:
//!
//! ```text
//! export SEGMENT_ACCESS_TOKEN=…               # a Public API token with the role Workspace Owner
//! export SEGMENT_DOMAIN=eu1.api.segmentapis.com       # outside the US
//! cargo run -p segment-http --example list
//! ```

use std::{collections::BTreeMap, error::Error, io::Write, sync::Arc};

use futures_util::TryStreamExt;
use secrecy::SecretString;
use segment_core::{RegulationQuery, ports::Regulations};
use segment_http::{Endpoint, Environment, Limits, OsRandom, PublicApi, SoloPacer, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let token = SecretString::from(variable("SEGMENT_ACCESS_TOKEN")?);
    let domain = variable("SEGMENT_DOMAIN").unwrap_or_else(|_| Endpoint::PUBLIC_US.to_owned());
    let environment = Environment {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(OsRandom),
        pacer: Arc::new(SoloPacer::new(Limits::default())),
    };
    let segment = PublicApi::new(Endpoint::parse(&domain, false)?, token, environment)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "workspace {}", segment.workspace().await?.slug)?;

    let mut counts = BTreeMap::new();
    let mut pages = Box::pin(segment.list_all(RegulationQuery { count: 25, ..RegulationQuery::default() }));
    while let Some(page) = pages.try_next().await? {
        for entry in page.items {
            *counts.entry(entry.status).or_insert(0) += 1;
        }
    }
    for (status, count) in counts {
        writeln!(out, "{count} {status}")?;
    }
    Ok(())
}

/// The value is never repeated: it may be a secret.
#[expect(clippy::disallowed_methods, reason = "an example has no configuration")]
fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))
}
