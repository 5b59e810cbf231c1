//! Rows of requests and tasks, to models and back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use segment_core::{
    Action, ConnectionKey, FileReceipt, Finding, FindingCode, Gate, Halt, HaltKind, Holder, IntentId, Outcome,
    PackageReceipt, Pii, Regime, RegulationType, Request, RequestId, RequestStatus, Resume, Task, TaskState,
    ports::StoreError,
};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{
    db::{Db, args},
    errors,
    journal::End,
    open::Keys,
    scope,
    sealed::{self, Person},
    status::StatusRow,
};
use crate::crypto::{DataKey, Place};

pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or_default()
}

pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// Reads a column that can only hold what we wrote.
pub(super) fn known<T>(value: Option<T>, column: &'static str, row: &str) -> Result<T, StoreError> {
    value.ok_or_else(|| errors::corrupt(Place(column, row)))
}

pub(super) const DATA_KEY: &str = "requests.data_key";
const SEALED: &str = "requests.sealed";
const TASK_SEALED: &str = "tasks.sealed";

#[derive(FromRow)]
pub(super) struct RequestRow {
    pub(super) id: String,
    action: String,
    regime: String,
    gate: String,
    begun: bool,
    status: String,
    received_at: i64,
    pub(super) due_at: i64,
    completed_at: Option<i64>,
    verified_at: Option<i64>,
    denied_reason: Option<String>,
    data_key: Option<Vec<u8>>,
    sealed: Option<Vec<u8>>,
    package: Option<String>,
    pub(super) fence: i64,
    #[sqlx(flatten)]
    log: End,
}

#[derive(Clone, FromRow)]
pub(super) struct TaskRow {
    pub(super) request_id: String,
    connection: String,
    holder: String,
    state: String,
    outcome: Option<String>,
    halt_kind: Option<String>,
    halt_message: Option<String>,
    halt_resume: Option<String>,
    kind: Option<String>,
    source: Option<String>,
    sealed: Option<Vec<u8>>,
    user_ids: i64,
    unreachable: i64,
    collections: String,
    findings: String,
    attempts: i64,
    verified_at: Option<i64>,
    intent: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct PackageForm {
    location: String,
    bytes: u64,
    sha256: String,
    files: Vec<(String, u64, bool)>,
}

pub(super) fn write_package(package: &PackageReceipt) -> String {
    let files = package.files.iter().map(|file| (file.path.clone(), file.records, file.complete)).collect();
    let form =
        PackageForm { location: package.location.clone(), bytes: package.bytes, sha256: package.sha256.clone(), files };
    serde_json::to_string(&form).unwrap_or_default()
}

pub(super) fn read_package(text: &str) -> Option<PackageReceipt> {
    let form: PackageForm = serde_json::from_str(text).ok()?;
    let file = |(path, records, complete)| FileReceipt { path, records, complete };
    let files = form.files.into_iter().map(file).collect();
    Some(PackageReceipt { location: form.location, bytes: form.bytes, sha256: form.sha256, files })
}

pub(super) fn data_key(keys: &Keys, id: &str, wrapped: &[u8]) -> Result<DataKey, StoreError> {
    let place = Place(DATA_KEY, id);
    keys.master.data_key(place, wrapped).map_err(errors::sealed(place))
}

/// Who a request is about.
pub(super) fn open_person(key: &DataKey, id: &str, sealed: &[u8]) -> Result<Person, StoreError> {
    let place = Place(SEALED, id);
    let plain = key.open(place, sealed).map_err(errors::sealed(place))?;
    known(sealed::read_person(&plain), SEALED, id)
}

impl RequestRow {
    /// Whether it is over, unless somebody retries it.
    pub(super) fn is_ended(&self) -> bool {
        RequestStatus::parse(&self.status).is_some_and(RequestStatus::is_terminal)
    }

    /// Whether what names the person is still there.
    pub(super) fn has_key(&self) -> bool {
        self.data_key.is_some()
    }

    /// The request's data key, unless it is destroyed.
    pub(super) fn key(&self, keys: &Keys) -> Result<Option<DataKey>, StoreError> {
        self.data_key.as_deref().map(|wrapped| data_key(keys, &self.id, wrapped)).transpose()
    }

    /// What its status follows from, beside its tasks.
    pub(super) fn standing(&self) -> StatusRow {
        StatusRow {
            id: self.id.clone(),
            action: self.action.clone(),
            gate: self.gate.clone(),
            begun: self.begun,
            status: self.status.clone(),
            verified_at: self.verified_at,
            log: self.log.clone(),
        }
    }

