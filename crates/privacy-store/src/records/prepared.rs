//! What recording a request takes before the database is asked: hashes, sealed texts and rows.

use segment_core::{AuditEntry, ConnectionKey, Gate, Holder, NewRequest};
use serde_json::{Value, json};

use super::{
    journal::{Of, Told},
    open::Keys,
    request_rows::{self, millis},
};
use crate::crypto::{DataKey, Place};

/// An external id and an identity set are hashed apart from single identities.
pub(super) const EXTERNAL_ID: &str = "external id";
const IDENTITY_SET: &str = "identity set";
pub(super) const IDENTITY: &str = "identity";

/// A request, and the JSON objects that are inserted if it is new.
pub(super) struct Prepared {
    pub(super) request: NewRequest,
    /// What recognises the whole set of identities, in hexadecimal digits.
    pub(super) same_person: String,
    /// What recognises its external id.
    pub(super) external: Option<String>,
    pub(super) row: String,
    pub(super) identities: Vec<String>,
    pub(super) tasks: Vec<String>,
    /// The first entry of its log.
    pub(super) received: Vec<String>,
}

impl Prepared {
    pub(super) fn new(keys: &Keys, request: NewRequest) -> Self {
        let lookup = &keys.lookup;
        let id = request.id.as_str();
        let same_person = hex::encode(lookup.hash(IDENTITY_SET, &request.identities.comparison_key()));
        let external = request.external_id.as_ref().map(|id| hex::encode(lookup.hash(EXTERNAL_ID, id)));
        let identities = request.identities.iter().map(|identity| {
            let hash = hex::encode(lookup.hash(IDENTITY, &identity.comparison_key()));
            json!({"id": id, "hash": hash}).to_string()
        });
        let connections = request.connections.iter().map(|key| (Holder::Connection, key));
        let holders = connections.chain(request.datasets.iter().map(|key| (Holder::Dataset, key)));
        let mut told = Of::Request(id).begun();
        let (key, wrapped) = keys.master.new_data_key(keys.random.as_ref(), Place(request_rows::DATA_KEY, id));
        told.tell(&AuditEntry::new(request.received_at, "received", received(&request, &key)));
        let key = (&key, wrapped.as_slice());
        let task = |(holder, key): (Holder, &ConnectionKey)| {
            json!({"id": id, "connection": key.as_str(), "holder": holder.as_str()}).to_string()
        };
        Self {
            row: row(keys, &request, key, [Some(&same_person), external.as_ref()], &told),
            identities: identities.collect(),
            tasks: holders.map(task).collect(),
            received: told.into_rows(),
            same_person,
            external,
            request,
        }
    }
}

fn row(
    keys: &Keys,
    request: &NewRequest,
    (key, wrapped): (&DataKey, &[u8]),
    [same_person, external]: [Option<&String>; 2],
    told: &Told<'_>,
) -> String {
    let id = request.id.as_str();
    let (gate, status) = if request.needs_approval { (Gate::Pending, "pending") } else { (Gate::Open, "approved") };
    let row = json!({
        "id": id, "external": external, "identities": same_person,
        "action": request.action.as_str(), "regime": request.regime.as_str(), "gate": gate.as_str(), "status": status,
        "received": millis(request.received_at), "due": millis(request.regime.due_at(request.received_at)),
        "key": hex::encode(wrapped), "sealed": hex::encode(request_rows::seal_person(keys, key, request)),
        "told": told.count(), "hash": told.hash().map(hex::encode),
    });
    row.to_string()
}

fn received(request: &NewRequest, key: &DataKey) -> Value {
    let salt = key.evidence_salt();
    let names = |all: &[ConnectionKey]| all.iter().map(|key| key.as_str().to_owned()).collect::<Vec<_>>();
    json!({
        "action": request.action.as_str(),
        "regime": request.regime.as_str(),
        "identities": request.identities.iter().map(|identity| identity.kind().as_str()).collect::<Vec<_>>(),
        "identity_hashes": request.identities.iter().map(|one| salt.hash(one.kind().as_str(), one.value())).collect::<Vec<_>>(),
        "connections": names(&request.connections),
        "datasets": names(&request.datasets),
        "left_out": names(&request.left_out),
        "by": request.by,
    })
}
