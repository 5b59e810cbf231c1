//! What goes when its time is over. The keyed hashes stay, so that what was asked before is still recognised, and so do
//! counts, statuses and the log.

use jiff::Timestamp;
use segment_core::{AuditEntry, Expired, RequestId, Retention, ports::StoreError};
use serde_json::json;

use super::{
    RecordStore,
    db::{Db, args},
    errors, journal,
    request_rows::{self, millis},
};

/// Regulations that somebody still works on: nothing of the people in them goes before.
const AT_WORK: &str = "'sending', 'unknown', 'tracking', 'looking'";

impl RecordStore {
    pub(super) async fn do_expired(
        &self,
        retention: &Retention,
        at: Timestamp,
        limit: u32,
    ) -> Result<Vec<Expired>, StoreError> {
        // A read-back that was planned counts also where it was made earlier.
        let sql = format!(
            "SELECT id, package, package_due, identities_due FROM (SELECT r.id AS id, r.package AS package, \
             r.package IS NOT NULL AND r.package_deleted_at IS NULL AND r.ended_at + $1 <= $4 AND r.last_look + $1 <= $4 AS package_due, \
             r.data_key IS NOT NULL AND r.ended_at + $2 <= $4 AND r.last_look + $2 <= $4 AS identities_due, r.ended_at AS ended_at \
             FROM (SELECT q.*, COALESCE((SELECT MAX(g.finished_at) + $3 FROM regulation_members m JOIN regulations g \
                 ON g.intent = m.intent WHERE m.request_id = q.id AND g.looks > 0), 0) AS last_look FROM requests q \
                 WHERE q.ended_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM regulation_members m JOIN regulations g \
                 ON g.intent = m.intent WHERE m.request_id = q.id AND g.state IN ({AT_WORK}))) AS r) AS due \
             WHERE package_due OR identities_due ORDER BY ended_at, id LIMIT $5"
        );
        let span = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4);
        let args = args![
            span(retention.packages),
            span(retention.identities),
            span(retention.last_look),
            millis(at),
            i64::from(limit)
        ];
        let rows: Vec<(String, Option<String>, bool, bool)> = self.read().await?.all(&sql, args).await?;
        let read = |(id, package, package_due, identities): (String, Option<String>, bool, bool)| {
            // One that cannot be read must not keep all others.
            let package = package.filter(|_| package_due).and_then(|text| request_rows::read_package(&text));
            Expired { request: RequestId::new(id), package: package.map(|package| package.location), identities }
        };
        Ok(rows.into_iter().map(read).collect())
    }

    pub(super) async fn do_package_deleted(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE requests SET package_deleted_at = $2 WHERE id = $1 AND package IS NOT NULL AND package_deleted_at IS NULL";
        if tx.execute(sql, args![id.as_str(), millis(at)]).await? == 1 {
            journal::log(&mut tx, id.as_str(), &AuditEntry::new(at, "package_deleted", json!({}))).await?;
        }
        tx.commit().await
    }

    pub(super) async fn do_destroy_identities(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let row = Self::row(&mut tx, id.as_str()).await?.ok_or_else(|| errors::misuse("there is no such request"))?;
        if !row.is_ended() {
            return Err(errors::misuse("the request is open, and needs what names the person"));
        }
        if row.has_key() {
            destroy(&mut tx, id.as_str()).await?;
            journal::log(&mut tx, id.as_str(), &AuditEntry::new(at, "identities_destroyed", json!({}))).await?;
        }
        tx.commit().await
    }

    pub(super) async fn do_forget(&self, id: &RequestId, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let Some(row) = Self::row(&mut tx, id.as_str()).await? else { return Ok(false) };
        if row.key(&self.keys)?.is_some() {
            return Err(errors::misuse(
                "what names the person is still there: `purge` destroys it when its time is over",
            ));
        }
        // Nothing is equal to it.
        let mut nobody = [0; 32];
        self.keys.random.fill(&mut nobody);
        let sql = "UPDATE requests SET external_id_hash = NULL, identities_hash = $2 WHERE id = $1";
        tx.execute(sql, args![id.as_str(), nobody.to_vec()]).await?;
        tx.execute("DELETE FROM request_identities WHERE request_id = $1", args![id.as_str()]).await?;
        journal::log(&mut tx, id.as_str(), &AuditEntry::new(at, "forgotten", json!({}))).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// That there was a hold stays in the journal.
    pub(super) async fn do_drop_holds(&self, lifted_before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let dropped = tx.execute("DELETE FROM holds WHERE lifted_at < $1", args![millis(lifted_before)]).await?;
        tx.commit().await?;
        Ok(dropped)
    }

    /// Writes what was destroyed over in the files, as far as the database keeps them apart: SQLite's log of what was written
    /// is emptied.
    pub(super) async fn do_sweep(&self) -> Result<(), StoreError> {
        self.empty_the_log().await
    }
}

/// With its key, everything sealed under it is gone, in this row or in any backup of it. The exact ids of regulations that are
/// over go, too: they were needed to find them at Segment. What destinations said goes with the last person of a regulation, and
/// so do the ids of one that waits for a human, who may have it looked for again.
async fn destroy(tx: &mut Db, id: &str) -> Result<(), StoreError> {
    const MINE: &str = "intent IN (SELECT intent FROM regulation_members WHERE request_id = $1)";
    tx.execute("UPDATE requests SET data_key = NULL, sealed = NULL WHERE id = $1", args![id]).await?;
    tx.execute("UPDATE tasks SET sealed = NULL WHERE request_id = $1", args![id]).await?;
    let over = format!("UPDATE regulations SET sealed = NULL WHERE {MINE} AND state = 'closed'");
    tx.execute(&over, args![id]).await?;
    let last = format!(
        "UPDATE regulations SET data_key = NULL, sealed = NULL, destinations = NULL WHERE {MINE} AND NOT EXISTS \
         (SELECT 1 FROM regulation_members m JOIN requests r ON r.id = m.request_id \
             WHERE m.intent = regulations.intent AND r.data_key IS NOT NULL)"
    );
    tx.execute(&last, args![id]).await?;
    Ok(())
}
