//! Which fields of a collection are masked, and how.

use thiserror::Error;

use super::{MaskingPolicy, MaskingStrategy, StrategyError};
use crate::{Dataset, Field, FieldPath, FieldRef, PlanError, graph::Graph, traversal::is_of_user};

/// What masking does to the fields of one collection.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct MaskedFields {
    /// In the order of the file.
    pub fields: Vec<MaskedField>,
    /// Fields with personal data that are left as they are, and why: sentences.
    pub left: Vec<String>,
}

/// One field that is masked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MaskedField {
    /// Its path.
    pub path: FieldPath,
    /// How.
    pub strategy: MaskingStrategy,
    /// How many characters fit, as the dataset says.
    pub length: Option<u32>,
    /// Whether the dataset demands it of this very field.
    pub overridden: bool,
}

/// Why a field cannot be masked as the dataset demands.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MaskedFieldError {
    /// Its strategy is none.
    #[error("{place} has a masking_strategy_override that cannot be used")]
    Strategy {
        /// `dataset.collection.field`
        place: String,
        /// Why.
        source: StrategyError,
    },
    /// Rows would lose their name.
    #[error(
        "{place} is a primary key, which is never masked: take its masking_strategy_override away, or use `preserve`"
    )]
    PrimaryKey {
        /// `dataset.collection.field`
        place: String,
    },
    /// It says two things.
    #[error("{place} is read_only and has a masking_strategy_override: take one of them away")]
    ReadOnly {
        /// `dataset.collection.field`
        place: String,
    },
    /// The datasets do not fit together.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl MaskedFields {
    /// What `policy` does to the fields of `collection` in the dataset `dataset`. Keys, fields that join collections, and the
    /// `targets`, which hold Segment user ids, are left alone unless their own `masking_strategy_override` says otherwise.
    pub fn new(
        datasets: &[Dataset],
        dataset: &str,
        collection: &str,
        policy: &MaskingPolicy,
        targets: &[FieldRef],
    ) -> Result<Self, MaskedFieldError> {
        let graph = Graph::new(datasets)?;
        let node =
            graph.nodes.iter().position(|node| node.dataset.fides_key == dataset && node.collection.name == collection);
        let Some(node) = node else { return Ok(Self::default()) };
        let targets = targets.iter().filter_map(|target| graph.find(datasets, target).ok());
        let targets = targets.filter(|(of, _)| *of == node).map(|(_, path)| path).collect();
        let mut planner = Planner { graph: &graph, node, policy, targets, masked: Self::default() };
        planner.enter(None, &graph.nodes[node].collection.fields)?;
        Ok(planner.masked)
    }
}

struct Planner<'a> {
    graph: &'a Graph<'a>,
    node: usize,
    policy: &'a MaskingPolicy,
    targets: Vec<FieldPath>,
    masked: MaskedFields,
}

impl Planner<'_> {
    fn enter(&mut self, parent: Option<&FieldPath>, fields: &[Field]) -> Result<(), MaskedFieldError> {
        for field in fields {
            let path = FieldPath::below(parent, &field.name);
            let is_whole = self.field(&path, field)?;
            // What is masked as a whole has nothing left inside.
            if !is_whole {
                self.enter(Some(&path), &field.fields)?;
            }
        }
        Ok(())
    }

    /// Whether the field is settled with all that is nested in it.
    fn field(&mut self, path: &FieldPath, field: &Field) -> Result<bool, MaskedFieldError> {
        let place = || format!("{}.{path}", self.graph.name(self.node));
        if let Some(given) = &field.masking_strategy_override {
            let strategy = MaskingStrategy::parse(&given.strategy, &given.configuration)
                .map_err(|source| MaskedFieldError::Strategy { place: place(), source })?;
            if strategy.preserves() {
                return Ok(true);
            }
            if field.primary_key {
                return Err(MaskedFieldError::PrimaryKey { place: place() });
            }
            if field.read_only {
                return Err(MaskedFieldError::ReadOnly { place: place() });
            }
            self.mask(path, field, strategy, true);
            return Ok(true);
        }
        let own = field.data_categories.iter().map(String::as_str);
        let node = self.graph.nodes[self.node];
        // What holds of everything in it holds of each field in a column, not of the column as a whole.
        let inherited = node.collection.data_categories.iter().chain(&node.dataset.data_categories);
        let inherited = inherited.filter(|_| field.fields.is_empty()).map(String::as_str);
        let categories: Vec<_> = own.chain(inherited).collect();
        let strategy = self.policy.strategy_for(categories.iter().copied()).filter(|strategy| !strategy.preserves());
        let Some(strategy) = strategy.cloned() else { return Ok(false) };
        match self.reason_to_leave(path, field) {
            None => self.mask(path, field, strategy, false),
            Some(why) if !why.is_empty() && categories.iter().any(|category| is_of_user(category)) => {
                self.masked.left.push(format!("{} {why}", place()));
            }
            Some(_) => {}
        }
        Ok(true)
    }

    fn reason_to_leave(&self, path: &FieldPath, field: &Field) -> Option<&'static str> {
        let joins = || {
            let ends = |referral: &crate::graph::Referral| {
                (referral.node == self.node && referral.field == *path)
                    || (referral.of == self.node && referral.key == *path)
            };
            self.graph.referrals.iter().any(ends)
        };
        if field.primary_key {
            Some("holds personal data and is a primary key: it stays as it is")
        } else if field.read_only {
            Some("holds personal data and is read_only: it stays as it is")
        } else if self.targets.contains(path) {
            // Everybody knows: it is how the person stays found.
            Some("")
        } else if !field.references.is_empty() || joins() {
            Some(
                "holds personal data and joins collections: it stays as it is. Mask it by a masking_strategy_override of its \
                 own, the same at both ends",
            )
        } else {
            None
        }
    }

    fn mask(&mut self, path: &FieldPath, field: &Field, strategy: MaskingStrategy, overridden: bool) {
        self.masked.fields.push(MaskedField { path: path.clone(), strategy, length: field.length, overridden });
    }
}
