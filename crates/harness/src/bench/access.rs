//! `bench access`: how far an access is from its critical path.
//!
//! The path is four answers long: who is it (metadata and external ids side by side), then three pages of events, while
//! everything else is read beside them. Its floor is a bare HTTP client that makes just these four calls, one after the
//! other, on a warm connection, and throws the answers away.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use privacy_engine::{Asked, Connection, ConnectionKind, Engine, Parts, Policy, ProgressSink, Sources, Until};
use privacy_package::{StoreOptions, ZipSink};
use privacy_store::{MasterKey, RecordStore};
use segment_core::{
    Action, ClaimScope, ConnectionKey, Identity, IdentityKind, IdentitySet, RequestStatus, ports::Clock,
};
use segment_http::{Endpoint, Environment, Limits, OsRandom, PublicApi, SoloPacer, SystemClock};
use segment_mock::{Event, MockConfig, MockSegment, Profile};
use segment_unify::ProfileApi;
use tokio_util::sync::CancellationToken;

use super::{median, millis};
use crate::{context::Context, report, rig::Rig, setup::Setup};

const LATENCY: Duration = Duration::from_millis(50);
const CALLS: usize = 4;
/// What the figure is meant to stay within.
const BOUND: f64 = 1.15;

/// Runs the figure and prints its table.
///
/// # Errors
///
/// An access that does not come out whole: a figure of something else is worth nothing.
pub fn bench_access(runs: usize) -> Result<()> {
    ensure!(runs > 0, "at least one run is needed");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let rig = Rig::new(&Context::from_environment()?, &Setup::unify().mock(|config| config.latency(LATENCY)))?;
    let mut floor = Vec::new();
    let mut engine = Vec::new();
    let mut command = Vec::new();
    let folder = tempfile::tempdir()?;
    let prepared = runtime.block_on(Prepared::new(folder.path()))?;
    // In turn, so that a machine that slows down slows all of them; the first round warms up.
    for round in 0..=runs {
        let times =
            (runtime.block_on(bare(rig.mock()))?, runtime.block_on(prepared.access(round))?, whole(&rig, round)?);
        if round > 0 {
            floor.push(times.0);
            engine.push(times.1);
            command.push(times.2);
        }
    }
    let floor = median(floor);
    let row = |name: &str, time: Duration| {
        let ratio = time.as_secs_f64() / floor.as_secs_f64();
        let verdict = if ratio <= BOUND { "within" } else { "above" };
        vec![name.to_owned(), millis(time), millis(floor), format!("{ratio:.3}"), format!("{verdict} {BOUND}")]
    };
    report::figures(
        &["access at 50 ms an answer", "median", "floor (4 bare calls)", "ratio", "bound"],
        &[
            row("engine: recorded to packaged", median(engine)),
            row("whole command, process start included", median(command)),
        ],
    );
    Ok(())
}

fn email(round: usize) -> String {
    format!("bench-{round}@example.test")
}

/// The person of the issue: 20 traits, 5 external ids, 250 events.
fn person(round: usize) -> Profile {
    let mut profile = Profile::new(format!("use_bench{round}"))
        .external_id("email", email(round))
        .external_id("user_id", format!("u-bench-{round}"));
    for at in 0..3 {
        profile = profile.external_id("anonymous_id", format!("a-bench-{round}-{at}"));
    }
    for at in 0..20 {
        profile = profile.trait_(format!("trait_{at}"), at);
    }
    for at in 0..250_u64 {
        profile = profile.event(Event::track("Clicked").ago(Duration::from_secs(at + 1)));
    }
    profile
}

/// Four calls, one after the other, on one connection.
async fn bare(mock: &MockSegment) -> Result<Duration> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let url =
        format!("{}/v1/spaces/{}/collections/users/profiles/user_id:nobody/metadata", mock.url(), mock.space_id());
    let call = || async { client.get(&url).basic_auth(mock.profile_token(), Some("")).send().await?.bytes().await };
    call().await?;
    let start = Instant::now();
    for _ in 0..CALLS {
        call().await?;
    }
    Ok(start.elapsed())
}

/// An engine as the command makes it.
struct Prepared {
    mock: MockSegment,
    engine: Arc<Engine>,
}

impl Prepared {
    async fn new(folder: &Path) -> Result<Self> {
        let mock = MockSegment::start(MockConfig::new().latency(LATENCY))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let environment = Environment {
            clock: clock.clone(),
            random: Arc::new(OsRandom),
            pacer: Arc::new(SoloPacer::new(Limits::default())),
        };
        let endpoint = Endpoint::parse(&mock.url(), false)?;
        let token = mock.public_token().to_owned().into();
        let public = Arc::new(PublicApi::new(endpoint.clone(), token, environment.clone())?);
        let secret = mock.profile_token().to_owned().into();
        let profiles = ProfileApi::new(endpoint, mock.space_id(), secret, environment)?;
        let sources = Sources {
            enabled: true,
            source: None,
            key: ConnectionKey::new("bench"),
            kind: ConnectionKind::SegmentUnify,
            workspace: mock.workspace_slug().to_owned(),
            regulations: public.clone(),
            profiles: Some(Arc::new(profiles)),
            directory: None,
        };
        let key = MasterKey::from_base64(&MasterKey::generate_base64(&OsRandom))?;
        let store = RecordStore::open(&folder.join("records.db"), key, Arc::new(OsRandom)).await?;
        let engine = Engine::new(Parts {
            store: Arc::new(store),
            packages: Arc::new(ZipSink::new("packages", folder, &StoreOptions::default(), Arc::new(OsRandom))?),
            clock,
            random: Arc::new(OsRandom),
            connections: vec![Connection::new(sources, public, 110_000)],
            withheld: std::collections::BTreeMap::new(),
            owned: None,
            policy: Policy::default(),
            owner: "bench".to_owned(),
            progress: ProgressSink::default(),
            hint: Arc::default(),
        });
        Ok(Self { mock, engine: Arc::new(engine) })
    }

    async fn access(&self, round: usize) -> Result<Duration> {
        self.mock.add_profile(person(round));
        let identities = IdentitySet::new([Identity::new(IdentityKind::Email, &email(round))?])?;
        let start = Instant::now();
        let answers = self.engine.intake(vec![Asked::new(Action::Access, identities)]).await?;
        let (id, _) = answers.into_iter().next().context("the request was not recorded")?;
        let scope = ClaimScope::Requests(vec![id.clone()]);
        self.engine.run(&scope, Until::Ended, &CancellationToken::new()).await?;
        let time = start.elapsed();
        let request = self.engine.store().request(&id).await?.context("the request is gone")?;
        ensure!(request.status == RequestStatus::Complete, "the access ended as {}", request.status.as_str());
        ensure!(request.tasks[0].collections.get("events") == Some(&250), "the access is not whole");
        Ok(time)
    }
}

/// The same by the real command.
fn whole(rig: &Rig, round: usize) -> Result<Duration> {
    rig.mock().add_profile(person(round));
    let start = Instant::now();
    let run = rig.quiet_call(&["access", "--email", &email(round)]).run()?;
    let time = start.elapsed();
    let events = &run.json()?["tasks"][0]["collections"]["events"];
    ensure!(*events == 250, "the access is not whole: {events}");
    Ok(time)
}
