//! Databases on a throw-away PostgreSQL server, which `cargo xtask test` starts.

use std::{
    hash::{BuildHasher, RandomState},
    str::FromStr,
};

use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

/// A database of its own, dropped at the end.
pub(crate) struct TestDatabase {
    server: String,
    name: String,
    pub(crate) url: String,
}

/// A new database, or `None` with a loud line where no server is configured. In CI that is a failure.
#[expect(clippy::disallowed_methods, reason = "the environment says where the test server is")]
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub(crate) async fn database() -> Option<TestDatabase> {
    let Ok(server) = std::env::var("SEGMENT_PRIVACY_TEST_POSTGRES") else {
        assert!(
            std::env::var("CI").is_err(),
            "SEGMENT_PRIVACY_TEST_POSTGRES is not set: in CI the PostgreSQL tests must run, see `cargo xtask test`"
        );
        eprintln!("SKIPPED: SEGMENT_PRIVACY_TEST_POSTGRES is not set, so nothing was tested on PostgreSQL");
        return None;
    };
    let name = format!("test_{:016x}", RandomState::new().hash_one(0));
    execute(&server, &format!("CREATE DATABASE {name}")).await;
    let url = with_database(&server, &name);
    Some(TestDatabase { server, name, url })
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
        let (server, sql) = (self.server.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        // Not on this thread, which is inside a runtime.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(execute(&server, &sql));
        });
        let _ = dropped.join();
    }
}
