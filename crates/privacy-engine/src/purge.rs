//! Retention: packages and everything that names a person go when their time is over.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
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
    /// Lifted legal holds that were dropped.
    pub holds: u64,
    /// What could not be deleted or destroyed, and why: it is due again next time.
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
    /// What the record database refuses as a whole. A request that cannot be purged is told, and does not keep the others.
    pub async fn purge(&self, retention: &Retention) -> Result<Purged, StoreError> {
        let (mut purged, mut tried) = (Purged::default(), BTreeSet::new());
        loop {
            // What failed is due still: it stands before the rest.
            let limit = AT_A_TIME.saturating_add(u32::try_from(purged.failures.len()).unwrap_or(u32::MAX));
            let mut due = self.store.expired(retention, self.clock.now(), limit).await?;
            // Each is tried once, so that this ends whatever is still due.
            due.retain(|one| tried.insert(one.request.clone()));
            if due.is_empty() {
                break;
            }
            for one in due {
                if let Err(why) = self.purge_one(&one, &mut purged).await {
                    purged.failures.push((one.request, why));
                }
            }
        }
        purged.holds = self.store.drop_holds(earlier(self.clock.now(), retention)).await?;
        // Also for what an earlier purge could not finish, while somebody read.
        self.store.sweep().await?;
        Ok(purged)
    }

    async fn purge_one(&self, expired: &Expired, purged: &mut Purged) -> Result<(), String> {
        let id = &expired.request;
        let failed = |error: StoreError| error.to_string();
        // Somebody may have let it go on since it was listed.
        let request = self.store.request(id).await.map_err(failed)?;
        let Some(request) = request.filter(|request| request.status.is_terminal()) else { return Ok(()) };
        if let Some(location) = &expired.package {
            if request.package.is_none_or(|package| &package.location != location) {
                return Err("another package was made meanwhile".to_owned());
            }
            self.packages.remove(location).await.map_err(|error| error.to_string())?;
            self.store.package_deleted(id, self.clock.now()).await.map_err(failed)?;
            purged.packages += 1;
        }
        if expired.identities {
            // One may be there of which the record does not know: made by a worker that was gone before it could say so.
            for unknown in self.packages.locations(id) {
                self.packages.remove(&unknown).await.map_err(|error| error.to_string())?;
            }
            self.store.destroy_identities(id, self.clock.now()).await.map_err(failed)?;
            purged.identities += 1;
        }
        Ok(())
    }
}

/// Holds that were lifted before this moment have been kept for long enough.
fn earlier(now: Timestamp, retention: &Retention) -> Timestamp {
    let span = SignedDuration::try_from(retention.identities).unwrap_or(SignedDuration::MAX);
    now.checked_sub(span).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
