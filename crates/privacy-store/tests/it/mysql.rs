//! Databases on a throw-away MariaDB server, which `cargo xtask test` starts.

use std::str::FromStr;

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, mysql::MySqlConnectOptions};

use crate::postgres::{run_elsewhere, server, unique};

/// A database of its own, dropped at the end. Nothing is equal in it that is not the same.
pub(crate) struct TestDatabase {
    server: String,
    name: String,
    pub(crate) url: String,
}

/// A new database, or `None` with a loud line where no server is configured. In CI that is a failure.
pub(crate) async fn database() -> Option<TestDatabase> {
    let (server, name) = (server("SEGMENT_PRIVACY_TEST_MYSQL")?, unique());
    execute(&server, &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")).await;
    let (address, _) = server.rsplit_once('/').unwrap();
    let url = format!("{address}/{name}");
    Some(TestDatabase { server, name, url })
}

/// Runs statements at a database, quotes and backslashes as the standard has them.
pub(crate) async fn execute(url: &str, sql: &str) {
    let mut connection = MySqlConnection::connect_with(&MySqlConnectOptions::from_str(url).unwrap()).await.unwrap();
    connection.execute("SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'").await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (url, sql) = (self.server.clone(), format!("DROP DATABASE {}", self.name));
        run_elsewhere(async move { execute(&url, &sql).await });
    }
}
