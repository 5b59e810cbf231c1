//! From an identity to the wanted field.

use std::{collections::HashSet, fmt};

use segment_core::IdentityKind;

use crate::{
    Dataset, FieldPath, FieldRef, PlanError,
    graph::{Edge, Graph},
};

/// More routes than this are a dataset whose references lack a direction, not a plan.
pub const MAX_ROUTES: usize = 256;
/// Bounds the search itself, which can walk into many dead ends before it finds a route.
const MAX_VISITS: usize = 100_000;
const MAX_STEPS: usize = 64;

/// Every way from collections with an identity of one kind to a field, shortest first. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupPlan {
    target: FieldRef,
    routes: Vec<Route>,
}

impl LookupPlan {
    /// Plans the look-up of `target` by identities of the kind `identity` in one database with these datasets.
    ///
    /// `None`: no collection holds such identities, or none of them leads to the target.
    pub fn new(datasets: &[Dataset], target: &FieldRef, identity: &IdentityKind) -> Result<Option<Self>, PlanError> {
        let graph = Graph::new(datasets)?;
        let (end, take) = graph.find(datasets, target)?;
        if !graph.may_enter(end) {
            return Err(PlanError::TargetSkipped { target: target.to_string() });
        }
        let starts = starts(&graph, identity);
        let mut search = Search::new(&graph, end, take);
        for (start, key) in &starts {
            search.enter(*start, &mut vec![(*start, key.clone(), None)])?;
        }
        let mut routes = search.routes;
        if routes.is_empty() {
            let starts: Vec<_> = starts.into_iter().map(|(start, _)| start).collect();
            return match graph.missing_link(&starts, end).filter(|_| !starts.is_empty()) {
                None => Ok(None),
                Some((place, dataset)) => Err(PlanError::DatasetNotLoaded {
                    target: target.to_string(),
                    place: place.to_owned(),
                    dataset: dataset.to_owned(),
                }),
            };
        }
        routes.sort_by_key(|route| route.steps.len());
        let node = graph.nodes[end];
        let field = routes[0].steps[routes[0].steps.len() - 1].take_field.clone();
        let target = FieldRef::from_parts(&node.dataset.fides_key, &node.collection.name, field);
        Ok(Some(Self { target, routes }))
    }

    /// The field at the end of every route, with the collection's name as the dataset has it.
    #[must_use]
    pub fn target(&self) -> &FieldRef {
        &self.target
    }

    /// Shortest first, never empty.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}

/// One way from an identity to the target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    steps: Vec<Step>,
}

impl Route {
    /// In the order to run them, never empty: the first is asked with the identity, each later one with the values that
    /// the one before it took, and the last takes the target.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let Step { dataset, collection, key_field, take_field, .. } = step;
            write!(f, "{separator}{dataset}.{collection} ({key_field} -> {take_field})")?;
        }
        Ok(())
    }
}

/// Take the values of one field where another equals the keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Step {
    /// The dataset's key.
    pub dataset: String,
    /// The schema that the dataset names for its tables.
    pub schema: Option<String>,
    /// The collection's name.
    pub collection: String,
    /// The field that is compared.
    pub key_field: FieldPath,
    /// The field whose values go on.
    pub take_field: FieldPath,
}

fn starts(graph: &Graph<'_>, identity: &IdentityKind) -> Vec<(usize, FieldPath)> {
    (0..graph.nodes.len())
        .filter(|node| graph.may_enter(*node))
        .flat_map(|node| {
            let fields = graph.nodes[node].collection.walk();
            fields.into_iter().filter(|(_, field)| field.holds(identity)).map(move |(path, _)| (node, path))
        })
        .collect()
}

/// A node on the way, the field by which it is entered, and the field by which the node before it is left.
type Visit = (usize, FieldPath, Option<FieldPath>);

/// Depth first over paths without a repeated collection, into nodes that lead to the target only.
struct Search<'g> {
    graph: &'g Graph<'g>,
    outgoing: Vec<Vec<&'g Edge>>,
    end: usize,
    take: FieldPath,
    useful: HashSet<usize>,
    visits: usize,
    routes: Vec<Route>,
}

impl<'g> Search<'g> {
    fn new(graph: &'g Graph<'g>, end: usize, take: FieldPath) -> Self {
        let mut outgoing = vec![Vec::new(); graph.nodes.len()];
        for edge in &graph.edges {
            outgoing[edge.from].push(edge);
        }
        Self { graph, outgoing, end, take, useful: graph.reaching(end), visits: 0, routes: Vec::new() }
    }

    fn enter(&mut self, node: usize, path: &mut Vec<Visit>) -> Result<(), PlanError> {
        self.visits += 1;
        if self.visits > MAX_VISITS || self.routes.len() >= MAX_ROUTES || path.len() > MAX_STEPS {
            return Err(PlanError::TooManyRoutes { target: self.name_of_end(), max: MAX_ROUTES });
        }
        if node == self.end {
            self.routes.push(self.route(path));
            return Ok(());
        }
        for edge in self.outgoing[node].clone() {
            let repeated = path.iter().any(|(visited, ..)| *visited == edge.to);
            if !repeated && self.useful.contains(&edge.to) {
                path.push((edge.to, edge.key.clone(), Some(edge.take.clone())));
                self.enter(edge.to, path)?;
                path.pop();
            }
        }
        Ok(())
    }

    fn route(&self, path: &[Visit]) -> Route {
        let takes = path.iter().skip(1).map(|(_, _, take)| take.clone()).chain([Some(self.take.clone())]);
        let steps = path.iter().zip(takes).filter_map(|((node, key, _), take)| {
            let node = self.graph.nodes[*node];
            Some(Step {
                dataset: node.dataset.fides_key.clone(),
                schema: node.dataset.schema.clone(),
                collection: node.collection.name.clone(),
                key_field: key.clone(),
                take_field: take?,
            })
        });
        Route { steps: steps.collect() }
    }

    fn name_of_end(&self) -> String {
        let node = self.graph.nodes[self.end];
        FieldRef::from_parts(&node.dataset.fides_key, &node.collection.name, self.take.clone()).to_string()
    }
}
