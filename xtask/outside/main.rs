//! A project that knows segment-core, segment-http and segment-unify only as they are published. It is built, not run.

use std::error::Error;
use std::sync::Arc;

use secrecy::SecretString;
use segment_core::ports::{Profiles, RegulationSubmit, Regulations};
use segment_core::{IdentityKind, NewRegulation, Pii, ProfileRef, RegulationType};
use segment_http::{ConfigApi, Endpoint, Environment, Limits, OsRandom, PublicApi, SoloPacer, SystemClock};
use segment_unify::ProfileApi;

fn environment() -> Environment {
    Environment {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(OsRandom),
        pacer: Arc::new(SoloPacer::new(Limits::default())),
    }
}

/// Whatever implements the ports of segment-core can be used behind them.
fn behind_a_port(clients: &[&dyn Regulations], submit: &dyn RegulationSubmit, profiles: &dyn Profiles) {
    let _ = (clients.len(), submit, profiles);
}

fn main() -> Result<(), Box<dyn Error>> {
    let token = || SecretString::from("token");
    let public = PublicApi::new(Endpoint::parse(Endpoint::PUBLIC_EU, false)?, token(), environment())?;
    let config = ConfigApi::new(Endpoint::parse(Endpoint::CONFIG, false)?, "acme", token(), environment())?;
    let unify = ProfileApi::new(Endpoint::parse(Endpoint::PROFILES_EU, false)?, "spa_1", token(), environment())?;
    behind_a_port(&[&public, &config], &public, &unify);

    let regulation = NewRegulation::of_users(RegulationType::SuppressWithDelete, [Pii::from("u-1001")].into());
    let ann = ProfileRef::external_id(IdentityKind::Email, Pii::from("ann@example.com"));
    println!("{regulation:?} of {ann:?}");
    Ok(())
}
