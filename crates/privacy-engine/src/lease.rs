//! Keeping a lease while the work takes longer than it lasts.

use std::{future::Future, time::Duration};

use segment_core::{Lease, ports::StoreError};

use crate::Engine;

impl Engine {
    /// Does the work and renews the lease meanwhile. When the lease is lost the work is dropped where it stands: another
    /// worker has it.
    pub(crate) async fn keeping<T>(
        &self,
        lease: &Lease,
        work: impl Future<Output = T> + Send,
    ) -> Result<T, StoreError> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            error = self.renew(lease) => Err(error),
        }
    }

    async fn renew(&self, lease: &Lease) -> StoreError {
        // Leases run on the database's clock, so the real time counts here whatever the injected clock says.
        let every = (self.policy.lease / 3).max(Duration::from_millis(10));
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = self.store.extend(lease, self.policy.lease).await {
                return error;
            }
        }
    }
}
