//! What a change of one service's availability does to those that need it.
//!
//! - A service needs its closure: what it reaches over fresh dependencies for which it waits and with which it
//!   fails. Its composite availability is the product over the closure, itself included, in which everything
//!   counts once, however many paths lead there.
//! - Services that need each other stand and fall together: a component counts once, as its weakest member.
//! - Components are taken callees first. One that needs a single other one multiplies what that came to; only
//!   where closures may overlap is one walked as a whole.

use crate::graph::{Graph, Link, strongly_connected_by};
use crate::limits;
use crate::query::OverBudget;
use crate::types::{Service, ServiceType};

/// A proposed change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvailabilityChange {
    /// The service that changes.
    pub node: u32,
    /// Its availability now, a ratio.
    pub current: f64,
    /// Its availability then, a ratio.
    pub proposed: f64,
    /// How many hops upstream to look.
    pub max_depth: u8,
}

/// What a change does to a service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompositeChange {
    /// Its node.
    pub node: u32,
    /// Hops to the service that changes.
    pub distance: u8,
    /// The composite availability now, a ratio.
    pub current: f64,
    /// The composite availability then, a ratio.
    pub projected: f64,
}

/// The services that reach the changed one within its depth, by distance and then as found, with what the
/// change does to each. `budget` bounds the links looked at. O(links of what they need), times the services
/// whose closures may overlap at worst.
pub fn availability_impact(
    graph: &Graph,
    change: AvailabilityChange,
    budget: u64,
) -> Result<Vec<CompositeChange>, OverBudget> {
    let mut looks = Looks { left: budget };
    let work = |looks: &mut Looks| {
        let callers = callers(graph, change, looks)?;
        let closures = Closures::of(graph, change, &callers, looks)?;
        Some(closures.changes(&callers))
    };
    work(&mut looks).ok_or(OverBudget { budget })
}

/// The services that reach the changed one, with distances, by distance and then as found. `budget` as above.
pub fn availability_callers(
    graph: &Graph,
    node: u32,
    max_depth: u8,
    budget: u64,
) -> Result<Vec<(u32, u8)>, OverBudget> {
    let change = AvailabilityChange { node, current: 1.0, proposed: 1.0, max_depth };
    callers(graph, change, &mut Looks { left: budget }).ok_or(OverBudget { budget })
}

/// A service's own availability, a ratio: what was measured, else what an external provider promises less a
/// little, else a default.
pub fn own_availability(service: &Service) -> f64 {
    let facts = service.facts();
    let promised = match service.service_type() {
        ServiceType::External => facts.published_sla.map(|sla| (sla - limits::SLA_DEDUCTION_RATIO).max(0.0)),
        ServiceType::Internal => None,
    };
    facts.availability.or(promised).unwrap_or(limits::AVAILABILITY_DEFAULT_RATIO)
}

/// Links that may still be looked at.
struct Looks {
    left: u64,
}

impl Looks {
    /// The nodes at the other ends of a node's strong, fresh links.
    fn strong<'g>(&mut self, links: &'g [Link]) -> Option<impl Iterator<Item = u32> + use<'g>> {
        self.left = self.left.checked_sub(links.len() as u64)?;
        let strong = links.iter().filter(|link| link.traits.is_strong() && !link.traits.is_stale());
        Some(strong.map(|link| link.node))
    }
}

fn callers(graph: &Graph, change: AvailabilityChange, looks: &mut Looks) -> Option<Vec<(u32, u8)>> {
    let mut seen = vec![false; graph.node_count() as usize];
    seen[change.node as usize] = true;
    let mut found: Vec<(u32, u8)> = Vec::new();
    let mut level = vec![change.node];
    for distance in 1..=change.max_depth {
        let mut next = Vec::new();
        for node in level {
            for caller in looks.strong(graph.incoming(node))? {
                if !std::mem::replace(&mut seen[caller as usize], true) {
                    found.push((caller, distance));
                    next.push(caller);
                }
            }
        }
        level = next;
    }
    Some(found)
}

/// The components that some services need, and what each comes to.
struct Closures<'g> {
    graph: &'g Graph,
    /// By node, one more than its component; 0 for one that nobody needs.
    component_of: Vec<u32>,
    members: Vec<Vec<u32>>,
    /// By component: the weakest member's availability now and then.
    weights: Vec<[f64; 2]>,
    /// By component: the product over its closure, once it is known.
    composites: Vec<Option<[f64; 2]>>,
    /// By component: the last walk that came by.
    walked: Vec<u32>,
    walks: u32,
}

