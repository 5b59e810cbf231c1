//! On PostgreSQL: the suite in plain and in odd modes, and what opening a server's database means.

use std::sync::Arc;

use privacy_store::{MasterKey, OpenError, RecordOptions, RecordStore};
use secrecy::SecretString;
use segment_core::{ports::RequestStore, testing::CountingRandom};

use super::{KEY, OTHER_KEY, id, record};
use crate::postgres::{TestDatabase, TestSchema, database, execute, schema};

/// A database for one test.
pub(super) struct Server(TestDatabase);

/// A new one, or `None` with a loud line where no server is configured.
pub(super) async fn server() -> Option<Server> {
    database().await.map(Server)
}

impl Server {
    pub(super) fn url(&self) -> &str {
        &self.0.url
    }

    async fn try_open(&self, key: &str, options: &RecordOptions) -> Result<RecordStore, OpenError> {
        let url = SecretString::from(self.0.url.clone());
        let key = MasterKey::from_base64(key).unwrap();
        RecordStore::connect(&url, key, Arc::new(CountingRandom::default()), options).await
    }

    pub(super) async fn open(&self) -> RecordStore {
        self.try_open(KEY, &RecordOptions::default()).await.unwrap()
    }

    async fn run(&self, sql: &str) {
        execute(&self.0.url, sql).await;
    }
}

/// An open store that takes its schema with it.
pub(super) struct Opened {
    store: RecordStore,
    schema: TestSchema,
}

impl std::ops::Deref for Opened {
    type Target = RecordStore;

    fn deref(&self) -> &RecordStore {
        &self.store
    }
}

impl Opened {
    pub(super) async fn new(connections: u32) -> Option<Self> {
        let schema = schema()?;
        let options = RecordOptions::default().connections(connections).schema(&schema.name);
        let (url, key) = (SecretString::from(schema.url.clone()), MasterKey::from_base64(KEY).unwrap());
        let random = Arc::new(CountingRandom::default());
        let store = RecordStore::connect(&url, key, random, &options).await.unwrap();
        Some(Self { store, schema })
    }
}

mod plain {
    use super::Opened;

    async fn fresh() -> Option<Opened> {
        Opened::new(4).await
    }

    segment_core::request_store_conformance!(optional fresh);
}

/// One connection for everything: no step may need a second one while it has one.
mod pool_of_one {
    use super::Opened;

    async fn fresh() -> Option<Opened> {
        Opened::new(1).await
    }

    segment_core::request_store_conformance!(optional fresh);
}

/// Every eleventh statement that writes clashes with another worker's, as the server would say it.
mod clashing {
    use super::{Opened, execute};

    const CLASHES: &str = "
        CREATE SEQUENCE {schema}.written;
        CREATE FUNCTION {schema}.clash() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- What a sequence has counted stays counted when the transaction is undone.
            IF nextval('{schema}.written') % 11 = 0 THEN
                RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER clash BEFORE INSERT OR UPDATE ON {schema}.requests
            FOR EACH STATEMENT EXECUTE FUNCTION {schema}.clash();
        CREATE TRIGGER clash BEFORE INSERT OR UPDATE ON {schema}.regulations
            FOR EACH STATEMENT EXECUTE FUNCTION {schema}.clash();";

    async fn fresh() -> Option<Opened> {
        // On one connection, what is tried again comes after what was undone: elsewhere its locks may still be there, and whoever
        // claims passes over them.
        let opened = Opened::new(1).await?;
        execute(&opened.schema.url, &CLASHES.replace("{schema}", &opened.schema.name)).await;
        Some(opened)
    }

    segment_core::request_store_conformance!(optional fresh);
}

/// The caller's clock is decades behind the server's, or ahead of it. What the rules of leases and of listings say must not
/// depend on it.
mod clocks_apart {
    use segment_core::testing::conformance::store::begin_at;

    use super::Opened;

    mod caller_behind {
        use super::{Opened, begin_at};

        async fn fresh() -> Option<Opened> {
            begin_at("2001-02-03T04:05:06Z".parse().unwrap());
            Opened::new(4).await
        }

        segment_core::request_store_conformance!(optional fresh);
    }

    mod caller_ahead {
        use super::{Opened, begin_at};

