//! Who is it?

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use privacy_engine::{ConnectionKind, Until};
use segment_core::{
    Action, Decision, Identity, IdentityKind, Outcome, Pii, RequestStatus, RowStep,
    ports::{DirectoryAnswer, DirectoryCheck, DirectoryError, RequestStore, SubjectDirectory},
};
use segment_mock::{Endpoint, Event, Fault, FaultRule, Profile};

use crate::rig::{Rig, codes, halt_code};

/// Knows these user ids for every e-mail address.
#[derive(Debug)]
struct Table(Vec<&'static str>);

#[async_trait]
impl SubjectDirectory for Table {
    async fn user_ids(&self, identity: &Identity, _: usize) -> Result<DirectoryAnswer, DirectoryError> {
        let searched = identity.kind() == &IdentityKind::Email;
        let user_ids = self.0.iter().filter(|_| searched).map(|id| Pii::from(*id)).collect();
        Ok(DirectoryAnswer { user_ids, searched, ..DirectoryAnswer::default() })
    }

    async fn steps(&self, _kinds: &BTreeSet<IdentityKind>) -> Result<Vec<RowStep>, DirectoryError> {
        Ok(Vec::new())
    }

    async fn describe(&self) -> Vec<DirectoryCheck> {
        Vec::new()
    }
}

fn sent(rig: &Rig) -> Vec<Vec<String>> {
    rig.mock.regulations().into_iter().map(|regulation| regulation.subjects).collect()
}

#[tokio::test]
async fn two_people_stop_everything_for_access_and_erasure() {
    for action in [Action::Access, Action::Erasure] {
        let rig = Rig::new(false).await;
        rig.person("ann");
        rig.person("ben");
        let request =
            rig.run(action, &[("email", "ann@example.com"), ("email", "ben@example.com")], Until::Ended).await;
        assert_eq!(request.status, RequestStatus::RequiresAttention);
        assert_eq!(halt_code(&request), Some("identity_conflict"));
        assert_eq!(request.package, None);
        assert_eq!(sent(&rig), [[""; 0]; 0]);
        assert!(rig.mock.requests_to(Endpoint::ProfileTraits).is_empty(), "nothing was collected");
    }
}

#[tokio::test]
async fn a_conflict_at_one_connection_stops_the_others_until_a_human_has_settled_it() {
    let mut rig = Rig::new(false).await;
    rig.also = Some(Arc::new(Table(vec!["u-1"])));
    rig.person("ann");
    rig.person("ben");
    let identities = [("email", "ann@example.com"), ("email", "ben@example.com")];
    let request = rig.run(Action::Erasure, &identities, Until::Accepted).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("identity_conflict")));
    assert_eq!(sent(&rig), [[""; 0]; 0]);

    let connection = segment_core::ConnectionKey::new("main");
    let decision = Decision::Settle { connection, note: "two people, asked for apart".into() };
    rig.store().decide(&request.id, &decision, "ops", rig.mock.clock().now()).await.unwrap();
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    assert_eq!(sent(&rig), [["u-1"]], "what stood still because of it went on");
    assert_eq!(rig.request(&request.id).await.status, RequestStatus::Complete);
}

#[tokio::test]
async fn an_identity_that_leads_nowhere_conflicts_with_nothing() {
    let rig = Rig::new(false).await;
    rig.person("ann");
    let identities = [("email", "ann@example.com"), ("phone_number", "+49 1"), ("email", "old@example.com")];
    rig.run(Action::Erasure, &identities, Until::Accepted).await;
    assert_eq!(sent(&rig), [["u-ann"]]);
}

#[tokio::test]
async fn identities_joined_through_a_third_are_one_person() {
    let rig = Rig::new(false).await;
    rig.person("ann");
    let identities = [("email", "ann@example.com"), ("user_id", "U-Ann")];
    let request = rig.run(Action::Erasure, &identities, Until::Accepted).await;
    assert_eq!(request.status, RequestStatus::AwaitingProcessor, "{:?}", halt_code(&request));
    assert_eq!(sent(&rig), [["U-Ann"]], "as the caller spells it");
}

#[tokio::test]
async fn events_tell_the_spelling_and_otherwise_it_is_said() {
    let rig = Rig::new(false).await;
    let profile = |name: &str| {
        Profile::new(format!("use_{name}"))
            .external_id("email", format!("{name}@example.com"))
            .external_id("user_id", format!("u-{name}"))
    };
    rig.mock.add_profile(profile("ann").event(Event::track("Signed In").external_id("user_id", "U-Ann")));
    rig.mock.add_profile(profile("ben"));
    let ann = rig.run(Action::Erasure, &[("email", "ann@example.com")], Until::Accepted).await;
    let ben = rig.run(Action::Erasure, &[("email", "ben@example.com")], Until::Accepted).await;
    assert_eq!(sent(&rig).concat(), ["U-Ann", "u-ben"]);
    assert_eq!(codes(&ann), [""; 0]);
    assert_eq!(codes(&ben), ["case_unconfirmed"]);
}

