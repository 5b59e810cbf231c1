//! The routes under `/api/v1`, in the shapes of Fides where it has one.

mod body;
mod connections;
mod create;
mod decide;
mod document;
mod fides;
mod files;
mod idempotency;
mod identity;
mod list;
mod operations;
mod preview;
mod query;
mod read;
mod routes;

pub use document::openapi;
pub(crate) use {
    create::{NewPrivacyRequest, take},
    decide::{decide, sentence},
    document::text,
    fides::ledgers_of,
    files::{evidence_of, package_of},
    idempotency::IdempotencyKey,
    query::Parameters,
    read::request_id,
    routes::routes,
};
