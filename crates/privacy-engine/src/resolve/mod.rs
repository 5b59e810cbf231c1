//! Who is it? Every identity alone, then joined: more than one person stops everything.

mod find;
mod join;
mod puzzle;
mod spelling;
mod trace;
mod walk;

pub use find::{Found, resolve};
pub use puzzle::{Puzzle, ResolveError};
pub(crate) use walk::{spellings, there};
