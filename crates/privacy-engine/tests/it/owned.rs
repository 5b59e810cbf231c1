//! Owned databases that do what they are told. What real ones do is tested in privacy-store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use privacy_engine::{Owned, OwnedSources};
use privacy_store::RecordStore;
use segment_core::{
    ConnectionKey, DatasetRows, Decision, LegalHold, MaskOrder, MaskReport, Pii, RequestFilter, RowMark, RowStep,
    RowTrace, Subject,
    ports::{
        Begun, DirectoryCheck, DirectoryError, Masking, PackageError, PackageWriter, RequestStore, SubjectMasker,
        SubjectRows,
    },
    testing::told,
};
use serde_json::json;

/// What happens at the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    Done,
    /// It is committed, and nobody is told.
    AnswerLost,
    NotDone,
    /// Somebody cancels just before it.
    Canceled,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// The databases whose rows are masked, and how often.
    pub(crate) masked: BTreeMap<String, u32>,
    /// What happens at the next commits; then all is well.
    pub(crate) commits: Vec<Commit>,
    /// The next beginnings fail so.
    pub(crate) failures: Vec<DirectoryError>,
    /// How many rows each database has.
    pub(crate) rows: u64,
    pub(crate) orders: Vec<MaskOrder>,
    /// Somebody cancels while it is masked.
    pub(crate) cancels: bool,
    /// A legal hold is placed while it is masked, which then fails.
    pub(crate) hold: Option<LegalHold>,
    /// What a copy says of `shop`, once each.
    pub(crate) holes: Vec<(&'static str, bool)>,
    /// How many rows a copy finds in `crm`.
    pub(crate) crm_rows: u64,
    /// Whose rows were copied or counted.
    pub(crate) subjects: Vec<Subject>,
}

/// Two databases, `crm` and `shop`, both masked.
#[derive(Debug, Clone)]
pub(crate) struct Databases {
    state: Arc<Mutex<State>>,
    store: RecordStore,
}

impl Databases {
    pub(crate) fn new(store: &RecordStore) -> Self {
        let state = State { rows: 1, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), store: store.clone() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn cancel(&self) {
        let all = self.store.requests(&RequestFilter::default()).await.unwrap();
        self.store.decide(&all[0].id, &Decision::Cancel, "ops", all[0].received_at).await.unwrap();
    }

    pub(crate) fn owned(&self, masked: &[&str]) -> Owned {
        self.owned_beside(masked, &[])
    }

    /// Beside some that are only read.
    pub(crate) fn owned_beside(&self, masked: &[&str], read: &[&str]) -> Owned {
        Owned::new(self.sources(masked, read), Arc::new(self.clone()))
    }

    /// What of them can only read.
    pub(crate) fn sources(&self, masked: &[&str], read: &[&str]) -> OwnedSources {
        let datasets = masked.iter().map(|key| (*key, true)).chain(read.iter().map(|key| (*key, false)));
        let datasets: BTreeMap<_, _> = datasets.map(|(key, masks)| (ConnectionKey::new(key), masks)).collect();
        let tables = datasets.keys().map(ToString::to_string).collect();
        OwnedSources { datasets, tables, rows: Arc::new(self.clone()) }
    }
}

/// So many customers, with a hole that may pass.
fn found(key: &str, rows: u64, hole: Option<(&str, bool)>) -> DatasetRows {
    let name = format!("{key}.customer");
    DatasetRows {
        dataset: ConnectionKey::new(key),
        collections: [(name.clone(), rows)].into(),
        findings: BTreeSet::new(),
        holes: hole.iter().map(|(why, _)| (name.clone(), (*why).to_owned())).collect(),
        passing: hole.is_some_and(|(_, passing)| passing),
        warnings: Vec::new(),
    }
}

#[async_trait]
impl SubjectRows for Databases {
    async fn copy(
        &self,
        subject: &Subject,
        wanted: &BTreeSet<ConnectionKey>,
        writer: &dyn PackageWriter,
    ) -> Result<Vec<DatasetRows>, PackageError> {
        let (rows, hole, crm) = {
            let mut state = self.state();
            state.subjects.push(subject.clone());
            let hole = if state.holes.is_empty() { None } else { Some(state.holes.remove(0)) };
            (state.rows, hole, state.crm_rows)
        };
        let records = (0..rows).map(|row| Pii::new(json!({"row": row}))).collect();
        writer.append("shop", "customer", records).await?;
        let all = [found("crm", crm, None), found("shop", rows, hole)];
        Ok(all.into_iter().filter(|rows| wanted.contains(&rows.dataset)).collect())
    }

