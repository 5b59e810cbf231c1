//! Erasures that mask rows in owned databases.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{
    HELD, accepted, assert_misuse, assert_stale, at, claim_only, due, erasure, get, halt, id, intend, on_both, plan,
    record, resolved, update, wait_with, with_rows,
};
use crate::{
    Claimed, ConnectionKey, Holder, NewRequest, Outcome, Pii, RequestStatus, RequestUpdate, Resolution, Resume,
    RowMark, RowTrace, Task, TaskState, ports::RequestStore,
};

/// Claims an erasure and puts the tasks of its connections into a state, those of its datasets stay queued.
async fn put_connections(store: &dyn RequestStore, number: u32, state: TaskState) {
    let Claimed { lease, item, .. } = claim_only(store, number, HELD).await;
    let tasks = item.tasks.into_iter().filter(|task| task.holder == Holder::Connection);
    let tasks = tasks.map(|task| Task { state: state.clone(), ..task }).collect();
    store.save_request(&lease, &update(tasks)).await.unwrap();
}

async fn wait_with_rows(store: &dyn RequestStore, request: NewRequest) {
    record(store, std::slice::from_ref(&request)).await;
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    let tasks = item.tasks.into_iter().filter(|task| task.holder == Holder::Connection);
    let tasks = tasks.map(|task| resolved(task, ["u1"])).collect();
    store.save_request(&lease, &update(tasks)).await.unwrap();
}

/// Rows wait until Segment has accepted the task of every connection; then the request is due, and still in work.
pub async fn rows_are_masked_when_everything_is_accepted(store: &dyn RequestStore) {
    wait_with_rows(store, with_rows(on_both(erasure(1)))).await;
    for connection in ["segment_basic", "segment_unify"] {
        assert_eq!(due(store).await, [], "{connection} has not accepted");
        let of_connection = crate::IntentPlan { connection: ConnectionKey::new(connection), ..plan(connection) };
        let Claimed { lease, item, .. } = intend(store, &of_connection).await;
        assert_eq!(due(store).await, [], "what is sent is not accepted");
        let step = accepted(item, &format!("reg_{connection}"), at(2_000));
        store.save_regulation(&lease, &step).await.unwrap();
    }
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    assert_eq!(item.status, RequestStatus::InProcessing);
    assert!(item.may_mask());
    let rows = item.tasks.into_iter().find(|task| task.holder == Holder::Dataset).unwrap();
    let masked = Task {
        state: TaskState::Complete(Outcome::Masked),
        collections: [("shop.customer".to_owned(), 1)].into(),
        ..rows
    };
    store.save_request(&lease, &update(vec![masked.clone()])).await.unwrap();
    let request = get(store, 1).await;
    assert_eq!(request.status, RequestStatus::AwaitingProcessor);
    assert_eq!(request.tasks.last(), Some(&masked));
    assert_eq!(due(store).await, [], "once");
}

/// Where nothing is sent to Segment, rows are due in the step that finds that out.
pub async fn rows_of_somebody_unknown_are_masked_at_once(store: &dyn RequestStore) {
    record(store, &[with_rows(erasure(1))]).await;
    put_connections(store, 1, TaskState::Complete(Outcome::NoData)).await;
    assert_eq!(due(store).await, [id(1)]);
}

/// A step says when a masking that failed is tried again, and nothing makes it earlier.
pub async fn a_masking_that_is_tried_again_keeps_its_time(store: &dyn RequestStore) {
    record(store, &[with_rows(erasure(1))]).await;
    put_connections(store, 1, TaskState::Complete(Outcome::NoData)).await;
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    let failed = item.tasks.into_iter().find(|task| task.holder == Holder::Dataset);
    let step = RequestUpdate { next_at: Some(at(2_000)), ..update(failed.into_iter().collect()) };
    store.save_request(&lease, &step).await.unwrap();
    assert_eq!(due(store).await, []);
}

/// What is halted or canceled was not accepted. Once a human has settled it, rows are due.
pub async fn what_is_halted_keeps_rows_from_being_masked(store: &dyn RequestStore) {
    record(store, &[with_rows(erasure(1)), with_rows(erasure(2))]).await;
    put_connections(store, 1, TaskState::Attention(halt(Resume::Queued))).await;
    assert_eq!(due(store).await, [id(2)]);
    let connection = ConnectionKey::new("segment_basic");
    let settle = crate::Decision::Settle { connection, note: "by hand".into() };
    store.decide(&id(1), &settle, "ops", at(300)).await.unwrap();
    assert!(due(store).await.contains(&id(1)));
    store.decide(&id(2), &crate::Decision::Cancel, "ops", at(300)).await.unwrap();
    assert_eq!(get(store, 2).await.status, RequestStatus::Canceled);
    assert_eq!(due(store).await, [id(1)]);
}

