//! The suite that every implementation of the ports runs.

use std::future::{Ready, ready};

use segment_core::{
    ports::{RegulationSubmit, Regulations},
    testing::conformance::regulations::RegulationsFixture,
};
use segment_mock::{MockConfig, MockSegment};

use crate::rig::{Client, on};

/// The mock lives as long as the client.
struct OnMock(Client, #[expect(dead_code, reason = "dropping it stops the mock")] MockSegment);

impl RegulationsFixture for OnMock {
    fn reader(&self) -> &dyn Regulations {
        &self.0.api
    }

    fn submit(&self) -> &dyn RegulationSubmit {
        &self.0.api
    }
}

fn fresh() -> Ready<OnMock> {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    ready(OnMock(on(&mock), mock))
}

segment_core::regulations_conformance!(fresh);
