//! The rules of [`RequestStore`](crate::ports::RequestStore).
//!
//! Call [`request_store_conformance!`](crate::request_store_conformance) with the path of an
//! `async fn() -> impl Deref<Target = impl RequestStore>` that makes an empty store. The suite needs no control of the
//! store's clock: a lease of no duration is over at once.

mod batches;
mod claims;
mod decisions;
mod holds;
mod intake;
mod leases;
mod lists;
mod masking;
mod members;
mod regulations;
mod retention;
mod retries;
mod sample;
mod steps;
mod suite;

pub use batches::*;
pub use claims::*;
pub use decisions::*;
pub use holds::*;
pub use intake::*;
pub use leases::*;
pub use lists::*;
pub use masking::*;
pub use members::*;
pub use regulations::*;
pub use retention::*;
pub use retries::*;
pub use sample::begin_at;
pub use steps::*;
