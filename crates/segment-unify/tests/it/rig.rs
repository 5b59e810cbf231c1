//! A client on a mock that holds one person.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use segment_core::{
    IdentityKind, Pii, ProfileRef,
    ports::{Lane, Pacer},
    testing::{CountingRandom, ManualClock},
};
use segment_http::{Endpoint, Environment};
use segment_mock::{Event, Link, MockConfig, MockSegment, Profile};
use segment_unify::ProfileApi;

pub(crate) const SEGMENT_ID: &str = "use_3FgH1jKlMn5pQrS7tUvWxYz9aBc";

/// Keeps who asked.
#[derive(Debug, Default)]
pub(crate) struct Lanes(Mutex<Vec<Lane>>);

impl Lanes {
    pub(crate) fn taken(&self) -> Vec<Lane> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Pacer for Lanes {
    async fn acquire(&self, lane: Lane) {
        self.0.lock().unwrap().push(lane);
    }
}

pub(crate) struct Client {
    pub(crate) api: ProfileApi,
    pub(crate) clock: ManualClock,
    pub(crate) pacer: Arc<Lanes>,
}

fn build(url: &str, space: &str, secret: &str) -> Client {
    let (clock, pacer) = (ManualClock::default(), Arc::new(Lanes::default()));
    let environment = Environment {
        clock: Arc::new(clock.clone()),
        random: Arc::new(CountingRandom::default()),
        pacer: pacer.clone(),
    };
    let endpoint = Endpoint::parse(url, false).unwrap();
    let api = ProfileApi::new(endpoint, space, secret.to_owned().into(), environment).unwrap();
    Client { api, clock, pacer }
}

pub(crate) fn client(mock: &MockSegment) -> Client {
    build(&mock.url(), mock.space_id(), mock.profile_token())
}

/// A client of another server, or of another space.
pub(crate) fn raw(url: &str, space: &str) -> ProfileApi {
    build(url, space, "mock-space-secret").api
}

pub(crate) fn with_secret(mock: &MockSegment, secret: &str) -> ProfileApi {
    build(&mock.url(), mock.space_id(), secret).api
}

pub(crate) fn api(mock: &MockSegment) -> ProfileApi {
    with_secret(mock, mock.profile_token())
}

pub(crate) fn user(value: &str) -> ProfileRef {
    by(IdentityKind::UserId, value)
}

pub(crate) fn by(kind: IdentityKind, value: &str) -> ProfileRef {
    ProfileRef::external_id(kind, Pii::from(value))
}

/// Ann: 450 traits, 62 external ids, 250 events, 45 links.
pub(crate) fn start(config: MockConfig) -> MockSegment {
    let mock = MockSegment::start(config).unwrap();
    let mut ann = Profile::new(SEGMENT_ID)
        .external_id("user_id", "u-1001")
        .external_id("email", "ann@example.com")
        .computed_trait("lifetime_value", 312.5)
        .audience("readers", true);
    for at in 0..448 {
        ann = ann.trait_(format!("trait_{at:03}"), at);
    }
    for at in 0..60 {
        ann = ann.external_id("anonymous_id", format!("a-{at}"));
    }
    for at in 0..250_u64 {
        let name = if at % 2 == 0 { "Clicked" } else { "Order Completed" };
        ann = ann.event(Event::track(name).ago(std::time::Duration::from_secs(60 * (at + 1))));
    }
    for at in 0..45 {
        ann = ann.link(Link::account(format!("g-{at}")));
    }
    mock.add_profile(ann);
    mock
}
