//! Regulations at a Segment on this machine:
//!
//! ```text
//! cargo run -p segment-http --example regulations -- http://127.0.0.1:8123 TOKEN workspace
//! cargo run -p segment-http --example regulations -- http://127.0.0.1:8123 TOKEN create SUPPRESS_ONLY u-1001 u-1002
//! cargo run -p segment-http --example regulations -- http://127.0.0.1:8123 TOKEN get REGULATION
//! cargo run -p segment-http --example regulations -- http://127.0.0.1:8123 TOKEN list
//! cargo run -p segment-http --example regulations -- http://127.0.0.1:8123 TOKEN suppressions
//! ```
//!
//! A token on a command line is visible to everybody on the machine, so this refuses any other host.

use std::{error::Error, io::Write, sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use segment_core::{
    NewRegulation, Pii, RegulationId, RegulationQuery, RegulationType, Submission,
    ports::{RegulationSubmit, Regulations},
};
use segment_http::{Endpoint, Environment, Limits, OsRandom, PublicApi, SoloPacer, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [domain, token, command @ ..] = arguments.as_slice() else {
        return Err("expected: URL TOKEN workspace | create TYPE USER… | get ID | list | suppressions".into());
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
    let segment = PublicApi::new(endpoint, token.clone().into(), environment)?;
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut out = std::io::stdout().lock();
    match command.as_slice() {
        ["workspace"] => writeln!(out, "{}", segment.workspace().await?.slug)?,
        ["create", kind, users @ ..] => writeln!(out, "{}", create(&segment, kind, users).await?)?,
        ["get", id] => match segment.get(&RegulationId::new(*id)).await? {
            Some(report) => writeln!(out, "{}, {} destinations", report.status, report.destinations.len())?,
            None => writeln!(out, "not known, or older than 90 days")?,
        },
        ["list"] => {
            let query = RegulationQuery { count: 25, ..RegulationQuery::default() };
            let mut pages = Box::pin(segment.list_all(query));
            while let Some(page) = pages.try_next().await? {
                for entry in page.items {
                    writeln!(out, "{} {}", entry.id, entry.status)?;
                }
            }
        }
        ["suppressions"] => {
            let pages: Vec<_> = segment.suppressions_all().try_collect().await?;
            // How many, not who: whoever wants the ids exposes them deliberately.
            let count: usize = pages.iter().flat_map(|page| &page.items).map(|entry| entry.subjects.len()).sum();
            writeln!(out, "{count} suppressed")?;
        }
        _ => return Err("unknown command".into()),
    }
    Ok(())
}

async fn create(segment: &PublicApi, kind: &str, users: &[&str]) -> Result<String, Box<dyn Error>> {
    let kind = RegulationType::parse(kind);
    if matches!(kind, RegulationType::Other(_)) {
        return Err("unknown type of regulation".into());
    }
    let subjects = users.iter().map(|user| Pii::from(*user)).collect();
    match segment.create(&NewRegulation::of_users(kind, subjects), Duration::from_secs(20)).await {
        Submission::Accepted(id) => Ok(id.to_string()),
        Submission::Refused(error) | Submission::NotSent(error) => Err(format!("nothing was created: {error}").into()),
        // There is no idempotency key: sending again might create a second one.
        Submission::Unknown(error) => Err(format!("look through the list before sending again: {error}").into()),
        _ => Err("look through the list before sending again".into()),
    }
}
