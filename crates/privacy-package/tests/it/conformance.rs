//! The suite of the port.

use std::future::{Ready, ready};

use async_trait::async_trait;
use segment_core::{ports::PackageSink, testing::conformance::package::SinkFixture};

use crate::support::{World, world};

#[async_trait]
impl SinkFixture for World {
    fn sink(&self) -> &dyn PackageSink {
        &self.sink
    }

    async fn visible(&self) -> Vec<String> {
        let zips = self.entries().into_iter().filter(|name| !name.starts_with('.'));
        zips.map(|name| format!("packages/{name}")).collect()
    }

    async fn is_clean(&self) -> bool {
        // A thread may still be on its way out of the staging area.
        for _ in 0..200 {
            if self.entries().is_empty() && self.files().is_empty() {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        false
    }
}

fn fresh() -> Ready<World> {
    ready(world())
}

segment_core::package_sink_conformance!(fresh);
