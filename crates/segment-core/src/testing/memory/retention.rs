//! What goes when its time is over.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::state::{Entry, State, after, misuse};
use crate::{Expired, LedgerState, RequestId, Retention, ports::StoreError};

impl State {
    pub(super) fn expired(&self, retention: &Retention, at: Timestamp, limit: u32) -> Vec<Expired> {
        let mut due: Vec<_> = self.requests.values().filter_map(|entry| self.due(entry, retention, at)).collect();
        due.sort_by(|(one, a), (other, b)| (one, &a.request).cmp(&(other, &b.request)));
        due.into_iter().map(|(_, expired)| expired).take(limit as usize).collect()
    }

    fn due(&self, entry: &Arc<Entry>, retention: &Retention, at: Timestamp) -> Option<(Timestamp, Expired)> {
        let request = &entry.request;
        let ended_at = entry.ended_at?;
        let mine = || self.regulations.values().filter(|one| one.people.contains(&request.id)).map(|one| &one.ledger);
        if mine().any(|ledger| !matches!(ledger.state, LedgerState::Closed | LedgerState::Halted)) {
            return None;
        }
        let looks = mine().filter(|ledger| ledger.looks > 0).filter_map(|ledger| ledger.finished_at);
        let last_look = looks.max().map(|finished| after(finished, retention.last_look));
        let from = last_look.map_or(ended_at, |look| look.max(ended_at));
        let package =
            request.package.as_ref().filter(|_| !entry.package_deleted && after(from, retention.packages) <= at);
        let expired = Expired {
            request: request.id.clone(),
            package: package.map(|package| package.location.clone()),
            identities: request.identities.is_some() && after(from, retention.identities) <= at,
        };
        (expired.package.is_some() || expired.identities).then_some((ended_at, expired))
    }

    pub(super) fn package_deleted(&mut self, id: &RequestId, at: Timestamp) {
        if let Some(entry) = self.entry(id)
            && entry.request.package.is_some()
            && !entry.package_deleted
        {
            entry.package_deleted = true;
            entry.log(at, "package_deleted", json!({}));
        }
    }

    pub(super) fn destroy_identities(&mut self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        let entry = self.entry(id).ok_or_else(|| misuse("there is no such request"))?;
        if !entry.request.status.is_terminal() {
            return Err(misuse("the request is open, and needs what names the person"));
        }
        if entry.request.identities.take().is_some() {
            (entry.request.external_id, entry.request.staging_key, entry.request.masking_key) = (None, None, None);
            (entry.request.evidence_salt, entry.request.recipient) = (None, None);
            entry.request.tasks.iter_mut().for_each(|task| task.resolution = None);
            entry.log(at, "identities_destroyed", json!({}));
        }
        Ok(())
    }

    pub(super) fn forget(&mut self, id: &RequestId, at: Timestamp) -> Result<bool, StoreError> {
        let Some(entry) = self.entry(id) else { return Ok(false) };
        if entry.request.identities.is_some() {
            return Err(misuse("what names the person is still there: `purge` destroys it when its time is over"));
        }
        entry.recognised = None;
        entry.log(at, "forgotten", json!({}));
        Ok(true)
    }
}
