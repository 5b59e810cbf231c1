#![doc = include_str!("../README.md")]

mod api;
mod auth;
mod dashboard;
mod desk;
mod docs;
mod gathering;
mod limits;
pub mod metrics;
mod policy;
mod private;
mod problem;
mod reference;
mod request_id;
mod server;
mod service;
pub mod shapes;
mod standing;
mod webhooks;

pub use api::openapi;
pub use auth::{Secret, new_token};
pub use desk::{ConnectionChange, Desk, PackageFile, Refusal, RefusalKind};
pub use policy::RequestPolicy;
pub use problem::Problem;
pub use server::{Listen, ListenError, Running, TlsFiles, listen};
pub use service::{Parts, Service};
pub use webhooks::{Deliverer, Webhook, WebhookError};
