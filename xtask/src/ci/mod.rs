//! What continuous integration runs, and what it runs once a week.
//!
//! - `step` names the checks and runs one,
//! - `choice` reads the words after `ci`,
//! - `command` runs what was chosen, with a table of how it went.

mod choice;
mod command;
mod step;

pub(crate) use self::choice::Choice;
pub(crate) use self::command::run;
