//! The suite that every implementation of the port runs.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use segment_core::{ports::Profiles, testing::conformance::profiles as rules};
use segment_mock::{Event, Link, MockConfig, MockSegment, Profile};
use segment_unify::ProfileApi;

use crate::rig::api;

/// The mock lives as long as the client.
struct OnMock(ProfileApi, #[expect(dead_code, reason = "dropping it stops the mock")] MockSegment);

impl rules::ProfilesFixture for OnMock {
    fn profiles(&self) -> &dyn Profiles {
        &self.0
    }
}

fn fresh() -> Ready<OnMock> {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let mut ann = Profile::new(rules::SEGMENT_ID);
    for (kind, value) in rules::EXTERNAL_IDS {
        ann = ann.external_id(kind, value);
    }
    for (name, value) in rules::TRAITS {
        ann = ann.trait_(name, value);
    }
    for (ago, name) in (1..).zip(rules::EVENTS) {
        ann = ann.event(Event::track(name).ago(Duration::from_secs(ago)));
    }
    for id in rules::LINKS {
        ann = ann.link(Link::account(id));
    }
    mock.add_profile(ann);
    ready(OnMock(api(&mock), mock))
}

segment_core::profiles_conformance!(fresh);
