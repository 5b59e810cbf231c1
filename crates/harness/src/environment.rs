//! The only place of the harness that reads the environment.

/// A variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the harness is told by the environment what to run, read here only")]
pub(crate) fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
