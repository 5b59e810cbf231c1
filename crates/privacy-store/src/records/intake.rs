//! Recording requests, each at most once.

use segment_core::{ConnectionKey, Gate, Holder, Intake, NewRequest, RequestId, ports::StoreError};

use super::{
    RecordStore, claim,
    db::{Db, args},
    request_rows::{self, millis},
    status,
};
use crate::crypto::Place;

/// An external id and an identity set are hashed apart from single identities.
const EXTERNAL_ID: &str = "external id";
const IDENTITY_SET: &str = "identity set";
const IDENTITY: &str = "identity";

impl RecordStore {
    pub(super) async fn do_intake(&self, requests: &[NewRequest]) -> Result<Vec<Intake>, StoreError> {
        let mut tx = self.begin().await?;
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            answers.push(self.take(&mut tx, request).await?);
        }
        tx.hint().await?;
        tx.commit().await?;
        Ok(answers)
    }

    async fn take(&self, connection: &mut Db, request: &NewRequest) -> Result<Intake, StoreError> {
        let lookup = &self.keys.lookup;
        let identities = lookup.hash(IDENTITY_SET, &request.identities.comparison_key());
        let external = request.external_id.as_ref().map(|id| lookup.hash(EXTERNAL_ID, id));
        if let Some(earlier) = self.earlier(connection, request, &identities, external.as_deref()).await? {
            if let Intake::Linked(id) = &earlier {
                let facts = serde_json::json!({"external_id": external.is_some()});
                let entry = segment_core::AuditEntry::new(request.received_at, "linked", facts);
                status::log(connection, id.as_str(), &entry).await?;
            }
            return Ok(earlier);
        }
        self.insert(connection, request, &identities, external).await?;
        Ok(Intake::Created)
    }

    async fn earlier(
        &self,
        connection: &mut Db,
        request: &NewRequest,
        identities: &[u8],
        external: Option<&[u8]>,
    ) -> Result<Option<Intake>, StoreError> {
        if let Some(external) = external {
            let row: Option<(String, String, Vec<u8>)> = connection
                .optional(
                    "SELECT id, action, identities_hash FROM requests WHERE external_id_hash = $1",
                    args![external],
                )
                .await?;
            return Ok(row.map(|(id, action, hash)| {
                let same = action == request.action.as_str() && hash == identities;
                let id = RequestId::new(id);
                if same { Intake::Linked(id) } else { Intake::ExternalIdConflict(id) }
            }));
        }
        let row: Option<(String,)> = connection
            .optional(
                "SELECT id FROM requests WHERE identities_hash = $1 AND action = $2 \
             AND status NOT IN ('complete', 'denied', 'canceled', 'error') ORDER BY received_at, id LIMIT 1",
                args![identities, request.action.as_str()],
            )
            .await?;
        Ok(row.map(|(id,)| Intake::Linked(RequestId::new(id))))
    }

    async fn insert(
        &self,
        connection: &mut Db,
        request: &NewRequest,
        identities: &[u8],
        external: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let id = request.id.as_str();
        let keys = &self.keys;
        let (key, wrapped) = keys.master.new_data_key(keys.random.as_ref(), Place(request_rows::DATA_KEY, id));
        let (gate, status) = if request.needs_approval { (Gate::Pending, "pending") } else { (Gate::Open, "approved") };
        connection.execute("INSERT INTO requests (id, external_id_hash, identities_hash, action, regime, gate, status, received_at, \
             due_at, data_key, sealed, next_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", args![id, external, identities, request.action.as_str(), request.regime.as_str(), gate.as_str(), status, millis(request.received_at), millis(request.regime.due_at(request.received_at)), wrapped, request_rows::seal_person(keys, &key, request), millis(request.received_at)]).await?;
        for identity in &request.identities {
            let hash = keys.lookup.hash(IDENTITY, &identity.comparison_key());
            connection
                .execute("INSERT INTO request_identities (request_id, hash) VALUES ($1, $2)", args![id, hash])
                .await?;
        }
        let connections = request.connections.iter().map(|key| (Holder::Connection, key));
        for (holder, key) in connections.chain(request.datasets.iter().map(|key| (Holder::Dataset, key))) {
            connection
                .execute(
                    "INSERT INTO tasks (request_id, connection, holder, state) VALUES ($1, $2, $3, 'queued')",
                    args![id, key.as_str(), holder.as_str()],
                )
                .await?;
        }
        let keys = |all: &[ConnectionKey]| all.iter().map(|key| key.as_str().to_owned()).collect::<Vec<_>>();
        let facts = serde_json::json!({
            "action": request.action.as_str(),
            "regime": request.regime.as_str(),
            "identities": request.identities.iter().map(|identity| identity.kind().as_str()).collect::<Vec<_>>(),
            "connections": keys(&request.connections),
            "datasets": keys(&request.datasets),
            "left_out": keys(&request.left_out),
        });
        status::log(connection, id, &segment_core::AuditEntry::new(request.received_at, "received", facts)).await?;
        self.log_waiting(connection, request).await
    }

    /// Says what an erasure waits for.
    async fn log_waiting(&self, connection: &mut Db, request: &NewRequest) -> Result<(), StoreError> {
        let sql = format!("SELECT a.id FROM requests r, {} AND r.id = $1 ORDER BY a.id LIMIT 1", claim::EARLIER_ACCESS);
        let access: Option<(String,)> = connection.optional(&sql, args![request.id.as_str()]).await?;
        let Some((access,)) = access else { return Ok(()) };
        let entry =
            segment_core::AuditEntry::new(request.received_at, "waits", serde_json::json!({"for_access": access}));
        status::log(connection, request.id.as_str(), &entry).await
    }
}
