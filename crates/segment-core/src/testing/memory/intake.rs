//! Recording requests, each at most once.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use super::state::{Entry, Hold, State, misuse};
use crate::{
    EvidenceSalt, Identity, IdentityKind, Intake, MaskingKey, NewRequest, Pii, Request, RequestId, StagingKey,
    ports::StoreError,
};

impl State {
    pub(super) fn intake(&mut self, requests: &[NewRequest]) -> Result<Vec<Intake>, StoreError> {
        let answers = requests.iter().map(|request| self.record(request)).collect::<Result<Vec<_>, _>>()?;
        Intake::check_together(requests, &answers)?;
        Ok(answers)
    }

    fn record(&mut self, new: &NewRequest) -> Result<Intake, StoreError> {
        if let Some(earlier) = self.earlier(new) {
            if let Intake::Linked(id) = &earlier
                && let Some(entry) = self.entry(id)
            {
                entry.log(new.received_at, "linked", json!({"external_id": new.external_id.is_some()}));
            }
            return Ok(earlier);
        }
        if self.requests.contains_key(&new.id) {
            return Err(misuse("a request of this id is recorded already"));
        }
        let mut entry = entry(new)?;
        if let Some(access) = self.waits_for(&entry.request) {
            entry.log(new.received_at, "waits", json!({"for_access": access.as_str()}));
        }
        self.requests.insert(new.id.clone(), Arc::new(entry));
        Ok(Intake::Created)
    }

    fn earlier(&self, new: &NewRequest) -> Option<Intake> {
        let mut all = self.requests.values().filter_map(|entry| Some((&entry.request, entry.recognised.as_ref()?)));
        let identities = new.identities.comparison_key();
        let same = |request: &Request, known: &Pii<String>| request.action == new.action && known == &identities;
        if new.external_id.is_some() {
            let (known, (_, theirs)) = all.find(|(_, (external_id, _))| external_id == &new.external_id)?;
            let id = known.id.clone();
            return Some(if same(known, theirs) { Intake::Linked(id) } else { Intake::ExternalIdConflict(id) });
        }
        let open = all.filter(|(request, (_, theirs))| !request.status.is_terminal() && same(request, theirs));
        let (first, _) = open.min_by_key(|(request, _)| (request.received_at, request.id.clone()))?;
        Some(Intake::Linked(first.id.clone()))
    }
}

fn entry(new: &NewRequest) -> Result<Entry, StoreError> {
    let request = Request {
        staging_key: Some(StagingKey::new(key(&new.id))),
        masking_key: Some(MaskingKey::new(key(&new.id))),
        evidence_salt: Some(EvidenceSalt::new(key(&new.id))),
        ..new.recorded()
    };
    if request.tasks.windows(2).any(|pair| pair[0].connection == pair[1].connection) {
        return Err(misuse("a connection or dataset is named twice"));
    }
    let facts = json!({
        "action": new.action.as_str(),
        "regime": new.regime.as_str(),
        "identities": new.identities.iter().map(Identity::kind).map(IdentityKind::as_str).collect::<Vec<_>>(),
        "connections": new.connections.iter().map(crate::ConnectionKey::as_str).collect::<Vec<_>>(),
        "datasets": new.datasets.iter().map(crate::ConnectionKey::as_str).collect::<Vec<_>>(),
        "by": new.by,
        "left_out": new.left_out.iter().map(crate::ConnectionKey::as_str).collect::<Vec<_>>(),
    });
    let next_at = Some(new.received_at);
    let (hold, waits) = (Hold::default(), BTreeMap::new());
    let mut entry = Entry {
        request,
        log: Vec::new(),
        extended: false,
        next_at,
        ended_at: None,
        package_deleted: false,
        recognised: Some((new.external_id.clone(), new.identities.comparison_key())),
        hold,
        waits,
    };
    entry.log(new.received_at, "received", facts);
    Ok(entry)
}

/// Another one for each request; nothing about it is secret.
fn key(id: &RequestId) -> [u8; 32] {
    let mut key = [0; 32];
    for (at, byte) in id.as_str().bytes().enumerate() {
        key[at % 32] ^= byte;
    }
    key
}
