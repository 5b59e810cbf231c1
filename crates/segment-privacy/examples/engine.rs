//! An engine put together by hand: records in SQLite, packages in a folder, Segment over HTTP. It collects what Unify holds
//! on the person whose e-mail address is standard input.
//!
//! ```text
//! export SEGMENT_ACCESS_TOKEN=… SEGMENT_WORKSPACE=acme SEGMENT_ACCESS_SECRET=… SEGMENT_SPACE_ID=spa_…
//! export SEGMENT_PRIVACY_KEY="$(cat segment-privacy.key)"
//! echo ann@example.com | cargo run -p segment-privacy --example engine
//! ```

use std::{collections::BTreeMap, error::Error, io::Write, path::Path, sync::Arc};

use privacy_engine::{Asked, Connection, ConnectionKind, Engine, Parts, Policy, ProgressSink, Sources, Until};
use privacy_package::{StoreOptions, ZipSink};
use privacy_store::{MasterKey, RecordStore};
use segment_core::{Action, ClaimScope, ConnectionKey, Identity, IdentityKind, IdentitySet};
use segment_http::{Endpoint, Environment, Limits, OsRandom, PublicApi, SoloPacer, SystemClock};
use segment_unify::ProfileApi;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let email = Identity::new(IdentityKind::Email, &std::io::read_to_string(std::io::stdin())?)?;
    let key = MasterKey::from_base64(&variable("SEGMENT_PRIVACY_KEY")?)?;
    let store = RecordStore::open(Path::new("records.db"), key, Arc::new(OsRandom)).await?;
    let engine = Arc::new(engine(store)?);
    let taken = engine.intake(vec![Asked::new(Action::Access, IdentitySet::new([email])?)]).await?;
    let scope = ClaimScope::Requests(taken.iter().map(|one| one.id().clone()).collect());
    engine.run(&scope, Until::Accepted, &CancellationToken::new()).await?;
    for one in taken {
        let Some(request) = engine.store().request(one.id()).await? else { continue };
        let package = request.package.map(|package| package.location);
        writeln!(std::io::stdout(), "{} {}: {package:?}", request.id, request.status.as_str())?;
    }
    Ok(())
}

fn engine(store: RecordStore) -> Result<Engine, Box<dyn Error>> {
    let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(OsRandom));
    let pacer = Arc::new(SoloPacer::new(Limits::default()));
    let environment = Environment { clock: clock.clone(), random: random.clone(), pacer };
    let (token, secret) = (variable("SEGMENT_ACCESS_TOKEN")?.into(), variable("SEGMENT_ACCESS_SECRET")?.into());
    let (api, profiles) =
        (Endpoint::parse(Endpoint::PUBLIC_US, false)?, Endpoint::parse(Endpoint::PROFILES_US, false)?);
    let regulations = Arc::new(PublicApi::new(api, token, environment.clone())?);
    let profiles = ProfileApi::new(profiles, variable("SEGMENT_SPACE_ID")?, secret, environment)?;
    let sources = Sources {
        key: ConnectionKey::new("segment"),
        kind: ConnectionKind::SegmentUnify,
        workspace: variable("SEGMENT_WORKSPACE")?,
        enabled: true,
        source: None,
        regulations: regulations.clone(),
        profiles: Some(Arc::new(profiles)),
        directory: None,
        event_windows: Limits::default().event_windows(),
    };
    Ok(Engine::new(Parts {
        store: Arc::new(store),
        packages: Arc::new(ZipSink::new("packages", ".", &StoreOptions::default(), random.clone())?),
        clock,
        random,
        connections: vec![Connection::new(sources, regulations, 110_000)],
        withheld: BTreeMap::new(),
        owned: None,
        policy: Policy::default(),
        owner: format!("example-{}", std::process::id()),
        progress: ProgressSink::default(),
        hint: Arc::default(),
    }))
}

/// The value is never repeated: it may be a secret.
#[expect(clippy::disallowed_methods, reason = "an example has no configuration")]
fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))
}
