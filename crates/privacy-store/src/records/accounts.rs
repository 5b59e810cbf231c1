//! Tokens and sessions of the service.

use async_trait::async_trait;
use jiff::Timestamp;
use segment_core::{
    ApiToken, AuditEntry, Scope, SecretHash, Session, TokenId,
    ports::{Accounts, StoreError},
};
use sqlx::FromRow;
use tracing::instrument;

use super::{
    RecordStore,
    db::args,
    journal,
    request_rows::{known, millis, time},
};

const COLUMNS: &str = "id, name, scopes, hash, created_at, expires_at, revoked_at, used_at";

#[derive(FromRow)]
struct TokenRow {
    id: String,
    name: String,
    scopes: String,
    hash: Vec<u8>,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    used_at: Option<i64>,
}

impl TokenRow {
    fn read(self) -> Result<ApiToken, StoreError> {
        let scopes = self.scopes.split_whitespace().map(Scope::parse).collect::<Option<_>>();
        Ok(ApiToken {
            scopes: known(scopes, "tokens.scopes", &self.id)?,
            hash: known(self.hash.try_into().ok(), "tokens.hash", &self.id)?,
            name: self.name,
            created_at: time(self.created_at),
            expires_at: self.expires_at.map(time),
            revoked_at: self.revoked_at.map(time),
            used_at: self.used_at.map(time),
            id: TokenId::new(self.id),
        })
    }
}

#[async_trait]
impl Accounts for RecordStore {
    #[instrument(name = "db.add_token", skip_all, err(level = "debug"))]
    async fn add_token(&self, token: &ApiToken, told: &AuditEntry) -> Result<bool, StoreError> {
        let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        let mut tx = self.begin_locking().await?;
        // The index of names that are in use decides.
        let sql = format!(
            "INSERT INTO tokens ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) WHERE revoked_at IS NULL \
             DO NOTHING"
        );
        let args = args![
            token.id.as_str(),
            &token.name,
            scopes.join(" "),
            token.hash.as_slice(),
            millis(token.created_at),
            token.expires_at.map(millis),
            token.revoked_at.map(millis),
            token.used_at.map(millis),
        ];
        let added = tx.execute(&sql, args).await? == 1;
        if added {
            journal::note(&mut tx, token.id.as_str(), told).await?;
        }
        tx.commit().await?;
        Ok(added)
    }

    #[instrument(name = "db.tokens", skip_all, err(level = "debug"))]
    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM tokens ORDER BY created_at DESC, id DESC");
        let rows: Vec<TokenRow> = self.read().await?.all(&sql, args![]).await?;
        rows.into_iter().map(TokenRow::read).collect()
    }

    #[instrument(name = "db.token", skip_all, fields(%id), err(level = "debug"))]
    async fn token(&self, id: &TokenId) -> Result<Option<ApiToken>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM tokens WHERE id = $1");
        let row: Option<TokenRow> = self.read().await?.optional(&sql, args![id.as_str()]).await?;
        row.map(TokenRow::read).transpose()
    }

    #[instrument(name = "db.revoke_token", skip_all, fields(%id), err(level = "debug"))]
    async fn revoke_token(&self, id: &TokenId, told: &AuditEntry) -> Result<Option<ApiToken>, StoreError> {
        let mut tx = self.begin_locking().await?;
        let sql = "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
        if tx.execute(sql, args![id.as_str(), millis(told.at)]).await? == 1 {
            tx.execute("DELETE FROM sessions WHERE token = $1", args![id.as_str()]).await?;
            journal::note(&mut tx, id.as_str(), told).await?;
        }
        tx.commit().await?;
        self.token(id).await
    }

    #[instrument(name = "db.note_use", skip_all, fields(%id), err(level = "debug"))]
    async fn note_use(&self, id: &TokenId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_locking().await?;
        let sql = "UPDATE tokens SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)";
        tx.execute(sql, args![id.as_str(), millis(at)]).await?;
        tx.commit().await
    }

    #[instrument(name = "db.open_session", skip_all, err(level = "debug"))]
    async fn open_session(&self, session: &Session, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_locking().await?;
        tx.execute("DELETE FROM sessions WHERE expires_at < $1", args![millis(at)]).await?;
        let sql = "INSERT INTO sessions (hash, token, expires_at) VALUES ($1, $2, $3)";
        let args = args![session.hash.as_slice(), session.token.as_str(), millis(session.expires_at)];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    #[instrument(name = "db.session", skip_all, err(level = "debug"))]
    async fn session(&self, hash: &SecretHash) -> Result<Option<Session>, StoreError> {
        let sql = "SELECT token, expires_at FROM sessions WHERE hash = $1";
        let row: Option<(String, i64)> = self.read().await?.optional(sql, args![hash.as_slice()]).await?;
        Ok(row.map(|(token, end)| Session { hash: *hash, token: TokenId::new(token), expires_at: time(end) }))
    }

    #[instrument(name = "db.close_session", skip_all, err(level = "debug"))]
    async fn close_session(&self, hash: &SecretHash) -> Result<(), StoreError> {
        let mut tx = self.begin_locking().await?;
        tx.execute("DELETE FROM sessions WHERE hash = $1", args![hash.as_slice()]).await?;
        tx.commit().await
    }
}
