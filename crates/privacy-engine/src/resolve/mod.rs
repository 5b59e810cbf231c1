//! Who is it? Every identity alone, then joined: more than one person stops everything.

mod find;
mod join;
mod spelling;
mod walk;

pub use find::{Found, Puzzle, ResolveError, resolve};
