//! Recording requests, each at most once, many in a few statements.

use std::collections::HashMap;

use segment_core::{AuditEntry, ConnectionKey, Gate, Holder, Intake, NewRequest, RequestId, ports::StoreError};
use serde_json::{Value, json};

use super::{
    RecordStore, claim,
    db::{Db, args},
    request_rows::{self, millis},
    scope, status,
};
use crate::crypto::Place;

/// An external id and an identity set are hashed apart from single identities.
const EXTERNAL_ID: &str = "external id";
const IDENTITY_SET: &str = "identity set";
const IDENTITY: &str = "identity";
/// Requests that one statement is about, at most.
const AT_ONCE: usize = 2_000;

/// What recognises a request, in hexadecimal digits.
struct Recognised {
    identities: String,
    external: Option<String>,
}

/// A request that is recorded already.
struct Earlier {
    id: String,
    action: String,
    identities: String,
}

/// The requests of before, and those of the same call: what a new one may be the same as.
#[derive(Default)]
struct Known {
    /// By external id, for ever.
    by_external_id: HashMap<String, Earlier>,
    /// Open ones by identities and action: the first that was received.
    open: HashMap<(String, String), (i64, String)>,
}

impl Known {
    fn earlier(&self, request: &NewRequest, keys: &Recognised) -> Option<Intake> {
        let action = request.action.as_str();
        if let Some(external) = &keys.external {
            return self.by_external_id.get(external).map(|earlier| {
                let id = RequestId::new(earlier.id.clone());
                let same = earlier.action == action && earlier.identities == keys.identities;
                if same { Intake::Linked(id) } else { Intake::ExternalIdConflict(id) }
            });
        }
        let open = self.open.get(&(keys.identities.clone(), action.to_owned()));
        open.map(|(_, id)| Intake::Linked(RequestId::new(id.clone())))
    }

    fn add(&mut self, request: &NewRequest, keys: &Recognised) {
        let (id, action) = (request.id.as_str().to_owned(), request.action.as_str().to_owned());
        if let Some(external) = &keys.external {
            let earlier = Earlier { id: id.clone(), action: action.clone(), identities: keys.identities.clone() };
            self.by_external_id.insert(external.clone(), earlier);
        }
        let this = (millis(request.received_at), id);
        let first = self.open.entry((keys.identities.clone(), action)).or_insert_with(|| this.clone());
        if this < *first {
            *first = this;
        }
    }
}

/// What is to be inserted, as JSON lists.
#[derive(Default)]
struct Rows {
    requests: Vec<Value>,
    identities: Vec<Value>,
    tasks: Vec<Value>,
    log: Vec<Value>,
    erasures: Vec<String>,
}

impl RecordStore {
    pub(super) async fn do_intake(&self, requests: &[NewRequest]) -> Result<Vec<Intake>, StoreError> {
        let mut tx = self.begin().await?;
        let mut answers = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(AT_ONCE) {
            answers.append(&mut self.take(&mut tx, chunk).await?);
        }
        tx.hint().await?;
        tx.commit().await?;
        Ok(answers)
    }

    async fn take(&self, connection: &mut Db, requests: &[NewRequest]) -> Result<Vec<Intake>, StoreError> {
        let keys: Vec<_> = requests.iter().map(|request| self.recognised(request)).collect();
        let mut known = known(connection, &keys).await?;
        let (mut rows, mut answers) = (Rows::default(), Vec::with_capacity(requests.len()));
        for (request, keys) in requests.iter().zip(&keys) {
            let earlier = known.earlier(request, keys);
            match &earlier {
                Some(Intake::Linked(id)) => {
                    rows.tell(id, request, "linked", &json!({"external_id": keys.external.is_some()}));
                }
                Some(_) => {}
                None => {
                    self.add(&mut rows, request, keys);
                    known.add(request, keys);
                }
            }
            answers.push(earlier.unwrap_or(Intake::Created));
        }
        rows.insert(connection).await?;
        log_waiting(connection, &rows.erasures, requests).await?;
        Ok(answers)
    }

    fn recognised(&self, request: &NewRequest) -> Recognised {
        let lookup = &self.keys.lookup;
        Recognised {
            identities: hex::encode(lookup.hash(IDENTITY_SET, &request.identities.comparison_key())),
            external: request.external_id.as_ref().map(|id| hex::encode(lookup.hash(EXTERNAL_ID, id))),
        }
    }

