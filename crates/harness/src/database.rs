//! Databases as other programs see them: the owned tables, and locks on the record database.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, PgConnection, SqliteConnection,
    sqlite::SqliteConnectOptions,
};

use crate::rig::Rig;

/// The dataset of Fides' own examples, as its users have it.
pub(crate) const FIDES: &str = include_str!("../../privacy-dataset/tests/data/postgres_example_test_dataset.yml");

/// Runs database work to its end.
pub(crate) fn wait<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Opens a SQLite file, made if it is missing.
pub(crate) async fn sqlite(path: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.with_context(|| format!("cannot open {}", path.display()))
}

/// Runs statements on a SQLite file.
pub(crate) fn execute(path: &Path, statements: &str) -> Result<()> {
    wait(async {
        let mut connection = sqlite(path).await?;
        connection.execute(AssertSqlSafe(statements.to_owned())).await?;
        connection.close().await?;
        Ok(())
    })
}

/// The tables that the example dataset names, with these customers: id and e-mail address.
pub(crate) fn shop(customers: &[(i64, &str)]) -> String {
    let rows: Vec<_> =
        customers.iter().map(|(id, email)| format!("({id}, '{}', 'Name {id}')", email.replace('\'', "''"))).collect();
    format!(
        "CREATE TABLE customer (id BIGINT PRIMARY KEY, email VARCHAR(320), name VARCHAR(40), address_id BIGINT, created TIMESTAMP);
         CREATE TABLE employee (id BIGINT PRIMARY KEY, email VARCHAR(320), name VARCHAR(40), address_id BIGINT);
         CREATE TABLE visit (email VARCHAR(320), last_visit TIMESTAMP);
         CREATE TABLE service_request (id BIGINT PRIMARY KEY, email VARCHAR(320), alt_email VARCHAR(320), opened DATE,
             closed DATE, employee_id BIGINT);
         CREATE TABLE login (id BIGINT PRIMARY KEY, customer_id BIGINT, time TIMESTAMP);
         CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT, shipping_address_id BIGINT);
         CREATE INDEX customer_email ON customer (email);
         INSERT INTO customer (id, email, name) VALUES {};",
        rows.join(", ")
    )
}

/// Gives a rig an owned database on SQLite with these customers, whom nothing may name.
pub(crate) fn own_sqlite(rig: &Rig, customers: &[(i64, &str)]) -> Result<()> {
    execute(&rig.path("shop.db"), &shop(customers))?;
    rig.write("shop.url", "sqlite://shop.db")?;
    rig.write("shop_dataset.yml", FIDES)?;
    for (id, email) in customers {
        rig.keep_private(&id.to_string());
        rig.keep_private(email);
    }
    Ok(())
}

/// A small shop: who bought what, and lives where.
pub(crate) const SHOP: &str = "
dataset:
  - fides_key: shop
    collections:
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email } }
          - { name: name, data_categories: [user.name] }
          - { name: segment_id }
          - { name: address_id, fides_meta: { references: [{ dataset: shop, field: address.id, direction: to }] } }
      - name: orders
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: customer_id, fides_meta: { references: [{ dataset: shop, field: customer.id, direction: from }] } }
          - { name: note, data_categories: [user] }
      - name: address
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: street, data_categories: [user.contact.address.street] }
";

/// Ann with two orders, Ben with one; they share an address, Ann has another of her own.
pub(crate) const SHOPPERS: &str = "
    CREATE TABLE address (id BIGINT PRIMARY KEY, street VARCHAR(80));
    CREATE TABLE customer (id BIGINT PRIMARY KEY, email VARCHAR(320), name VARCHAR(80), segment_id VARCHAR(40), address_id BIGINT);
    CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT, note VARCHAR(80));
    CREATE INDEX customer_email ON customer (email); CREATE INDEX customer_segment ON customer (segment_id);
    CREATE INDEX customer_address ON customer (address_id); CREATE INDEX orders_customer ON orders (customer_id);
    INSERT INTO address VALUES (7, 'Long Lane'), (8, 'Short Street');
    INSERT INTO customer VALUES (1, 'ann@shop.example', 'Ann Archer', 'seg-ann', 7), (2, 'ben@shop.example', 'Ben Baker', 'seg-ben', 7);
    INSERT INTO customer VALUES (3, 'ANN@shop.example', 'A. Archer', 'seg-ann', 8);
    INSERT INTO orders VALUES (10, 1, 'ring twice'), (11, 1, NULL), (12, 2, 'back door');";

/// Gives a rig the small shop on a database at this address, whom nothing may name.
pub(crate) fn open_shop(rig: &Rig, url: &str) -> Result<()> {
    rig.write("shop.url", url)?;
    rig.write("shop_dataset.yml", SHOP)?;
    for text in [
        "ann@shop.example",
        "ben@shop.example",
        "Archer",
        "Ben Baker",
        "seg-ann",
        "Long Lane",
        "Short Street",
        "ring twice",
        "back door",
    ] {
        rig.keep_private(text);
    }
    Ok(())
}

