//! The project's README, so that its examples are compiled.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ProjectReadme;
