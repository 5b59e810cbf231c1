//! Reading requests.

use segment_core::{Request, RequestId, ports::StoreError};

use super::{
    RecordStore,
    db::{Db, args},
    request_rows::{REQUEST_COLUMNS, RequestRow, tasks},
};

impl RecordStore {
    pub(super) async fn row(connection: &mut Db, id: &str) -> Result<Option<RequestRow>, StoreError> {
        let sql = format!("SELECT {REQUEST_COLUMNS} FROM requests WHERE id = $1");
        connection.optional(&sql, args![id]).await
    }

    /// A request with its tasks, within a transaction.
    pub(super) async fn load(&self, connection: &mut Db, id: &RequestId) -> Result<Option<(Request, i64)>, StoreError> {
        let Some(row) = Self::row(connection, id.as_str()).await? else { return Ok(None) };
        let tasks = tasks(connection, id.as_str()).await?;
        let fence = row.fence;
        Ok(Some((row.read(&self.keys, tasks)?, fence)))
    }

    pub(super) async fn do_request(&self, id: &RequestId) -> Result<Option<Request>, StoreError> {
        // One transaction, so that the request and its tasks are of the same moment.
        let mut tx = self.read().await?;
        Ok(self.load(&mut tx, id).await?.map(|(request, _)| request))
    }
}
