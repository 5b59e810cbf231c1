//! A Segment that keeps regulations in memory.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    Cursor, ErrorKind, NewRegulation, Page, Pii, RegulationEntry, RegulationId, RegulationQuery, RegulationReport,
    RegulationScope, RegulationStatus, RegulationType, SegmentError, Service, Submission, Suppression, Workspace,
    ports::{RegulationSubmit, Regulations},
};

/// One workspace, `acme`. Regulations stay as they are until [`set_status`](Self::set_status) moves them; suppressions
/// are listed from acceptance on.
#[derive(Debug, Default)]
pub struct FakeRegulations(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: Vec<(RegulationScope, RegulationEntry)>,
    suppressed: BTreeSet<Pii<String>>,
}

impl FakeRegulations {
    /// The id of its only source.
    pub const SOURCE: &'static str = "qW3e";

    /// No regulations, no suppressions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves a regulation to this status; one that is not there stays away.
    pub fn set_status(&self, id: &RegulationId, status: &RegulationStatus) {
        for (_, entry) in self.state().entries.iter_mut().filter(|(_, entry)| &entry.id == id) {
            entry.status = status.clone();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Regulations for FakeRegulations {
    async fn workspace(&self) -> Result<Workspace, SegmentError> {
        Ok(Workspace { id: "7hT2".into(), slug: "acme".into(), name: "Acme".into() })
    }

    async fn get(&self, id: &RegulationId) -> Result<Option<RegulationReport>, SegmentError> {
        let state = self.state();
        let found = state.entries.iter().find(|(_, entry)| &entry.id == id);
        Ok(found.map(|(_, entry)| RegulationReport {
            id: entry.id.clone(),
            status: entry.status.clone(),
            created_at: entry.created_at,
            finished_at: None,
            destinations: Vec::new(),
        }))
    }

    async fn list(&self, query: &RegulationQuery) -> Result<Page<RegulationEntry>, SegmentError> {
        let wanted = |entry: &&RegulationEntry| {
            let kind = |kind: &RegulationType| query.kinds.is_empty() || query.kinds.contains(kind);
            entry.kind.as_ref().is_none_or(kind) && query.status.as_ref().is_none_or(|status| status == &entry.status)
        };
        let all: Vec<_> = {
            let state = self.state();
            let of_scope = state.entries.iter().filter(|(scope, _)| scope == &query.scope);
            of_scope.map(|(_, entry)| entry).filter(wanted).cloned().collect()
        };
        let start = query.next.as_ref().and_then(|next| next.as_str().parse().ok()).unwrap_or(0);
        let end = start + usize::from(query.count.max(1));
        let next = (end < all.len()).then(|| Cursor::new(end.to_string())).flatten();
        Ok(Page { items: all.into_iter().skip(start).take(end - start).collect(), next })
    }

    async fn suppressions(&self, _: Option<Cursor>) -> Result<Page<Suppression>, SegmentError> {
        let subjects = self.state().suppressed.iter().cloned().collect();
        Ok(Page::only(vec![Suppression { is_user: true, subjects }]))
    }
}

#[async_trait]
impl RegulationSubmit for FakeRegulations {
    async fn create(&self, regulation: &NewRegulation, within: Duration) -> Submission {
        if regulation.contradiction().is_some() || within.is_zero() {
            return Submission::NotSent(SegmentError::new(Service::PublicApi, ErrorKind::Misuse));
        }
        if matches!(&regulation.scope, RegulationScope::Source(source) if source != Self::SOURCE) {
            return Submission::Refused(SegmentError::new(Service::PublicApi, ErrorKind::NotFound));
        }
        let mut state = self.state();
        if regulation.scope != RegulationScope::Workspace {
            // The list of suppressions is the workspace's.
        } else if regulation.kind == RegulationType::Unsuppress {
            state.suppressed.retain(|id| !regulation.subjects.contains(id));
        } else if regulation.kind.suppresses() {
            state.suppressed.extend(regulation.subjects.iter().cloned());
        }
        let id = RegulationId::new(format!("reg-{}", state.entries.len()));
        let entry = RegulationEntry {
            id: id.clone(),
            kind: Some(regulation.kind.clone()),
            status: RegulationStatus::Initialized,
            subjects: Some(regulation.subjects.clone()),
            created_at: None,
        };
        state.entries.push((regulation.scope.clone(), entry));
        Submission::Accepted(id)
    }
}
