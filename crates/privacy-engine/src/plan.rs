//! The dry run: what an erasure would do. It holds nothing that can write.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use segment_core::{
    Action, ConnectionKey, Finding, IdentitySet, LegalHold, MAX_SUBJECTS, Pii, RegulationType, Resume, RowStep, Subject,
};

use crate::{Found, OwnedSources, Policy, ResolveError, Sources, holds, owned, resolve, wording};

/// Plans erasures, from what can only read.
#[derive(Debug)]
pub struct Planner {
    sources: Vec<Sources>,
    bystanders: Vec<Sources>,
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
    /// The look-ups of user ids in the owned database, in their order.
    pub steps: Vec<RowStep>,
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
    warnings: Warnings,
}

/// Sentences, and of how many people each is true.
#[derive(Debug, Default)]
struct Warnings(BTreeMap<String, u64>);

impl Planner {
    /// A planner over these connections.
    #[must_use]
    pub fn new(sources: Vec<Sources>, policy: Policy) -> Self {
        Self { sources, bystanders: Vec::new(), owned: None, policy, holds: Vec::new() }
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

    /// With the connections that take no part: what their owned databases know of a person tells whose rows are whose.
    #[must_use]
    pub fn with_bystanders(self, bystanders: Vec<Sources>) -> Self {
        Self { bystanders, ..self }
    }

    /// What an erasure of these people would mask, per owned database.
    ///
    /// # Errors
    ///
    /// What keeps a database or Segment from being asked. Whom they do not know as one person, and what cannot be masked, is a
    /// warning.
    pub async fn masking(&self, people: &[IdentitySet]) -> Result<Vec<MaskPlan>, ResolveError> {
        let Some(databases) = &self.owned else { return Ok(Vec::new()) };
        let mut plans = BTreeMap::new();
        for dataset in databases.datasets.iter().filter(|(_, masks)| **masks).map(|(key, _)| key) {
            let steps = databases.rows.steps(dataset).await?;
            let (people, masks, warnings) = (0, BTreeMap::new(), Vec::new());
            plans.insert(dataset.clone(), MaskPlan { dataset: dataset.clone(), people, masks, steps, warnings });
        }
        if plans.is_empty() {
            return Ok(Vec::new());
        }
        let mut warnings: BTreeMap<ConnectionKey, Warnings> = BTreeMap::new();
        for identities in people {
            let subject = match self.subject(identities).await? {
                Ok(subject) => subject,
                Err(why) => {
                    for dataset in plans.keys() {
                        warnings.entry(dataset.clone()).or_default().add(why.clone());
                    }
                    continue;
                }
            };
            for rows in databases.rows.preview(&subject).await? {
                let Some(plan) = plans.get_mut(&rows.dataset) else { continue };
                plan.people += u64::from(rows.collections.values().any(|rows| *rows > 0));
                let told = rows.warnings.into_iter().chain(rows.findings.into_iter().map(|finding| finding.message));
                let warnings = warnings.entry(rows.dataset.clone()).or_default();
                told.for_each(|message| warnings.add(message));
                for (collection, rows) in rows.collections {
                    *plan.masks.entry(collection).or_default() += rows;
                }
            }
        }
        for (dataset, plan) in &mut plans {
            plan.warnings = warnings.remove(dataset).unwrap_or_default().sentences();
        }
        let deletes = self.policy.orders(Action::Erasure).is_some_and(|kind| kind.deletes());
        if !deletes && plans.values().all(|plan| plan.people == 0) {
            for plan in plans.values_mut() {
                plan.warnings.push(wording::NO_ROWS_MASKED.to_owned());
            }
        }
        Ok(plans.into_values().collect())
    }

    /// Whose rows would be masked; or why nobody's, where a human has to decide first.
    async fn subject(&self, identities: &IdentitySet) -> Result<Result<Subject, String>, ResolveError> {
        let found = match self.found(identities).await {
            Ok(found) => found,
            Err(ResolveError::Puzzle(puzzle)) => return Ok(Err(puzzle.halt().message)),
            Err(error) => return Err(error),
        };
        let known: Vec<_> = found.values().map(|found| &found.resolution).collect();
        Ok(match holds::of_person(&self.holds, identities, &known) {
            Some(hold) => Err(holds::halt(&hold.id, Resume::Queued).message),
            None => Ok(Subject { identities: identities.clone(), user_ids: owned::user_ids(&found) }),
        })
    }

    async fn found(&self, identities: &IdentitySet) -> Result<BTreeMap<ConnectionKey, Found>, ResolveError> {
        let (most, mut all) = (self.policy.max_user_ids, BTreeMap::new());
        for sources in &self.sources {
            all.insert(sources.key.clone(), resolve(sources, Action::Erasure, identities, most).await?);
        }
        for sources in &self.bystanders {
            if let Some(found) = owned::by_directory(sources, identities, most).await? {
                all.insert(sources.key.clone(), found);
            }
        }
        Ok(all)
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
        let kinds = people.iter().flat_map(IdentitySet::iter).map(|identity| identity.kind().clone()).collect();
        let steps = match &sources.directory {
            Some(directory) => directory.steps(&kinds).await?,
            None => Vec::new(),
        };
        let warnings = gathered.warnings.sentences();
        Ok(Plan { connection: sources.key.clone(), kind, subjects: subjects as u64, calls, steps, warnings })
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
        self.warnings.add(message);
    }
}

impl Warnings {
    fn add(&mut self, message: String) {
        *self.0.entry(message).or_default() += 1;
    }

    fn sentences(self) -> Vec<String> {
        let counted = |(text, times)| if times == 1 { text } else { format!("{text} ({times} people)") };
        self.0.into_iter().map(counted).collect()
    }
}
