//! The ports of segment-core on the Config API.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::Stream;
use secrecy::SecretString;
use segment_core::{
    Cursor, ErrorKind, NewRegulation, Page, Paged, RegulationEntry, RegulationId, RegulationQuery, RegulationReport,
    RegulationScope, SegmentError, Service, Submission, Suppression, Workspace, pages,
    ports::{RegulationSubmit, Regulations},
};

use super::{answers, requests};
use crate::{Credential, Endpoint, Environment, Transport, order::order};

/// A client of the legacy Config API for one workspace, which it names by its slug in every URL.
///
/// It has five types of regulations ([`supports`](super::supports)); another is not sent.
#[derive(Debug, Clone)]
pub struct ConfigApi {
    transport: Transport,
    slug: String,
}

impl ConfigApi {
    /// A client. `workspace` is the slug, with or without the prefix `workspaces/`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] if the token cannot stand in a header.
    pub fn new(
        endpoint: Endpoint,
        workspace: &str,
        token: SecretString,
        environment: Environment,
    ) -> Result<Self, SegmentError> {
        let credential = Credential::Bearer(token);
        let transport = Transport::new(Service::ConfigApi, endpoint, &credential, answers::problem, environment)?;
        Ok(Self { transport, slug: workspace.trim_start_matches("workspaces/").to_owned() })
    }

    /// The same client with another transport, such as one with other retries.
    #[must_use]
    pub fn map_transport(self, change: impl FnOnce(Transport) -> Transport) -> Self {
        Self { transport: change(self.transport), ..self }
    }

    /// C1: the workspaces that the token knows, page by page.
    pub fn workspaces(&self) -> impl Stream<Item = Result<Page<Workspace>, SegmentError>> + '_ {
        pages(Service::ConfigApi, move |next| async move {
            let call = requests::workspaces(next.as_ref());
            let parse = |body: &[u8]| answers::workspaces(body, requests::WORKSPACES_A_PAGE);
            self.transport.read(&call, parse).await.map(Some) as Paged<Workspace>
        })
    }

    /// C6: withdraws a regulation. Segment takes that only while it is `INITIALIZED` (inferred). The Public API has no such
    /// call any more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] once Segment works on it. [`ErrorKind::NotFound`] if it is not there: after a lost answer that
    /// may be the effect of this very call.
    pub async fn withdraw(&self, id: &RegulationId) -> Result<(), SegmentError> {
        // What a success says is not documented.
        self.transport.read(&requests::withdraw(&self.slug, id), |_| Some(())).await
    }
}

#[async_trait]
impl Regulations for ConfigApi {
    async fn workspace(&self) -> Result<Workspace, SegmentError> {
        self.transport.read(&requests::workspace(&self.slug), answers::workspace).await
    }

    async fn get(&self, id: &RegulationId) -> Result<Option<RegulationReport>, SegmentError> {
        // Another regulation's end would be taken for this one's.
        let ours = |body: &[u8]| answers::report(body).filter(|report| &report.id == id);
        match self.transport.read(&requests::get(&self.slug, id), ours).await {
            Ok(report) => Ok(Some(report)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, query: &RegulationQuery) -> Result<Page<RegulationEntry>, SegmentError> {
        if query.scope != RegulationScope::Workspace {
            // Nothing documents such a list. An empty answer would mean that a source has no regulations.
            let error = SegmentError::new(Service::ConfigApi, ErrorKind::Misuse);
            return Err(error.with_source("the Config API lists no regulations of a source"));
        }
        let size = requests::entries_a_page(query);
        let parse = |body: &[u8]| answers::regulations(body, size);
        let mut page = self.transport.read(&requests::list(&self.slug, query), parse).await?;
        // The filters are inferred: what the service may have ignored is applied here.
        let kind_fits = |kind: &_| query.kinds.is_empty() || query.kinds.contains(kind);
        page.items.retain(|entry| {
            entry.kind.as_ref().is_none_or(kind_fits)
                && query.status.as_ref().is_none_or(|status| status == &entry.status)
        });
        Ok(page)
    }

    async fn suppressions(&self, next: Option<Cursor>) -> Result<Page<Suppression>, SegmentError> {
        let parse = |body: &[u8]| answers::suppressed(body, requests::SUPPRESSED_A_PAGE);
        self.transport.read(&requests::suppressed(&self.slug, next.as_ref()), parse).await
    }
}

#[async_trait]
impl RegulationSubmit for ConfigApi {
    async fn create(&self, regulation: &NewRegulation, within: Duration) -> Submission {
        let misuse = |why| SegmentError::new(Service::ConfigApi, ErrorKind::Misuse).with_source(why);
        match (regulation.contradiction(), requests::create(&self.slug, regulation)) {
            (None, Some(call)) => order(&self.transport, &call, within, answers::created).await,
            (Some(why), _) => Submission::NotSent(misuse(why)),
            _ => Submission::NotSent(misuse("the Config API has no such type, subject or scope")),
        }
    }
}
