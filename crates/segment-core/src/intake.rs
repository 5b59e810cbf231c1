//! Requests to record, and what became of them.

use jiff::Timestamp;

use crate::{
    Action, ConnectionKey, Gate, Holder, IdentitySet, Pii, Recipient, Regime, Request, RequestId, RequestStatus, Task,
    ports::StoreError,
};

/// A request to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// Its id, should it be new.
    pub id: RequestId,
    /// The caller's own reference, unique for ever.
    pub external_id: Option<Pii<String>>,
    /// What is asked for.
    pub action: Action,
    /// Who the person is known as.
    pub identities: IdentitySet,
    /// The law that sets the deadline.
    pub regime: Regime,
    /// When it was received.
    pub received_at: Timestamp,
    /// Whether somebody has to approve it first.
    pub needs_approval: bool,
    /// Who asks, where that is known: the log says so.
    pub by: Option<String>,
    /// It is taken only together with the others of its call that say so: all of them new, or all of them recorded before.
    pub all_or_none: bool,
    /// For whom an access encrypts its package.
    pub recipient: Option<Recipient>,
    /// Connections that could take part but are disabled. The log says so: a person's data there are not part of the request.
    pub left_out: Vec<ConnectionKey>,
    /// One task each.
    pub connections: Vec<ConnectionKey>,
    /// Owned databases, by the keys of their datasets: one task each, too. No key is a connection's.
    pub datasets: Vec<ConnectionKey>,
}

impl NewRequest {
    /// The request as it is recorded, but for the keys, which the store draws.
    #[must_use]
    pub fn recorded(&self) -> Request {
        let owned = self.datasets.iter().map(|key| Task::of(Holder::Dataset, key.clone()));
        let mut tasks: Vec<_> = self.connections.iter().cloned().map(Task::new).chain(owned).collect();
        tasks.sort_by(|a, b| a.connection.cmp(&b.connection));
        let (gate, status) = if self.needs_approval {
            (Gate::Pending, RequestStatus::Pending)
        } else {
            (Gate::Open, RequestStatus::Approved)
        };
        Request {
            id: self.id.clone(),
            external_id: self.external_id.clone(),
            action: self.action,
            identities: Some(self.identities.clone()),
            regime: self.regime,
            gate,
            begun: false,
            status,
            received_at: self.received_at,
            due_at: self.regime.due_at(self.received_at),
            completed_at: None,
            verified_at: None,
            denied_reason: None,
            tasks,
            package: None,
            staging_key: None,
            masking_key: None,
            recipient: self.recipient.clone(),
            evidence_salt: None,
        }
    }
}

/// What became of a request to record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Intake {
    /// It is new and recorded under its id.
    Created,
    /// It is this one: the same external id, action and identities, or, without an external id, an open request for the
    /// same.
    Linked(RequestId),
    /// Its external id belongs to this request, which asks for something else.
    ExternalIdConflict(RequestId),
}

impl Intake {
    /// Whether those that are taken all or none were all new, or all recorded before.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotTogether`] if they were not.
    pub fn check_together(requests: &[NewRequest], answers: &[Self]) -> Result<(), StoreError> {
        let together =
            || requests.iter().zip(answers).filter(|(request, _)| request.all_or_none).map(|(_, answer)| answer);
        let new = together().all(|answer| *answer == Self::Created);
        let known = together().all(|answer| matches!(answer, Self::Linked(_)));
        if new || known { Ok(()) } else { Err(StoreError::NotTogether) }
    }
}
