//! Publishing: a dry run unless it is told otherwise, and a second run goes on where the first one ended.
//!
//! - `order` is which crate comes before which,
//! - `registry` is what is there already,
//! - `changelog` is whether a version is described, and is that of a tag,
//! - `command` does it.

mod changelog;
mod command;
mod order;
mod registry;

pub(crate) use self::changelog::check_tag;
pub(crate) use self::command::run;
