//! The Config API's own ways: slugs in paths, its errors, its one limit for all calls.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use segment_core::{
    ErrorKind, NewRegulation, RegulationId, RegulationQuery, RegulationScope, RegulationType, SegmentError,
    SubjectType, Submission,
    ports::{Lane, Pacer, RegulationSubmit, Regulations},
};
use segment_http::{ConfigApi, Endpoint, Environment, config_api};
use segment_mock::{Endpoint as Called, Fault, FaultRule, MockConfig, MockSegment, Permission};

use crate::rig::{Counter, clock, config_api as client, order};

const WITHIN: Duration = Duration::from_secs(10);

fn start(config: MockConfig) -> (MockSegment, ConfigApi) {
    let mock = MockSegment::start(config).unwrap();
    let api = client(&mock, &clock(), Arc::new(Counter::default()));
    (mock, api)
}

async fn workspace_error(api: &ConfigApi) -> SegmentError {
    api.workspace().await.map(drop).unwrap_err()
}

#[tokio::test]
async fn the_workspace_is_named_by_slug_with_or_without_its_prefix() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    for (name, found) in [("acme", true), ("workspaces/acme", true), ("k3v9x2m1q7", false), ("../acme", false)] {
        let environment = Environment {
            clock: Arc::new(clock()),
            random: Arc::new(segment_core::testing::CountingRandom::default()),
            pacer: Arc::new(Counter::default()),
        };
        let endpoint = Endpoint::parse(&mock.url(), false).unwrap();
        let api = ConfigApi::new(endpoint, name, mock.config_token().to_owned().into(), environment).unwrap();
        match api.workspace().await {
            Ok(workspace) => assert!(found && workspace.is("acme") && workspace.is("k3v9x2m1q7")),
            Err(error) => assert!(!found && error.kind() == ErrorKind::NotFound, "{name}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_wrong_url_is_not_an_outage() {
    let (mock, api) = start(MockConfig::new());
    mock.fault(FaultRule::new(Fault::upstream()).always());
    let error = workspace_error(&api).await;
    assert_eq!((error.kind(), mock.requests().len()), (ErrorKind::NoRoute, 1), "it is not tried again");
    assert!(error.to_string().starts_with("Segment's Config API does not know the URL; check the domain"), "{error}");
    // Of a creating call the same words could still mean that the answer is lost.
    let sent = api.create(&order(&["u-1"]), WITHIN).await;
    assert!(matches!(sent, Submission::Unknown(_)), "{sent:?}");
}

#[tokio::test]
async fn a_credential_that_may_not_is_told_in_segments_words() {
    let (mock, api) = start(MockConfig::new().permission(Permission::DeniedWith403));
    let Submission::Refused(error) = api.create(&order(&["u-1"]), WITHIN).await else { panic!("it was sent") };
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().contains("insufficient scope"), "{error}");
    assert!(mock.regulations().is_empty());
}

#[tokio::test]
async fn outcomes_of_a_creating_call() {
    let (mock, api) = start(MockConfig::new());
    let refused = [Fault::bad_request(), Fault::unauthorized(), Fault::not_found(), Fault::too_large()];
    let not_sent = [Fault::retry_after(90), Fault::quota_exhausted()];
    let unknown =
        [Fault::server_error(), Fault::cut(), Fault::html(502), Fault::accept_without_id(), Fault::truncated_json()];
    let mut outcomes = Vec::new();
    for fault in refused.into_iter().chain(not_sent).chain(unknown) {
        mock.fault(FaultRule::new(fault).on(Called::CreateRegulation));
        let sent = api.create(&order(&["u-1"]), WITHIN).await;
        outcomes.push(match sent {
            Submission::Accepted(_) => 'a',
            Submission::Refused(_) => 'r',
            Submission::NotSent(_) => 'n',
            Submission::Unknown(_) => 'u',
            _ => '?',
        });
    }
    assert_eq!(outcomes.iter().collect::<String>(), "rrrrnnuuuuu");
    assert_eq!(mock.requests_to(Called::CreateRegulation).len(), 11, "one call each");
    assert!(matches!(api.create(&order(&["u-1"]), WITHIN).await, Submission::Accepted(_)));
}

#[tokio::test]
async fn a_type_that_it_lacks_is_not_sent() {
    let (mock, api) = start(MockConfig::new());
    let kind = RegulationType::SuppressWithDeleteInternal;
    assert!(!config_api::supports(&kind) && config_api::supports(&RegulationType::DeleteInternal));
    let sent = api.create(&NewRegulation { kind, ..order(&["u-1"]) }, WITHIN).await;
    assert!(matches!(sent, Submission::NotSent(error) if error.kind() == ErrorKind::Misuse));
    assert!(mock.requests().is_empty());
}

#[tokio::test]
async fn filters_that_the_service_ignores_are_applied_here() {
    let (mock, api) = start(MockConfig::new());
    let body = r#"{"regulations":[{"id":"a","regulation_type":"Delete","status":"FINISHED"},
        {"id":"b","regulation_type":"Suppress","status":"RUNNING"},{"id":"c","status":"RUNNING"}],"next_page_token":""}"#;
    mock.fault(FaultRule::new(Fault::reply(200, "application/json", body)).always());
    let ids = async |query: RegulationQuery| -> Vec<String> {
        let page = api.list(&RegulationQuery { count: 10, ..query }).await.unwrap();
        page.items.into_iter().map(|entry| entry.id.to_string()).collect()
    };
    let kinds = vec![RegulationType::SuppressOnly];
    assert_eq!(ids(RegulationQuery { kinds, ..RegulationQuery::default() }).await, ["b", "c"]);
    let status = Some(segment_core::RegulationStatus::Finished);
    assert_eq!(ids(RegulationQuery { status, ..RegulationQuery::default() }).await, ["a"]);
}

