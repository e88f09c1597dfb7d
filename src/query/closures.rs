//! Products over what services need, everything counting once, for many services in one pass.
//!
//! - Components, not services, are multiplied: each by its weakest member. They are numbered callees first, so a
//!   caller's number is larger than those of all that it calls.
//! - What the service that changes needs, itself included, has the smallest numbers. All who are asked about need
//!   all of it: it is multiplied once, and left out of the passes.
//! - A pass tells, bit by bit, for [`WANTED_PER_PASS`] components at once who of them needs a component, from
//!   the callers to the callees. Only components that some of them need are looked at: many sources in one
//!   search, as Then et al. do breadth first ("The More the Merrier", PVLDB 8, 2014).

use std::cell::Cell;
use std::collections::BinaryHeap;

use super::availability::{FACTORS_PER_LOOK, Looks, is_needed};
use crate::graph::{Graph, Link, components_callees_first};

/// Which of the components of a pass need one.
type Needing = u128;

const WANTED_PER_PASS: usize = Needing::BITS as usize;

/// No component is known yet.
const UNKNOWN: u32 = u32::MAX;

/// What a service and those that reach it need.
pub(super) struct Closures {
    /// By node, one more than its component; 0 for one that nobody needs.
    component_of: Vec<u32>,
    /// The component of the service that changes; larger ones are not needed by it.
    changed: u32,
    /// The products over what the service that changes needs, now and then.
    shared: [f64; 2],
    /// From here on by place, counted from the first component beyond `changed`: the weakest member's
    /// availability.
    weights: Vec<f64>,
    /// Where the callees of each end.
    ends: Vec<usize>,
    /// The places of what each calls beyond `changed`, each once.
    callees: Vec<u32>,
}

impl Closures {
    /// What `changed` and `callers`, who reach it, need. `own` is the availability of a service now and then; the
    /// two differ for `changed` alone. `None` when there are more links than may be looked at.
    /// O(nodes of the graph + links of what is needed).
    pub(super) fn of(
        graph: &Graph,
        changed: u32,
        callers: &[u32],
        own: impl Fn(u32) -> [f64; 2],
        looks: &mut Looks,
    ) -> Option<Self> {
        let mut closures = Self {
            component_of: vec![0; graph.node_count() as usize],
            changed: UNKNOWN,
            shared: [1.0; 2],
            weights: Vec::new(),
            ends: Vec::new(),
            callees: Vec::new(),
        };
        // Each link is looked at twice: in search of components, and to note their callees.
        let granted = looks.left / 2;
        let left = Cell::new(granted);
        let is_over = Cell::new(false);
        let follows = |link: Link| {
            is_over.set(is_over.get() || left.get() == 0);
            left.set(left.get().saturating_sub(1));
            !is_over.get() && is_needed(link)
        };
        let roots = std::iter::once(changed).chain(callers.iter().copied());
        let mut known = 0;
        components_callees_first(graph, roots.take_while(|_| !is_over.get()), follows, |members| {
            known += 1;
            for member in members {
                closures.component_of[*member as usize] = known;
            }
            // What is behind the budget was not followed to its end, and is not looked at either.
            if !is_over.get() {
                closures.take_in(graph, members, changed, &own);
            }
        });
        looks.spend((granted - left.get()) * 2)?;
        (!is_over.get()).then_some(closures)
    }

    /// Takes in the next component, whose callees are known.
    fn take_in(&mut self, graph: &Graph, members: &[u32], changed: u32, own: impl Fn(u32) -> [f64; 2]) {
        let weakest = members.iter().map(|member| own(*member)).fold([f64::INFINITY; 2], least);
        if self.changed == UNKNOWN {
            self.shared = [self.shared[0] * weakest[0], self.shared[1] * weakest[1]];
            if members.contains(&changed) {
                self.changed = self.component(changed);
            }
            return;
        }
        let component = self.component(members[0]);
        let links = members.iter().flat_map(|member| graph.outgoing(*member));
        let called = links.filter(|link| is_needed(**link)).map(|link| self.component(link.node));
        let beyond = called.filter(|callee| *callee > self.changed && *callee != component);
        let mut callees: Vec<u32> = beyond.map(|callee| callee - self.changed - 1).collect();
        callees.sort_unstable();
        callees.dedup();
        self.callees.append(&mut callees);
        self.ends.push(self.callees.len());
        self.weights.push(weakest[0]);
    }

    /// The component of a node that was taken in.
    fn component(&self, node: u32) -> u32 {
        self.component_of[node as usize] - 1
    }

    /// The place of a caller's component; `None` where it is that of the service that changes.
    fn place(&self, caller: u32) -> Option<u32> {
        self.component(caller).checked_sub(self.changed + 1)
    }

    fn callees(&self, place: u32) -> &[u32] {
        let place = place as usize;
        let first = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.callees[first..self.ends[place]]
    }

    /// For each of `callers` the product over all that it needs, now and then; `None` when that takes more than
    /// what is left.
    pub(super) fn products(&self, callers: &[u32], looks: &mut Looks) -> Option<Vec<[f64; 2]>> {
        let mut wanted: Vec<u32> = callers.iter().filter_map(|caller| self.place(*caller)).collect();
        // Neighbours in this order come from the same part of the search, and need much of the same.
        wanted.sort_unstable();
        wanted.dedup();
        let mut products = vec![1.0; self.weights.len()];
        let mut pass = Pass { needing: vec![0; self.weights.len()], open: BinaryHeap::new() };
        for wanted in wanted.chunks(WANTED_PER_PASS) {
            let found = pass.run(self, wanted, looks)?;
            for (place, product) in wanted.iter().zip(found) {
                products[*place as usize] = product;
            }
        }
        let whole = |caller: &u32| {
            let beyond = self.place(*caller).map_or(1.0, |place| products[place as usize]);
            self.shared.map(|shared| shared * beyond)
        };
        Some(callers.iter().map(whole).collect())
    }
}

/// What passes work with, empty between them.
struct Pass {
    /// By place: who needs it.
    needing: Vec<Needing>,
    /// The places that somebody needs and that are still to be looked at, the largest first: callers before what
    /// they call.
    open: BinaryHeap<u32>,
}

impl Pass {
    fn run(
        &mut self,
        closures: &Closures,
        wanted: &[u32],
        looks: &mut Looks,
    ) -> Option<[f64; WANTED_PER_PASS]> {
        let mut products = [1.0; WANTED_PER_PASS];
        for (bit, place) in wanted.iter().enumerate() {
            self.needing[*place as usize] = 1 << bit;
            self.open.push(*place);
        }
        while let Some(place) = self.open.pop() {
            let needing = std::mem::take(&mut self.needing[place as usize]);
            let callees = closures.callees(place);
            looks.spend(1 + callees.len() as u64 + u64::from(needing.count_ones()) / FACTORS_PER_LOOK)?;
            for callee in callees {
                let known = &mut self.needing[*callee as usize];
                if *known == 0 {
                    self.open.push(*callee);
                }
                *known |= needing;
            }
            multiply(&mut products, needing, closures.weights[place as usize]);
        }
        Some(products)
    }
}

fn multiply(products: &mut [f64; WANTED_PER_PASS], needing: Needing, weight: f64) {
    let mut rest = needing;
    while rest != 0 {
        products[rest.trailing_zeros() as usize] *= weight;
        rest &= rest - 1;
    }
}

fn least(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0].min(b[0]), a[1].min(b[1])]
}
