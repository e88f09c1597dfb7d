//! How many services need a service, over any number of hops, for many services in one pass.
//!
//! - Components are taken callees first. Each gathers, bit by bit, which of the wanted services its callees
//!   reach, so one pass over the graph answers for [`WANTED_PER_PASS`] of them, whatever their shape.
//! - The members of a component reach the same services, each other among them.

use super::view::View;
use crate::graph::Graph;

const WORDS: usize = 4;

/// How many services one pass answers for.
const WANTED_PER_PASS: usize = WORDS * u64::BITS as usize;

/// One bit for each service of a pass.
type Set = [u64; WORDS];

/// For each of `wanted`, how many other services reach it over fresh dependencies. The entry points of the
/// view reach all. O((services + dependencies) · wanted / 256), and each pair found is counted once.
pub(super) fn transitive_callers(graph: &Graph, view: View<'_>, wanted: &[u32]) -> Vec<u32> {
    let components = Components::callees_first(graph, &view.callees_first());
    let mut counts = Vec::with_capacity(wanted.len());
    for wanted in wanted.chunks(WANTED_PER_PASS) {
        counts.extend(pass(graph, &components, wanted));
    }
    counts
}

fn pass(graph: &Graph, components: &Components, wanted: &[u32]) -> Vec<u32> {
    // By the node that stands for a component: what is reached from it, itself at first.
    let mut reached = vec![Set::default(); graph.node_count() as usize];
    for (position, node) in wanted.iter().enumerate() {
        let bit = 1 << (position % 64);
        reached[components.standing_for(*node) as usize][position / 64] |= bit;
    }
    let mut counts = vec![0; wanted.len()];
    for &first in &components.order {
        let own = std::mem::take(&mut reached[first as usize]);
        let (mut further, mut members) = (Set::default(), 0);
        components.members(graph, first, |member| {
            members += 1;
            for link in graph.outgoing(member).iter().filter(|link| !link.traits.is_stale()) {
                // Nothing is taken from the component itself: its own place is empty meanwhile.
                let more = &reached[components.standing_for(link.node) as usize];
                further.iter_mut().zip(more).for_each(|(word, more)| *word |= more);
            }
        });
        count(&mut counts, further, members);
        // A member is not its own caller.
        count(&mut counts, own, members - 1);
        reached[first as usize] = std::array::from_fn(|word| own[word] | further[word]);
    }
    counts
}

/// Adds `more` to the count of each service of a set.
fn count(counts: &mut [u32], set: Set, more: u32) {
    for (place, mut word) in set.into_iter().enumerate() {
        while word != 0 {
            counts[place * 64 + word.trailing_zeros() as usize] += more;
            word &= word - 1;
        }
    }
}

/// The components of the fresh graph, those of one service too.
struct Components {
    /// By node: the member that stands for its component.
    standing_for: Vec<u32>,
    /// Those members, each behind all that its component reaches.
    order: Vec<u32>,
}

impl Components {
    /// `left` are the services in the order in which a depth-first search leaves them: of two components
    /// one of which reaches the other, the member that is left last is in the one that reaches (Kosaraju
    /// and Sharir's lemma).
    fn callees_first(graph: &Graph, left: &[u32]) -> Self {
        let mut standing_for: Vec<u32> = (0..graph.node_count()).collect();
        for (_, component) in graph.cycles().components() {
            for member in &component.members {
                standing_for[*member as usize] = component.members[0];
            }
        }
        let mut seen = vec![false; standing_for.len()];
        let mut order = Vec::with_capacity(left.len());
        for node in left.iter().rev() {
            let first = standing_for[*node as usize];
            if !std::mem::replace(&mut seen[first as usize], true) {
                order.push(first);
            }
        }
        order.reverse();
        Self { standing_for, order }
    }

    fn standing_for(&self, node: u32) -> u32 {
        self.standing_for[node as usize]
    }

    /// Calls `each` for the members of a component.
    fn members(&self, graph: &Graph, first: u32, each: impl FnMut(u32)) {
        let key = graph.cycles().key_of(first);
        match key.and_then(|key| graph.cycles().component(key)) {
            Some(component) => component.members.iter().copied().for_each(each),
            None => std::iter::once(self.standing_for(first)).for_each(each),
        }
    }
}
