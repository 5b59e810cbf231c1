//! What somebody sent, or is shown: it may name a person or be a secret, and stands in no `Debug`.

use serde::{Deserialize, Serialize};

/// A value that is not shown by accident. On the wire it is the value alone.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Private<T>(pub(crate) T);

impl<T> std::fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[not shown]")
    }
}