    async fn preview(&self, subject: &Subject) -> Result<Vec<DatasetRows>, DirectoryError> {
        let mut state = self.state();
        state.subjects.push(subject.clone());
        Ok(vec![found("shop", state.rows, None)])
    }

    async fn steps(&self, _dataset: &ConnectionKey) -> Result<Vec<RowStep>, DirectoryError> {
        Ok(Vec::new())
    }

    async fn describe(&self, _dataset: &ConnectionKey) -> Vec<DirectoryCheck> {
        Vec::new()
    }
}

#[async_trait]
impl SubjectMasker for Databases {
    async fn trace(&self, _subject: &Subject) -> Result<BTreeMap<ConnectionKey, RowTrace>, DirectoryError> {
        assert!(self.state().masked.is_empty(), "how rows are found is asked before the first is masked");
        let entered_by = [("shop.account.number".to_owned(), [(Pii::from("7"), true)].into())].into();
        Ok([(ConnectionKey::new("shop"), RowTrace { entered_by, ..RowTrace::default() })].into())
    }

    async fn begin(&self, order: &MaskOrder) -> Result<Begun, DirectoryError> {
        let hold = self.state().hold.take();
        if let Some(hold) = hold {
            self.store.place_hold(&hold, &told(hold.placed_at, "placed")).await.unwrap();
            return Err(unavailable());
        }
        let (rows, cancels) = {
            let mut state = self.state();
            state.orders.push(order.clone());
            if let Some(error) = state.failures.pop() {
                return Err(error);
            }
            if !order.trace.marks.is_empty() && state.masked.contains_key(order.dataset.as_str()) {
                return Ok(Begun::Before);
            }
            (state.rows, state.cancels)
        };
        if cancels {
            self.cancel().await;
        }
        let mark = RowMark {
            collection: "customer".into(),
            key: vec![Pii::from("1")],
            before: Pii::from(""),
            digest: Pii::from("d"),
        };
        let report = MaskReport {
            collections: [(format!("{}.customer", order.dataset), rows)].into(),
            marks: if rows > 0 { vec![mark] } else { Vec::new() },
            ..MaskReport::default()
        };
        Ok(Begun::Open(Box::new(Open { databases: self.clone(), dataset: order.dataset.to_string(), report })))
    }
}

#[derive(Debug)]
struct Open {
    databases: Databases,
    dataset: String,
    report: MaskReport,
}

#[async_trait]
impl Masking for Open {
    fn report(&self) -> &MaskReport {
        &self.report
    }

    async fn commit(self: Box<Self>) -> Result<(), DirectoryError> {
        let all = self.databases.store.requests(&RequestFilter::default()).await.unwrap();
        let request = self.databases.store.request(&all[0].id).await.unwrap().unwrap();
        let task = request.tasks.iter().find(|task| task.connection.as_str() == self.dataset).unwrap();
        let stored = &task.resolution.as_ref().unwrap().rows.marks;
        assert_eq!(*stored, self.report.marks, "they are stored before it is committed");
        let commit = {
            let mut state = self.databases.state();
            if state.commits.is_empty() { Commit::Done } else { state.commits.remove(0) }
        };
        if commit == Commit::Canceled {
            self.databases.cancel().await;
        }
        let mut state = self.databases.state();
        if commit != Commit::NotDone {
            *state.masked.entry(self.dataset).or_default() += 1;
        }
        if matches!(commit, Commit::Done | Commit::Canceled) { Ok(()) } else { Err(unavailable()) }
    }
}

pub(crate) fn unavailable() -> DirectoryError {
    DirectoryError::Unavailable("the connection was closed".into())
}
