//! From a person to all of the person's rows.

use std::collections::{BTreeMap, BTreeSet};

use segment_core::IdentityKind;

use crate::{
    Dataset, FieldPath, FieldRef, PlanError,
    graph::{Edge, Graph, Way},
    nearest_names,
};

/// The collections that hold rows of a person, in the order in which they are asked: each once, by everything that the
/// collections before it know. Where references go in a circle, that ends it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Traversal {
    /// In the order to ask them.
    pub visits: Vec<Visit>,
    /// References that are not followed, and why: sentences.
    pub not_followed: Vec<String>,
    /// Collections (`dataset.collection`) with personal data that nothing leads to.
    pub unreached: Vec<String>,
}

/// One collection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visit {
    /// The dataset's key.
    pub dataset: String,
    /// The collection's name.
    pub collection: String,
    /// The ways in: a row that any of them finds is the person's. Never empty.
    pub entries: Vec<Entry>,
    /// Columns whose values others are asked by.
    pub takes: BTreeSet<String>,
    /// Whose rows may refer to rows of this collection, where such rows are entered from the rows that refer to them.
    pub referrers: Vec<Referrer>,
}

/// One way into a collection: its rows whose `column` has one of the values.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The column that is asked by.
    pub column: String,
    /// Where the values come from.
    pub values: Origin,
}

/// Where the values come from that a collection is asked by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The person's identities of this kind.
    Identity(IdentityKind),
    /// The person's Segment user ids, of the connections that keep them in this field.
    UserIds(FieldRef),
    /// A column of an earlier visit.
    Rows {
        /// Its index.
        visit: usize,
        /// The column.
        column: String,
        /// Whether it leads from a row to the row that it refers to, as others may do.
        up: bool,
        /// Whether only rows that are the person's alone are followed: down along a reference without a direction. Otherwise it
        /// would lead from the article that somebody bought to everybody who bought it.
        only_own: bool,
    },
}

/// Rows elsewhere that refer to rows of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Referrer {
    /// Their dataset's key.
    pub dataset: String,
    /// Their collection.
    pub collection: String,
    /// Their column.
    pub column: String,
    /// The column of the visit that it refers to.
    pub of: String,
}

impl Traversal {
    /// Plans how to find the rows of somebody of whom identities of these `kinds` are known, and Segment user ids that stand in
    /// the fields `targets`. References to datasets that are not among these are not followed.
    pub fn new(datasets: &[Dataset], kinds: &BTreeSet<IdentityKind>, targets: &[FieldRef]) -> Result<Self, PlanError> {
        let graph = Graph::new(datasets)?;
        let mut planner = Planner::new(datasets, &graph)?;
        planner.start(datasets, kinds, targets)?;
        Ok(planner.plan())
    }
}

struct Planner<'g> {
    graph: &'g Graph<'g>,
    /// The collections that come before a collection.
    after: Vec<Vec<usize>>,
    /// What each collection is asked by from outside.
    starts: BTreeMap<usize, Vec<Entry>>,
    not_followed: BTreeSet<String>,
}

impl<'g> Planner<'g> {
    fn new(datasets: &[Dataset], graph: &'g Graph<'g>) -> Result<Self, PlanError> {
        let names: Vec<_> = (0..graph.nodes.len()).map(|node| graph.name(node)).collect();
        let mut after = Vec::with_capacity(names.len());
        for (node, name) in names.iter().enumerate() {
            let mut before = Vec::new();
            for given in &graph.nodes[node].collection.after {
                match names.iter().position(|name| name == given) {
                    Some(other) => before.push(other),
                    // What is not loaded is not asked either.
                    None if datasets.iter().all(|dataset| !given.starts_with(&format!("{}.", dataset.fides_key))) => {}
                    None => {
                        let known = nearest_names(given, names.iter().map(String::as_str));
                        return Err(PlanError::UnknownAfter { place: name.clone(), given: given.clone(), known });
                    }
                }
            }
            after.push(before);
        }
        Ok(Self { graph, after, starts: BTreeMap::new(), not_followed: BTreeSet::new() })
    }

