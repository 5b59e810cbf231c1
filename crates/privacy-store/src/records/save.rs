//! Saving a step of a claimed request.

use jiff::Timestamp;
use segment_core::{Lease, LeaseSubject, RequestUpdate, Task, TaskState, ports::StoreError};

use sqlx::FromRow;

use super::{
    RecordStore, claim,
    db::args,
    errors,
    request_rows::{self, REQUEST_COLUMNS, RequestRow, millis},
    status,
};

/// A request, and how many tasks it has.
#[derive(FromRow)]
struct SavedRow {
    #[sqlx(flatten)]
    request: RequestRow,
    tasks: i64,
}

impl RecordStore {
    pub(super) async fn do_save_request(&self, lease: &Lease, update: &RequestUpdate) -> Result<(), StoreError> {
        let LeaseSubject::Request(id) = &lease.subject else {
            return Err(errors::misuse("a step of a request needs the lease of a request"));
        };
        let id = id.as_str();
        let mut tx = self.begin_locking().await?;
        // The fence is checked and the lease given back by the statement that reads: a lease is good for one step. It holds the
        // row from then on.
        let sql = format!(
            "UPDATE requests SET {}, next_at = $3, package = COALESCE($4, package), \
             package_deleted_at = CASE WHEN $4 IS NULL THEN package_deleted_at END WHERE id = $1 AND fence = $2 \
             RETURNING {REQUEST_COLUMNS}, (SELECT COUNT(*) FROM tasks WHERE request_id = requests.id) AS tasks",
            claim::GIVEN_BACK
        );
        let package = update.package.as_ref().map(request_rows::write_package);
        let row: Option<SavedRow> =
            tx.optional(&sql, args![id, lease.fence, update.next_at.map(millis), package]).await?;
        let SavedRow { request: row, tasks: count } = row.ok_or(StoreError::StaleLease)?;
        let key = row.key(&self.keys)?;
        let mut tasks = Vec::with_capacity(update.tasks.len());
        for task in &update.tasks {
            check(task)?;
            tasks.push(request_rows::write_task(&mut tx, &self.keys, id, key.as_ref(), task, update.at).await?);
        }
        if usize::try_from(count) != Ok(tasks.len()) {
            tasks = request_rows::tasks(&mut tx, id).await?;
        }
        status::settle(&mut tx, &row.standing(), &tasks, &update.audit, update.at).await?;
        tx.commit().await
    }

    pub(super) async fn do_save_task(&self, lease: &Lease, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        let LeaseSubject::Request(id) = &lease.subject else {
            return Err(errors::misuse("a step of a request needs the lease of a request"));
        };
        let id = id.as_str();
        check(task)?;
        let mut tx = self.begin_locking().await?;
        claim::still_holds(&mut tx, lease).await?;
        let row = Self::row(&mut tx, id).await?.ok_or_else(|| errors::misuse("there is no such request"))?;
        let key = row.key(&self.keys)?;
        request_rows::write_task(&mut tx, &self.keys, id, key.as_ref(), task, at).await?;
        tx.commit().await
    }
}

fn check(task: &Task) -> Result<(), StoreError> {
    let ids = task.resolution.as_ref().map_or(0, |resolution| resolution.user_ids.len());
    if task.state == TaskState::Resolved && (ids == 0 || task.kind.is_none()) {
        return Err(errors::misuse("a task without user ids and a type cannot wait for a regulation"));
    }
    Ok(())
}