impl<'g> Closures<'g> {
    fn of(
        graph: &'g Graph,
        change: AvailabilityChange,
        callers: &[(u32, u8)],
        looks: &mut Looks,
    ) -> Option<Self> {
        let roots = || std::iter::once(change.node).chain(callers.iter().map(|(node, _)| *node));
        let mut closures = Self {
            graph,
            component_of: vec![0; graph.node_count() as usize],
            members: Vec::new(),
            weights: Vec::new(),
            composites: Vec::new(),
            walked: Vec::new(),
            walks: 0,
        };
        let follows = |link: Link| link.traits.is_strong() && !link.traits.is_stale();
        for members in strongly_connected_by(graph, roots(), follows) {
            closures.add(members);
        }
        let mut order = Vec::new();
        for root in roots() {
            closures.leave_callees_first(root, &mut order, looks)?;
        }
        closures.weigh(change);
        let wanted: Vec<bool> = {
            let mut wanted = vec![false; closures.members.len()];
            roots().for_each(|node| wanted[closures.component(node)] = true);
            wanted
        };
        for component in order.into_iter().filter(|component| wanted[*component]) {
            closures.composites[component] = Some(closures.composite(component, looks)?);
        }
        Some(closures)
    }

    fn add(&mut self, members: Vec<u32>) -> usize {
        let component = self.members.len();
        for member in &members {
            self.component_of[*member as usize] = component as u32 + 1;
        }
        self.members.push(members);
        self.walked.push(0);
        self.composites.push(None);
        component
    }

    /// The component of a node that was taken in.
    fn component(&self, node: u32) -> usize {
        self.component_of[node as usize] as usize - 1
    }

    /// The component of a node, which is one of its own where it is in none.
    fn take_in(&mut self, node: u32) -> usize {
        match self.component_of[node as usize] {
            0 => self.add(vec![node]),
            known => known as usize - 1,
        }
    }

    /// Adds every component that `root` needs to `order`, what it needs before it. Depth first, on a stack of
    /// its own.
    fn leave_callees_first(&mut self, root: u32, order: &mut Vec<usize>, looks: &mut Looks) -> Option<()> {
        const ENTERED: u32 = 1;
        let first = self.take_in(root);
        let mut stack = vec![(first, None::<std::vec::IntoIter<usize>>)];
        while let Some((component, callees)) = stack.last_mut() {
            let component = *component;
            match callees {
                None if self.walked[component] == ENTERED => _ = stack.pop(),
                None => {
                    self.walked[component] = ENTERED;
                    *callees = Some(self.callees(component, looks)?.into_iter());
                }
                Some(rest) => {
                    if let Some(callee) = rest.next() {
                        stack.push((callee, None));
                    } else {
                        order.push(component);
                        stack.pop();
                    }
                }
            }
        }
        self.walks = ENTERED;
        Some(())
    }

    /// The components that a component calls, each once.
    fn callees(&mut self, component: usize, looks: &mut Looks) -> Option<Vec<usize>> {
        let mut callees = Vec::new();
        for place in 0..self.members[component].len() {
            let member = self.members[component][place];
            for callee in looks.strong(self.graph.outgoing(member))? {
                callees.push(self.take_in(callee));
            }
        }
        callees.sort_unstable();
        callees.dedup();
        callees.retain(|callee| *callee != component);
        Some(callees)
    }

    fn weigh(&mut self, change: AvailabilityChange) {
        let own = |node: u32| {
            if node == change.node {
                return [change.current, change.proposed];
            }
            [own_availability(self.graph.node(node).service()); 2]
        };
        let weakest = |members: &Vec<u32>| {
            members
                .iter()
                .map(|node| own(*node))
                .fold([f64::INFINITY; 2], |least, own| [least[0].min(own[0]), least[1].min(own[1])])
        };
        self.weights = self.members.iter().map(weakest).collect();
    }

    /// The product over the closure of a component; those of the wanted ones that it needs are known.
    fn composite(&mut self, component: usize, looks: &mut Looks) -> Option<[f64; 2]> {
        let own = self.weights[component];
        if let [only] = self.callees(component, looks)?.as_slice()
            && let Some(below) = self.composites[*only]
        {
            return Some(product(own, below));
        }
        self.walks += 1;
        self.walked[component] = self.walks;
        let mut all = own;
        let mut stack = vec![component];
        while let Some(at) = stack.pop() {
            for callee in self.callees(at, looks)? {
                if self.walked[callee] != self.walks {
                    self.walked[callee] = self.walks;
                    all = product(all, self.weights[callee]);
                    stack.push(callee);
                }
            }
        }
        Some(all)
    }

    fn changes(&self, callers: &[(u32, u8)]) -> Vec<CompositeChange> {
        let change = |&(node, distance): &(u32, u8)| {
            let [current, projected] =
                self.composites[self.component(node)].expect("every caller's was worked out");
            CompositeChange { node, distance, current, projected }
        };
        callers.iter().map(change).collect()
    }
}

fn product(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] * b[0], a[1] * b[1]]
}
