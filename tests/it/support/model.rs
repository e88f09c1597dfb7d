//! The reference model: what a dependency query must answer, worked out the slow and obvious way.
//!
//! - It shares no code and no idea of storage with the product.
//! - `check` compares every field of an answer that follows from the edges alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Answer, Server, dependencies};

/// A set of dependencies.
pub(crate) struct Model {
    pairs: BTreeSet<(String, String)>,
    cyclic: BTreeSet<String>,
}

impl Model {
    /// A model of these edges.
    pub(crate) fn new<S: Into<String>>(pairs: impl IntoIterator<Item = (S, S)>) -> Self {
        let pairs: BTreeSet<_> = pairs.into_iter().map(|(from, to)| (from.into(), to.into())).collect();
        let mut model = Self { pairs, cyclic: BTreeSet::new() };
        model.cyclic = model.services().into_iter().filter(|id| model.reaches_itself(id)).collect();
        model
    }

    /// Every service that an edge names.
    pub(crate) fn services(&self) -> BTreeSet<String> {
        self.pairs.iter().flat_map(|(from, to)| [from.clone(), to.clone()]).collect()
    }

    /// Asks the server from every service, in every direction, at these depths, and compares.
    pub(crate) fn check_all(&self, server: &Server, depths: &[u64]) {
        for root in self.services() {
            for direction in ["downstream", "upstream", "both"] {
                for depth in depths {
                    self.check(server, &root, direction, *depth);
                }
            }
        }
    }

    /// Asks one question and compares the whole answer.
    pub(crate) fn check(&self, server: &Server, root: &str, direction: &str, depth: u64) {
        let answer = dependencies(server, root, &format!("direction={direction}&depth={depth}"));
        let what = format!("{direction} of {root} to {depth}");
        let down = self.side(direction != "upstream", root, depth, false);
        let up = self.side(direction != "downstream", root, depth, true);
        let mut distances = down.distances.clone();
        for (id, distance) in &up.distances {
            distances
                .entry(id.clone())
                .and_modify(|known| *known = *distance.min(known))
                .or_insert(*distance);
        }
        assert_eq!(answer.distances(), distances, "{what}");
        assert_eq!(answer.ids().len(), distances.len(), "{what}: a service is there twice");
        let pairs: BTreeSet<_> = down.pairs.union(&up.pairs).cloned().collect();
        assert_eq!(answer.pairs(), pairs, "{what}");
        assert_eq!(answer.0["service_id"], root, "{what}");
        assert_eq!(answer.0["direction"], direction, "{what}");
        assert_eq!(answer.0["depth"], depth, "{what}");
        check_order(&answer, &down.distances, &what);
        let count = |side: &Side| side.distances.len() as u64 - 1;
        assert_eq!(*answer.statistic("total_nodes"), distances.len(), "{what}");
        assert_eq!(*answer.statistic("total_edges"), pairs.len(), "{what}");
        assert_eq!(*answer.statistic("downstream_services"), count(&down), "{what}");
        assert_eq!(*answer.statistic("upstream_services"), count(&up), "{what}");
        assert_eq!(*answer.statistic("max_depth_reached"), *distances.values().max().unwrap(), "{what}");
        let cyclic = distances.keys().any(|id| self.cyclic.contains(id));
        assert_eq!(*answer.statistic("has_circular_dependencies"), cyclic, "{what}");
        assert_eq!(*answer.statistic("truncated"), false, "{what}");
    }

    /// Without self-loops, exactly the members of components of two or more reach themselves.
    fn reaches_itself(&self, id: &str) -> bool {
        self.side(true, id, u64::MAX, false).pairs.iter().any(|(_, to)| to == id)
    }

    /// Breadth-first in one direction, or only the root when that direction is not asked for.
    fn side(&self, asked: bool, root: &str, depth: u64, upstream: bool) -> Side {
        let depth = if asked { depth } else { 0 };
        let mut side = Side { distances: BTreeMap::from([(root.to_owned(), 0)]), pairs: BTreeSet::new() };
        let mut queue = VecDeque::from([root.to_owned()]);
        while let Some(current) = queue.pop_front() {
            let distance = side.distances[&current];
            if distance >= depth {
                continue;
            }
            for (from, to) in &self.pairs {
                let (near, far) = if upstream { (to, from) } else { (from, to) };
                if *near == current {
                    side.pairs.insert((from.clone(), to.clone()));
                    side.distances.entry(far.clone()).or_insert_with(|| {
                        queue.push_back(far.clone());
                        distance + 1
                    });
                }
            }
        }
        side
    }
}

/// What one direction finds.
struct Side {
    distances: BTreeMap<String, u64>,
    pairs: BTreeSet<(String, String)>,
}

/// Root first, then by distance, and at one distance what lies downstream before what lies upstream.
fn check_order(answer: &Answer, down: &BTreeMap<String, u64>, what: &str) {
    let distances = answer.distances();
    let rank = |id: &String| (distances[id], down.get(id) != Some(&distances[id]));
    let ids = answer.ids();
    let mut sorted = ids.clone();
    // A stable sort leaves the ids of one rank as they are: how they were found is the product's business.
    sorted.sort_by_key(rank);
    assert_eq!(ids, sorted, "{what}: order of services");
}
