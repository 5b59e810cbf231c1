//! Look-ups in the customer's own tables, on real databases.

mod answers;
mod checks;
mod conformance;
mod on_mysql;
mod on_postgres;
mod on_sqlite;
mod rows;
mod secrets;

use std::time::{Duration, Instant};

use privacy_dataset::Dataset;
use privacy_store::owned::{OwnedDirectory, OwnedOptions};
use secrecy::SecretString;
use segment_core::{
    Identity, IdentityKind,
    ports::{DirectoryAnswer, DirectoryError, SubjectDirectory},
};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{mysql, postgres};

/// Makes of each scenario a test on SQLite, one on PostgreSQL and one on MariaDB.
macro_rules! on_all {
    ($($scenario:ident)*) => {
        mod sqlite {
            $(#[tokio::test] async fn $scenario() { super::$scenario(super::World::sqlite()).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $scenario() {
                if let Some(world) = super::World::postgres().await { super::$scenario(world).await; }
            })*
        }
        mod mysql {
            $(#[tokio::test] async fn $scenario() {
                if let Some(world) = super::World::mysql().await { super::$scenario(world).await; }
            })*
        }
    };
}
pub(crate) use on_all;

/// A database to fill and to look up in.
pub(crate) enum World {
    Sqlite(tempfile::TempDir),
    Postgres(postgres::TestDatabase),
    Mysql(mysql::TestDatabase),
}

