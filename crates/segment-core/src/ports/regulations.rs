//! Reading and creating regulations.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    Cursor, NewRegulation, Page, RegulationEntry, RegulationId, RegulationQuery, RegulationReport, SegmentError,
    Submission, Suppression, Workspace,
};

/// Reads regulations and suppressions of one workspace.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Regulations: Send + Sync + std::fmt::Debug {
    /// The workspace that the credential belongs to.
    async fn workspace(&self) -> Result<Workspace, SegmentError>;

    /// One regulation. `Ok(None)` where Segment does not know it: never existed, not visible yet, or older than 90 days.
    async fn get(&self, id: &RegulationId) -> Result<Option<RegulationReport>, SegmentError>;

    /// One page of the regulations of the last 90 days; their order is not documented.
    async fn list(&self, query: &RegulationQuery) -> Result<Page<RegulationEntry>, SegmentError>;

    /// One page of suppressed subjects.
    async fn suppressions(&self, next: Option<Cursor>) -> Result<Page<Suppression>, SegmentError>;
}

/// Creates regulations. Whoever holds this can delete; a dry run does not hold it.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait RegulationSubmit: Send + Sync + std::fmt::Debug {
    /// Creates a regulation, once. The call ends within this time, waiting included: what has not been sent by then is
    /// [`Submission::NotSent`], what has no answer by then is [`Submission::Unknown`].
    async fn create(&self, regulation: &NewRegulation, within: Duration) -> Submission;
}
