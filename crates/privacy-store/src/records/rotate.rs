//! Replacing the master key: every key that it wraps is wrapped anew, while others work. What the keys encrypt, and the
//! look-up key by which people are recognised, stay as they are.

use segment_core::ports::StoreError;

use super::{
    RecordStore, connections,
    db::{Dialect, args},
    errors, holds, ledger_rows, request_rows,
};
use crate::crypto::Place;

/// Rows in one transaction.
const AT_A_TIME: i64 = 500;

/// Where wrapped data keys are: the table, the column that names a row, and the place that they are bound to.
const PLACES: [(&str, &str, &str); 4] = [
    ("requests", "id", request_rows::DATA_KEY),
    ("regulations", "intent", ledger_rows::DATA_KEY),
    ("holds", "id", holds::DATA_KEY),
    ("connections", "key", connections::DATA_KEY),
];

impl RecordStore {
    /// Whether the database is the master key's, and not still that of the one which it replaces.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn is_of_this_key(&self) -> Result<bool, StoreError> {
        let sql = "SELECT key_id FROM key_ring WHERE id = 1";
        let (id,): (String,) = self.read().await?.one(sql, args![]).await?;
        Ok(id == self.keys.master.id())
    }

    /// A number that is another one as soon as something was told in a log.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn pulse(&self) -> Result<i64, StoreError> {
        let (last,): (i64,) = self.read().await?.one("SELECT COALESCE(MAX(id), 0) FROM log", args![]).await?;
        Ok(last)
    }

    /// Whether its tables are those of this version: another one may have brought them up to date since it was opened.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn is_migrated(&self) -> Result<bool, StoreError> {
        let mut db = self.read().await?;
        let ours = match db.dialect() {
            Dialect::Sqlite => &super::sqlite::MIGRATIONS,
            Dialect::Postgres => &super::postgres::MIGRATIONS,
        };
        let (last,): (i64,) = db.one("SELECT MAX(version) FROM _sqlx_migrations", args![]).await?;
        Ok(ours.iter().last().is_some_and(|ours| ours.version == last))
    }

    /// Wraps every key with the master key that is wrapped with the one which it replaces; how many. Rows that somebody changes
    /// meanwhile are wrapped anew by who changes them, or by the next rotation: all who work on the database must know both keys.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`]. What was done until then stays, and is not done again.
    pub async fn rotate(&self) -> Result<u64, StoreError> {
        let mut rewrapped = 0;
        for (table, row, place) in PLACES {
            rewrapped += self.rotate_table(table, row, place).await?;
        }
        rewrapped += self.rotate_lookup().await?;
        Ok(rewrapped)
    }

    async fn rotate_table(&self, table: &str, row: &str, place: &'static str) -> Result<u64, StoreError> {
        let select = format!(
            "SELECT {row}, data_key FROM {table} WHERE data_key IS NOT NULL AND {row} > $1 ORDER BY {row} LIMIT $2"
        );
        // A key that was destroyed meanwhile stays destroyed.
        let update = format!("UPDATE {table} SET data_key = $3 WHERE {row} = $1 AND data_key = $2");
        let (mut after, mut rewrapped) = (String::new(), 0);
        loop {
            let mut tx = self.begin_locking().await?;
            let rows: Vec<(String, Vec<u8>)> = tx.all(&select, args![after.as_str(), AT_A_TIME]).await?;
            let Some((last, _)) = rows.last() else { return Ok(rewrapped) };
            after.clone_from(last);
            for (id, wrapped) in &rows {
                let place = Place(place, id);
                let new = self.keys.master.rewrap(self.keys.random.as_ref(), place, wrapped);
                if let Some(new) = new.map_err(errors::sealed(place))? {
                    rewrapped += tx.execute(&update, args![id.as_str(), wrapped.clone(), new]).await?;
                }
            }
            tx.commit().await?;
        }
    }

    async fn rotate_lookup(&self) -> Result<u64, StoreError> {
        let mut tx = self.begin_locking().await?;
        tx.lock("key_ring").await?;
        let (wrapped,): (Vec<u8>,) = tx.one("SELECT lookup_key FROM key_ring WHERE id = 1", args![]).await?;
        let place = Place("key_ring.lookup_key", "1");
        let new = self.keys.master.rewrap_lookup(self.keys.random.as_ref(), &wrapped).map_err(errors::sealed(place))?;
        let Some(new) = new else { return Ok(0) };
        let sql = "UPDATE key_ring SET key_id = $1, lookup_key = $2 WHERE id = 1";
        let done = tx.execute(sql, args![self.keys.master.id(), new]).await?;
        tx.commit().await?;
        Ok(done)
    }
}
