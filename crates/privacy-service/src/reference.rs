//! References of our own among those of callers: by them calls are recognised that carry an `Idempotency-Key`.

/// No reference of a caller may begin so.
pub(crate) const PREFIX: &str = "idempotency-key\u{1f}";

/// Whether a reference is one that a caller may use.
pub(crate) fn is_free(external_id: &str) -> bool {
    !external_id.starts_with(PREFIX)
}
