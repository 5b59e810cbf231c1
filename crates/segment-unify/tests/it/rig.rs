//! A client on a mock that holds one person.

use std::sync::Arc;

use segment_core::{
    IdentityKind, Pii, ProfileRef,
    testing::{CountingRandom, ManualClock, NoPacer},
};
use segment_http::{Endpoint, Environment};
use segment_mock::{Event, Link, MockConfig, MockSegment, Profile};
use segment_unify::ProfileApi;

pub(crate) const SEGMENT_ID: &str = "use_3FgH1jKlMn5pQrS7tUvWxYz9aBc";

pub(crate) fn with_secret(mock: &MockSegment, secret: &str) -> ProfileApi {
    let environment = Environment {
        clock: Arc::new(ManualClock::default()),
        random: Arc::new(CountingRandom::default()),
        pacer: Arc::new(NoPacer),
    };
    let endpoint = Endpoint::parse(&mock.url(), false).unwrap();
    ProfileApi::new(endpoint, mock.space_id(), secret.to_owned().into(), environment).unwrap()
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