    pub(super) fn read(self, keys: &Keys, tasks: Vec<TaskRow>) -> Result<Request, StoreError> {
        let key = self.key(keys)?;
        let id = self.id.as_str();
        let person = match (&key, &self.sealed) {
            (Some(key), Some(sealed)) => Some(open_person(key, id, sealed)?),
            _ => None,
        };
        let (identities, external_id, recipient) = match person {
            Some(Person { identities, external_id, recipient }) => (Some(identities), external_id, recipient),
            None => (None, None, None),
        };
        Ok(Request {
            external_id,
            identities,
            recipient,
            action: known(Action::parse(&self.action), "requests.action", id)?,
            regime: known(Regime::parse(&self.regime), "requests.regime", id)?,
            gate: known(Gate::parse(&self.gate), "requests.gate", id)?,
            begun: self.begun,
            status: known(RequestStatus::parse(&self.status), "requests.status", id)?,
            received_at: time(self.received_at),
            due_at: time(self.due_at),
            completed_at: self.completed_at.map(time),
            verified_at: self.verified_at.map(time),
            package: match &self.package {
                Some(text) => Some(known(read_package(text), "requests.package", id)?),
                None => None,
            },
            tasks: tasks.into_iter().map(|task| task.read(key.as_ref())).collect::<Result<_, _>>()?,
            staging_key: key.as_ref().map(DataKey::staging_key),
            masking_key: key.as_ref().map(DataKey::masking_key),
            evidence_salt: key.as_ref().map(DataKey::evidence_salt),
            denied_reason: self.denied_reason.map(Pii::new),
            id: RequestId::new(self.id),
        })
    }
}

pub(super) fn seal_person(keys: &Keys, key: &DataKey, request: &segment_core::NewRequest) -> Vec<u8> {
    let plain = sealed::write_person(request);
    key.seal(keys.random.as_ref(), Place(SEALED, request.id.as_str()), &plain)
}

/// Reads a state from its columns.
pub(super) fn state(
    row: &str,
    state: &str,
    outcome: Option<&str>,
    halt: [Option<&str>; 3],
) -> Result<TaskState, StoreError> {
    let read_halt = || {
        let [Some(kind), Some(message), Some(resume)] = halt else { return None };
        Some(Halt { kind: HaltKind::parse(kind)?, message: message.to_owned(), resume: Resume::parse(resume)? })
    };
    let read = match state {
        "queued" => Some(TaskState::Queued),
        "resolved" => Some(TaskState::Resolved),
        "sending" => Some(TaskState::Sending),
        "awaiting" => Some(TaskState::Awaiting),
        "complete" => outcome.and_then(Outcome::parse).map(TaskState::Complete),
        "attention" => read_halt().map(TaskState::Attention),
        "error" => read_halt().map(TaskState::Error),
        "canceled" => Some(TaskState::Canceled),
        _ => None,
    };
    known(read, "tasks.state", row)
}

impl TaskRow {
    /// Whether a regulation is, or was, part of it: such a task is read back.
    pub(super) fn is_regulated(&self) -> bool {
        self.kind.is_some()
    }

    pub(super) fn connection(&self) -> &str {
        &self.connection
    }

    /// Whether it is about rows of an owned database.
    pub(super) fn is_of_dataset(&self) -> bool {
        self.holder == Holder::Dataset.as_str()
    }

    pub(super) fn findings(&self) -> &str {
        &self.findings
    }

    pub(super) fn verified(&self) -> Option<i64> {
        self.verified_at
    }

    pub(super) fn state(&self) -> Result<TaskState, StoreError> {
        let halt = [self.halt_kind.as_deref(), self.halt_message.as_deref(), self.halt_resume.as_deref()];
        state(&self.request_id, &self.state, self.outcome.as_deref(), halt)
    }