#[tokio::test]
async fn the_owned_database_and_the_profile_are_one_person() {
    let mut rig = Rig::new(false).await;
    rig.directory = Some(Arc::new(Table(vec!["U-Ann", "null"])));
    rig.person("ann");
    rig.run(Action::Erasure, &[("email", "someone@example.com")], Until::Accepted).await;
    assert_eq!(sent(&rig), [["U-Ann"]], "a placeholder in a table is nobody's id");
}

#[tokio::test]
async fn a_basic_connection_sends_what_the_owned_database_knows() {
    let mut rig = Rig::new(false).await;
    rig.kind = ConnectionKind::Segment;
    rig.directory = Some(Arc::new(Table(vec!["a\"1", "b\n2"])));
    let request = rig.run(Action::Erasure, &[("email", "ann@example.com")], Until::Ended).await;
    assert_eq!(sent(&rig), [["a\"1", "b\n2"]]);
    assert_eq!(request.status, RequestStatus::Complete);
    assert_eq!(request.verified_at, None);
    assert!(codes(&request).contains(&"not_verifiable"));
}

#[tokio::test]
async fn more_user_ids_than_a_person_has_need_a_human() {
    let mut rig = Rig::new(false).await;
    rig.policy.max_user_ids = 2;
    rig.directory = Some(Arc::new(Table(vec!["a", "b", "c"])));
    let request = rig.run(Action::Erasure, &[("email", "family@example.com")], Until::Accepted).await;
    assert_eq!(halt_code(&request), Some("too_many_ids"));
    assert_eq!(sent(&rig), [[""; 0]; 0]);
}

#[tokio::test]
async fn a_profile_without_user_id_needs_a_human() {
    let rig = Rig::new(false).await;
    rig.mock.add_profile(Profile::new("use_x").external_id("anonymous_id", "a-1"));
    let request = rig.run(Action::Erasure, &[("anonymous_id", "a-1")], Until::Accepted).await;
    assert_eq!(halt_code(&request), Some("no_user_id"));
}

#[tokio::test]
async fn an_unknown_person_is_complete_and_the_log_says_where_was_looked() {
    let rig = Rig::new(false).await;
    for action in [Action::Access, Action::Erasure] {
        let request = rig.run(action, &[("email", "nobody@example.com")], Until::Ended).await;
        assert_eq!(request.status, RequestStatus::Complete);
        assert_eq!(request.tasks[0].state.outcome(), Some(Outcome::NoData));
        assert!(rig.steps(&request.id).await.contains(&"resolved".to_owned()));
    }
    assert_eq!(sent(&rig), [[""; 0]; 0]);
}

#[tokio::test]
async fn a_given_user_id_without_profile_is_still_sent() {
    let rig = Rig::new(false).await;
    rig.run(Action::Erasure, &[("user_id", "../x?#%")], Until::Accepted).await;
    assert_eq!(sent(&rig), [["../x?#%"]]);
}

#[tokio::test]
async fn the_token_of_another_workspace_sends_nothing() {
    let mut rig = Rig::new(false).await;
    rig.workspace = "other".to_owned();
    rig.person("ann");
    let request = rig.run(Action::Erasure, &[("email", "ann@example.com")], Until::Accepted).await;
    assert_eq!(halt_code(&request), Some("wrong_workspace"));
    assert_eq!(request.status, RequestStatus::RequiresAttention);
    assert!(rig.mock.requests_to(Endpoint::CreateRegulation).is_empty());
}

#[tokio::test]
async fn a_passing_outage_is_waited_for_and_a_lasting_one_given_up() {
    let rig = Rig::new(false).await;
    rig.person("ann");
    // More than the transport retries, fewer than the engine.
    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::ProfileMetadata).times(3));
    let request = rig.run(Action::Erasure, &[("email", "ann@example.com")], Until::Accepted).await;
    assert_eq!(request.status, RequestStatus::AwaitingProcessor, "{:?}", halt_code(&request));

    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::ProfileMetadata).always());
    let request = rig.run(Action::Erasure, &[("email", "ben@example.com")], Until::Accepted).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::Error, Some("segment_failed")));
}

#[tokio::test]
async fn half_a_profile_is_asked_for_again_and_never_a_person_without_ids() {
    for half in [Endpoint::ProfileExternalIds, Endpoint::ProfileMetadata] {
        for action in [Action::Erasure, Action::Access] {
            let rig = Rig::new(false).await;
            rig.person("ann");
            rig.mock.fault(FaultRule::new(Fault::not_found()).on(half).times(1));
            let request = rig.run(action, &[("email", "ann@example.com")], Until::Ended).await;
            assert_eq!((request.status, request.tasks[0].user_ids), (RequestStatus::Complete, 1), "{half:?}");

            rig.person("ben");
            rig.mock.fault(FaultRule::new(Fault::not_found()).on(half).always());
            let request = rig.run(action, &[("email", "ben@example.com")], Until::Ended).await;
            assert_eq!(
                (request.status, halt_code(&request)),
                (RequestStatus::Error, Some("segment_failed")),
                "{half:?}"
            );
        }
    }
}
