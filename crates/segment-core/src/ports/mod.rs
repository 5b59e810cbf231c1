//! What the use cases need from the outside. Each port is minimal and object-safe and has no default methods, so that
//! a wrapper cannot silently bypass the thing it wraps.
//!
//! A dry run is composed without the ports that write: [`RegulationSubmit`], [`SubjectMasker`],
//! [`RequestStore`] and [`PackageSink`].

mod accounts;
mod directory;
mod outbox;
mod package;
mod profiles;
mod regulations;
mod rows;
mod store;
mod system;

pub use accounts::Accounts;
pub use directory::{DirectoryAnswer, DirectoryCheck, DirectoryError, DirectoryProblem, SubjectDirectory};
pub use outbox::Outbox;
pub use package::{PackageError, PackageSink, PackageWriter};
pub use profiles::Profiles;
pub use regulations::{RegulationSubmit, Regulations};
pub use rows::{Begun, Masking, SubjectMasker, SubjectRows};
pub use store::{RequestStore, StoreError};
pub use system::{Clock, Lane, Pacer, Random};

#[cfg(feature = "testing")]
pub use {
    directory::MockSubjectDirectory,
    package::MockPackageSink,
    profiles::MockProfiles,
    regulations::{MockRegulationSubmit, MockRegulations},
    rows::{MockMasking, MockSubjectMasker},
    store::MockRequestStore,
};
