//! Who calls, and what a route needs of them.

use std::{collections::BTreeSet, marker::PhantomData};

use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};
use segment_core::{Scope, TokenId};

use crate::{problem::Problem, service::Service};

/// Somebody with a token that is good.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) token: TokenId,
    /// What the log calls them.
    pub(crate) name: String,
    pub(crate) scopes: BTreeSet<Scope>,
}

impl Caller {
    pub(crate) fn has(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "scope_missing",
            format!("this needs a token with the scope {scope}, which the token {} does not have", self.name),
        ))
    }
}

/// A caller with the scope that a route needs: the first argument of each handler.
#[derive(Debug)]
pub(crate) struct May<S>(pub(crate) Caller, pub(crate) PhantomData<S>);

/// Which scope it is.
pub(crate) trait Needs: Send + Sync {
    const SCOPE: Scope;
}

macro_rules! needs {
    ($($name:ident)+) => {
        $(
            #[derive(Debug)]
            pub(crate) struct $name;

            impl Needs for $name {
                const SCOPE: Scope = Scope::$name;
            }
        )+
    };
}

needs!(Read Submit Review Package Admin);

impl<S: Needs> FromRequestParts<Service> for May<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let caller = service.guard().caller(parts, service).await?;
        caller.has(S::SCOPE)?;
        Ok(Self(caller, PhantomData))
    }
}
