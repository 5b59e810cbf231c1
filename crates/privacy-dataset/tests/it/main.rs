//! One integration binary that mirrors `src/`.

#![expect(clippy::unwrap_used, reason = "a helper of a test panics as a test does")]
#![expect(clippy::format_push_string, reason = "shorter, and speed does not matter here")]

mod fides;
mod field_ref;
mod masked_fields;
mod parse;
mod plan;
mod properties;
mod shop;
mod traversal;
