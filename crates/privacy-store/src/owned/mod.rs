//! The *owned database*: the customer's own tables, which say who an identity is.
//!
//! [`OwnedDirectory`] runs the look-up plans of [`privacy_dataset`] on SQLite, PostgreSQL, MySQL and MariaDB, [`OwnedRows`] its
//! traversals. All that reads cannot write: SQLite files are opened read-only, PostgreSQL sessions have
//! `default_transaction_read_only = on`, those of MySQL and MariaDB begin with `SET SESSION TRANSACTION READ ONLY`. Only a
//! masking opens a connection that may write, for one transaction.
//!
//! # How values are compared
//!
//! Keys are bind parameters, cast to the type of the live column, so that an index serves the look-up. Databases equate
//! more than we may: `'12abc'` and 12, accents with their letters, upper with lower case. So the key of each row that
//! comes back is compared again here, and rows whose key differs are dropped and counted as `mismatched`:
//!
//! - text exactly; e-mail identities ASCII-case-insensitively (they are asked for as given and in lower case)
//! - numbers by their canonical text: the identity `42` equals a `bigint` 42 or a `numeric` 42.00, `042` does not
//! - `char(n)` without the padding, `uuid` without regard to case, hyphens and braces
//!
//! Rows without a value, or with an empty one, lead nowhere: an empty key would join everybody who has none.
//!
//! # How to add a database
//!
//! Implement the private traits `Database` and `Writer` (one folder: `sqlite` is the shorter example; what servers share is in
//! `server.rs`) and add its scheme to `databases.rs`. Planning, chunks, comparison, limits, masking and checks are shared.

mod database;
mod databases;
mod describe;
mod directory;
mod error;
mod lookup;
mod mysql;
mod options;
mod person;
mod postgres;
mod server;
mod sqlite;

pub use databases::OwnedDatabases;
pub use directory::OwnedDirectory;
pub use error::OwnedError;
pub use options::OwnedOptions;
pub use person::OwnedRows;
