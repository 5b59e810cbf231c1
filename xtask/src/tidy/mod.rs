//! Housekeeping that no compiler and no linter does, on the files that git knows or would add.
//!
//! - `source` blanks strings and comments so that the scanners need no parser,
//! - `size` measures files and functions,
//! - `facade` keeps `lib.rs` and `mod.rs` to docs, modules and re-exports,
//! - `leftover` finds what was meant to be finished,
//! - `text` checks whitespace and machine paths,
//! - `links` follows links between documents, to the headings that `anchors` finds,
//! - `exceptions` is the list of what may differ, with reasons.

mod anchors;
mod command;
mod exceptions;
mod facade;
mod leftover;
mod links;
mod problem;
mod size;
mod source;
mod text;

pub(crate) use self::command::{links, run};
