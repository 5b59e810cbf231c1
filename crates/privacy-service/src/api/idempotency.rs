//! The header `Idempotency-Key`: the same call again is the same requests again.
//!
//! A request without a reference of the caller's gets one that names the token, the key and its place in the call. From then on
//! it is recognised like any other: by every process, and in the transaction that records the call, all of it or nothing.

use http::{HeaderMap, StatusCode};
use segment_core::{Pii, TokenId};

use crate::{problem::Problem, reference::PREFIX};

const HEADER: &str = "idempotency-key";

/// The key of a call.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    pub(super) fn read(headers: &HeaderMap, caller: &TokenId) -> Result<Option<Self>, Problem> {
        let mut all = headers.get_all(HEADER).iter();
        let Some(value) = all.next() else { return Ok(None) };
        let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len()) && all.next().is_none());
        let key = key.ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "idempotency_key_invalid",
                "the header Idempotency-Key must hold 1 to 255 visible characters, once",
            )
        })?;
        Ok(Some(Self(format!("{PREFIX}{caller}\u{1f}{key}"))))
    }

    /// The key of a form: sent again, it is the same call.
    pub(crate) fn of_form(key: &str, caller: &TokenId) -> Self {
        Self(format!("{PREFIX}{caller}\u{1f}form {key}"))
    }

    /// The reference of a request, by its place in the call.
    pub(super) fn reference(&self, place: usize) -> Pii<String> {
        Pii::new(format!("{}\u{1f}{place}", self.0))
    }
}

/// The key belongs to another call.
pub(super) fn reused() -> Problem {
    Problem::invalid(
        "idempotency_key_reused",
        "the Idempotency-Key was used for something else; give each call a key of its own. Nothing was recorded",
    )
}