/// The same on a SQLite file.
pub(crate) fn open_sqlite_shop(rig: &Rig) -> Result<()> {
    execute(&rig.path("shop.db"), SHOPPERS)?;
    open_shop(rig, "sqlite://shop.db")
}

/// The only column of a query on a SQLite file, a text, of each row.
pub(crate) fn ask(path: &Path, sql: &str) -> Result<Vec<Option<String>>> {
    wait(async {
        let mut connection = sqlite(path).await?;
        Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await?)
    })
}

/// A database of its own on a PostgreSQL server, dropped at the end.
#[derive(Debug)]
pub(crate) struct PostgresDatabase {
    server: String,
    name: String,
}

impl PostgresDatabase {
    pub(crate) fn create(server: &str, statements: &str) -> Result<Self> {
        let name = unique();
        run_on(server, &format!("DROP DATABASE IF EXISTS {name}"))?;
        run_on(server, &format!("CREATE DATABASE {name}"))?;
        let database = Self { server: server.to_owned(), name };
        run_on(&database.url(), statements)?;
        Ok(database)
    }

    /// Runs statements.
    pub(crate) fn execute(&self, statements: &str) -> Result<()> {
        run_on(&self.url(), statements)
    }

    /// The only column of a query, a text, of each row.
    pub(crate) fn ask(&self, sql: &str) -> Result<Vec<Option<String>>> {
        wait(async {
            let mut connection = PgConnection::connect(&self.url()).await?;
            Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await?)
        })
    }

    /// Everything in a schema as text; nothing if there is no such schema.
    pub(crate) fn dump(&self, schema: &str) -> Result<Option<String>> {
        wait(async {
            let mut connection = PgConnection::connect(&self.url()).await?;
            let sql = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = $1";
            let tables: Vec<String> = sqlx::query_scalar(sql).bind(schema).fetch_all(&mut connection).await?;
            let mut text = String::new();
            for table in &tables {
                let sql = format!("SELECT string_agg(t::text, ' ') FROM {schema}.{table} t");
                let rows: Option<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await?;
                text.push_str(&rows.unwrap_or_default());
            }
            connection.close().await?;
            Ok((!tables.is_empty()).then_some(text))
        })
    }

    pub(crate) fn url(&self) -> String {
        let (base, query) = match self.server.split_once('?') {
            Some((base, query)) => (base, format!("?{query}")),
            None => (self.server.as_str(), String::new()),
        };
        let authority = base.find("://").map_or(0, |at| at + 3);
        let end = base[authority..].find('/').map_or(base.len(), |at| authority + at);
        format!("{}/{}{query}", &base[..end], self.name)
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        // The server is a throw-away one; a database that stays is not worth a failure.
        let _ = run_on(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// A database of its own on a MySQL or MariaDB server, dropped at the end.
#[derive(Debug)]
pub(crate) struct MysqlDatabase {
    server: String,
    name: String,
}

impl MysqlDatabase {
    pub(crate) fn create(server: &str, statements: &str) -> Result<Self> {
        let name = unique();
        run_on_mysql(server, &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"))?;
        let database = Self { server: server.to_owned(), name };
        run_on_mysql(&database.url(), statements)?;
        Ok(database)
    }

    pub(crate) fn url(&self) -> String {
        let address = self.server.rsplit_once('/').map_or(self.server.as_str(), |(address, _)| address);
        format!("{address}/{}", self.name)
    }
}

impl MysqlDatabase {
    /// The only column of a query, a text, of each row.
    pub(crate) fn ask(&self, sql: &str) -> Result<Vec<Option<String>>> {
        wait(async {
            let mut connection = MySqlConnection::connect(&self.url()).await?;
            Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await?)
        })
    }
}

impl Drop for MysqlDatabase {
    fn drop(&mut self) {
        // As for PostgreSQL.
        let _ = run_on_mysql(&self.server, &format!("DROP DATABASE IF EXISTS {}", self.name));
    }
}

/// A name that no other database has.
fn unique() -> String {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    format!("harness_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

fn run_on_mysql(url: &str, statements: &str) -> Result<()> {
    wait(async {
        let mut connection = MySqlConnection::connect(url).await.context("cannot connect to MySQL")?;
        connection.execute(AssertSqlSafe(statements.to_owned())).await?;
        connection.close().await?;
        Ok(())
    })
}

fn run_on(url: &str, statements: &str) -> Result<()> {
    wait(async {
        let mut connection = PgConnection::connect(url).await.context("cannot connect to PostgreSQL")?;
        connection.execute(AssertSqlSafe(statements.to_owned())).await?;
        connection.close().await?;
        Ok(())
    })
}
