//! The suite that every implementation of the ports runs, on both APIs, and on every spelling that is inferred.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use segment_core::{
    ports::{RegulationSubmit, Regulations},
    testing::conformance::regulations::RegulationsFixture,
};
use segment_http::{ConfigApi, PublicApi};
use segment_mock::{ConfigShape, EntryIds, MockConfig, MockSegment};

use crate::rig::{Counter, clock, config_api, on};

/// The mock lives as long as the client.
struct OnMock<T>(T, &'static str, #[expect(dead_code, reason = "dropping it stops the mock")] MockSegment);

impl<T: Regulations + RegulationSubmit> RegulationsFixture for OnMock<T> {
    fn reader(&self) -> &dyn Regulations {
        &self.0
    }

    fn submit(&self) -> &dyn RegulationSubmit {
        &self.0
    }

    fn source(&self) -> &str {
        self.1
    }
}

fn public() -> Ready<OnMock<PublicApi>> {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    ready(OnMock(on(&mock).api, "qW3eR5tY7uI9oP1aS2dF4g", mock))
}

fn config(shape: ConfigShape) -> Ready<OnMock<ConfigApi>> {
    let mock = MockSegment::start(MockConfig::new().config_shape(shape)).unwrap();
    ready(OnMock(config_api(&mock, &clock(), Arc::new(Counter::default())), "web", mock))
}

mod public_api {
    segment_core::regulations_conformance!(super::public);
}

mod config_api {
    use super::*;

    fn fresh() -> Ready<OnMock<ConfigApi>> {
        config(ConfigShape::default())
    }

    segment_core::regulations_conformance!(fresh);
}

mod config_api_in_camel_case {
    use super::*;

    fn fresh() -> Ready<OnMock<ConfigApi>> {
        config(ConfigShape::default().camel_case().ids(EntryIds::Subjects))
    }

    segment_core::regulations_conformance!(fresh);
}
