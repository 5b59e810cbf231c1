//! What a check found.

use std::fmt;

/// The checks, by the names that exceptions use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    LongFile,
    LongFunction,
    Facade,
    Leftover,
    Whitespace,
    MachinePath,
    BrokenLink,
    CrateFolder,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) rule: Rule,
    /// Relative to the root of the workspace.
    pub(super) path: String,
    /// Counted from 1.
    pub(super) line: usize,
    /// What is wrong and how to repair it.
    pub(super) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} ({:?})", self.path, self.line, self.message, self.rule)
    }
}

/// The line of a position, counted from 1.
pub(super) fn line_of(text: &str, position: usize) -> usize {
    text[..position].matches('\n').count() + 1
}
