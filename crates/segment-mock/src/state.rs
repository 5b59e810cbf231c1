//! Everything the mock remembers, behind one lock.

mod ids;
mod log;
mod outcome;
mod people;
mod profile;
mod profile_parts;
mod profiles;
mod quota;
mod regulation;
mod regulations;
mod suppressions;
mod view;

use std::collections::HashSet;

use jiff::Timestamp;

use crate::config::MockConfig;
use crate::faults::FaultBook;

pub(crate) use ids::Ids;
pub use log::RecordedRequest;
pub(crate) use log::RequestLog;
pub use outcome::{DestinationStatus, Outcome, Which};
pub use people::Person;
pub(crate) use people::generate;
pub use profile::Profile;
pub(crate) use profile::{DEFAULT_SOURCE, StoredProfile};
pub use profile_parts::{Event, Link};
pub(crate) use profile_parts::{Mapping, StoredEvent, Trait, TraitClass};
pub(crate) use profiles::Profiles;
pub(crate) use quota::{AnySecond, CallRate, Category, Quota};
pub(crate) use regulation::{NewRegulation, Regulation, Scope};
pub(crate) use regulations::Regulations;
pub(crate) use suppressions::Suppressions;
pub use view::RegulationView;

/// The remembered world; handlers change it under its lock, so each request sees it whole.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) profiles: Profiles,
    pub(crate) people: Vec<Person>,
    pub(crate) regulations: Regulations,
    pub(crate) suppressions: Suppressions,
    pub(crate) quota: Quota,
    pub(crate) rate: CallRate,
    pub(crate) config_rate: CallRate,
    pub(crate) profile_rate: AnySecond,
    pub(crate) faults: FaultBook,
    pub(crate) log: RequestLog,
    pub(crate) ids: Ids,
    /// The Tracking API forgets repeated `messageId`s \[HTTP\].
    pub(crate) seen_messages: HashSet<String>,
}

impl World {
    pub(crate) fn new(config: &MockConfig) -> Self {
        Self {
            profiles: Profiles::default(),
            people: Vec::new(),
            regulations: Regulations::default(),
            suppressions: Suppressions::default(),
            quota: Quota::new(config.monthly_quota),
            rate: CallRate::new(config.posts_per_minute),
            config_rate: CallRate::new(config.config_calls_per_minute),
            profile_rate: AnySecond::new(config.profile_calls_per_second),
            faults: FaultBook::default(),
            log: RequestLog::new(config.keep_requests),
            ids: Ids::new(config.seed),
            seen_messages: HashSet::new(),
        }
    }

    /// Lets everything happen that time has brought since the last request.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        for user_id in self.regulations.take_due_erasures(now) {
            self.profiles.remove_user(&user_id);
        }
    }

    /// Stores a regulation with its immediate effects and returns its id.
    pub(crate) fn create_regulation(&mut self, new: NewRegulation, now: Timestamp, config: &MockConfig) -> String {
        let id = self.ids.ksuid(now);
        let refused = self.suppressions.apply(&id, &new);
        let outcome = refused.then(Outcome::failed);
        self.regulations.add(id.clone(), new, outcome, now, config);
        id
    }

    /// Withdraws a regulation that has not started, with the suppressions it brought.
    pub(crate) fn withdraw_regulation(&mut self, id: &str) {
        self.regulations.remove(id);
        self.suppressions.withdraw(id);
    }
}