#[tokio::test]
async fn a_list_without_its_list_is_not_an_empty_one() {
    let (mock, api) = start(MockConfig::new());
    mock.fault(FaultRule::new(Fault::missing_data()).always());
    let query = RegulationQuery { count: 10, ..RegulationQuery::default() };
    assert_eq!(api.list(&query).await.map(drop).unwrap_err().kind(), ErrorKind::Unreadable);
    assert_eq!(api.suppressions(None).await.map(drop).unwrap_err().kind(), ErrorKind::Unreadable);
}

#[tokio::test]
async fn the_report_of_another_regulation_is_not_an_answer() {
    let (mock, api) = start(MockConfig::new());
    let body = r#"{"id":"r-2","overall_status":"FINISHED"}"#;
    mock.fault(FaultRule::new(Fault::reply(200, "application/json", body)).always());
    assert_eq!(api.get(&RegulationId::new("r-1")).await.map(drop).unwrap_err().kind(), ErrorKind::Unreadable);
    assert!(api.get(&RegulationId::new("r-2")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_queued_regulation_can_be_withdrawn_and_one_in_work_cannot() {
    let (mock, api) = start(MockConfig::new());
    let Submission::Accepted(queued) = api.create(&order(&["u-1"]), WITHIN).await else { panic!("not accepted") };
    let Submission::Accepted(working) = api.create(&order(&["u-2"]), WITHIN).await else { panic!("not accepted") };
    api.withdraw(&queued).await.unwrap();
    assert_eq!(api.get(&queued).await.unwrap(), None);
    assert_eq!(api.withdraw(&queued).await.unwrap_err().kind(), ErrorKind::NotFound);
    mock.advance(Duration::from_hours(2));
    assert_eq!(api.withdraw(&working).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert!(api.get(&working).await.unwrap().is_some());
}

#[tokio::test]
async fn the_workspaces_of_the_token_are_listed() {
    let (mock, api) = start(MockConfig::new());
    let pages: Vec<_> = api.workspaces().try_collect().await.unwrap();
    assert!(matches!(pages.as_slice(), [page] if page.items.len() == 1 && page.items[0].is("acme")));
    mock.fault(FaultRule::new(Fault::missing_data()).always());
    let missing = api.workspaces().try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Unreadable);
}

#[tokio::test]
async fn a_source_has_a_path_of_its_own_and_no_list() {
    let (mock, api) = start(MockConfig::new());
    let source = RegulationScope::Source("web".into());
    let Submission::Accepted(_) = api.create(&order(&["u-1"]).at(source.clone()), WITHIN).await else {
        panic!("not accepted")
    };
    assert_eq!(mock.requests_to(Called::CreateSourceRegulation).len(), 1);
    let query = RegulationQuery { scope: source.clone(), count: 10, ..RegulationQuery::default() };
    assert_eq!(api.list(&query).await.map(drop).unwrap_err().kind(), ErrorKind::Misuse);
    let cloud = RegulationScope::CloudSource { source: "sf".into(), collection: "contacts".into() };
    let order = NewRegulation { subject_type: SubjectType::ObjectId, ..order(&["o-1"]).at(cloud) };
    assert!(
        matches!(api.create(&order, WITHIN).await, Submission::NotSent(error) if error.kind() == ErrorKind::Misuse)
    );
    assert_eq!(mock.requests().len(), 1);
}

/// Remembers in which lanes turns were asked for.
#[derive(Debug, Default)]
struct Lanes(Mutex<Vec<Lane>>);

#[async_trait]
impl Pacer for Lanes {
    async fn acquire(&self, lane: Lane) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
    }
}

#[tokio::test]
async fn every_call_counts_against_the_one_limit() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let lanes = Arc::new(Lanes::default());
    let api = client(&mock, &clock(), lanes.clone());
    api.workspace().await.unwrap();
    let Submission::Accepted(id) = api.create(&order(&["u-1"]), WITHIN).await else { panic!("not accepted") };
    api.get(&id).await.unwrap();
    api.list(&RegulationQuery { count: 1, ..RegulationQuery::default() }).await.unwrap();
    api.suppressions(None).await.unwrap();
    assert_eq!(lanes.0.lock().unwrap().as_slice(), [Lane::Config; 5]);
}
