//! Who may do what: bearer tokens with scopes.

mod caller;
mod failures;
mod guard;
mod token;

pub(crate) use caller::{Admin, Caller, May, Package, Read, Review, Submit};
pub(crate) use guard::Guard;
pub use token::{Secret, new_token};
