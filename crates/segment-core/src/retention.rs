//! How long personal data are kept after a request is over, and what is due to go.

use std::time::Duration;

use crate::RequestId;

/// How long personal data are kept, counted from the end of the request, or from the last read-back that was planned for
/// what it ordered, whichever is later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Until the package is deleted.
    pub packages: Duration,
    /// Until identities, user ids and everything else that names the person is destroyed.
    pub identities: Duration,
    /// When the last read-back is, counted from the end of a regulation.
    pub last_look: Duration,
}

/// What is due to go of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// The request.
    pub request: RequestId,
    /// Where the package is that is to be deleted.
    pub package: Option<String>,
    /// Whether what names the person is to be destroyed.
    pub identities: bool,
}
