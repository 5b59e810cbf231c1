//! Retention: packages and everything that names a person go when their time is over.

use segment_core::{Expired, RequestId, Retention, ports::StoreError};

use crate::Engine;

/// Requests that are purged at a time.
const AT_A_TIME: u32 = 500;

/// What was purged, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purged {
    /// Packages deleted.
    pub packages: u64,
    /// Requests whose identities were destroyed.
    pub identities: u64,
    /// Packages that could not be deleted, and why: they are due again next time.
    pub failures: Vec<(RequestId, String)>,
}

impl Purged {
    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Engine {
    /// Deletes and destroys everything that is due.
    ///
    /// # Errors
    ///
    /// What the record database refuses. A package that cannot be deleted is told, and keeps its request's identities.
    pub async fn purge(&self, retention: &Retention) -> Result<Purged, StoreError> {
        let mut purged = Purged::default();
        loop {
            // What failed is due still: it stands before the rest.
            let failed = u32::try_from(purged.failures.len()).unwrap_or(u32::MAX);
            let limit = AT_A_TIME.saturating_add(failed);
            let due = self.store.expired(retention, self.clock.now(), limit).await?;
            let fresh: Vec<_> =
                due.iter().filter(|one| !purged.failures.iter().any(|(id, _)| id == &one.request)).collect();
            if fresh.is_empty() {
                break;
            }
            for one in fresh {
                self.purge_one(one, &mut purged).await?;
            }
        }
        if !purged.is_nothing() {
            self.store.sweep().await?;
        }
        Ok(purged)
    }

    async fn purge_one(&self, expired: &Expired, purged: &mut Purged) -> Result<(), StoreError> {
        if let Some(location) = &expired.package {
            if let Err(error) = self.packages.remove(location).await {
                purged.failures.push((expired.request.clone(), error.to_string()));
                return Ok(());
            }
            self.store.package_deleted(&expired.request, self.clock.now()).await?;
            purged.packages += 1;
        }
        if expired.identities {
            self.store.destroy_identities(&expired.request, self.clock.now()).await?;
            purged.identities += 1;
        }
        Ok(())
    }
}
