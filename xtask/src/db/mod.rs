//! A throw-away PostgreSQL and MariaDB from the binaries that are installed.
//!
//! PostgreSQL has trust authentication, on 127.0.0.1 only, no fsync:
//!
//! - `binaries` finds them,
//! - `account` runs them as somebody else when we are root, which PostgreSQL refuses,
//! - `server` makes, starts and stops one cluster in a temporary folder,
//! - `guard` ties a server to the life of this process,
//! - `command` is `cargo xtask db`, whose `start` leaves a server running.
//!
//! `mariadb` is all of the same for MariaDB, which has no `start`.

mod account;
mod binaries;
mod command;
mod guard;
mod mariadb;
mod server;

pub(crate) use self::command::run;
pub(crate) use self::guard::Postgres;
pub(crate) use self::mariadb::MariaDb;