        async fn fresh() -> Option<Opened> {
            begin_at("2099-12-31T23:59:00Z".parse().unwrap());
            Opened::new(4).await
        }

        segment_core::request_store_conformance!(optional fresh);
    }
}

#[tokio::test]
async fn it_keeps_to_a_schema_of_its_own() {
    let Some(server) = server().await else { return };
    server.run("CREATE TABLE requests (mine TEXT); CREATE TABLE log (mine TEXT)").await;
    let store = server.open().await;
    record(&store, 1).await;
    store.close().await;
    server.run("INSERT INTO public.requests VALUES ('still mine')").await;
    let again = server.open().await;
    assert!(again.request(&id(0)).await.unwrap().is_some());
    let elsewhere = server.try_open(OTHER_KEY, &RecordOptions::default().schema("other")).await.unwrap();
    assert!(elsewhere.request(&id(0)).await.unwrap().is_none());
}

#[tokio::test]
async fn another_key_is_refused_with_both_ids() {
    let Some(server) = server().await else { return };
    server.open().await.close().await;
    let error = server.try_open(OTHER_KEY, &RecordOptions::default()).await.unwrap_err();
    let OpenError::WrongKey { expected, given, path } = &error else { panic!("{error:?}") };
    assert_ne!(expected, given);
    assert!(path.contains("/test_") && !error.to_string().contains("postgres://"), "{error}");
}

#[tokio::test]
async fn a_newer_version_is_left_alone() {
    let Some(server) = server().await else { return };
    server.open().await.close().await;
    server
        .run(
            "INSERT INTO segment_privacy._sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'from the future', TRUE, '', 0)",
        )
        .await;
    let error = server.try_open(KEY, &RecordOptions::default()).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { .. }), "{error:?}");
}

#[tokio::test]
async fn other_tables_in_the_schema_are_left_as_they_are() {
    let Some(server) = server().await else { return };
    server.run("CREATE SCHEMA segment_privacy; CREATE TABLE segment_privacy.requests (mine TEXT)").await;
    let error = server.try_open(KEY, &RecordOptions::default()).await.unwrap_err();
    assert!(matches!(error, OpenError::NotARecordDatabase { .. }), "{error:?}");
    server.run("INSERT INTO segment_privacy.requests VALUES ('still mine')").await;
}

#[tokio::test]
async fn a_server_that_is_not_there_and_a_url_that_is_none_show_no_password() {
    let key = || MasterKey::from_base64(KEY).unwrap();
    for (url, word) in [
        ("postgres://ann:hunter2@127.0.0.1:9/records", "127.0.0.1/records"),
        ("postgresql//ann:hunter2@nowhere", "not a postgres:// URL"),
    ] {
        let url = SecretString::from(url.to_owned());
        let (random, options) = (Arc::new(CountingRandom::default()), RecordOptions::default());
        let error = RecordStore::connect(&url, key(), random, &options).await.unwrap_err();
        let told = format!("{error} {:?}", std::error::Error::source(&error).map(ToString::to_string));
        assert!(
            told.contains(word) && !told.contains("hunter2") && !format!("{error:?}").contains("hunter2"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn the_name_of_a_schema_cannot_be_anything_else() {
    for schema in ["", "1st", "Mine", "a; DROP SCHEMA public", "a\"b"] {
        let url = SecretString::from("postgres://127.0.0.1:9/records".to_owned());
        let (random, options) = (Arc::new(CountingRandom::default()), RecordOptions::default().schema(schema));
        let key = MasterKey::from_base64(KEY).unwrap();
        let error = RecordStore::connect(&url, key, random, &options).await.unwrap_err();
        let told = std::error::Error::source(&error).unwrap().to_string();
        assert!(matches!(error, OpenError::Server { .. }) && told.contains("schema"), "{schema}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_may_open_the_same_new_database_at_once() {
    let Some(server) = server().await else { return };
    let server = Arc::new(server);
    let opening = (0..8).map(|_| {
        let server = Arc::clone(&server);
        tokio::spawn(async move { server.open().await })
    });
    let mut stores = Vec::new();
    for store in opening.collect::<Vec<_>>() {
        stores.push(store.await.unwrap());
    }
    record(&stores[0], 1).await;
    for store in &stores {
        assert!(store.request(&id(0)).await.unwrap().is_some(), "all read what one wrote: they have one key");
    }
}
