//! Suites that every implementation of a port runs. Each function is one test and its documentation is the rule; the
//! macros make a `#[tokio::test]` of each, in the crate that calls them.

pub mod directory;
pub mod package;
pub mod profiles;
pub mod regulations;
pub mod store;
