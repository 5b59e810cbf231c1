//! The dry run: what an erasure would do. It holds nothing that can write.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use segment_core::{
    Action, ConnectionKey, Finding, IdentitySet, LegalHold, MAX_SUBJECTS, Pii, RegulationType, Resume, RowStep,
    Subject, ports::DirectoryError,
};

use crate::{OwnedSources, Policy, ResolveError, Sources, holds, resolve, wording};

/// Plans erasures, from what can only read.
#[derive(Debug)]
pub struct Planner {
    sources: Vec<Sources>,
    owned: Option<OwnedSources>,
    policy: Policy,
    holds: Vec<LegalHold>,
}

/// What an erasure would do at one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The connection.
    pub connection: ConnectionKey,
    /// What would be ordered.
    pub kind: RegulationType,
    /// How many user ids.
    pub subjects: u64,
    /// How many regulations.
    pub calls: u64,
    /// What a person should know before.
    pub warnings: Vec<String>,
}

/// What an erasure would mask in one owned database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskPlan {
    /// The key of its dataset.
    pub dataset: ConnectionKey,
    /// Of how many people there are rows.
    pub people: u64,
    /// Rows by `dataset.collection`.
    pub masks: BTreeMap<String, u64>,
    /// The look-ups, in their order.
    pub steps: Vec<RowStep>,
    /// What a person should know before.
    pub warnings: Vec<String>,
}

/// The subjects of one connection as people are added.
#[derive(Debug, Default)]
struct Gathered {
    subjects: BTreeSet<Pii<String>>,
    warnings: BTreeMap<String, u64>,
}

impl Planner {
    /// A planner over these connections.
    #[must_use]
    pub fn new(sources: Vec<Sources>, policy: Policy) -> Self {
        Self { sources, owned: None, policy, holds: Vec::new() }
    }

    /// With the legal holds that stand: whom they are about would not be sent.
    #[must_use]
    pub fn with_holds(self, holds: Vec<LegalHold>) -> Self {
        Self { holds: holds.into_iter().filter(|hold| hold.lifted_at.is_none()).collect(), ..self }
    }

    /// With the owned databases, whose rows would be masked.
    #[must_use]
    pub fn with_rows(self, owned: OwnedSources) -> Self {
        Self { owned: Some(owned), ..self }
    }

    /// What an erasure of these people would mask, per owned database.
    ///
    /// # Errors
    ///
    /// What keeps a database from being asked, or a table from being masked. Whom the owned databases or Segment do not know as
    /// one person is left out: the plan of the connections says so.
    pub async fn masking(&self, people: &[IdentitySet]) -> Result<Vec<MaskPlan>, DirectoryError> {
        let Some(owned) = &self.owned else { return Ok(Vec::new()) };
        let mut plans = BTreeMap::new();
        for dataset in owned.datasets.iter().filter(|(_, masks)| **masks).map(|(key, _)| key) {
            let steps = owned.rows.steps(dataset).await?;
            let (people, masks, warnings) = (0, BTreeMap::new(), Vec::new());
            plans.insert(dataset.clone(), MaskPlan { dataset: dataset.clone(), people, masks, steps, warnings });
        }
        if plans.is_empty() {
            return Ok(Vec::new());
        }
        for identities in people {
            let Some(subject) = self.subject(identities).await else { continue };
            for rows in owned.rows.preview(&subject).await? {
                let Some(plan) = plans.get_mut(&rows.dataset) else { continue };
                plan.people += u64::from(rows.collections.values().any(|rows| *rows > 0));
                for (collection, rows) in rows.collections {
                    *plan.masks.entry(collection).or_default() += rows;
                }
                plan.warnings.extend(rows.warnings);
                plan.warnings.sort();
                plan.warnings.dedup();
            }
        }
        Ok(plans.into_values().collect())
    }

    /// Whose rows would be masked; nobody's where a human has to decide first.
    async fn subject(&self, identities: &IdentitySet) -> Option<Subject> {
        let (mut user_ids, mut known) = (BTreeMap::new(), Vec::new());
        for sources in &self.sources {
            let found = resolve(sources, Action::Erasure, identities, self.policy.max_user_ids).await.ok()?;
            user_ids.insert(sources.key.clone(), found.resolution.user_ids.clone());
            known.push(found.resolution);
        }
        let known: Vec<_> = known.iter().collect();
        match holds::of_person(&self.holds, identities, &known) {
            Some(_) => None,
            None => Some(Subject { identities: identities.clone(), user_ids }),
        }
    }

    /// What an erasure of these people would do, per connection.
    ///
    /// # Errors
    ///
    /// What keeps a connection from being asked. People who need a human's decision are a warning.
    pub async fn erasure(
        &self,
        people: &[IdentitySet],
        only: Option<&ConnectionKey>,
    ) -> Result<Vec<Plan>, ResolveError> {
        let wanted = self.sources.iter().filter(|sources| only.is_none_or(|key| key == &sources.key));
        join_all(wanted.map(|sources| self.plan(sources, people))).await.into_iter().collect()
    }

    fn masks(&self) -> bool {
        self.owned.as_ref().is_some_and(|owned| owned.datasets.values().any(|masks| *masks))
    }

    async fn plan(&self, sources: &Sources, people: &[IdentitySet]) -> Result<Plan, ResolveError> {
        let mut gathered = Gathered::default();
        for identities in people {
            match resolve(sources, Action::Erasure, identities, self.policy.max_user_ids).await {
                Ok(found) => match holds::of_person(&self.holds, identities, &[&found.resolution]) {
                    Some(hold) => gathered.warn(holds::halt(&hold.id, Resume::Queued).message),
                    None => gathered.add(found.resolution.user_ids, &found.findings),
                },
                Err(ResolveError::Puzzle(puzzle)) => gathered.warn(puzzle.halt().message),
                Err(error) => return Err(error),
            }
        }
        let kind = self.policy.orders(Action::Erasure).unwrap_or(RegulationType::SuppressOnly);
        let source = sources.source.as_deref();
        for finding in wording::out_of_reach(&kind, self.masks()).into_iter().chain(source.map(wording::one_source)) {
            gathered.warn(finding.message);
        }
        let subjects = gathered.subjects.len();
        let calls = subjects.div_ceil(MAX_SUBJECTS) as u64;
        let warnings = gathered.warnings.into_iter().map(|(text, times)| counted(text, times)).collect();
        Ok(Plan { connection: sources.key.clone(), kind, subjects: subjects as u64, calls, warnings })
    }
}

impl Gathered {
    fn add(&mut self, user_ids: BTreeSet<Pii<String>>, findings: &[Finding]) {
        if user_ids.is_empty() {
            self.warn("nothing is known of the person here".to_owned());
        }
        self.subjects.extend(user_ids);
        for finding in findings {
            self.warn(finding.message.clone());
        }
    }

    fn warn(&mut self, message: String) {
        *self.warnings.entry(message).or_default() += 1;
    }
}

fn counted(text: String, times: u64) -> String {
    if times == 1 { text } else { format!("{text} ({times} people)") }
}
