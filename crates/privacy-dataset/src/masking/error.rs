//! Why a masking strategy cannot be had. Everything named here comes from the configuration, nothing from a row.

use thiserror::Error;

/// Why a name and a configuration make no masking strategy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// No strategy of that name.
    #[error("there is no masking strategy `{name}`; {known}")]
    UnknownStrategy {
        /// The name.
        name: String,
        /// The nearest known names.
        known: String,
    },
    /// The configuration is a text, a number or a list.
    #[error("the configuration of `{strategy}` is {given}: write a mapping of its parameters, or leave it out")]
    NotAMapping {
        /// The strategy's name.
        strategy: &'static str,
        /// What stands there.
        given: String,
    },
    /// A parameter that the strategy does not have.
    #[error("`{strategy}` has no parameter `{parameter}`; {known}")]
    UnknownParameter {
        /// The strategy's name.
        strategy: &'static str,
        /// The parameter, with what it stands below.
        parameter: String,
        /// The nearest known names.
        known: String,
    },
    /// A parameter without which the strategy does nothing.
    #[error("`{strategy}` needs `{parameter}`: add it to the configuration")]
    MissingParameter {
        /// The strategy's name.
        strategy: &'static str,
        /// The parameter, with what it stands below.
        parameter: &'static str,
    },
    /// A value that the parameter cannot have.
    #[error("`{parameter}` of `{strategy}` is {given}: use {needed}")]
    BadValue {
        /// The strategy's name.
        strategy: &'static str,
        /// The parameter, with what it stands below.
        parameter: &'static str,
        /// What stands there.
        given: String,
        /// What can stand there.
        needed: &'static str,
    },
}