impl World {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) async fn postgres() -> Option<Self> {
        postgres::database().await.map(Self::Postgres)
    }

    pub(crate) async fn mysql() -> Option<Self> {
        mysql::database().await.map(Self::Mysql)
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite://{}", folder.path().join("shop.db").display()),
            Self::Postgres(database) => database.url.clone(),
            Self::Mysql(database) => database.url.clone(),
        }
    }

    /// What differs between them.
    pub(crate) fn pick<T>(&self, sqlite: T, postgres: T, mysql: T) -> T {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
            Self::Mysql(_) => mysql,
        }
    }

    pub(crate) async fn run(&self, sql: &str) {
        match self {
            Self::Postgres(database) => postgres::execute(&database.url, sql).await,
            // An index of a text wants to be told how much of it to read.
            Self::Mysql(database) => mysql::execute(&database.url, &sql.replace(" TEXT", " VARCHAR(400)")).await,
            Self::Sqlite(folder) => {
                let options =
                    SqliteConnectOptions::new().filename(folder.path().join("shop.db")).create_if_missing(true);
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// Runs statements in a transaction that stays open as long as what comes back.
    pub(crate) async fn hold(&self, sql: &str) -> Box<dyn std::any::Any + Send> {
        let sql = |begin: &str| AssertSqlSafe(format!("{begin}; {sql}"));
        match self {
            Self::Postgres(database) => {
                let mut connection = PgConnection::connect(&database.url).await.unwrap();
                sqlx::raw_sql(sql("BEGIN")).execute(&mut connection).await.unwrap();
                Box::new(connection)
            }
            Self::Mysql(database) => {
                let mut connection = MySqlConnection::connect(&database.url).await.unwrap();
                sqlx::raw_sql(sql("START TRANSACTION")).execute(&mut connection).await.unwrap();
                Box::new(connection)
            }
            Self::Sqlite(folder) => {
                let options = SqliteConnectOptions::new().filename(folder.path().join("shop.db"));
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::raw_sql(sql("BEGIN IMMEDIATE")).execute(&mut connection).await.unwrap();
                Box::new(connection)
            }
        }
    }

    /// The only column of a query, a text, of each row.
    pub(crate) async fn ask(&self, sql: &str) -> Vec<Option<String>> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres(database) => {
                let mut connection = PgConnection::connect(&database.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
            Self::Mysql(database) => {
                let mut connection = MySqlConnection::connect(&database.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
            Self::Sqlite(folder) => {
                let options = SqliteConnectOptions::new().filename(folder.path().join("shop.db"));
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    pub(crate) fn directory(&self, yaml: &str, target: &str) -> OwnedDirectory {
        self.directory_with(yaml, target, OwnedOptions::default())
    }

    pub(crate) fn directory_with(&self, yaml: &str, target: &str, options: OwnedOptions) -> OwnedDirectory {
        let datasets = Dataset::parse_all(yaml).unwrap();
        OwnedDirectory::connect(&SecretString::from(self.url()), "shop", datasets, target.parse().unwrap(), options)
            .unwrap()
    }
}

/// A dataset `shop` with these collections.
pub(crate) fn shop(collections: &str) -> String {
    format!("dataset:\n  - fides_key: shop\n    collections:\n{collections}")
}

/// One collection `customer` with an identity of that kind in `key` and the wanted field `id`.
pub(crate) fn customer(key: &str, kind: &str) -> String {
    shop(&format!(
        "      - {{ name: customer, fields: [{{ name: {key}, fides_meta: {{ identity: {kind} }} }}, {{ name: id }}] }}"
    ))
}

/// From an address over `contact.account` to `account.number`, and on to the wanted field `account.id`.
pub(crate) fn contacts() -> String {
    shop(
        "
      - { name: contact, fields: [{ name: email, fides_meta: { identity: email } }, { name: account }] }
      - name: account
        fields:
          - { name: number, fides_meta: { references: [{ dataset: shop, field: contact.account, direction: from }] } }
          - { name: id }
",
    )
}

/// A column's type, what it holds as SQL, what is asked for, whether that is found, and how many rows are dropped.
pub(crate) type TypeCase<'a> = (&'a str, &'a str, &'a str, bool, u64);

/// Asks a column of each type for a value.
pub(crate) async fn compares(world: &World, cases: &[TypeCase<'_>]) {
    for (sql_type, stored, asked, expected, mismatched) in cases {
        world.run(&format!("DROP TABLE IF EXISTS customer; CREATE TABLE customer (k {sql_type}, id text); INSERT INTO customer VALUES ({stored}, 'u1')")).await;
        let directory = world.directory(&customer("k", "user_id"), "shop.customer.id");
        let (ids, dropped) = found(&directory, "user_id", asked).await;
        assert_eq!((!ids.is_empty(), dropped), (*expected, *mismatched), "{sql_type} {stored} asked for {asked}");
    }
}

/// Asks a column of each type, which no single value can be compared with.
pub(crate) async fn refuses(world: &World, sql_types: &[&str]) {
    for sql_type in sql_types {
        world.run(&format!("DROP TABLE IF EXISTS customer; CREATE TABLE customer (k {sql_type}, id text)")).await;
        let directory = world.directory(&customer("k", "user_id"), "shop.customer.id");
        let error = ask(&directory, "user_id", "(1,2)").await.unwrap_err();
        assert!(matches!(error, DirectoryError::Schema(_)), "{sql_type}: {error:?}");
    }
}

/// The table `customer` at a URL.
pub(crate) fn at(url: &str) -> OwnedDirectory {
    let datasets = Dataset::parse_all(&customer("email", "email")).unwrap();
    let target = "shop.customer.id".parse().unwrap();
    OwnedDirectory::connect(&url.into(), "shop", datasets, target, OwnedOptions::default()).unwrap()
}

/// Asks a view that takes half a minute for each row.
pub(crate) async fn is_broken_off(world: &World, id: &str) {
    world
        .run(&format!(
            "CREATE TABLE t (email TEXT); INSERT INTO t VALUES ('a@b.c'); CREATE VIEW customer AS SELECT email, {id} AS id FROM t"
        ))
        .await;
    let options = OwnedOptions::default().with_statement_timeout(Duration::from_millis(200));
    let directory = world.directory_with(&customer("email", "email"), "shop.customer.id", options);
    let started = Instant::now();
    let error = ask(&directory, "email", "a@b.c").await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5));
    let DirectoryError::Query { source, .. } = error else { panic!("{error:?}") };
    assert!(source.to_string().starts_with("the query took too long"), "{source}");
}

/// Asks for a database that is not there.
pub(crate) async fn is_no_database(world: &World) {
    let (lines, messages) = described(&at(&format!("{}_not", world.url()))).await;
    assert_eq!(lines, ["dataset shop: connection: failed"]);
    assert!(messages.contains("the database does not exist"), "{messages}");
}

pub(crate) async fn ask(
    directory: &OwnedDirectory,
    kind: &str,
    value: &str,
) -> Result<DirectoryAnswer, DirectoryError> {
    let identity = Identity::new(IdentityKind::parse(kind).unwrap(), value).unwrap();
    directory.user_ids(&identity, 100).await
}

/// The user ids, sorted, with how many rows were dropped.
pub(crate) async fn found(directory: &OwnedDirectory, kind: &str, value: &str) -> (Vec<String>, u64) {
    let answer = ask(directory, kind, value).await.unwrap();
    assert!(answer.searched);
    let mut ids: Vec<_> = answer.user_ids.iter().map(|id| id.expose().clone()).collect();
    ids.sort();
    (ids, answer.mismatched)
}

/// Each check as `name: ok`, `name: warning`, or `name: failed`, and all messages.
pub(crate) async fn described(directory: &OwnedDirectory) -> (Vec<String>, String) {
    let (mut lines, mut messages) = (Vec::new(), String::new());
    for check in directory.describe().await {
        let how = match check.result {
            Ok(_) => "ok",
            Err(problem) => {
                messages += &problem.message;
                messages.push('\n');
                if problem.warning { "warning" } else { "failed" }
            }
        };
        lines.push(format!("{}: {how}", check.name));
    }
    (lines, messages)
}