    fn start(
        &mut self,
        datasets: &[Dataset],
        kinds: &BTreeSet<IdentityKind>,
        targets: &[FieldRef],
    ) -> Result<(), PlanError> {
        for node in (0..self.graph.nodes.len()).filter(|node| self.graph.may_enter(*node)) {
            for (path, field) in self.graph.nodes[node].collection.walk() {
                for kind in kinds.iter().filter(|kind| field.holds(kind)) {
                    self.enter(node, &path, Origin::Identity(kind.clone()));
                }
            }
        }
        for target in targets {
            let (node, path) = self.graph.find(datasets, target)?;
            if self.graph.may_enter(node) {
                self.enter(node, &path, Origin::UserIds(target.clone()));
            }
        }
        Ok(())
    }

    fn enter(&mut self, node: usize, path: &FieldPath, values: Origin) {
        if let Some(column) = self.column(node, path) {
            let entry = Entry { column, values };
            let entries = self.starts.entry(node).or_default();
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
    }

    /// The column of a field. What is nested in a column cannot be asked by.
    fn column(&mut self, node: usize, path: &FieldPath) -> Option<String> {
        if let Some(column) = path.as_column() {
            return Some(column.to_owned());
        }
        let place = format!("{}.{path}", self.graph.name(node));
        self.not_followed.insert(format!("{place} is nested in a column, and nested fields cannot be looked up"));
        None
    }

    fn plan(mut self) -> Traversal {
        let order = self.order();
        let mut traversal = Traversal::default();
        let mut visited = Vec::new();
        for node in &order {
            let mut entries = self.starts.get(node).cloned().unwrap_or_default();
            entries.extend(self.row_entries(*node, &visited, &order));
            if entries.is_empty() {
                // Only a field that cannot be looked up leads here: what it was to lead to is not reached either.
                continue;
            }
            visited.push(*node);
            let of = self.graph.nodes[*node];
            traversal.visits.push(Visit {
                dataset: of.dataset.fides_key.clone(),
                collection: of.collection.name.clone(),
                entries,
                takes: BTreeSet::new(),
                referrers: Vec::new(),
            });
        }
        for link in self.graph.dangling.iter().filter(|link| visited.contains(&link.node)) {
            self.not_followed
                .insert(format!("{} refers to the dataset {}, which is not loaded", link.place, link.dataset));
        }
        self.find_referrers(&mut traversal);
        take_what_is_needed(&mut traversal);
        let reached = |name: &String| traversal.visits.iter().any(|visit| visit.name() == *name);
        let holding = (0..self.graph.nodes.len()).filter(|node| self.graph.may_enter(*node) && self.is_personal(*node));
        traversal.unreached = holding.map(|node| self.graph.name(node)).filter(|name| !reached(name)).collect();
        traversal.not_followed = self.not_followed.into_iter().collect();
        traversal
    }

    /// Every reachable collection, after those that only lead to it, as far as circles allow.
    fn order(&mut self) -> Vec<usize> {
        let starts: Vec<_> = self.starts.keys().copied().collect();
        let reachable = self.graph.reachable_from(&starts);
        let mut order: Vec<usize> = Vec::new();
        while order.len() < reachable.len() {
            let open = |node: usize| reachable.contains(&node) && !order.contains(&node);
            let next_to = |node: usize| {
                starts.contains(&node)
                    || self.graph.edges.iter().any(|edge| edge.to == node && order.contains(&edge.from))
            };
            let waits = |node: usize| {
                // Those to which rows refer come before the rows, if anything else than the rows leads to them.
                let mut before =
                    self.graph.edges.iter().filter(|edge| edge.to == node && edge.from != node && open(edge.from));
                before.any(|edge| !self.is_taken_back(edge)) || self.after[node].iter().any(|before| open(*before))
            };
            let candidates = (0..self.graph.nodes.len()).filter(|node| open(*node) && next_to(*node));
            // In the order of the files, so that the same datasets make the same plan.
            let Some(next) = candidates.min_by_key(|node| (waits(*node), *node)) else { break };
            order.push(next);
        }
        order
    }

    /// Whether values flow the other way, too.
    fn is_reversed(&self, edge: &Edge) -> bool {
        self.graph.edges.iter().any(|other| other.reverses(edge))
    }

    /// Whether values flow the other way, too, and that way first.
    fn is_taken_back(&self, edge: &Edge) -> bool {
        self.is_reversed(edge) && (edge.way == Way::Up || !self.starts.contains_key(&edge.from))
    }

    /// The ways into a collection from those that were visited before it; what comes from a later one would go in a circle.
    fn row_entries(&mut self, node: usize, visited: &[usize], order: &[usize]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for edge in self.graph.edges.iter().filter(|edge| edge.to == node) {
            let Some(visit) = visited.iter().position(|other| *other == edge.from) else {
                // What was only reached from here knows nothing more.
                let known = self.starts.contains_key(&edge.from) || !self.is_reversed(edge);
                if order.contains(&edge.from) && (known || edge.from == node) {
                    let (from, to) = (self.graph.name(edge.from), self.graph.name(node));
                    self.not_followed.insert(format!(
                        "values of {from}.{} do not lead on to {to}.{}: the references go in a circle",
                        edge.take, edge.key
                    ));
                }
                continue;
            };
            let (Some(column), Some(taken)) = (self.column(node, &edge.key), self.column(edge.from, &edge.take)) else {
                continue;
            };
            let (up, only_own) = (edge.way == Way::Up, edge.way == Way::DownUndirected);
            entries.push(Entry { column, values: Origin::Rows { visit, column: taken, up, only_own } });
        }
        entries
    }

    fn find_referrers(&mut self, traversal: &mut Traversal) {
        for visit in &mut traversal.visits {
            let name = visit.name();
            for referral in self.graph.referrals.iter().filter(|referral| self.graph.name(referral.of) == name) {
                let (Some(column), Some(of)) = (referral.field.as_column(), referral.key.as_column()) else { continue };
                let by = self.graph.nodes[referral.node];
                visit.referrers.push(Referrer {
                    dataset: by.dataset.fides_key.clone(),
                    collection: by.collection.name.clone(),
                    column: column.to_owned(),
                    of: of.to_owned(),
                });
            }
        }
    }

    fn is_personal(&self, node: usize) -> bool {
        let of = self.graph.nodes[node];
        let fields = of.collection.walk();
        let own = fields.iter().flat_map(|(_, field)| &field.data_categories);
        own.chain(&of.collection.data_categories).any(|category| is_of_user(category))
    }
}

/// Whether a data category is `user` or below.
pub(crate) fn is_of_user(category: &str) -> bool {
    category == "user" || category.starts_with("user.")
}

impl Traversal {
    /// The columns by which rows of a visit refer to rows of any visit.
    #[must_use]
    pub fn referring(&self, of: &Visit) -> BTreeSet<&str> {
        let referrers = self.visits.iter().flat_map(|visit| &visit.referrers);
        let own = referrers.filter(|by| by.dataset == of.dataset && by.collection == of.collection);
        own.map(|by| by.column.as_str()).collect()
    }
}

impl Entry {
    /// The earlier visit that the values come from, if it is one.
    #[must_use]
    pub fn visit(&self) -> Option<usize> {
        if let Origin::Rows { visit, .. } = self.values { Some(visit) } else { None }
    }
}

impl Visit {
    /// `dataset.collection.column`
    #[must_use]
    pub fn field(&self, column: &str) -> String {
        format!("{}.{column}", self.name())
    }

    /// `dataset.collection`
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.dataset, self.collection)
    }
}

fn take_what_is_needed(traversal: &mut Traversal) {
    let mut takes = Vec::new();
    for entry in traversal.visits.iter().flat_map(|visit| &visit.entries) {
        if let Origin::Rows { visit, column, .. } = &entry.values {
            takes.push((*visit, column.clone()));
        }
    }
    for (visit, column) in takes {
        traversal.visits[visit].takes.insert(column);
    }
}
