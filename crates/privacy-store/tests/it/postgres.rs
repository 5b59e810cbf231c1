//! Databases on a throw-away PostgreSQL server, which `cargo xtask test` starts.

use std::{
    hash::{BuildHasher, RandomState},
    str::FromStr,
};

use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

const VARIABLE: &str = "SEGMENT_PRIVACY_TEST_POSTGRES";

/// A database of its own, dropped at the end.
pub(crate) struct TestDatabase {
    server: String,
    name: String,
    pub(crate) url: String,
}

/// A new database, or `None` with a loud line where no server is configured. In CI that is a failure.
pub(crate) async fn database() -> Option<TestDatabase> {
    let server = server(VARIABLE)?;
    let name = unique();
    execute(&server, &format!("CREATE DATABASE {name}")).await;
    let url = with_database(&server, &name);
    Some(TestDatabase { server, name, url })
}

/// The server for tests that a variable names, or `None` with a loud line. In CI that is a failure.
#[expect(clippy::disallowed_methods, reason = "the environment says where the test server is")]
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub(crate) fn server(variable: &str) -> Option<String> {
    let server = std::env::var(variable).ok();
    if server.is_none() {
        assert!(
            std::env::var("CI").is_err(),
            "{variable} is not set: in CI its tests must run, see `cargo xtask test`"
        );
        eprintln!("SKIPPED: {variable} is not set, so nothing was tested on such a server");
    }
    server
}

/// A name that nobody uses.
pub(crate) fn unique() -> String {
    format!("test_{:016x}", RandomState::new().hash_one(0))
}

/// A name for a schema in the server's own database, which is quicker to make than a database; dropped at the end.
pub(crate) struct TestSchema {
    pub(crate) url: String,
    pub(crate) name: String,
}

/// A name that nobody uses, or `None` as for [`database`].
pub(crate) fn schema() -> Option<TestSchema> {
    server(VARIABLE).map(|url| TestSchema { url, name: unique() })
}

impl Drop for TestSchema {
    fn drop(&mut self) {
        // A connection that is being closed may still hold locks, and closes on the thread that waits here.
        let sql = "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
                   JOIN pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.nspname = '{name}' AND l.pid <> pg_backend_pid(); DROP SCHEMA IF EXISTS {name} CASCADE";
        let (url, sql) = (self.url.clone(), sql.replace("{name}", &self.name));
        run_elsewhere(async move { execute(&url, &sql).await });
    }
}

/// Runs statements at a database.
pub(crate) async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect_with(&PgConnectOptions::from_str(url).unwrap()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn with_database(server: &str, name: &str) -> String {
    let (address, parameters) = server.split_once('?').map_or((server, None), |(a, p)| (a, Some(p)));
    let (scheme, rest) = address.split_once("://").unwrap();
    let host = rest.split('/').next().unwrap_or_default();
    let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
    format!("{scheme}://{host}/{name}{parameters}")
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (url, sql) = (self.server.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        run_elsewhere(async move { execute(&url, &sql).await });
    }
}

/// Not on this thread, which is inside a runtime.
pub(crate) fn run_elsewhere(work: impl Future<Output = ()> + Send + 'static) {
    let done = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(work);
    });
    let _ = done.join();
}
