//! Taking requests in.

use jiff::Timestamp;
use segment_core::{
    Action, ConnectionKey, IdentitySet, Intake, NewRequest, Pii, Recipient, Regime, Request, RequestId,
};

use crate::{Connection, ConnectionKind, Engine, EngineError};

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The action.
    pub action: Action,
    /// Who the person is known as.
    pub identities: IdentitySet,
    /// The caller's own reference.
    pub external_id: Option<Pii<String>>,
    /// The law, if not the configured one.
    pub regime: Option<Regime>,
    /// Only at this connection.
    pub connection: Option<ConnectionKey>,
    /// When it was received, if not now.
    pub received_at: Option<Timestamp>,
    /// For whom an access encrypts its package.
    pub recipient: Option<Recipient>,
    /// Who asks, where that is known.
    pub by: Option<String>,
    /// Whether it is taken only together with the others that say so.
    pub all_or_none: bool,
}

impl Asked {
    /// An action for a person, everything else as configured.
    #[must_use]
    pub fn new(action: Action, identities: IdentitySet) -> Self {
        Self {
            action,
            identities,
            external_id: None,
            regime: None,
            connection: None,
            received_at: None,
            recipient: None,
            by: None,
            all_or_none: false,
        }
    }
}

/// A request that was to be recorded, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    request: NewRequest,
    /// What became of it.
    pub intake: Intake,
}

impl Taken {
    /// The request that it is now: its own id, or that of the one that it is linked to.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        match &self.intake {
            Intake::Linked(id) => id,
            _ => &self.request.id,
        }
    }

    /// What was recorded, without its keys, if it is new.
    #[must_use]
    pub fn recorded(&self) -> Option<Request> {
        (self.intake == Intake::Created).then(|| self.request.recorded())
    }
}

/// As records keep it: what is told of a request that was just recorded is what is read of it later.
fn whole_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

impl Engine {
    /// Records requests, all or none.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoConnection`] when none of the connections can do what is asked.
    pub async fn intake(&self, asked: Vec<Asked>) -> Result<Vec<Taken>, EngineError> {
        let requests = asked.into_iter().map(|asked| self.new_request(asked)).collect::<Result<Vec<_>, _>>()?;
        let answers = self.store.intake(&requests).await?;
        Ok(requests.into_iter().zip(answers).map(|(request, intake)| Taken { request, intake }).collect())
    }

    fn new_request(&self, asked: Asked) -> Result<NewRequest, EngineError> {
        let now = self.clock.now();
        Ok(NewRequest {
            id: RequestId::generate(now, self.random_bytes()),
            connections: self.connections_for(asked.action, asked.connection.as_ref())?,
            datasets: self.datasets_for(asked.action, asked.connection.as_ref()),
            external_id: asked.external_id,
            action: asked.action,
            identities: asked.identities,
            regime: asked.regime.unwrap_or(self.policy.regime),
            received_at: whole_millis(asked.received_at.unwrap_or(now)),
            left_out: self.left_out(asked.action, asked.connection.as_ref()),
            recipient: asked.recipient,
            by: asked.by,
            all_or_none: asked.all_or_none,
            needs_approval: self.policy.require_approval && asked.action == Action::Erasure,
        })
    }

    /// The connections that could take part in an action but are disabled.
    #[must_use]
    pub fn left_out(&self, action: Action, only: Option<&ConnectionKey>) -> Vec<ConnectionKey> {
        let able = self.able(action, only).filter(|connection| !connection.is_enabled());
        able.map(|connection| connection.sources().key.clone()).collect()
    }

    fn able<'a>(
        &'a self,
        action: Action,
        only: Option<&'a ConnectionKey>,
    ) -> impl Iterator<Item = &'a Connection> + 'a {
        let wanted = self.connections.values();
        wanted
            .filter(move |connection| only.is_none_or(|key| key == &connection.sources().key))
            .filter(move |connection| action.regulates() || connection.sources().kind == ConnectionKind::SegmentUnify)
    }

    /// The connections that take part in an action.
    pub fn connections_for(
        &self,
        action: Action,
        only: Option<&ConnectionKey>,
    ) -> Result<Vec<ConnectionKey>, EngineError> {
        let enabled = self.able(action, only).filter(|connection| connection.is_enabled());
        let keys: Vec<_> = enabled.map(|connection| connection.sources().key.clone()).collect();
        // An access without Unify is of the owned rows; an erasure of those alone has to be asked for by name.
        let has_rows = !self.datasets_for(action, only).is_empty() && (action == Action::Access || only.is_some());
        if keys.is_empty() && !has_rows {
            let disabled = self.left_out(action, only);
            let what = match only {
                _ if !disabled.is_empty() => {
                    let disabled: Vec<_> = disabled.iter().map(ConnectionKey::as_str).collect();
                    format!("{action}; disabled, so that no new work is taken: {}", disabled.join(", "))
                }
                Some(key) => format!("{action} at {key}"),
                None => format!("{action}; an access needs a connection of kind segment_unify, or [[datasets]]"),
            };
            return Err(EngineError::NoConnection(what));
        }
        Ok(keys)
    }
}