    pub(super) fn read(self, key: Option<&DataKey>) -> Result<Task, StoreError> {
        let row = format!("{}/{}", self.request_id, self.connection);
        let state = self.state()?;
        let place = Place(TASK_SEALED, &row);
        let resolution = match (key, &self.sealed) {
            (Some(key), Some(sealed)) => {
                let plain = key.open(place, sealed).map_err(errors::sealed(place))?;
                Some(known(sealed::read_resolution(&plain), TASK_SEALED, &row)?)
            }
            _ => None,
        };
        Ok(Task {
            state,
            resolution,
            kind: self.kind.as_deref().map(RegulationType::parse),
            source: self.source,
            user_ids: count(self.user_ids),
            unreachable: count(self.unreachable),
            collections: known(read_collections(&self.collections), "tasks.collections", &row)?,
            findings: known(read_findings(&self.findings), "tasks.findings", &row)?,
            attempts: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            regulation: self.intent.map(IntentId::new),
            verified_at: self.verified_at.map(time),
            holder: known(Holder::parse(&self.holder), "tasks.holder", &row)?,
            connection: ConnectionKey::new(self.connection),
        })
    }
}

fn read_collections(text: &str) -> Option<BTreeMap<String, u64>> {
    serde_json::from_str(text).ok()
}

pub(super) fn read_findings(text: &str) -> Option<BTreeSet<Finding>> {
    let pairs: Vec<(String, String)> = serde_json::from_str(text).ok()?;
    pairs.into_iter().map(|(code, message)| Some(Finding::new(FindingCode::parse(&code)?, message))).collect()
}

pub(super) fn write_findings(findings: &BTreeSet<Finding>) -> String {
    let pairs: Vec<_> = findings.iter().map(|finding| (finding.code.as_str(), &finding.message)).collect();
    serde_json::to_string(&pairs).unwrap_or_default()
}

pub(super) const REQUEST_COLUMNS: &str = "id, action, regime, gate, begun, status, received_at, due_at, completed_at, \
    verified_at, denied_reason, data_key, sealed, package, fence, log_count, log_hash";
pub(super) const TASK_COLUMNS: &str = "request_id, connection, holder, state, outcome, halt_kind, halt_message, halt_resume, \
    kind, source, sealed, user_ids, unreachable, collections, findings, attempts, verified_at, intent";

/// The tasks of one request, by connection.
pub(super) async fn tasks(connection: &mut Db, request: &str) -> Result<Vec<TaskRow>, StoreError> {
    let sql = format!("SELECT {TASK_COLUMNS} FROM tasks WHERE request_id = $1 ORDER BY connection");
    connection.all(&sql, args![request]).await
}

/// The tasks of some requests, each by connection.
pub(super) async fn tasks_of(
    connection: &mut Db,
    requests: &[&str],
) -> Result<BTreeMap<String, Vec<TaskRow>>, StoreError> {
    if let [request] = requests {
        return Ok(BTreeMap::from([((*request).to_owned(), tasks(connection, request).await?)]));
    }
    let within = connection.dialect().listed("request_id", "$1");
    let sql = format!("SELECT {TASK_COLUMNS} FROM tasks WHERE {within} ORDER BY request_id, connection");
    let rows: Vec<TaskRow> = connection.all(&sql, args![scope::list(requests.iter().copied())]).await?;
    let mut tasks: BTreeMap<String, Vec<TaskRow>> = BTreeMap::new();
    for row in rows {
        tasks.entry(row.request_id.clone()).or_default().push(row);
    }
    Ok(tasks)
}

/// Writes all of a task but its regulation's intent and limits, which change with regulations only; the answer is the row.
pub(super) async fn write_task(
    connection: &mut Db,
    keys: &Keys,
    request: &str,
    key: Option<&DataKey>,
    task: &Task,
    at: Timestamp,
) -> Result<TaskRow, StoreError> {
    let row = format!("{request}/{}", task.connection);
    let sealed = match (key, &task.resolution) {
        (Some(key), Some(resolution)) => {
            Some(key.seal(keys.random.as_ref(), Place(TASK_SEALED, &row), &sealed::write_resolution(resolution)))
        }
        _ => None,
    };
    let resolved = (task.state == TaskState::Resolved).then(|| millis(at));
    let halt = task.state.halt();
    let sql = format!(
        "UPDATE tasks SET kind = $3, sealed = $4, user_ids = $5, unreachable = $6, collections = $7, findings = $8, \
        attempts = $9, verified_at = $10, resolved_at = COALESCE($11, resolved_at), source = $12, state = $13, outcome = $14, \
        halt_kind = $15, halt_message = $16, halt_resume = $17 WHERE request_id = $1 AND connection = $2 RETURNING {TASK_COLUMNS}"
    );
    let args = args![
        request,
        task.connection.as_str(),
        task.kind.as_ref().map(RegulationType::as_str),
        sealed,
        number(task.user_ids),
        number(task.unreachable),
        serde_json::to_string(&task.collections).unwrap_or_default(),
        write_findings(&task.findings),
        i64::from(task.attempts),
        task.verified_at.map(millis),
        resolved,
        task.source.as_deref(),
        task.state.as_str(),
        task.state.outcome().map(Outcome::as_str),
        halt.map(|halt| halt.kind.as_str()),
        halt.map(|halt| halt.message.as_str()),
        halt.map(|halt| halt.resume.as_str()),
    ];
    let written = connection.optional(&sql, args).await?;
    written.ok_or_else(|| errors::misuse("the request has no task of this connection"))
}

/// Writes where a task stands.
pub(super) async fn write_state(
    connection: &mut Db,
    request: &str,
    task: &str,
    state: &TaskState,
) -> Result<(), StoreError> {
    let halt = state.halt();
    connection
        .execute(
            "UPDATE tasks SET state = $3, outcome = $4, halt_kind = $5, halt_message = $6, halt_resume = $7 \
         WHERE request_id = $1 AND connection = $2",
            args![
                request,
                task,
                state.as_str(),
                state.outcome().map(Outcome::as_str),
                halt.map(|halt| halt.kind.as_str()),
                halt.map(|halt| halt.message.as_str()),
                halt.map(|halt| halt.resume.as_str())
            ],
        )
        .await?;
    Ok(())
}
