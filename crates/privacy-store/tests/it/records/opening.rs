//! Opening: races, keys, versions, and files that are something else.

use std::{fs, path::Path, time::Duration};

use privacy_store::{MasterKey, OpenError, RecordOptions, RecordStore};
use segment_core::{
    ConnectionKey, Intake, NewRequest, Pii,
    ports::{RequestStore, StoreError},
    testing::told,
};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{KEY, OTHER_KEY, Place, erasure, id, now, record};

/// Another program at the same file.
async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

async fn refusal(place: &Place, key: &str) -> OpenError {
    place.try_open(key, &RecordOptions::default()).await.unwrap_err()
}

async fn refusal_at(path: &Path) -> OpenError {
    let key = MasterKey::from_base64(KEY).unwrap();
    RecordStore::open(path, key, Place::new().random).await.unwrap_err()
}

#[tokio::test]
async fn another_key_is_refused_with_both_ids() {
    let place = Place::new();
    place.open().await.close().await;
    let OpenError::WrongKey { expected, given, .. } = refusal(&place, OTHER_KEY).await else { panic!("another error") };
    assert_eq!((expected.len(), given.len()), (16, 16));
    assert_ne!(expected, given);
    // The same two the other way round: a database of the other key.
    let other = Place::new();
    other.try_open(OTHER_KEY, &RecordOptions::default()).await.unwrap().close().await;
    let OpenError::WrongKey { expected: theirs, given: ours, .. } = refusal(&other, KEY).await else { panic!() };
    assert_eq!((theirs, ours), (given, expected));
    place.open().await;
}

#[tokio::test]
async fn a_newer_version_is_left_alone() {
    let place = Place::new();
    place.open().await.close().await;
    let mut other = connect(&place.path()).await;
    run(
        &mut other,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', TRUE, X'00', 1)",
    )
    .await;
    other.close().await.unwrap();
    let error = refusal(&place, KEY).await;
    assert!(matches!(error, OpenError::Newer { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_as_it_is() {
    let place = Place::new();
    for content in ["hello".to_owned(), "not a database, but longer than a page of SQLite. ".repeat(200)] {
        fs::write(place.path(), &content).unwrap();
        let error = refusal(&place, KEY).await;
        assert!(matches!(error, OpenError::NotARecordDatabase { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(place.path()).unwrap(), content);
    }
}

#[tokio::test]
async fn somebody_elses_tables_are_left_as_they_are() {
    let place = Place::new();
    let mut other = connect_new(&place.path()).await;
    run(&mut other, "CREATE TABLE requests (mine TEXT); INSERT INTO requests VALUES ('mine')").await;
    let error = refusal(&place, KEY).await;
    assert!(matches!(error, OpenError::NotARecordDatabase { .. }), "{error:?}");
    let tables: Vec<(String,)> = sqlx::query_as("SELECT name FROM sqlite_schema").fetch_all(&mut other).await.unwrap();
    assert_eq!(tables, [("requests".to_owned(),)]);
}

async fn connect_new(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path).create_if_missing(true)).await.unwrap()
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_an_input_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let below_a_file = file.join("records.db");
    let no_parent = folder.path().join("missing/records.db");
    for path in [below_a_file.as_path(), &no_parent, folder.path()] {
        let error = refusal_at(path).await;
        assert!(matches!(error, OpenError::Io { .. }), "{}: {error:?}", path.display());
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for_and_then_told() {
    let place = Place::new();
    let quick = RecordOptions::default().busy_timeout(Duration::from_millis(50));
    let store = place.try_open(KEY, &quick).await.unwrap();
    record(&store, 1).await;
    let mut other = connect(&place.path()).await;
    run(&mut other, "BEGIN EXCLUSIVE").await;
    let error = place.try_open(KEY, &quick).await.unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    let error = store.intake(&[erasure(7)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(store.request(&id(0)).await.unwrap().is_some(), "reading goes on");
    // A lock that ends in time is merely waited for.
    let patient = place.open();
    let (store_opened, ()) = tokio::join!(patient, async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        run(&mut other, "ROLLBACK").await;
    });
    assert_eq!(store_opened.intake(&[erasure(7)]).await.unwrap(), [Intake::Created]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_may_open_the_same_new_file_at_once() {
    for _ in 0..5 {
        let place = Place::new();
        let opens = (0..8).map(|_| {
            let (path, random) = (place.path(), place.random.clone());
            tokio::spawn(async move { RecordStore::open(&path, MasterKey::from_base64(KEY).unwrap(), random).await })
        });
        let mut stores = Vec::new();
        for open in opens.collect::<Vec<_>>() {
            stores.push(open.await.unwrap().unwrap());
        }
        // One look-up key for all: each finds what another recorded.
        let named = NewRequest { external_id: Some(Pii::from("CASE-7")), ..erasure(1) };
        assert_eq!(stores[0].intake(std::slice::from_ref(&named)).await.unwrap(), [Intake::Created]);
        for store in &stores[1..] {
            assert_eq!(store.intake(std::slice::from_ref(&named)).await.unwrap(), [Intake::Linked(id(1))]);
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let store = place.open().await;
    record(&store, 3).await;
    let mut names = Vec::new();
    for entry in fs::read_dir(place.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["records.db", "records.db-shm", "records.db-wal"]);
}

/// What a dry run reads.
async fn to_read(place: &Place, key: &str) -> Result<Option<RecordStore>, OpenError> {
    let master = || MasterKey::from_base64(key).map_err(Into::into);
    RecordStore::open_to_read(&place.path(), master, place.random.clone()).await
}

#[tokio::test]
async fn what_is_opened_to_be_read_is_left_as_it_is() {
    let place = Place::new();
    assert!(to_read(&place, "no key").await.unwrap().is_none());
    assert!(!place.path().exists(), "nothing is made");
    let store = place.open().await;
    assert!(to_read(&place, "no key").await.unwrap().is_none(), "nothing is kept in it: the key is not asked for");
    let key = ConnectionKey::new("prod");
    assert!(store.put_connection(&key, &"settings".into(), &[], &told(now(), "added")).await.unwrap());
    store.close().await;

    let before = fs::read(place.path()).unwrap();
    let reading = to_read(&place, KEY).await.unwrap().unwrap();
    assert_eq!(reading.connections().await.unwrap()[0].key, key);
    reading.intake(&[erasure(1)]).await.unwrap_err();
    reading.close().await;
    assert_eq!(fs::read(place.path()).unwrap(), before);
    assert!(matches!(to_read(&place, OTHER_KEY).await, Err(OpenError::WrongKey { .. })));
    assert!(matches!(to_read(&place, "no key").await, Err(OpenError::Key { .. })));
}

#[tokio::test]
async fn a_database_of_an_older_version_is_read_without_being_migrated() {
    let place = Place::new();
    place.open().await.close().await;
    let mut old = connect(&place.path()).await;
    run(&mut old, "DROP TABLE connections; DROP TABLE holds; DELETE FROM _sqlx_migrations WHERE version >= 2").await;
    assert!(to_read(&place, KEY).await.unwrap().is_none());
    let (version,): (i64,) =
        sqlx::query_as("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&mut old).await.unwrap();
    assert_eq!(version, 1);
}
