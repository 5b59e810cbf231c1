//! Keeping a lease while the work takes longer than it lasts.

use std::{future::Future, time::Duration};

use segment_core::{Lease, ports::StoreError};
use tokio::time::Instant;

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
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(every).await;
            match self.store.extend(lease, self.policy.lease).await {
                Ok(()) => renewed = Instant::now(),
                // It is still ours when it is tried again.
                Err(StoreError::Unavailable(_)) if renewed.elapsed() + every < self.policy.lease => {}
                Err(error) => return error,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use segment_core::{
        LeaseSubject, RequestId,
        ports::{MockRegulationSubmit, MockRegulations, MockRequestStore},
    };

    use super::*;
    use crate::submit::tests::engine;

    fn busy() -> StoreError {
        StoreError::Unavailable("busy".into())
    }

    fn over(extensions: impl IntoIterator<Item = Result<(), StoreError>>) -> Engine {
        let mut store = MockRequestStore::new();
        let mut answers: Vec<_> = extensions.into_iter().collect();
        answers.reverse();
        store.expect_extend().returning(move |_, _| answers.pop().unwrap_or(Ok(())));
        engine(store, MockRegulations::new(), MockRegulationSubmit::new())
    }

    async fn works(engine: &Engine) -> Result<(), StoreError> {
        let lease = Lease { subject: LeaseSubject::Request(RequestId::new("pri_1")), fence: 1 };
        engine.keeping(&lease, tokio::time::sleep(engine.policy.lease * 3)).await
    }

    #[tokio::test(start_paused = true)]
    async fn one_renewal_that_fails_for_a_moment_ends_nothing() {
        works(&over([Ok(()), Err(busy()), Ok(()), Err(busy()), Ok(())])).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_before_its_lease_does_and_at_once_where_another_has_it() {
        let began = Instant::now();
        let engine = over([Err(busy()), Err(busy()), Err(busy())]);
        assert!(matches!(works(&engine).await, Err(StoreError::Unavailable(_))));
        assert!(began.elapsed() < engine.policy.lease);
        let began = Instant::now();
        assert!(matches!(works(&over([Err(StoreError::StaleLease)])).await, Err(StoreError::StaleLease)));
        assert!(began.elapsed() < engine.policy.lease / 2);
    }
}
