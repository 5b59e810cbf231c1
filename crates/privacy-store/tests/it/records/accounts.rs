//! Tokens and sessions, by the same rules on either database.

use jiff::{Timestamp, ToSpan};
use privacy_store::RecordStore;
use segment_core::{ApiToken, AuditEntry, Scope, Session, TokenId, ports::Accounts};
use serde_json::json;

use super::{Place, postgres};

fn at(minute: i64) -> Timestamp {
    "2026-11-27T10:00:00Z".parse::<Timestamp>().unwrap() + minute.minutes()
}

fn token(number: u8, name: &str) -> ApiToken {
    ApiToken {
        id: TokenId::generate(at(i64::from(number)), [number; 10]),
        name: name.to_owned(),
        scopes: [Scope::Read, Scope::Submit].into(),
        hash: [number; 32],
        created_at: at(i64::from(number)),
        expires_at: Some(at(100)),
        revoked_at: None,
        used_at: None,
    }
}

fn told(minute: i64, step: &str) -> AuditEntry {
    AuditEntry::new(at(minute), step, json!({"by": "ann"}))
}

async fn rules(store: &RecordStore) {
    let (ours, theirs) = (token(1, "ours"), token(2, "theirs"));
    assert!(store.add_token(&ours, &told(1, "token_created")).await.unwrap());
    assert!(store.add_token(&theirs, &told(1, "token_created")).await.unwrap());
    assert!(!store.add_token(&token(3, "ours"), &told(3, "token_created")).await.unwrap(), "a name that is in use");
    assert_eq!(store.tokens().await.unwrap(), [theirs.clone(), ours.clone()]);
    assert_eq!(store.token(&ours.id).await.unwrap(), Some(ours.clone()));
    assert_eq!(store.token(&TokenId::new("tok_none")).await.unwrap(), None);

    store.note_use(&ours.id, at(5)).await.unwrap();
    store.note_use(&ours.id, at(4)).await.unwrap();
    assert_eq!(store.token(&ours.id).await.unwrap().unwrap().used_at, Some(at(5)), "the last use");

    let session = |number, token: &ApiToken| Session { hash: [number; 32], token: token.id.clone(), expires_at: at(9) };
    for one in [session(1, &ours), session(2, &ours), session(3, &theirs)] {
        store.open_session(&one, at(1)).await.unwrap();
        assert_eq!(store.session(&one.hash).await.unwrap(), Some(one));
    }
    store.close_session(&[1; 32]).await.unwrap();
    assert_eq!(store.session(&[1; 32]).await.unwrap(), None);

    let revoked = store.revoke_token(&ours.id, &told(6, "token_revoked")).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(at(6)));
    assert_eq!(
        store.revoke_token(&ours.id, &told(7, "token_revoked")).await.unwrap(),
        Some(revoked),
        "it stays as it is"
    );
    assert_eq!(store.revoke_token(&TokenId::new("tok_none"), &told(7, "token_revoked")).await.unwrap(), None);
    assert_eq!(store.session(&[2; 32]).await.unwrap(), None, "its sessions end with it");
    assert!(store.session(&[3; 32]).await.unwrap().is_some());
    let journal = store.journal_of(ours.id.as_str()).await.unwrap();
    assert_eq!(journal, [told(1, "token_created"), told(6, "token_revoked")], "what changed nothing is not told");
    let refused = token(3, "ours").id;
    assert_eq!(store.journal_of(refused.as_str()).await.unwrap(), []);
    assert!(store.add_token(&token(3, "ours"), &told(3, "token_created")).await.unwrap(), "the name is free again");

    store.open_session(&session(4, &theirs), at(10)).await.unwrap();
    assert_eq!(store.session(&[3; 32]).await.unwrap(), None, "what ended is dropped");
}

#[tokio::test]
async fn accounts_on_sqlite() {
    let place = Place::new();
    rules(&place.open().await).await;
}

#[tokio::test]
async fn accounts_on_postgres() {
    if let Some(opened) = postgres::Opened::new(2).await {
        rules(&opened).await;
    }
}
