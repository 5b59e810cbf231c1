//! The ports of segment-core on the Public API.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::Stream;
use secrecy::SecretString;
use segment_core::{
    Cursor, ErrorKind, NewRegulation, Page, Paged, RegulationEntry, RegulationId, RegulationQuery, RegulationReport,
    SegmentError, Service, Submission, Suppression, Workspace, pages,
    ports::{RegulationSubmit, Regulations},
};

use super::{answers, requests};
use crate::{Credential, Endpoint, Environment, Transport, order::order};

/// Regulations and suppressions of the workspace that a Public API token belongs to.
#[derive(Debug, Clone)]
pub struct PublicApi {
    transport: Transport,
}

impl PublicApi {
    /// A client for this endpoint, such as [`Endpoint::PUBLIC_US`], with a Public API token of a Workspace Owner.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] if the token cannot stand in a header.
    pub fn new(endpoint: Endpoint, token: SecretString, environment: Environment) -> Result<Self, SegmentError> {
        let credential = Credential::Bearer(token);
        Transport::new(Service::PublicApi, endpoint, &credential, answers::problem, environment)
            .map(Self::with_transport)
    }

    /// A client on a transport of this service that is set up already.
    #[must_use]
    pub fn with_transport(transport: Transport) -> Self {
        Self { transport }
    }

    /// Changes the transport, such as its retries.
    #[must_use]
    pub fn map_transport(self, change: impl FnOnce(Transport) -> Transport) -> Self {
        Self { transport: change(self.transport) }
    }

    /// All regulations of the last 90 days that the query selects, page by page.
    pub fn list_all(
        &self,
        query: RegulationQuery,
    ) -> impl Stream<Item = Result<Page<RegulationEntry>, SegmentError>> + '_ {
        pages(Service::PublicApi, move |next| {
            let query = RegulationQuery { next, ..query.clone() };
            async move { self.list(&query).await.map(Some) as Paged<RegulationEntry> }
        })
    }

    /// All suppressed subjects, page by page.
    pub fn suppressions_all(&self) -> impl Stream<Item = Result<Page<Suppression>, SegmentError>> + '_ {
        pages(
            Service::PublicApi,
            move |next| async move { self.suppressions(next).await.map(Some) as Paged<Suppression> },
        )
    }
}

#[async_trait]
impl Regulations for PublicApi {
    async fn workspace(&self) -> Result<Workspace, SegmentError> {
        self.transport.read(&requests::workspace(), answers::workspace).await
    }

    async fn get(&self, id: &RegulationId) -> Result<Option<RegulationReport>, SegmentError> {
        // Another regulation's end would be taken for this one's.
        let ours = |body: &[u8]| answers::report(body).filter(|report| &report.id == id);
        match self.transport.read(&requests::get(id), ours).await {
            Ok(report) => Ok(Some(report)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, query: &RegulationQuery) -> Result<Page<RegulationEntry>, SegmentError> {
        let parse = |body: &[u8]| answers::regulations(body, |entries| requests::is_whole(query, entries));
        let mut page = self.transport.read(&requests::list(query), parse).await?;
        // How a list of types is encoded is not documented: what the service may have ignored is applied here.
        let wanted = |kind: &_| query.kinds.is_empty() || query.kinds.contains(kind);
        page.items.retain(|entry| {
            entry.kind.as_ref().is_none_or(wanted) && query.status.as_ref().is_none_or(|status| status == &entry.status)
        });
        Ok(page)
    }

    async fn suppressions(&self, next: Option<Cursor>) -> Result<Page<Suppression>, SegmentError> {
        let parse = |body: &[u8]| answers::suppressions(body, requests::SUPPRESSIONS_A_PAGE);
        self.transport.read(&requests::suppressions(next.as_ref()), parse).await
    }
}

#[async_trait]
impl RegulationSubmit for PublicApi {
    async fn create(&self, regulation: &NewRegulation, within: Duration) -> Submission {
        if let Some(contradiction) = regulation.contradiction() {
            let error = SegmentError::new(Service::PublicApi, ErrorKind::Misuse).with_source(contradiction);
            return Submission::NotSent(error);
        }
        order(&self.transport, &requests::create(regulation), within, answers::created).await
    }
}
