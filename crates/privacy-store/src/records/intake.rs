//! Recording requests, each at most once.

use segment_core::{Gate, Intake, NewRequest, RequestId, ports::StoreError};
use sqlx::SqliteConnection;

use super::{
    RecordStore, claim, errors,
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
        tx.commit().await.map_err(errors::database)?;
        Ok(answers)
    }

    async fn take(&self, connection: &mut SqliteConnection, request: &NewRequest) -> Result<Intake, StoreError> {
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
        connection: &mut SqliteConnection,
        request: &NewRequest,
        identities: &[u8],
        external: Option<&[u8]>,
    ) -> Result<Option<Intake>, StoreError> {
        if let Some(external) = external {
            let row: Option<(String, String, Vec<u8>)> =
                sqlx::query_as("SELECT id, action, identities_hash FROM requests WHERE external_id_hash = $1")
                    .bind(external)
                    .fetch_optional(connection)
                    .await
                    .map_err(errors::database)?;
            return Ok(row.map(|(id, action, hash)| {
                let same = action == request.action.as_str() && hash == identities;
                let id = RequestId::new(id);
                if same { Intake::Linked(id) } else { Intake::ExternalIdConflict(id) }
            }));
        }
        let row: Option<(String,)> = sqlx::query_as(
            "SELECT id FROM requests WHERE identities_hash = $1 AND action = $2 \
             AND status NOT IN ('complete', 'denied', 'canceled', 'error') ORDER BY received_at, id LIMIT 1",
        )
        .bind(identities)
        .bind(request.action.as_str())
        .fetch_optional(connection)
        .await
        .map_err(errors::database)?;
        Ok(row.map(|(id,)| Intake::Linked(RequestId::new(id))))
    }

    async fn insert(
        &self,
        connection: &mut SqliteConnection,
        request: &NewRequest,
        identities: &[u8],
        external: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let id = request.id.as_str();
        let keys = &self.keys;
        let (key, wrapped) = keys.master.new_data_key(keys.random.as_ref(), Place(request_rows::DATA_KEY, id));
        let (gate, status) = if request.needs_approval { (Gate::Pending, "pending") } else { (Gate::Open, "approved") };
        sqlx::query(
            "INSERT INTO requests (id, external_id_hash, identities_hash, action, regime, gate, status, received_at, \
             due_at, data_key, sealed, next_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(id)
        .bind(external)
        .bind(identities)
        .bind(request.action.as_str())
        .bind(request.regime.as_str())
        .bind(gate.as_str())
        .bind(status)
        .bind(millis(request.received_at))
        .bind(millis(request.regime.due_at(request.received_at)))
        .bind(wrapped)
        .bind(request_rows::seal_person(keys, &key, request))
        .bind(millis(request.received_at))
        .execute(&mut *connection)
        .await
        .map_err(errors::database)?;
        for identity in &request.identities {
            let hash = keys.lookup.hash(IDENTITY, &identity.comparison_key());
            sqlx::query("INSERT INTO request_identities (request_id, hash) VALUES ($1, $2)")
                .bind(id)
                .bind(hash)
                .execute(&mut *connection)
                .await
                .map_err(errors::database)?;
        }
        for task in &request.connections {
            sqlx::query("INSERT INTO tasks (request_id, connection, state) VALUES ($1, $2, 'queued')")
                .bind(id)
                .bind(task.as_str())
                .execute(&mut *connection)
                .await
                .map_err(errors::database)?;
        }
        let facts = serde_json::json!({
            "action": request.action.as_str(),
            "regime": request.regime.as_str(),
            "identities": request.identities.iter().map(|identity| identity.kind().as_str()).collect::<Vec<_>>(),
            "connections": request.connections.iter().map(segment_core::ConnectionKey::as_str).collect::<Vec<_>>(),
        });
        status::log(connection, id, &segment_core::AuditEntry::new(request.received_at, "received", facts)).await?;
        self.log_waiting(connection, request).await
    }

    /// Says what an erasure waits for.
    async fn log_waiting(&self, connection: &mut SqliteConnection, request: &NewRequest) -> Result<(), StoreError> {
        let sql = format!("SELECT a.id FROM requests r, {} AND r.id = $1 ORDER BY a.id LIMIT 1", claim::EARLIER_ACCESS);
        let access: Option<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(request.id.as_str())
            .fetch_optional(&mut *connection)
            .await
            .map_err(errors::database)?;
        let Some((access,)) = access else { return Ok(()) };
        let entry =
            segment_core::AuditEntry::new(request.received_at, "waits", serde_json::json!({"for_access": access}));
        status::log(connection, request.id.as_str(), &entry).await
    }
}
