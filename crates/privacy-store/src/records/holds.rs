//! Legal holds.

use segment_core::{AuditEntry, HoldId, LegalHold, ports::StoreError};
use sqlx::FromRow;

use super::{
    RecordStore,
    db::args,
    errors, journal,
    open::Keys,
    request_rows::{known, millis, time},
    sealed,
};
use crate::crypto::Place;

pub(super) const DATA_KEY: &str = "holds.data_key";
const SEALED: &str = "holds.sealed";
const COLUMNS: &str = "id, placed_at, lifted_at, data_key, sealed";

#[derive(FromRow)]
struct HoldRow {
    id: String,
    placed_at: i64,
    lifted_at: Option<i64>,
    data_key: Vec<u8>,
    sealed: Vec<u8>,
}

impl HoldRow {
    fn read(self, keys: &Keys) -> Result<LegalHold, StoreError> {
        let id = self.id.as_str();
        let (key_place, place) = (Place(DATA_KEY, id), Place(SEALED, id));
        let key = keys.master.data_key(key_place, &self.data_key).map_err(errors::sealed(key_place))?;
        let plain = key.open(place, &self.sealed).map_err(errors::sealed(place))?;
        let (identities, found, reason) = known(sealed::read_hold(&plain), SEALED, id)?;
        Ok(LegalHold {
            identities,
            known: found,
            reason,
            placed_at: time(self.placed_at),
            lifted_at: self.lifted_at.map(time),
            id: HoldId::new(self.id),
        })
    }
}

impl RecordStore {
    pub(super) async fn do_place_hold(&self, hold: &LegalHold, told: &AuditEntry) -> Result<(), StoreError> {
        let (id, random) = (hold.id.as_str(), self.keys.random.as_ref());
        let (key, wrapped) = self.keys.master.new_data_key(random, Place(DATA_KEY, id));
        let sealed = key.seal(random, Place(SEALED, id), &sealed::write_hold(hold));
        let mut tx = self.begin().await?;
        tx.execute(
            "INSERT INTO holds (id, placed_at, lifted_at, data_key, sealed) VALUES ($1, $2, $3, $4, $5)",
            args![id, millis(hold.placed_at), hold.lifted_at.map(millis), wrapped, sealed],
        )
        .await?;
        journal::note(&mut tx, id, told).await?;
        tx.commit().await
    }

    pub(super) async fn do_holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM holds ORDER BY placed_at DESC, id DESC");
        let rows: Vec<HoldRow> = self.read().await?.all(&sql, args![]).await?;
        rows.into_iter().map(|row| row.read(&self.keys)).collect()
    }

    pub(super) async fn do_lift_hold(&self, id: &HoldId, told: &AuditEntry) -> Result<Option<LegalHold>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE holds SET lifted_at = $2 WHERE id = $1 AND lifted_at IS NULL";
        if tx.execute(sql, args![id.as_str(), millis(told.at)]).await? == 1 {
            journal::note(&mut tx, id.as_str(), told).await?;
        }
        let sql = format!("SELECT {COLUMNS} FROM holds WHERE id = $1");
        let row: Option<HoldRow> = tx.optional(&sql, args![id.as_str()]).await?;
        tx.commit().await?;
        row.map(|row| row.read(&self.keys)).transpose()
    }
}
