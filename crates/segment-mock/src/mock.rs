//! The handle a test holds.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::VirtualClock;
use crate::config::MockConfig;
use crate::endpoint::Endpoint;
use crate::faults::FaultRule;
use crate::server::Server;
use crate::shared::Shared;
use crate::state::{Outcome, Person, Profile, RecordedRequest, RegulationView, Which};

/// Segment on a port of loopback; dropping it stops the server.
///
/// It needs no async runtime: the server has its own thread, so blocking tests and child processes can use it too.
#[derive(Debug)]
pub struct MockSegment {
    shared: Arc<Shared>,
    _server: Server,
}

impl MockSegment {
    /// Starts the server and generates the configured people.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound or the thread cannot be started.
    pub fn start(config: MockConfig) -> std::io::Result<Self> {
        let (server, shared) = Server::start(config.port, |at| Shared::new(config, format!("http://{at}")))?;
        let mock = Self { shared, _server: server };
        let (count, seed) = (mock.shared.config.profiles, mock.shared.config.seed);
        mock.generate(count, seed);
        Ok(mock)
    }

    /// `http://127.0.0.1:PORT`, the base of all four APIs.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> VirtualClock {
        self.shared.config.clock.clone()
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.shared.config.clock.advance(by);
    }
}

/// What a client needs to know.
impl MockSegment {
    /// The workspace id.
    #[must_use]
    pub fn workspace_id(&self) -> &str {
        &self.shared.config.workspace_id
    }

    /// The workspace slug.
    #[must_use]
    pub fn workspace_slug(&self) -> &str {
        &self.shared.config.workspace_slug
    }

    /// The Public API token.
    #[must_use]
    pub fn public_token(&self) -> &str {
        &self.shared.config.public_token
    }

    /// The Config API token.
    #[must_use]
    pub fn config_token(&self) -> &str {
        &self.shared.config.config_token
    }

    /// The Profile API token of the space.
    #[must_use]
    pub fn profile_token(&self) -> &str {
        &self.shared.config.profile_token
    }

    /// The space id.
    #[must_use]
    pub fn space_id(&self) -> &str {
        &self.shared.config.space_id
    }

    /// The write key of the first source.
    #[must_use]
    pub fn write_key(&self) -> &str {
        &self.shared.config.write_key
    }

    /// The sources that the source-scoped endpoints of the Public API know.
    #[must_use]
    pub fn source_ids(&self) -> &[String] {
        &self.shared.config.sources
    }

    /// The same sources as the Config API names them, in the same order.
    #[must_use]
    pub fn source_slugs(&self) -> &[String] {
        &self.shared.config.source_slugs
    }
}

/// Profiles.
impl MockSegment {
    /// Adds a profile, or replaces the one with the same Segment id.
    pub fn add_profile(&self, profile: Profile) {
        self.shared.add_profile(profile);
    }

    /// Invents people, the same for the same seed, numbered on from those invented before.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the list")]
    pub fn generate(&self, count: usize, seed: u64) -> Vec<Person> {
        self.shared.generate(count, seed)
    }

    /// Everybody that was invented, whether or not the profile still exists.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        self.shared.world().people.clone()
    }

    /// Whether a person has this external id, spelled as the Profile API demands: in lower case.
    #[must_use]
    pub fn profile_exists(&self, kind: &str, value: &str) -> bool {
        self.shared.settled().profiles.by_external_id("users", kind, value).is_some()
    }

    /// How many people there are.
    #[must_use]
    pub fn profiles(&self) -> usize {
        self.shared.settled().profiles.users()
    }
}

/// Regulations.
impl MockSegment {
    /// Every regulation in the order of creation, also expired ones.
    #[must_use]
    pub fn regulations(&self) -> Vec<RegulationView> {
        let now = self.shared.config.clock.now();
        let world = self.shared.settled();
        world.regulations.all().iter().map(|regulation| RegulationView::of(regulation, now)).collect()
    }

    /// The users suppressed for the workspace, in the order of suppression.
    #[must_use]
    pub fn suppressed(&self) -> Vec<String> {
        self.shared.settled().suppressions.of_workspace()
    }

    /// Scripts how regulations end.
    #[expect(clippy::needless_pass_by_value, reason = "tests build the outcome in place")]
    pub fn set_outcome(&self, which: Which, outcome: Outcome) {
        let now = self.shared.config.clock.now();
        self.shared.settled().regulations.set_outcome(which, &outcome, now);
    }

    /// Sets a status from now on, against the clock, also backwards; `false` when there is no such regulation.
    ///
    /// Forcing FINISHED or FAILED erases like reaching it; what is erased stays erased.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn force_status(&self, id: &str, status: &str) -> bool {
        let now = self.shared.config.clock.now();
        self.shared.settled().regulations.force(id, status, now)
    }
}

/// Faults and observation.
impl MockSegment {
    /// Adds a fault; rules are tried in the order they were added.
    pub fn fault(&self, rule: FaultRule) {
        self.shared.world().faults.add(rule);
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// How many fault rules may still fire.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.shared.world().faults.left()
    }

    /// Every request so far (the newest, when [`MockConfig::keep_requests`] limits them), control requests excepted.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.world().log.entries()
    }

    /// The requests to one endpoint.
    #[must_use]
    pub fn requests_to(&self, endpoint: Endpoint) -> Vec<RecordedRequest> {
        self.requests().into_iter().filter(|request| request.endpoint == endpoint).collect()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.world().log.clear();
    }

    /// Calls of the Profile API that were over its limit so far.
    #[must_use]
    pub fn profile_calls_turned_away(&self) -> u64 {
        self.shared.world().profile_rate.turned_away
    }

    /// The most requests that were in work at the same time.
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.shared.max_in_flight()
    }
}