    fn add(&self, rows: &mut Rows, request: &NewRequest, recognised: &Recognised) {
        let id = request.id.as_str();
        let keys = &self.keys;
        let (key, wrapped) = keys.master.new_data_key(keys.random.as_ref(), Place(request_rows::DATA_KEY, id));
        let (gate, status) = if request.needs_approval { (Gate::Pending, "pending") } else { (Gate::Open, "approved") };
        rows.requests.push(json!({
            "id": id, "external": recognised.external, "identities": recognised.identities,
            "action": request.action.as_str(), "regime": request.regime.as_str(), "gate": gate.as_str(), "status": status,
            "received": millis(request.received_at), "due": millis(request.regime.due_at(request.received_at)),
            "key": hex::encode(wrapped), "sealed": hex::encode(request_rows::seal_person(keys, &key, request)),
        }));
        for identity in &request.identities {
            let hash = hex::encode(keys.lookup.hash(IDENTITY, &identity.comparison_key()));
            rows.identities.push(json!({"id": id, "hash": hash}));
        }
        let connections = request.connections.iter().map(|key| (Holder::Connection, key));
        for (holder, key) in connections.chain(request.datasets.iter().map(|key| (Holder::Dataset, key))) {
            rows.tasks.push(json!({"id": id, "connection": key.as_str(), "holder": holder.as_str()}));
        }
        let names = |all: &[ConnectionKey]| all.iter().map(|key| key.as_str().to_owned()).collect::<Vec<_>>();
        let facts = json!({
            "action": request.action.as_str(),
            "regime": request.regime.as_str(),
            "identities": request.identities.iter().map(|identity| identity.kind().as_str()).collect::<Vec<_>>(),
            "connections": names(&request.connections),
            "datasets": names(&request.datasets),
            "left_out": names(&request.left_out),
        });
        rows.tell(&request.id, request, "received", &facts);
        if request.action == segment_core::Action::Erasure {
            rows.erasures.push(id.to_owned());
        }
    }
}

impl Rows {
    fn tell(&mut self, id: &RequestId, request: &NewRequest, step: &str, facts: &Value) {
        let (at, facts) = (millis(request.received_at), facts.to_string());
        self.log.push(json!({"id": id.as_str(), "at": at, "step": step, "facts": facts}));
    }

    async fn insert(&self, connection: &mut Db) -> Result<(), StoreError> {
        let dialect = connection.dialect();
        let (rows, bytes) = (dialect.rows("$1"), |name: &str| dialect.bytes(name));
        let number = |name: &str| format!("CAST(value->>'{name}' AS BIGINT)");
        let sql = format!(
            "INSERT INTO requests (id, external_id_hash, identities_hash, action, regime, gate, status, received_at, due_at, \
             data_key, sealed, next_at) SELECT value->>'id', {}, {}, value->>'action', value->>'regime', value->>'gate', \
             value->>'status', {received}, {}, {}, {}, {received} FROM {rows}",
            bytes("external"),
            bytes("identities"),
            number("due"),
            bytes("key"),
            bytes("sealed"),
            received = number("received"),
        );
        insert(connection, &sql, &self.requests).await?;
        let sql = format!(
            "INSERT INTO request_identities (request_id, hash) SELECT value->>'id', {} FROM {rows}",
            bytes("hash")
        );
        insert(connection, &sql, &self.identities).await?;
        let sql = format!(
            "INSERT INTO tasks (request_id, connection, holder, state) \
             SELECT value->>'id', value->>'connection', value->>'holder', 'queued' FROM {rows}"
        );
        insert(connection, &sql, &self.tasks).await?;
        status::tell(connection, &self.log).await
    }
}

async fn insert(connection: &mut Db, sql: &str, rows: &[Value]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    connection.execute(sql, args![Value::from(rows).to_string()]).await.map(drop)
}

/// What of the record may be the same as one of these.
async fn known(connection: &mut Db, keys: &[Recognised]) -> Result<Known, StoreError> {
    let dialect = connection.dialect();
    let mut known = Known::default();
    let external = scope::list(keys.iter().filter_map(|keys| keys.external.as_deref()));
    let sql = format!(
        "SELECT external_id_hash, id, action, identities_hash FROM requests WHERE {}",
        dialect.listed_bytes("external_id_hash", "$1")
    );
    let rows: Vec<(Vec<u8>, String, String, Vec<u8>)> = connection.all(&sql, args![external]).await?;
    for (external, id, action, identities) in rows {
        let earlier = Earlier { id, action, identities: hex::encode(identities) };
        known.by_external_id.insert(hex::encode(external), earlier);
    }
    // What has an external id is the same only by that.
    let without = keys.iter().filter(|keys| keys.external.is_none());
    let identities = scope::list(without.map(|keys| keys.identities.as_str()));
    let sql = format!(
        "SELECT identities_hash, action, received_at, id FROM requests WHERE {} \
         AND status NOT IN ('complete', 'denied', 'canceled', 'error') ORDER BY received_at DESC, id DESC",
        dialect.listed_bytes("identities_hash", "$1")
    );
    let rows: Vec<(Vec<u8>, String, i64, String)> = connection.all(&sql, args![identities]).await?;
    // The first that was received is the last of these.
    known.open.extend(rows.into_iter().map(|(hash, action, at, id)| ((hex::encode(hash), action), (at, id))));
    Ok(known)
}

/// Says what erasures wait for.
async fn log_waiting(connection: &mut Db, erasures: &[String], requests: &[NewRequest]) -> Result<(), StoreError> {
    let dialect = connection.dialect();
    let sql = format!(
        "SELECT r.id, MIN(a.id) FROM requests r, {} AND {} GROUP BY r.id ORDER BY r.id",
        claim::EARLIER_ACCESS,
        dialect.listed("r.id", "$1")
    );
    let waiting: Vec<(String, String)> =
        connection.all(&sql, args![scope::list(erasures.iter().map(String::as_str))]).await?;
    for (id, access) in waiting {
        let Some(request) = requests.iter().find(|request| request.id.as_str() == id) else { continue };
        let entry = AuditEntry::new(request.received_at, "waits", json!({"for_access": access}));
        status::log(connection, &id, &entry).await?;
    }
    Ok(())
}
