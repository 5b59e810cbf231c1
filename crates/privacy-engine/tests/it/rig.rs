//! An engine put together as the binary does it, with the mock's clock as its clock.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use privacy_engine::{
    Asked, Connection, ConnectionKind, Engine, Owned, Parts, Policy, ProgressSink, Sources, Stop, Tracking, Until,
};
use privacy_package::{StoreOptions, ZipSink};
use privacy_store::{MasterKey, RecordStore};
use segment_core::{
    Action, ClaimScope, ConnectionKey, Decision, Identity, IdentityKind, IdentitySet, Intake, LedgerFilter, Request,
    RequestId,
    ports::{Clock, RequestStore},
    testing::{CountingRandom, NoPacer},
};
use segment_http::{Endpoint, Environment, Limits, OsRandom, PublicApi, Retries, SystemClock};
use segment_mock::{MockConfig, MockSegment, Profile};
use segment_unify::ProfileApi;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
struct MockClock(Arc<MockSegment>, SystemClock);

#[async_trait]
impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        self.0.clock().now()
    }

    fn monotonic(&self) -> Duration {
        self.1.monotonic()
    }

    async fn sleep(&self, pause: Duration) {
        self.0.advance(pause);
        // Leases and `send_by` run on the database's clock: give it a moment.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) struct Rig {
    pub(crate) mock: Arc<MockSegment>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) policy: Policy,
    pub(crate) kind: ConnectionKind,
    pub(crate) workspace: String,
    /// Where the engine believes Segment to be.
    pub(crate) url: String,
    pub(crate) monthly_users: u64,
    pub(crate) enabled: bool,
    /// Why the connection cannot be used.
    pub(crate) withheld: Option<String>,
    /// A dataset that cannot be used.
    pub(crate) withheld_dataset: Option<String>,
    /// The source that the connection is for.
    pub(crate) source: Option<String>,
    pub(crate) directory: Option<Arc<dyn segment_core::ports::SubjectDirectory>>,
    /// The owned database of a second, basic connection with the key `also`.
    pub(crate) also: Option<Arc<dyn segment_core::ports::SubjectDirectory>>,
    /// Another workspace with Unify, as the connection `also`.
    pub(crate) second: Option<MockSegment>,
    pub(crate) owned: Option<Owned>,
    store: RecordStore,
}

pub(crate) fn policy(strict: bool) -> Policy {
    Policy {
        masking_strict: strict,
        lease: Duration::from_secs(1),
        attempts: 2,
        tracking: Tracking { batch_window: Duration::ZERO, settle: Duration::from_millis(60), ..Tracking::default() },
        ..Policy::default()
    }
}

impl Rig {
    pub(crate) async fn new(strict: bool) -> Self {
        Self::with(MockConfig::new(), strict).await
    }

    pub(crate) async fn with(config: MockConfig, strict: bool) -> Self {
        let mock = Arc::new(MockSegment::start(config).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::from_base64(&MasterKey::generate_base64(&OsRandom)).unwrap();
        let store = RecordStore::open(&folder.path().join("records.db"), key, Arc::new(OsRandom)).await.unwrap();
        let (workspace, url) = (mock.workspace_slug().to_owned(), mock.url());
        Self {
            mock,
            url,
            folder,
            policy: policy(strict),
            kind: ConnectionKind::SegmentUnify,
            workspace,
            monthly_users: 110_000,
            enabled: true,
            withheld: None,
            withheld_dataset: None,
            source: None,
            directory: None,
            also: None,
            second: None,
            owned: None,
            store,
        }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(MockClock(self.mock.clone(), SystemClock::new()))
    }

    /// What an engine would work with.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        let environment =
            Environment { clock: self.clock(), random: Arc::new(CountingRandom::default()), pacer: Arc::new(NoPacer) };
        let retries = Retries { attempts: 3, ..Retries::default() };
        let second = self.second.as_ref().map(|mock| unify(mock, "also", environment.clone(), retries));
        let endpoint = || Endpoint::parse(&self.url, false).unwrap();
        let public =
            PublicApi::new(endpoint(), self.mock.public_token().to_owned().into(), environment.clone()).unwrap();
        let public = Arc::new(public.map_transport(|transport| transport.with_retries(retries)));
        let secret = self.mock.profile_token().to_owned().into();
        let profiles = ProfileApi::new(endpoint(), self.mock.space_id(), secret, environment).unwrap();
        let profiles = Arc::new(profiles.map_transport(|transport| transport.with_retries(retries)));
        let sources = Sources {
            key: ConnectionKey::new("main"),
            kind: self.kind,
            workspace: self.workspace.clone(),
            enabled: self.enabled,
            source: self.source.clone(),
            regulations: public.clone(),
            profiles: (self.kind == ConnectionKind::SegmentUnify).then_some(profiles as _),
            directory: self.directory.clone(),
            event_windows: Limits::default().event_windows(),
        };
        let also = self.also.clone().map(|directory| Sources {
            key: ConnectionKey::new("also"),
            kind: ConnectionKind::Segment,
            profiles: None,
            directory: Some(directory),
            ..sources.clone()
        });
        let main = Some(sources).filter(|_| self.withheld.is_none());
        let connections = [main, also].into_iter().flatten();
        let connections = connections.map(|sources| Connection::new(sources, public.clone(), self.monthly_users));
        connections.chain(second).collect()
    }

    fn withheld(&self) -> std::collections::BTreeMap<ConnectionKey, String> {
        let dataset =
            self.withheld_dataset.iter().map(|key| (ConnectionKey::new(key.as_str()), "no secret".to_owned()));
        self.withheld.iter().map(|why| (ConnectionKey::new("main"), why.clone())).chain(dataset).collect()
    }

