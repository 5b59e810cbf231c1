//! What people and scripts read: results to stdout, everything else to stderr.

mod print;
mod progress;
pub(crate) mod shapes;
pub(crate) mod tables;

pub(crate) use print::{Output, usage};
pub(crate) use progress::ProgressLine;
#[cfg(test)]
mod tests;
