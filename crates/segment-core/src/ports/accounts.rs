//! Who may use the service.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::{ApiToken, AuditEntry, SecretHash, Session, TokenId};

/// Keeps tokens and sessions, without their secrets. Each method is one durable step.
#[async_trait]
pub trait Accounts: Send + Sync + std::fmt::Debug {
    /// Adds a token, and tells it in the journal. `false` if a token that is not revoked has its name; nothing was changed or
    /// told then.
    async fn add_token(&self, token: &ApiToken, told: &AuditEntry) -> Result<bool, StoreError>;

    /// Every token that was ever made, newest first.
    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError>;

    /// One token.
    async fn token(&self, id: &TokenId) -> Result<Option<ApiToken>, StoreError>;

    /// Ends a token and the sessions of it at the time of the entry, tells it in the journal, and answers with it as it is then;
    /// one that is revoked already stays as it is, and nothing is told.
    async fn revoke_token(&self, id: &TokenId, told: &AuditEntry) -> Result<Option<ApiToken>, StoreError>;

    /// Notes that a token was used, unless it was used later.
    async fn note_use(&self, id: &TokenId, at: Timestamp) -> Result<(), StoreError>;

    /// Opens a session; those that ended before `at` are dropped.
    async fn open_session(&self, session: &Session, at: Timestamp) -> Result<(), StoreError>;

    /// The session with this hash, ended or not.
    async fn session(&self, hash: &SecretHash) -> Result<Option<Session>, StoreError>;

    /// Ends a session.
    async fn close_session(&self, hash: &SecretHash) -> Result<(), StoreError>;
}
