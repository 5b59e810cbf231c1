//! The JSON shapes that the command line and the HTTP API have in common: a contract. No identity value stands in any of
//! them, unless it was asked for.

mod check;
mod connection;
mod page;
mod plan;
mod quota;
mod request;
mod summary;

pub use check::{CheckShape, ConnectionChecksShape};
pub use connection::{ConnectionShape, FieldShape, LastTestShape};
pub use page::Page;
pub use plan::{DryRunShape, PlanShape, RejectedShape, StepShape};
pub use quota::QuotaShape;
pub use request::{
    DestinationShape, FindingShape, IdentitiesShape, IdentityShape, PackageShape, RegulationShape, RequestShape,
    TaskShape,
};
pub use summary::{LogShape, SummaryShape};
