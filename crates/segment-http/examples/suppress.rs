//! Suppresses people in a workspace: Segment blocks what is sent about them, and deletes nothing. User ids are lines of
//! standard input, since arguments are visible to everybody on the machine.
//!
//! ```text
//! export SEGMENT_ACCESS_TOKEN=… SEGMENT_WORKSPACE=acme
//! cargo run -p segment-http --example suppress < ids                    # says what it would do
//! cargo run -p segment-http --example suppress -- --suppress < ids      # does it
//! ```

use std::{error::Error, io::Write, sync::Arc, time::Duration};

use secrecy::SecretString;
use segment_core::{
    NewRegulation, Pii, RegulationType, Submission,
    ports::{RegulationSubmit, Regulations},
};
use segment_http::{Endpoint, Environment, Limits, OsRandom, PublicApi, SoloPacer, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let text = std::io::read_to_string(std::io::stdin())?;
    let ids = text.lines().map(str::trim).filter(|id| !id.is_empty()).map(Pii::from).collect();
    let order = NewRegulation::of_users(RegulationType::SuppressOnly, ids);
    if let Some(contradiction) = order.contradiction() {
        return Err(contradiction.into());
    }
    let environment = Environment {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(OsRandom),
        pacer: Arc::new(SoloPacer::new(Limits::default())),
    };
    let token = SecretString::from(variable("SEGMENT_ACCESS_TOKEN")?);
    let segment = PublicApi::new(Endpoint::parse(Endpoint::PUBLIC_US, false)?, token, environment)?;
    // The token alone decides where it is ordered.
    let workspace = segment.workspace().await?;
    if !workspace.is(&variable("SEGMENT_WORKSPACE")?) {
        return Err(format!("the token is of the workspace {}", workspace.slug).into());
    }
    let mut out = std::io::stdout().lock();
    if !std::env::args().any(|argument| argument == "--suppress") {
        writeln!(out, "would suppress {} ids in {}", order.subjects.len(), workspace.slug)?;
        return Ok(());
    }
    match segment.create(&order, Duration::from_secs(20)).await {
        Submission::Accepted(id) => writeln!(out, "accepted as {id}")?,
        Submission::Refused(error) | Submission::NotSent(error) => {
            return Err(format!("nothing was created: {error}").into());
        }
        // There is no idempotency key: sending again might create a second one.
        Submission::Unknown(error) => return Err(format!("look through the list before sending again: {error}").into()),
        _ => return Err("look through the list before sending again".into()),
    }
    Ok(())
}

/// The value is never repeated: it may be a secret.
#[expect(clippy::disallowed_methods, reason = "an example has no configuration")]
fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))
}