    pub(crate) fn engine(&self) -> Arc<Engine> {
        Arc::new(Engine::new(Parts {
            store: Arc::new(self.store.clone()),
            packages: Arc::new(
                ZipSink::new("packages", self.folder.path(), &StoreOptions::default(), Arc::new(OsRandom)).unwrap(),
            ),
            clock: self.clock(),
            random: Arc::new(OsRandom),
            connections: self.connections(),
            withheld: self.withheld(),
            owned: self.owned.clone(),
            policy: self.policy.clone(),
            owner: "test".to_owned(),
            progress: ProgressSink::default(),
            hint: Arc::default(),
        }))
    }

    pub(crate) fn store(&self) -> &RecordStore {
        &self.store
    }

    /// A person with one user id and one e-mail address.
    pub(crate) fn person(&self, name: &str) {
        let profile = Profile::new(format!("use_{name}"))
            .external_id("email", format!("{name}@example.com"))
            .external_id("user_id", format!("u-{name}"))
            .trait_("plan", "pro");
        self.mock.add_profile(profile);
    }

    pub(crate) async fn take(&self, engine: &Engine, action: Action, identities: &[(&str, &str)]) -> RequestId {
        let taken = engine.intake(vec![asked(action, identities)]).await.unwrap().pop().unwrap();
        assert!(!matches!(taken.intake, Intake::ExternalIdConflict(_)));
        taken.id().clone()
    }

    /// Takes a request and works it.
    pub(crate) async fn run(&self, action: Action, identities: &[(&str, &str)], until: Until) -> Request {
        let engine = self.engine();
        let id = self.take(&engine, action, identities).await;
        self.work(&engine, &[&id], until).await;
        self.request(&id).await
    }

    pub(crate) async fn work(&self, engine: &Arc<Engine>, ids: &[&RequestId], until: Until) -> Stop {
        let scope = ClaimScope::Requests(ids.iter().map(|id| (*id).clone()).collect());
        let cancel = CancellationToken::new();
        let run = engine.run(&scope, until, &cancel);
        // Generous: it only keeps a broken engine from hanging the tests.
        tokio::time::timeout(Duration::from_mins(1), run).await.expect("the engine comes to an end").unwrap()
    }

    pub(crate) async fn request(&self, id: &RequestId) -> Request {
        self.store.request(id).await.unwrap().unwrap()
    }

    pub(crate) async fn ledgers(&self, id: &RequestId) -> Vec<segment_core::Ledger> {
        let filter = LedgerFilter { requests: vec![id.clone()], ..LedgerFilter::default() };
        self.store.regulations(&filter).await.unwrap()
    }

    /// What an operator does when the cause is gone.
    pub(crate) async fn retry(&self, id: &RequestId) {
        self.store.decide(id, &Decision::Retry, "ops", self.mock.clock().now()).await.unwrap();
    }

    pub(crate) async fn steps(&self, id: &RequestId) -> Vec<String> {
        self.store.log(id).await.unwrap().into_iter().map(|entry| entry.step).collect()
    }

    /// Works everything that is due within this time, such as later looks.
    pub(crate) async fn pass(&self, engine: &Arc<Engine>, id: &RequestId, days: u64) {
        let end = self.mock.clock().now().as_second() + i64::try_from(days).unwrap() * 86_400;
        let scope = ClaimScope::Requests(vec![id.clone()]);
        while let Some(due) = self.store.next_due(&scope).await.unwrap().earliest() {
            let now = self.mock.clock().now();
            if due.as_second() > end {
                break;
            }
            self.mock.advance(Duration::try_from(due.duration_since(now)).unwrap_or_default());
            self.work(engine, &[id], Until::Ended).await;
        }
    }
}

fn unify(mock: &MockSegment, key: &str, environment: Environment, retries: Retries) -> Connection {
    let endpoint = || Endpoint::parse(&mock.url(), false).unwrap();
    let public = PublicApi::new(endpoint(), mock.public_token().to_owned().into(), environment.clone()).unwrap();
    let public = Arc::new(public.map_transport(|transport| transport.with_retries(retries)));
    let secret = mock.profile_token().to_owned().into();
    let profiles = ProfileApi::new(endpoint(), mock.space_id(), secret, environment).unwrap();
    let profiles = profiles.map_transport(|transport| transport.with_retries(retries));
    let sources = Sources {
        key: ConnectionKey::new(key),
        kind: ConnectionKind::SegmentUnify,
        workspace: mock.workspace_slug().to_owned(),
        enabled: true,
        source: None,
        regulations: public.clone(),
        profiles: Some(Arc::new(profiles)),
        directory: None,
        event_windows: Limits::default().event_windows(),
    };
    Connection::new(sources, public, 110_000)
}

pub(crate) fn identities(pairs: &[(&str, &str)]) -> IdentitySet {
    let all = pairs.iter().map(|(kind, value)| Identity::new(IdentityKind::parse(kind).unwrap(), value).unwrap());
    IdentitySet::new(all).unwrap()
}

pub(crate) fn asked(action: Action, pairs: &[(&str, &str)]) -> Asked {
    Asked::new(action, identities(pairs))
}

pub(crate) fn codes(request: &Request) -> Vec<&'static str> {
    request.tasks.iter().flat_map(|task| &task.findings).map(|finding| finding.code.as_str()).collect()
}

pub(crate) fn halt_code(request: &Request) -> Option<&'static str> {
    request.tasks.iter().find_map(|task| task.state.halt()).map(|halt| halt.kind.as_str())
}
