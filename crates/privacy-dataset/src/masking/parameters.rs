//! Reads the parameters of a strategy. An unknown one is an error: a misspelt `algorithm` would mean the default
//! without anyone noticing.

use std::num::NonZeroU16;

use serde_json::{Map, Value};

use super::{StrategyError, digest::Algorithm};
use crate::nearest_names;

pub(super) const REWRITE_VALUE: &str = "rewrite_value";
pub(super) const ALGORITHM: &str = "algorithm";
pub(super) const LENGTH: &str = "length";
pub(super) const MODE: &str = "mode";
pub(super) const FORMAT_PRESERVATION: &str = "format_preservation";

const SUFFIX: &str = "format_preservation.suffix";
const DEFAULT_RANDOM_LENGTH: NonZeroU16 = NonZeroU16::new(30).unwrap();

/// The configuration of one strategy, with no key but the known ones.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    strategy: &'static str,
    values: Option<&'a Map<String, Value>>,
}

impl<'a> Parameters<'a> {
    pub(super) fn read(
        strategy: &'static str,
        known: &[&'static str],
        configuration: &'a Value,
    ) -> Result<Self, StrategyError> {
        let values = match configuration {
            Value::Null => None,
            Value::Object(values) => Some(values),
            other => return Err(StrategyError::NotAMapping { strategy, given: other.to_string() }),
        };
        let parameters = Self { strategy, values };
        for name in values.into_iter().flat_map(Map::keys) {
            parameters.check_name(name, known)?;
        }
        Ok(parameters)
    }

    /// `rewrite_value`: it has no default.
    pub(super) fn rewrite_value(&self) -> Result<String, StrategyError> {
        self.text(REWRITE_VALUE, self.get(REWRITE_VALUE))
    }

    /// `algorithm`: SHA-256 by default.
    pub(super) fn algorithm(&self) -> Result<Algorithm, StrategyError> {
        let Some(given) = self.get(ALGORITHM) else { return Ok(Algorithm::Sha256) };
        match given.as_str() {
            Some("SHA-256") => Ok(Algorithm::Sha256),
            Some("SHA-512") => Ok(Algorithm::Sha512),
            _ => Err(self.bad_value(ALGORITHM, given, "SHA-256 or SHA-512")),
        }
    }

    /// `length`: 30 by default.
    pub(super) fn length(&self) -> Result<NonZeroU16, StrategyError> {
        let Some(given) = self.get(LENGTH) else { return Ok(DEFAULT_RANDOM_LENGTH) };
        given
            .as_u64()
            .and_then(|length| u16::try_from(length).ok())
            .and_then(NonZeroU16::new)
            .ok_or_else(|| self.bad_value(LENGTH, given, "a whole number from 1 to 65535"))
    }

    /// `mode`: there is only GCM, and it is the default.
    pub(super) fn mode(&self) -> Result<(), StrategyError> {
        match self.get(MODE) {
            Some(given) if given.as_str() != Some("GCM") => Err(self.bad_value(MODE, given, "GCM")),
            _ => Ok(()),
        }
    }

    /// `format_preservation.suffix`: empty where there is none.
    pub(super) fn suffix(&self) -> Result<String, StrategyError> {
        let Some(given) = self.get(FORMAT_PRESERVATION).filter(|given| !given.is_null()) else {
            return Ok(String::new());
        };
        let Value::Object(below) = given else {
            return Err(self.bad_value(FORMAT_PRESERVATION, given, "a mapping with `suffix`"));
        };
        for name in below.keys() {
            self.check_name(&format!("{FORMAT_PRESERVATION}.{name}"), &[SUFFIX])?;
        }
        self.text(SUFFIX, below.get("suffix"))
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.values?.get(name)
    }

    fn text(&self, parameter: &'static str, given: Option<&Value>) -> Result<String, StrategyError> {
        match given {
            None => Err(StrategyError::MissingParameter { strategy: self.strategy, parameter }),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(self.bad_value(parameter, other, "a text")),
        }
    }

    fn check_name(&self, name: &str, known: &[&'static str]) -> Result<(), StrategyError> {
        if known.contains(&name) {
            return Ok(());
        }
        let known = nearest_names(name, known.iter().copied());
        Err(StrategyError::UnknownParameter { strategy: self.strategy, parameter: name.to_owned(), known })
    }

    fn bad_value(&self, parameter: &'static str, given: &Value, needed: &'static str) -> StrategyError {
        StrategyError::BadValue { strategy: self.strategy, parameter, given: given.to_string(), needed }
    }
}