/// Rows that wait for a connection that has given up are in nobody's work.
pub async fn rows_that_wait_do_not_hide_an_error(store: &dyn RequestStore) {
    record(store, &[with_rows(erasure(1))]).await;
    put_connections(store, 1, TaskState::Error(halt(Resume::Queued))).await;
    assert_eq!(get(store, 1).await.status, RequestStatus::Error);
    assert_eq!(due(store).await, []);
    store.decide(&id(1), &crate::Decision::Retry, "ops", at(300)).await.unwrap();
    assert_eq!(get(store, 1).await.status, RequestStatus::InProcessing);
}

fn rows_of(tasks: Vec<Task>) -> Task {
    tasks.into_iter().find(|task| task.holder == Holder::Dataset).unwrap()
}

/// While it is not known how rows are found from an owned database, rows in the others wait for the human's decision, too.
pub async fn a_dataset_that_needs_a_human_keeps_the_others_waiting(store: &dyn RequestStore) {
    let request = with_rows(erasure(1));
    let datasets = vec![ConnectionKey::new("crm"), ConnectionKey::new("shop")];
    record(store, &[NewRequest { datasets, ..request }]).await;
    put_connections(store, 1, TaskState::Complete(Outcome::NoData)).await;
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    let halted = Task { state: TaskState::Attention(halt(Resume::Queued)), ..rows_of(item.tasks) };
    store.save_request(&lease, &update(vec![halted.clone()])).await.unwrap();
    assert_eq!(due(store).await, []);
    assert!(!get(store, 1).await.may_mask());
    let settle = crate::Decision::Settle { connection: halted.connection.clone(), note: "by hand".into() };
    store.decide(&id(1), &settle, "ops", at(300)).await.unwrap();
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    assert!(item.may_mask());
    // What failed once that was known keeps nobody waiting.
    let traced = Task { resolution: Some(Resolution::default()), ..halted };
    store.save_request(&lease, &update(vec![traced])).await.unwrap();
    assert_eq!(due(store).await, [id(1)]);
}

/// What may have been committed is seen through, whatever somebody decides meanwhile; all else of the request is canceled.
pub async fn a_masking_that_may_be_committed_is_not_canceled(store: &dyn RequestStore) {
    let mark = RowMark {
        collection: "shop.customer".to_owned(),
        key: vec![Pii::from("1")],
        before: Pii::from(""),
        digest: Pii::from(""),
    };
    for (number, marks, expected) in [(1, vec![mark], TaskState::Queued), (2, vec![], TaskState::Canceled)] {
        record(store, &[with_rows(erasure(number))]).await;
        put_connections(store, number, TaskState::Complete(Outcome::NoData)).await;
        let Claimed { lease, item, .. } = claim_only(store, number, HELD).await;
        let rows = RowTrace { marks, ..RowTrace::default() };
        let task = Task { resolution: Some(Resolution { rows, ..Resolution::default() }), ..rows_of(item.tasks) };
        store.save_task(&lease, &task, at(100)).await.unwrap();
        let decided = store.decide(&id(number), &crate::Decision::Cancel, "ops", at(300)).await.unwrap().unwrap();
        assert_eq!(rows_of(decided.tasks).state, expected);
    }
    assert_eq!(due(store).await, [id(1)]);
}

/// A task saved within a step is there for whoever takes the request up, the lease stays, and a lease that was lost saves nothing.
pub async fn a_task_is_saved_within_a_step(store: &dyn RequestStore) {
    record(store, &[with_rows(erasure(1))]).await;
    let Claimed { lease, item, .. } = claim_only(store, 1, std::time::Duration::ZERO).await;
    let rows = item.tasks.into_iter().find(|task| task.holder == Holder::Dataset).unwrap();
    let noted = Task { attempts: 3, ..rows.clone() };
    store.save_task(&lease, &noted, at(100)).await.unwrap();
    assert_eq!(get(store, 1).await.tasks.last(), Some(&noted));
    let next = claim_only(store, 1, HELD).await;
    let stranger = Task { connection: ConnectionKey::new("another"), ..rows.clone() };
    assert_misuse(store.save_task(&next.lease, &stranger, at(100)).await);
    assert_stale(store.save_task(&lease, &rows, at(100)).await);
    assert_eq!(get(store, 1).await.tasks.last(), Some(&noted));
    store.save_request(&next.lease, &update(vec![])).await.unwrap();
    assert_stale(store.save_task(&next.lease, &rows, at(100)).await);
}

/// Who is in a regulation, and whether rows of theirs are masked.
pub async fn members_say_whether_rows_are_masked(store: &dyn RequestStore) {
    wait_with_rows(store, with_rows(erasure(1))).await;
    wait_with(store, erasure(2), ["u2"]).await;
    let claimed = intend(store, &plan("rin_1")).await;
    let masks: Vec<_> = claimed.item.members.iter().map(|member| (member.request.clone(), member.masks)).collect();
    assert_eq!(masks, [(id(1), true), (id(2), false)]);
}
