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
    pub(crate) way: Way,
}

impl Edge {
    /// Whether it joins the same two fields, the other way round.
    pub(crate) fn reverses(&self, other: &Self) -> bool {
        (self.from, &self.take, self.to, &self.key) == (other.to, &other.key, other.from, &other.take)
    }
}

/// Where values that flow along an edge lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// From a row to the rows that refer to it, as the dataset says.
    Down,
    /// The same, along a reference without a direction.
    DownUndirected,
    /// From a row to the row that it refers to, as others may do.
    Up,
}

/// Rows of one node name rows of another by this field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Referral {
    pub(crate) node: usize,
    pub(crate) field: FieldPath,
    pub(crate) of: usize,
    pub(crate) key: FieldPath,
}

/// A reference to or from a dataset that is not loaded.
#[derive(Debug)]
pub(crate) struct Dangling {
    pub(crate) node: usize,
    pub(crate) place: String,
    pub(crate) dataset: String,
    direction: Option<Direction>,
}

/// A field of a node.
type End = (usize, FieldPath);
/// From which to which values flow.
type Ends = (End, End);

#[derive(Debug)]
pub(crate) struct Graph<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) referrals: Vec<Referral>,
    pub(crate) dangling: Vec<Dangling>,
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
        let mut graph = Self { nodes, edges: Vec::new(), referrals: Vec::new(), dangling: Vec::new() };
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
        seen: &mut HashSet<Ends>,
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
                self.add_reference((node, path.clone()), (other, other_path), reference.direction, seen);
            }
        }
        Ok(())
    }

    /// Between the field that carries the reference and the one that it names.
    fn add_reference(&mut self, carrier: End, named: End, direction: Option<Direction>, seen: &mut HashSet<Ends>) {
        // A reference can be written down at either end. Where one end is a primary key, and the other is not, that one is
        // referred to.
        // A part of a key does not: a table between two others has two.
        let is_key = |(node, path): &End| {
            let fields = self.nodes[*node].collection.walk();
            let mut keys = fields.iter().filter(|(_, field)| field.primary_key);
            matches!((keys.next(), keys.next()), (Some((key, _)), None) if key == path)
        };
        let turned = is_key(&carrier) && !is_key(&named);
        let (row, referred) = if turned { (&named, &carrier) } else { (&carrier, &named) };
        let (node, field) = row.clone();
        let (of, key) = referred.clone();
        self.referrals.push(Referral { node, field, of, key });
        let down = if direction.is_some() { Way::Down } else { Way::DownUndirected };
        let (into, out) = if turned { (Way::Up, down) } else { (down, Way::Up) };
        let into = (direction != Some(Direction::To)).then(|| (named.clone(), carrier.clone(), into));
        let out = (direction != Some(Direction::From)).then_some((carrier, named, out));
        for ((from, take), (to, key), way) in into.into_iter().chain(out) {
            if seen.insert(((from, take.clone()), (to, key.clone()))) {
                self.edges.push(Edge { from, take, to, key, way });
            }
        }
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

    /// `dataset.collection`
    pub(crate) fn name(&self, node: usize) -> String {
        let Node { dataset, collection } = self.nodes[node];
        format!("{}.{}", dataset.fides_key, collection.name)
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
