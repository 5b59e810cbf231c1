//! Collections as nodes, references as directed edges.

use std::collections::HashSet;

use crate::{Collection, Dataset, Direction, FieldPath, FieldRef, PlanError, nearest_names};

/// One collection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) collection: &'a Collection,
}

/// Values flow from a field of one node to the equal field of another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) take: FieldPath,
    pub(crate) to: usize,
    pub(crate) key: FieldPath,
}

/// A reference to or from a dataset that is not loaded.
#[derive(Debug)]
pub(crate) struct Dangling {
    node: usize,
    place: String,
    dataset: String,
    direction: Option<Direction>,
}

#[derive(Debug)]
pub(crate) struct Graph<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) edges: Vec<Edge>,
    dangling: Vec<Dangling>,
}

impl<'a> Graph<'a> {
    pub(crate) fn new(datasets: &'a [Dataset]) -> Result<Self, PlanError> {
        let mut keys = HashSet::new();
        if let Some(twice) = datasets.iter().find(|dataset| !keys.insert(&dataset.fides_key)) {
            return Err(PlanError::DuplicateDataset { dataset: twice.fides_key.clone() });
        }
        let nodes = datasets
            .iter()
            .flat_map(|dataset| dataset.collections.iter().map(move |collection| Node { dataset, collection }))
            .collect();
        let mut graph = Self { nodes, edges: Vec::new(), dangling: Vec::new() };
        let mut seen = HashSet::new();
        for node in 0..graph.nodes.len() {
            graph.add_references(datasets, node, &mut seen)?;
        }
        Ok(graph)
    }

    fn add_references(
        &mut self,
        datasets: &'a [Dataset],
        node: usize,
        seen: &mut HashSet<Edge>,
    ) -> Result<(), PlanError> {
        let Node { dataset, collection } = self.nodes[node];
        for (path, field) in collection.walk() {
            for reference in &field.references {
                let place = FieldRef::from_parts(&dataset.fides_key, &collection.name, path.clone()).to_string();
                if datasets.iter().all(|dataset| dataset.fides_key != reference.field.dataset()) {
                    let dataset = reference.field.dataset().to_owned();
                    self.dangling.push(Dangling { node, place, dataset, direction: reference.direction });
                    continue;
                }
                let (other, other_path) = self
                    .find(datasets, &reference.field)
                    .map_err(|source| PlanError::BrokenReference { place, source: Box::new(source) })?;
                let into = Edge { from: other, take: other_path.clone(), to: node, key: path.clone() };
                let out = Edge { from: node, take: path.clone(), to: other, key: other_path };
                let directed = match reference.direction {
                    Some(Direction::From) => vec![into],
                    Some(Direction::To) => vec![out],
                    None => vec![into, out],
                };
                self.edges.extend(directed.into_iter().filter(|edge| seen.insert(edge.clone())));
            }
        }
        Ok(())
    }

    /// The node and the path of a field, or which part of its name is unknown.
    pub(crate) fn find(&self, datasets: &[Dataset], field: &FieldRef) -> Result<(usize, FieldPath), PlanError> {
        let key = field.dataset();
        let dataset = datasets.iter().find(|dataset| dataset.fides_key == key).ok_or_else(|| {
            let known = nearest_names(key, datasets.iter().map(|dataset| dataset.fides_key.as_str()));
            PlanError::UnknownDataset { dataset: key.to_owned(), known }
        })?;
        if let Some((found, path)) = dataset.resolve(field) {
            let is_found = |node: &Node<'_>| node.dataset.fides_key == key && node.collection.name == found.name;
            if let Some(node) = self.nodes.iter().position(is_found) {
                return Ok((node, path));
            }
        }
        let known_split = field.splits().find_map(|(name, path)| dataset.collection(&name).map(|found| (found, path)));
        Err(match known_split {
            None => {
                let known = nearest_names(field.collection(), dataset.collections.iter().map(|c| c.name.as_str()));
                PlanError::UnknownCollection {
                    dataset: key.to_owned(),
                    collection: field.collection().to_owned(),
                    known,
                }
            }
            Some((collection, path)) => {
                let path = path.to_string();
                let paths: Vec<_> = collection.walk().into_iter().map(|(path, _)| path.to_string()).collect();
                PlanError::UnknownField {
                    dataset: key.to_owned(),
                    collection: collection.name.clone(),
                    known: nearest_names(&path, paths.iter().map(String::as_str)),
                    field: path,
                }
            }
        })
    }

    /// Whether look-ups may go through a node.
    pub(crate) fn may_enter(&self, node: usize) -> bool {
        !self.nodes[node].collection.skip_processing
    }

    /// The nodes that values reach from `starts`.
    pub(crate) fn reachable_from(&self, starts: &[usize]) -> HashSet<usize> {
        self.spread(starts, |edge| (edge.from, edge.to))
    }

    /// The nodes whose values reach `target`.
    pub(crate) fn reaching(&self, target: usize) -> HashSet<usize> {
        self.spread(&[target], |edge| (edge.to, edge.from))
    }

    fn spread(&self, starts: &[usize], ends: impl Fn(&Edge) -> (usize, usize)) -> HashSet<usize> {
        let mut found: HashSet<_> = starts.iter().copied().collect();
        let mut open = starts.to_vec();
        while let Some(node) = open.pop() {
            for edge in &self.edges {
                let (here, there) = ends(edge);
                if here == node && self.may_enter(there) && found.insert(there) {
                    open.push(there);
                }
            }
        }
        found
    }

    /// A reference to a dataset that is not loaded, which might have led from the starts to the target.
    pub(crate) fn missing_link(&self, starts: &[usize], target: usize) -> Option<(&str, &str)> {
        let after = self.reachable_from(starts);
        let before = self.reaching(target);
        self.dangling
            .iter()
            .find(|link| {
                (link.direction != Some(Direction::From) && after.contains(&link.node))
                    || (link.direction != Some(Direction::To) && before.contains(&link.node))
            })
            .map(|link| (link.place.as_str(), link.dataset.as_str()))
    }
}
