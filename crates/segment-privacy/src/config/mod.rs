//! The configuration: a file, overridden by the environment. This is the only place that reads the environment.

mod connection;
mod dataset;
mod environment;
mod load;
mod model;
mod nearest;
mod resolved;
mod secret;
pub(crate) mod server;
pub(crate) mod stored;
#[cfg(test)]
mod tests;

pub(crate) use connection::{Dialect, ResolvedConnection};
pub(crate) use dataset::ResolvedDataset;
pub(crate) use environment::{operator, temporary_folder, variables};
pub(crate) use load::load;
pub(crate) use model::{ConfigFile, ConnectionConfig, Kind, LimitsConfig, ScopeConfig, UserIdField, shown_url};
pub(crate) use nearest::misspelt_kind;
pub(crate) use resolved::Loaded;
pub(crate) use secret::{Secret, checked, default_key};
