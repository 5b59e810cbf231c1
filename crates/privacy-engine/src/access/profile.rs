//! One profile of one connection, page by page.

use std::{collections::BTreeMap, num::NonZeroUsize};

use futures_util::{
    Stream, StreamExt, TryStreamExt,
    future::{join, join5, ready},
};
use segment_core::{
    ConnectionKey, ExternalIdsQuery, LinksQuery, Page, Pii, ProfileRef, Records, SegmentError, Service, TraitClass,
    TraitsQuery, event_pages, pages,
    ports::{PackageError, PackageWriter, Profiles},
};
use serde_json::{Value, json};

use super::Collected;
use crate::{Engine, Progress, resolve::there, wording};

/// Reads one profile of one connection into the package.
pub(super) struct Collector<'a> {
    pub(super) engine: &'a Engine,
    pub(super) connection: &'a ConnectionKey,
    pub(super) api: &'a dyn Profiles,
    pub(super) writer: &'a dyn PackageWriter,
    /// With several profiles, traits say whose they are.
    pub(super) label: bool,
    /// How many pages of events are asked for at once.
    pub(super) windows: NonZeroUsize,
}

impl Collector<'_> {
    pub(super) async fn profile(&self, profile: &ProfileRef) -> Result<Vec<Collected>, PackageError> {
        let api = self.api;
        let label = match profile {
            ProfileRef::SegmentId(id) if self.label => Some(id.expose().clone()),
            _ => None,
        };
        let traits = async {
            let classes = self.classes(profile).await?;
            let (label, classes) = (label.as_ref(), &classes);
            let pages = pages(Service::ProfileApi, |next| {
                let query = TraitsQuery { next, ..TraitsQuery::default() };
                async move { there(api.traits(profile, &query).await?) }
            });
            self.read("traits", pages.map_ok(|page| records(page, |item| labelled(of_trait(item, classes), label))))
                .await
        };
        let external_ids = pages(Service::ProfileApi, |next| {
            let query = ExternalIdsQuery { next, ..ExternalIdsQuery::default() };
            async move { there(api.external_ids(profile, &query).await?) }
        });
        let external_ids = external_ids.map_ok(|page| records(page, |item| item.record.into_exposed()));
        let events = event_pages(self.windows, |query| async move { there(api.events(profile, &query).await?) });
        let events = events.map_ok(|page| records(page, |event| event.record.into_exposed()));
        // Links are documented for accounts only: not to know the resource may be how Segment says that there are none.
        let links = pages(Service::ProfileApi, |next| {
            let query = LinksQuery { next, ..LinksQuery::default() };
            async move { api.links(profile, &query).await }
        });
        let links = links.map_ok(|page| records(page, |item| item.record.into_exposed()));
        let metadata = pages(Service::ProfileApi, |_| async move {
            there(api.metadata(profile).await?.map(|metadata| {
                let id = metadata.segment_id.as_ref().map(|id| id.expose().clone());
                Page::only(vec![Pii::new(labelled(metadata.fields.into_exposed(), id.as_ref()))])
            }))
        });
        let (traits, external_ids, events, links, metadata) = join5(
            traits,
            self.read("external_ids", external_ids),
            self.read("events", events),
            self.read("links", links),
            self.read("metadata", metadata),
        )
        .await;
        Ok(vec![traits?, external_ids?, events?, links?, metadata?])
    }

    /// Which traits Segment made itself, by their names. Not to know is no hole: every trait is in the package all the same.
    async fn classes(&self, profile: &ProfileRef) -> Result<BTreeMap<String, &'static str>, PackageError> {
        let (audiences, computed) =
            join(self.of_class(profile, TraitClass::Audience), self.of_class(profile, TraitClass::ComputedTrait)).await;
        let (Ok(audiences), Ok(computed)) = (audiences, computed) else {
            self.writer.limit(wording::CLASSES_UNKNOWN).await?;
            return Ok(BTreeMap::new());
        };
        let named = |names: Vec<String>, class| names.into_iter().map(move |name| (name, class));
        Ok(named(audiences, "audience").chain(named(computed, "computed_trait")).collect())
    }

    async fn of_class(&self, profile: &ProfileRef, class: TraitClass) -> Result<Vec<String>, SegmentError> {
        let fetch = |next| async move {
            let query = TraitsQuery { class: Some(class), next, ..TraitsQuery::default() };
            self.api.traits(profile, &query).await
        };
        let names = pages(Service::ProfileApi, fetch).try_fold(Vec::new(), |mut names, page| {
            // The names only: values are read with all the others.
            names.extend(page.items.into_iter().map(|item| item.name));
            ready(Ok(names))
        });
        names.await
    }

    async fn read(
        &self,
        name: &'static str,
        pages: impl Stream<Item = Result<Page<Pii<Value>>, SegmentError>> + Send,
    ) -> Result<Collected, PackageError> {
        let source = self.connection.as_str();
        self.writer.append(source, name, Records::new()).await?;
        let mut collected = Collected { name, records: 0, problem: None };
        let mut stream = Box::pin(pages);
        let mut next = stream.next().await;
        while let Some(page) = next {
            match page {
                Ok(page) => {
                    let records = page.items.len() as u64;
                    // The next page is on its way while this one is encrypted and written.
                    let (appended, following) = join(self.writer.append(source, name, page.items), stream.next()).await;
                    appended?;
                    collected.records += records;
                    let connection = self.connection.clone();
                    self.engine.progress.tell(Progress::Collected { connection, collection: name, records });
                    next = following;
                }
                Err(error) => {
                    collected.problem = Some(error);
                    next = None;
                }
            }
        }
        Ok(collected)
    }
}

fn records<T>(page: Page<T>, record: impl Fn(T) -> Value) -> Page<Pii<Value>> {
    Page { items: page.items.into_iter().map(|item| Pii::new(record(item))).collect(), next: page.next }
}

/// A trait, with what it is if Segment made it itself.
fn of_trait(item: segment_core::Trait, classes: &BTreeMap<String, &'static str>) -> Value {
    let class = classes.get(&item.name);
    let mut record = json!({"name": item.name, "value": item.value.into_exposed()});
    if let Some(class) = class {
        record["class"] = Value::from(*class);
    }
    record
}

fn labelled(mut record: Value, segment_id: Option<&String>) -> Value {
    if let (Some(fields), Some(id)) = (record.as_object_mut(), segment_id) {
        fields.insert("segment_id".to_owned(), Value::from(id.clone()));
    }
    record
}
