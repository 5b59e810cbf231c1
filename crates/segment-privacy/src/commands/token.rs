//! `token …`: who may use the HTTP service.

use std::time::Duration;

use jiff::Timestamp;
use privacy_service::new_token;
use privacy_store::RecordStore;
use segment_core::{ApiToken, AuditEntry, Scope, ports::Accounts};
use serde_json::{Value, json};

use crate::{
    cli::Token,
    compose::{self, World},
    config::{Loaded, operator},
    error::{CliError, Exit},
    output::{Output, tables},
};

pub(crate) async fn run(loaded: &Loaded, args: Token, output: &Output) -> Result<Exit, CliError> {
    let store = compose::store(loaded).await?;
    match args {
        Token::Create { name, scope, expires } => create(&store, &name, &scope, expires, output).await,
        Token::List => list(&store, output).await,
        Token::Revoke { token } => revoke(&store, &token, output).await,
    }
}

async fn create(
    store: &RecordStore,
    name: &str,
    scopes: &[String],
    expires: Option<Duration>,
    output: &Output,
) -> Result<Exit, CliError> {
    let plain = |c: char| c.is_alphanumeric() || "-_.@ ".contains(c);
    if name.trim().is_empty() || name.len() > 64 || !name.chars().all(plain) {
        let message = "a name of a token holds 1 to 64 letters, digits, spaces, and - _ . @";
        return Err(CliError::usage("token_name_invalid", message));
    }
    let world = World::default();
    let now = world.clock.now();
    let expires_at = expires.map(|time| now.checked_add(time)).transpose();
    let expires_at = expires_at.map_err(|_| CliError::usage("invalid_time", "--expires lies too far ahead"))?;
    let scopes = scopes.iter().filter_map(|name| Scope::parse(name)).collect();
    let (token, shown) = new_token(name, scopes, expires_at, now, world.random.as_ref());
    if !store.add_token(&token, &told(&token, "token_created", now)).await? {
        let message = format!("there is a token {name} already; nothing was changed");
        return Err(CliError::usage("token_exists", message)
            .hint("give this one another name, or revoke that one: segment-privacy token revoke NAME"));
    }
    let mut shape = shape(&token, now);
    // The only time that it is shown.
    shape["token"] = shown.expose().into();
    output.result(&shape, |_| shown.expose().to_owned())?;
    output.say("this is the only time that it is shown; only its hash is kept");
    Ok(Exit::Done)
}

async fn list(store: &RecordStore, output: &Output) -> Result<Exit, CliError> {
    let now = World::default().clock.now();
    let all: Vec<_> = store.tokens().await?.iter().map(|token| shape(token, now)).collect();
    output.result(&json!({"tokens": all}), |_| tables::tokens(&all))?;
    Ok(Exit::Done)
}

async fn revoke(store: &RecordStore, named: &str, output: &Output) -> Result<Exit, CliError> {
    let now = World::default().clock.now();
    let all = store.tokens().await?;
    let is_meant =
        |token: &&ApiToken| token.id.as_str() == named || (token.name == named && token.revoked_at.is_none());
    let found = all.iter().find(is_meant).ok_or_else(|| {
        CliError::usage("no_token", format!("there is no token {named}"))
            .hint("`segment-privacy token list` shows them all")
    })?;
    let revoked = store.revoke_token(&found.id, &told(found, "token_revoked", now)).await?;
    let revoked = revoked.unwrap_or_else(|| found.clone());
    output.result(&shape(&revoked, now), |_| format!("revoked {} ({})", revoked.name, revoked.id))?;
    Ok(Exit::Done)
}

fn told(token: &ApiToken, step: &str, at: Timestamp) -> AuditEntry {
    let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    AuditEntry::new(at, step, json!({"by": operator(), "name": token.name, "scopes": scopes}))
}

fn shape(token: &ApiToken, now: Timestamp) -> Value {
    json!({
        "id": token.id.as_str(),
        "name": token.name,
        "scopes": token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
        "status": if token.is_valid(now) { "valid" } else if token.revoked_at.is_some() { "revoked" } else { "expired" },
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "used_at": token.used_at,
    })
}
