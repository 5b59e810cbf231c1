//! The rules of [`Regulations`] and [`RegulationSubmit`].

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use std::{collections::BTreeSet, time::Duration};

use futures_util::TryStreamExt;

use crate::{
    MAX_SUBJECTS, NewRegulation, Pii, RegulationEntry, RegulationId, RegulationQuery, RegulationScope,
    RegulationStatus, RegulationType, Service, Submission, pages,
    ports::{RegulationSubmit, Regulations},
};

const WITHIN: Duration = Duration::from_secs(20);

/// The workspace `acme`, without regulations.
pub trait RegulationsFixture: Sync {
    /// What reads.
    fn reader(&self) -> &dyn Regulations;

    /// What creates.
    fn submit(&self) -> &dyn RegulationSubmit;

    /// A source of the workspace, by the name that the API wants.
    fn source(&self) -> &str;
}

fn ids(ids: &[&str]) -> BTreeSet<Pii<String>> {
    ids.iter().map(|id| Pii::from(*id)).collect()
}

async fn create(fixture: &dyn RegulationsFixture, kind: RegulationType, subjects: &[&str]) -> RegulationId {
    match fixture.submit().create(&NewRegulation::of_users(kind, ids(subjects)), WITHIN).await {
        Submission::Accepted(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn list(fixture: &dyn RegulationsFixture, query: RegulationQuery) -> Vec<Vec<RegulationEntry>> {
    let fetch = |next| {
        let query = RegulationQuery { next, ..query.clone() };
        async move { fixture.reader().list(&query).await.map(Some) }
    };
    let pages: Vec<_> = pages(Service::PublicApi, fetch).try_collect().await.unwrap();
    pages.into_iter().map(|page| page.items).collect()
}

async fn suppressed(fixture: &dyn RegulationsFixture) -> BTreeSet<Pii<String>> {
    let fetch = |next| async move { fixture.reader().suppressions(next).await.map(Some) };
    let pages: Vec<_> = pages(Service::PublicApi, fetch).try_collect().await.unwrap();
    pages
        .into_iter()
        .flat_map(|page| page.items)
        .filter(|entry| entry.is_user)
        .flat_map(|entry| entry.subjects)
        .collect()
}

/// The workspace is the one that the credential belongs to.
pub async fn the_workspace_is_the_credentials(fixture: &dyn RegulationsFixture) {
    assert!(fixture.reader().workspace().await.unwrap().is("acme"));
}

/// What was accepted can be read under its id, and is not at its end.
pub async fn an_accepted_regulation_can_be_read(fixture: &dyn RegulationsFixture) {
    let id = create(fixture, RegulationType::DeleteOnly, &["u-1"]).await;
    let report = fixture.reader().get(&id).await.unwrap().unwrap();
    assert_eq!(report.id, id);
    assert!(!report.status.is_terminal());
}

/// A regulation that is not known is `None`, not an error.
pub async fn an_unknown_regulation_is_none(fixture: &dyn RegulationsFixture) {
    assert_eq!(fixture.reader().get(&RegulationId::new("nobodys")).await.unwrap(), None);
}

/// The list holds what was accepted, with its type and exactly its subjects: reconciliation compares them.
pub async fn the_list_holds_the_exact_subjects(fixture: &dyn RegulationsFixture) {
    let subjects = ["u-1", "U-1", "a\"b", "x\",\"y", "ünï", "../z"];
    let id = create(fixture, RegulationType::SuppressOnly, &subjects).await;
    let all = list(fixture, RegulationQuery { count: 10, ..RegulationQuery::default() }).await.concat();
    assert_eq!((all.len(), &all[0].id), (1, &id));
    assert_eq!(
        (all[0].kind.clone(), all[0].subjects.clone()),
        (Some(RegulationType::SuppressOnly), Some(ids(&subjects)))
    );
}

/// Every regulation stands on exactly one page.
pub async fn pages_lead_through_the_whole_list(fixture: &dyn RegulationsFixture) {
    let mut created = Vec::new();
    for id in ["u-1", "u-2", "u-3", "u-4", "u-5"] {
        created.push(create(fixture, RegulationType::DeleteOnly, &[id]).await);
    }
    let pages = list(fixture, RegulationQuery { count: 2, ..RegulationQuery::default() }).await;
    assert!(pages.len() >= 3 && pages.iter().all(|page| page.len() <= 2));
    let mut listed: Vec<_> = pages.concat().into_iter().map(|entry| entry.id).collect();
    listed.sort();
    created.sort();
    assert_eq!(listed, created);
}

/// A list of types selects.
pub async fn the_list_is_filtered_by_type(fixture: &dyn RegulationsFixture) {
    create(fixture, RegulationType::DeleteOnly, &["u-1"]).await;
    let wanted = create(fixture, RegulationType::SuppressOnly, &["u-2"]).await;
    let kinds = vec![RegulationType::SuppressOnly, RegulationType::Unsuppress];
    let found = list(fixture, RegulationQuery { kinds, count: 10, ..RegulationQuery::default() }).await.concat();
    assert_eq!(found.into_iter().map(|entry| entry.id).collect::<Vec<_>>(), [wanted]);
}

/// A status selects.
pub async fn the_list_is_filtered_by_status(fixture: &dyn RegulationsFixture) {
    create(fixture, RegulationType::DeleteOnly, &["u-1"]).await;
    let with = |status| RegulationQuery { status: Some(status), count: 10, ..RegulationQuery::default() };
    assert_eq!(list(fixture, with(RegulationStatus::Initialized)).await.concat().len(), 1);
    assert!(list(fixture, with(RegulationStatus::Finished)).await.concat().is_empty());
}

/// Where there is nothing, lists are empty.
pub async fn nothing_is_an_empty_list(fixture: &dyn RegulationsFixture) {
    assert!(list(fixture, RegulationQuery { count: 10, ..RegulationQuery::default() }).await.concat().is_empty());
    assert!(suppressed(fixture).await.is_empty());
}

/// There is no idempotency key: the same order twice is two regulations.
pub async fn the_same_order_twice_is_two_regulations(fixture: &dyn RegulationsFixture) {
    let first = create(fixture, RegulationType::DeleteOnly, &["u-1"]).await;
    let second = create(fixture, RegulationType::DeleteOnly, &["u-1"]).await;
    assert_ne!(first, second);
}

/// Suppressed ids are listed until they are unsuppressed.
pub async fn suppressions_are_listed_until_they_end(fixture: &dyn RegulationsFixture) {
    create(fixture, RegulationType::SuppressOnly, &["u-1", "u-2"]).await;
    assert_eq!(suppressed(fixture).await, ids(&["u-1", "u-2"]));
    create(fixture, RegulationType::Unsuppress, &["u-1"]).await;
    assert_eq!(suppressed(fixture).await, ids(&["u-2"]));
}

/// A regulation of one source is accepted, can be read, and does not stand among the workspace's suppressions.
pub async fn a_source_has_regulations_of_its_own(fixture: &dyn RegulationsFixture) {
    let source = RegulationScope::Source(fixture.source().to_owned());
    let order = NewRegulation::of_users(RegulationType::SuppressOnly, ids(&["u-1"])).at(source);
    let Submission::Accepted(id) = fixture.submit().create(&order, WITHIN).await else { panic!("not accepted") };
    assert!(fixture.reader().get(&id).await.unwrap().is_some());
    assert!(suppressed(fixture).await.is_empty());
}

/// A source's list holds what was accepted for it; an API that has no such list says so. It is never empty: a regulation
/// that exists would be sent again.
pub async fn a_sources_list_holds_what_exists_or_is_an_error(fixture: &dyn RegulationsFixture) {
    let source = RegulationScope::Source(fixture.source().to_owned());
    let order = NewRegulation::of_users(RegulationType::DeleteOnly, ids(&["u-1"])).at(source.clone());
    create(fixture, RegulationType::DeleteOnly, &["u-1"]).await;
    let Submission::Accepted(id) = fixture.submit().create(&order, WITHIN).await else { panic!("not accepted") };
    let query = RegulationQuery { scope: source, count: 10, ..RegulationQuery::default() };
    if let Ok(page) = fixture.reader().list(&query).await {
        assert_eq!(page.items.into_iter().map(|entry| entry.id).collect::<Vec<_>>(), [id]);
    }
}

/// A source that the workspace does not have is refused: nothing is created at the workspace instead.
pub async fn an_unknown_source_is_refused(fixture: &dyn RegulationsFixture) {
    let order = NewRegulation::of_users(RegulationType::DeleteOnly, ids(&["u-1"]));
    let order = order.at(RegulationScope::Source("nobodys".to_owned()));
    assert!(matches!(fixture.submit().create(&order, WITHIN).await, Submission::Refused(_)));
    assert!(list(fixture, RegulationQuery { count: 10, ..RegulationQuery::default() }).await.concat().is_empty());
}

/// An order without subjects, or with too many, is not sent.
pub async fn an_order_that_makes_no_sense_is_not_sent(fixture: &dyn RegulationsFixture) {
    let many = (0..=MAX_SUBJECTS).map(|at| Pii::new(format!("u-{at}"))).collect();
    for subjects in [BTreeSet::new(), many] {
        let order = NewRegulation::of_users(RegulationType::DeleteOnly, subjects);
        assert!(matches!(fixture.submit().create(&order, WITHIN).await, Submission::NotSent(_)));
    }
    assert!(list(fixture, RegulationQuery { count: 10, ..RegulationQuery::default() }).await.concat().is_empty());
}

/// When the time is over nothing is sent.
pub async fn nothing_is_sent_after_its_time(fixture: &dyn RegulationsFixture) {
    let order = NewRegulation::of_users(RegulationType::DeleteOnly, ids(&["u-1"]));
    assert!(matches!(fixture.submit().create(&order, Duration::ZERO).await, Submission::NotSent(_)));
    assert!(list(fixture, RegulationQuery { count: 10, ..RegulationQuery::default() }).await.concat().is_empty());
}

/// Makes a `#[tokio::test]` of each function of [`regulations`](crate::testing::conformance::regulations). Its argument is
/// the path of an `async fn() -> impl RegulationsFixture`.
#[macro_export]
macro_rules! regulations_conformance {
    ($fresh:path) => {
        $crate::regulations_conformance! { @each $fresh:
            the_workspace_is_the_credentials
            an_accepted_regulation_can_be_read
            an_unknown_regulation_is_none
            the_list_holds_the_exact_subjects
            pages_lead_through_the_whole_list
            the_list_is_filtered_by_type
            the_list_is_filtered_by_status
            nothing_is_an_empty_list
            the_same_order_twice_is_two_regulations
            suppressions_are_listed_until_they_end
            a_source_has_regulations_of_its_own
            a_sources_list_holds_what_exists_or_is_an_error
            an_unknown_source_is_refused
            an_order_that_makes_no_sense_is_not_sent
            nothing_is_sent_after_its_time
        }
    };
    (@each $fresh:path: $($rule:ident)+) => {
        $(
            #[tokio::test]
            async fn $rule() {
                let fixture = $fresh().await;
                $crate::testing::conformance::regulations::$rule(&fixture).await;
            }
        )+
    };
}
