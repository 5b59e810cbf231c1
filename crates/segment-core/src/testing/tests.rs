//! The fakes pass the suites of their ports.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use async_trait::async_trait;

use super::{
    FakeDirectory, MemorySink, MemoryStore,
    conformance::{directory::ROWS, package::SinkFixture},
};
use crate::{Identity, IdentityKind, ports::PackageSink};

/// The functions of a suite and the list in its macro are the same.
fn check_list(sources: &[&str], list: &str) {
    let name = |line: &str| {
        let rest = line.strip_prefix("pub async fn ")?;
        rest.split_once('(').map(|(name, _)| name.to_owned())
    };
    let rules: Vec<_> = sources.iter().flat_map(|source| source.lines().filter_map(name)).collect();
    let (_, list) = list.split_once("{ @each ").unwrap();
    let (_, list) = list.split_once('\n').unwrap();
    let (list, _) = list.split_once('}').unwrap();
    let listed: Vec<_> = list.split_whitespace().map(str::to_owned).collect();
    assert_eq!(rules, listed);
}

#[test]
fn no_rule_is_left_out() {
    let (directory, package) = (include_str!("conformance/directory.rs"), include_str!("conformance/package.rs"));
    check_list(&[directory], directory);
    check_list(&[package], package);
    let (profiles, regulations) = (include_str!("conformance/profiles.rs"), include_str!("conformance/regulations.rs"));
    check_list(&[profiles], profiles);
    check_list(&[regulations], regulations);
    let store = [
        include_str!("conformance/store/intake.rs"),
        include_str!("conformance/store/claims.rs"),
        include_str!("conformance/store/leases.rs"),
        include_str!("conformance/store/steps.rs"),
        include_str!("conformance/store/batches.rs"),
        include_str!("conformance/store/regulations.rs"),
        include_str!("conformance/store/members.rs"),
        include_str!("conformance/store/decisions.rs"),
        include_str!("conformance/store/retries.rs"),
        include_str!("conformance/store/masking.rs"),
        include_str!("conformance/store/holds.rs"),
        include_str!("conformance/store/retention.rs"),
        include_str!("conformance/store/lists.rs"),
    ];
    check_list(&store, include_str!("conformance/store/suite.rs"));
}

mod store {
    use super::*;

    fn fresh() -> Ready<Arc<MemoryStore>> {
        ready(Arc::default())
    }

    crate::request_store_conformance!(fresh);
}

mod sink {
    use super::*;

    #[async_trait]
    impl SinkFixture for MemorySink {
        fn sink(&self) -> &dyn PackageSink {
            self
        }

        async fn visible(&self) -> Vec<String> {
            self.locations()
        }

        async fn is_clean(&self) -> bool {
            self.locations().is_empty()
        }
    }

    fn fresh() -> Ready<MemorySink> {
        ready(MemorySink::new())
    }

    crate::package_sink_conformance!(fresh);
}

mod directory {
    use super::*;

    fn fresh() -> Ready<Box<FakeDirectory>> {
        let add = |directory: FakeDirectory, (address, user_id): (&str, &str)| {
            directory.with(&Identity::new(IdentityKind::Email, address).unwrap(), &[user_id])
        };
        ready(Box::new(ROWS.into_iter().fold(FakeDirectory::new(), add)))
    }

    crate::subject_directory_conformance!(fresh);
}

mod regulations {
    use super::*;
    use crate::{
        ports::{RegulationSubmit, Regulations},
        testing::{FakeRegulations, conformance::regulations::RegulationsFixture},
    };

    impl RegulationsFixture for FakeRegulations {
        fn reader(&self) -> &dyn Regulations {
            self
        }

        fn submit(&self) -> &dyn RegulationSubmit {
            self
        }

        fn source(&self) -> &str {
            Self::SOURCE
        }
    }

    fn fresh() -> Ready<FakeRegulations> {
        ready(FakeRegulations::new())
    }

    crate::regulations_conformance!(fresh);
}

mod profiles {
    use serde_json::json;

    use super::*;
    use crate::{
        ports::Profiles,
        testing::{FakeProfile, FakeProfiles, conformance::profiles as rules},
    };

    impl rules::ProfilesFixture for FakeProfiles {
        fn profiles(&self) -> &dyn Profiles {
            self
        }
    }

    fn fresh() -> Ready<FakeProfiles> {
        let link = |id: &str| json!({"to_collection": "accounts", "external_ids": [{"type": "group_id", "id": id}]});
        ready(FakeProfiles::of(vec![FakeProfile {
            segment_id: rules::SEGMENT_ID.into(),
            traits: rules::TRAITS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect(),
            external_ids: rules::EXTERNAL_IDS.iter().map(|(kind, id)| ((*kind).to_owned(), (*id).to_owned())).collect(),
            events: rules::EVENTS.iter().map(|name| json!({"type": "track", "event": name})).collect(),
            links: rules::LINKS.iter().map(|id| link(id)).collect(),
        }]))
    }

    crate::profiles_conformance!(fresh);
}
