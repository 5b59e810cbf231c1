//! An engine as the command puts it together, with a Segment of its own on loopback.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use privacy_engine::{Asked, Connection, ConnectionKind, Engine, Parts, Policy, ProgressSink, Sources, Until};
use privacy_package::{StoreOptions, ZipSink};
use privacy_store::{MasterKey, RecordStore};
use segment_core::{
    Action, ClaimScope, ConnectionKey, Identity, IdentityKind, IdentitySet, RequestId, RequestStatus, ports::Clock,
};
use segment_http::{Endpoint, Environment, Limits, OsRandom, PublicApi, SoloPacer, SystemClock};
use segment_mock::{MockConfig, MockSegment};
use segment_unify::ProfileApi;
use tokio_util::sync::CancellationToken;

/// How it is put together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    /// How long every answer takes.
    pub(super) latency: Duration,
    pub(super) limits: Limits,
    pub(super) event_windows: NonZeroUsize,
    pub(super) concurrency: usize,
}

impl Options {
    pub(super) fn new(latency: Duration) -> Self {
        let limits = Limits::default();
        Self { latency, limits, event_windows: limits.event_windows(), concurrency: Policy::default().concurrency }
    }

    /// As fast as answers come.
    pub(super) fn unpaced(self) -> Self {
        let limits = Limits { profiles_per_second: NonZeroU32::MAX, ..self.limits };
        Self { limits, ..self }
    }
}

pub(super) struct Prepared {
    pub(super) mock: MockSegment,
    engine: Arc<Engine>,
}

impl Prepared {
    pub(super) async fn new(folder: &Path, options: Options) -> Result<Self> {
        let mock = MockSegment::start(MockConfig::new().latency(options.latency))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let environment = Environment {
            clock: clock.clone(),
            random: Arc::new(OsRandom),
            pacer: Arc::new(SoloPacer::new(options.limits)),
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
            event_windows: options.event_windows,
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
            policy: Policy { concurrency: options.concurrency, ..Policy::default() },
            owner: "bench".to_owned(),
            progress: ProgressSink::default(),
            hint: Arc::default(),
        });
        Ok(Self { mock, engine: Arc::new(engine) })
    }

    /// Accesses of these people, each of so many events: how long from being recorded to the last package.
    pub(super) async fn access(&self, emails: &[String], events: u64) -> Result<Duration> {
        let asked = |email: &String| -> Result<Asked> {
            let identities = IdentitySet::new([Identity::new(IdentityKind::Email, email)?])?;
            Ok(Asked::new(Action::Access, identities))
        };
        let asked = emails.iter().map(asked).collect::<Result<Vec<_>>>()?;
        let start = Instant::now();
        let taken = self.engine.intake(asked).await?;
        let ids: Vec<RequestId> = taken.iter().map(|taken| taken.id().clone()).collect();
        self.engine.run(&ClaimScope::Requests(ids.clone()), Until::Ended, &CancellationToken::new()).await?;
        let time = start.elapsed();
        for id in &ids {
            let request = self.engine.store().request(id).await?.context("the request is gone")?;
            ensure!(request.status == RequestStatus::Complete, "the access ended as {}", request.status.as_str());
            ensure!(request.tasks[0].collections.get("events") == Some(&events), "the access is not whole");
        }
        Ok(time)
    }
}
