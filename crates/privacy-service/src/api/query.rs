//! Queries, parameter by parameter: one that is not known is an error, rather than a filter that does nothing.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;

use crate::{private::Private, problem::Problem};

/// What stands after the question mark, in its order. Each parameter is taken out; what is left is not known.
#[derive(Debug)]
pub(crate) struct Parameters(Private<Vec<(String, String)>>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(Private(Query::from_request_parts(parts, state).await?.0)))
    }
}

impl Parameters {
    /// Every value of a parameter that may be given again.
    pub(crate) fn all(&mut self, name: &str) -> Vec<String> {
        let (named, rest) = std::mem::take(&mut self.0.0).into_iter().partition(|(key, _)| key == name);
        self.0 = Private(rest);
        named.into_iter().map(|(_, value): (String, String)| value).collect()
    }

    /// A parameter that is given at most once.
    pub(crate) fn one<T: FromStr>(&mut self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        let mut all = self.all(name);
        let Some(value) = all.pop() else { return Ok(None) };
        let value = value.parse().ok().filter(|_| all.is_empty());
        value.map(Some).ok_or_else(|| Problem::invalid("query_invalid", format!("{name} must be {expected}, once")))
    }

    /// Which page, from 1, and how many on it.
    pub(crate) fn page(&mut self) -> Result<(u64, u64), Problem> {
        let page = self.one("page", "a number from 1")?.unwrap_or(1);
        let size = self.one("size", "a number from 1 to 100")?.unwrap_or(50);
        if !(1..=1_000_000_000).contains(&page) {
            return Err(Problem::invalid("query_invalid", "page must be a number from 1"));
        }
        if !(1..=100).contains(&size) {
            return Err(Problem::invalid("query_invalid", "size must be a number from 1 to 100"));
        }
        Ok((page, size))
    }

    /// Nothing else was given.
    pub(crate) fn end(self) -> Result<(), Problem> {
        match self.0.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::invalid("query_invalid", format!("there is no parameter {name:?}"))),
        }
    }
}
