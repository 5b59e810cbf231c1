//! What the files hold: nothing that names a person.

use std::{fs, path::Path, time::Duration};

use jiff::Timestamp;
use privacy_store::RecordStore;
use segment_core::{
    ClaimScope, Claimed, ConnectionKey, Decision, DestinationReport, Halt, HaltKind, HoldId, Identity, IdentityKind,
    IdentitySet, Intended, IntentId, IntentPlan, Ledger, LedgerState, LedgerUpdate, LegalHold, MemberChange,
    MonthlyQuota, NewRequest, Outcome, Pii, ProfileRef, Regime, RegulationId, RegulationStatus, RegulationType,
    RequestUpdate, Resolution, Resume, RowMark, RowTrace, Task, TaskEvent, TaskState,
    ports::{RequestStore, StoreError},
    testing::told,
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{Place, erasure, id, now, record};

const HELD: Duration = Duration::from_hours(1);
const PLANTED: [&str; 14] = [
    "planted.mail@example.com",
    "Planted-User-1",
    "planted-user-2",
    "+49-planted-phone",
    "planted-anonymous",
    "use_planted",
    "CASE-planted",
    "planted message of a destination",
    "Planted Destination",
    "held@planted.example.com",
    "Planted versus Company",
    "sgp_planted_token",
    "planted-foreign-key",
    "planted-primary-key",
];

fn profile(kind: IdentityKind, value: &str) -> ProfileRef {
    ProfileRef::external_id(kind, Pii::from(value))
}

fn planted() -> NewRequest {
    let identity = |kind, value: &str| Identity::new(kind, value).unwrap();
    let identities = [
        identity(IdentityKind::Email, PLANTED[0]),
        identity(IdentityKind::UserId, PLANTED[1]),
        identity(IdentityKind::PhoneNumber, PLANTED[3]),
    ];
    NewRequest {
        external_id: Some(Pii::from(PLANTED[6])),
        identities: IdentitySet::new(identities).unwrap(),
        regime: Regime::Ccpa,
        ..erasure(1)
    }
}

fn resolved(task: Task) -> Task {
    let resolution = Resolution {
        user_ids: [PLANTED[1], PLANTED[2]].map(Pii::from).into(),
        profiles: vec![ProfileRef::SegmentId(Pii::from(PLANTED[5]))],
        identifiers: [profile(IdentityKind::AnonymousId, PLANTED[4]), profile(IdentityKind::Email, PLANTED[0])].into(),
        unreachable: 1,
        rows: RowTrace {
            entered_by: [("shop.order.customer".to_owned(), [(Pii::from(PLANTED[12]), true)].into())].into(),
            referring: [("crm.contact.number".to_owned(), [(Pii::from(PLANTED[12]), 1)].into())].into(),
            shared: ["shop.order.customer".to_owned()].into(),
            user_ids: [(ConnectionKey::new("another"), [Pii::from(PLANTED[1])].into())].into(),
            marks: vec![RowMark {
                collection: "shop.customer".to_owned(),
                key: vec![Pii::from(PLANTED[13])],
                before: Pii::from(""),
                digest: Pii::from(""),
            }],
        },
    };
    let kind = Some(RegulationType::SuppressWithDelete);
    Task { state: TaskState::Resolved, resolution: Some(resolution), kind, user_ids: 2, ..task }
}

fn plan() -> IntentPlan {
    IntentPlan {
        intent: IntentId::new("rin_1"),
        connection: ConnectionKey::new("segment"),
        kind: RegulationType::SuppressWithDelete,
        source: None,
        scope: ClaimScope::All,
        max_subjects: 5_000,
        max_bytes: 4_000_000,
        quota: MonthlyQuota { users: 110_000, since: now(), reserve: 0, urgent_before: now() },
        lease: HELD,
        send_within: Duration::from_mins(30),
        owner: "worker".into(),
        at: now(),
    }
}

fn step(ledger: Ledger, state: LedgerState, members: MemberChange) -> LedgerUpdate {
    let destination = DestinationReport {
        stream: "src".into(),
        id: "dst".into(),
        name: PLANTED[8].into(),
        status: RegulationStatus::Failed,
        message: Pii::from(PLANTED[7]),
    };
    let regulation = Some(RegulationId::new("reg_1"));
    let ledger = Ledger { state, regulation, destinations: vec![destination], next_at: Some(now()), ..ledger };
    LedgerUpdate { ledger, absent: false, members, notes: Vec::new(), audit: Vec::new(), at: now() }
}

async fn claim(store: &dyn RequestStore) -> Claimed<Ledger> {
    store.claim_regulation(&ClaimScope::All, "worker", HELD, now()).await.unwrap().unwrap()
}

/// From intake over refusal, acceptance, failure, retry and settlement to the end.
async fn live(store: &dyn RequestStore) {
    store.intake(&[planted()]).await.unwrap();
    store
        .intake(&[NewRequest { id: id(2), ..planted() }, NewRequest { external_id: None, ..planted() }])
        .await
        .unwrap();
    let Claimed { lease, item, .. } =
        store.claim_requests(&ClaimScope::All, "worker", HELD, 1, now()).await.unwrap().remove(0);
    let tasks = vec![resolved(item.tasks[0].clone())];
    let update = RequestUpdate { tasks, package: None, next_at: None, audit: Vec::new(), at: now() };
    store.save_request(&lease, &update).await.unwrap();
    let Intended::Recorded(claimed) = store.intend(&plan()).await.unwrap() else { panic!("nothing waits") };
    let Claimed { lease, item, .. } = *claimed;
    let accepted = step(item, LedgerState::Tracking, MemberChange::All(TaskEvent::Accept));
    store.save_regulation(&lease, &accepted).await.unwrap();
    let halt = Halt { kind: HaltKind::RegulationFailed, message: "it failed".into(), resume: Resume::Awaiting };
    let Claimed { lease, item, .. } = claim(store).await;
    let failed = step(item, LedgerState::Halted, MemberChange::All(TaskEvent::NeedHuman(halt)));
    store.save_regulation(&lease, &failed).await.unwrap();
    store.decide(&id(1), &Decision::Retry, "ops", now()).await.unwrap();
    let Claimed { lease, item, .. } = claim(store).await;
    let done = step(item, LedgerState::Closed, MemberChange::All(TaskEvent::Complete(Outcome::Deleted)));
    store.save_regulation(&lease, &done).await.unwrap();
}

/// Every planted value that stands in a file of the folder, in any case.
fn found(folder: &Path) -> (Vec<String>, Vec<&'static str>) {
    let (mut names, mut hits) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap().to_ascii_lowercase();
        let holds = |text: &&str| {
            let text = text.to_ascii_lowercase();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        };
        hits.extend(PLANTED.iter().chain(&["pri_0001"]).filter(|text| holds(text)).copied());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    (names, hits)
}

/// A legal hold, and a connection with its token.
async fn manage(store: &RecordStore) {
    let hold = LegalHold {
        id: HoldId::new("hld_1"),
        identities: IdentitySet::new([Identity::new(IdentityKind::Email, PLANTED[9]).unwrap()]).unwrap(),
        known: Resolution { user_ids: [Pii::from(PLANTED[2])].into(), ..Resolution::default() },
        reason: Pii::from(PLANTED[10]),
        placed_at: now(),
        lifted_at: None,
    };
    store.place_hold(&hold, &told(now(), "placed")).await.unwrap();
    assert!(!format!("{hold:?}").contains("lanted"));
    let key = ConnectionKey::new("segment");
    for settings in [PLANTED[11].to_owned(), format!("{} again", PLANTED[11])] {
        let seen = store.connections().await.unwrap();
        assert!(store.put_connection(&key, &settings.into(), &seen, &told(now(), "put")).await.unwrap());
    }
}

#[tokio::test]
async fn no_file_names_a_person() {
    let place = Place::new();
    let store = place.open().await;
    live(&store).await;
    manage(&store).await;
    let request = store.request(&id(1)).await.unwrap().unwrap();
    assert_eq!(request.identities, Some(planted().identities), "all of it is there");
    assert_eq!(request.tasks[0].state, TaskState::Complete(Outcome::Deleted));
    let (names, hits) = found(place.folder.path());
    assert_eq!(names, ["records.db", "records.db-shm", "records.db-wal"]);
    // The request's id is found, so the search would find the others.
    assert!(!hits.is_empty() && hits.iter().all(|hit| *hit == "pri_0001"), "{hits:?}");
    store.close().await;
    let (names, hits) = found(place.folder.path());
    assert_eq!((names, hits), (vec!["records.db".to_owned()], vec!["pri_0001"]));
}

#[tokio::test]
async fn errors_and_debug_name_nobody() {
    let place = Place::new();
    let store = place.open().await;
    live(&store).await;
    let twice = store.intake(&[NewRequest { external_id: Some(Pii::from("other")), ..planted() }]).await.unwrap_err();
    let request = store.request(&id(1)).await.unwrap();
    let told = format!("{store:?} {twice:?} {twice} {request:?}");
    for text in PLANTED {
        assert!(!told.contains(text), "{text} in {told}");
    }
}

#[tokio::test]
async fn a_value_that_was_moved_to_another_row_is_corrupt() {
    let place = Place::new();
    let store = place.open().await;
    record(&store, 2).await;
    let options = SqliteConnectOptions::new().filename(place.path());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(
        "UPDATE requests SET sealed = (SELECT sealed FROM requests WHERE id = 'pri_0001') WHERE id = 'pri_0000'",
    )
    .execute(&mut other)
    .await
    .unwrap();
    let error = store.request(&id(0)).await.unwrap_err();
    let StoreError::Corrupt { place } = &error else { panic!("{error:?}") };
    assert_eq!(place, "requests.sealed of pri_0000");
    assert!(store.request(&id(1)).await.unwrap().is_some());
    // Who asks for it is told; who takes what is due goes on with the others.
    let (lease, only) = (Duration::ZERO, ClaimScope::Requests(vec![id(0)]));
    let error = store.claim_requests(&only, "worker", lease, 9, now()).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    let claimed = store.claim_requests(&ClaimScope::All, "worker", lease, 9, now()).await.unwrap();
    assert_eq!(claimed.into_iter().map(|one| one.item.id).collect::<Vec<_>>(), [id(1)]);
    assert_eq!(
        store.intake(&[NewRequest { received_at: Timestamp::UNIX_EPOCH, ..erasure(5) }]).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_regulation_that_does_not_open_keeps_no_other_from_being_claimed() {
    let place = Place::new();
    let store = place.open().await;
    store.intake(&[planted(), NewRequest { id: id(2), external_id: None, ..erasure(2) }]).await.unwrap();
    for intent in ["rin_1", "rin_2"] {
        let Claimed { lease, item, .. } =
            store.claim_requests(&ClaimScope::All, "worker", HELD, 1, now()).await.unwrap().remove(0);
        let tasks = item.tasks.into_iter().map(resolved).collect();
        let update = RequestUpdate { tasks, package: None, next_at: None, audit: Vec::new(), at: now() };
        store.save_request(&lease, &update).await.unwrap();
        let plan = IntentPlan { intent: IntentId::new(intent), ..plan() };
        let Intended::Recorded(claimed) = store.intend(&plan).await.unwrap() else { panic!("nothing waits") };
        let regulation = Some(RegulationId::new(intent));
        let mut accepted = step(claimed.item, LedgerState::Tracking, MemberChange::All(TaskEvent::Accept));
        accepted.ledger = Ledger { regulation, ..accepted.ledger };
        store.save_regulation(&claimed.lease, &accepted).await.unwrap();
    }
    let options = SqliteConnectOptions::new().filename(place.path());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    let swap = "UPDATE regulations SET sealed = (SELECT sealed FROM regulations WHERE intent = 'rin_2'), next_at = 1 \
        WHERE intent = 'rin_1'";
    sqlx::query(swap).execute(&mut other).await.unwrap();
    assert!(store.claim_regulation(&ClaimScope::All, "worker", HELD, now()).await.unwrap().is_none());
    assert_eq!(claim(&store).await.item.intent, IntentId::new("rin_2"), "and it is not in the way again");
}

#[tokio::test]
async fn somebody_who_does_not_open_keeps_nobody_from_a_regulation() {
    let place = Place::new();
    let store = place.open().await;
    let person = |number: usize| NewRequest { id: id(number), external_id: None, ..erasure(number) };
    store.intake(&[person(1), person(2), person(3)]).await.unwrap();
    for Claimed { lease, item, .. } in store.claim_requests(&ClaimScope::All, "worker", HELD, 9, now()).await.unwrap() {
        let tasks = item.tasks.into_iter().map(resolved).collect();
        let update = RequestUpdate { tasks, package: None, next_at: None, audit: Vec::new(), at: now() };
        store.save_request(&lease, &update).await.unwrap();
    }
    let options = SqliteConnectOptions::new().filename(place.path());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    for spoil in [
        "UPDATE tasks SET sealed = (SELECT sealed FROM tasks WHERE request_id = 'pri_0003') WHERE request_id = 'pri_0001'",
        "UPDATE requests SET data_key = (SELECT data_key FROM requests WHERE id = 'pri_0003') WHERE id = 'pri_0002'",
        // Of a regulation that was halved: those are sent apart from the others.
        "UPDATE tasks SET max_people = 2 WHERE request_id IN ('pri_0001', 'pri_0002')",
    ] {
        assert!(sqlx::query(spoil).execute(&mut other).await.unwrap().rows_affected() > 0);
    }
    let named = IntentPlan { scope: ClaimScope::Requests(vec![id(1)]), ..plan() };
    assert!(matches!(store.intend(&named).await, Err(StoreError::Corrupt { .. })));
    let Intended::Recorded(claimed) = store.intend(&plan()).await.unwrap() else { panic!("nothing waits") };
    assert_eq!(claimed.item.members.iter().map(|member| member.request.clone()).collect::<Vec<_>>(), [id(3)]);
    let next = IntentPlan { intent: IntentId::new("rin_2"), ..plan() };
    assert!(matches!(store.intend(&next).await.unwrap(), Intended::Nothing));
}

#[tokio::test]
async fn a_log_that_lost_its_tail_is_corrupt_and_no_evidence() {
    let place = Place::new();
    let store = place.open().await;
    live(&store).await;
    assert_eq!(store.chains(&id(1)).await.unwrap().len(), 2, "the request's and the regulation's");
    let options = SqliteConnectOptions::new().filename(place.path());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    for (tail, of) in [
        ("DELETE FROM log WHERE intent IS NOT NULL AND seq = 1", "log of rin_1"),
        (
            "DELETE FROM log WHERE request_id = 'pri_0001' AND seq = (SELECT log_count FROM requests WHERE id = 'pri_0001')",
            "log of pri_0001",
        ),
    ] {
        sqlx::query(tail).execute(&mut other).await.unwrap();
        let error = store.chains(&id(1)).await.unwrap_err();
        assert!(matches!(&error, StoreError::Corrupt { place } if place == of), "{error:?}");
    }
}

#[tokio::test]
async fn a_key_that_was_destroyed_is_in_no_file() {
    let place = Place::new();
    let store = place.open().await;
    record(&store, 2).await;
    store.decide(&id(0), &Decision::Cancel, "ops", now()).await.unwrap();
    let options = SqliteConnectOptions::new().filename(place.path());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    let keys: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT data_key, sealed FROM requests ORDER BY id").fetch_all(&mut other).await.unwrap();
    other.close().await.unwrap();
    let in_a_file = |bytes: &[u8]| {
        let files = fs::read_dir(place.folder.path()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
        files.into_iter().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
    };
    assert!(keys.iter().all(|(key, sealed)| in_a_file(key) && in_a_file(sealed)), "the search finds what is there");
    store.destroy_identities(&id(0), now()).await.unwrap();
    store.sweep().await.unwrap();
    let (key, sealed) = &keys[0];
    assert!(!in_a_file(key) && !in_a_file(sealed));
    assert!(in_a_file(&keys[1].0), "another request's is where it was");
}
