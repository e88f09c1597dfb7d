//! Dependencies that what runs and what is declared do not agree about.

use crate::graph::{Graph, Link};
use crate::query::OverBudget;
use crate::types::DiscoverySource;

/// How a dependency diverges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// Seen at run time and never declared.
    Undeclared,
    /// Declared and never seen at run time.
    Unobserved,
}

/// A page of dependencies that diverge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DivergencePage {
    /// The caller's node, and its link.
    pub items: Vec<(u32, Link)>,
    /// Whether more follow.
    pub more: bool,
}

impl Divergence {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Undeclared, Self::Unobserved];
    /// Their names, in the same order.
    pub const NAMES: &[&str] = &["undeclared", "unobserved"];

    /// The name in parameters and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undeclared => "undeclared",
            Self::Unobserved => "unobserved",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether a dependency is of this kind. It is as a whole not stale, and "never" takes every
    /// observation it holds into account: a declaration that went stale is still one.
    fn admits(self, link: Link) -> bool {
        let sources = link.traits.source_mask();
        let (declared, observed) = (sources & DECLARED != 0, sources & OBSERVED != 0);
        let diverges = match self {
            Self::Undeclared => observed && !declared,
            Self::Unobserved => declared && !observed,
        };
        diverges && !link.traits.is_stale()
    }
}

/// Sources that say what is meant to be.
const DECLARED: u8 = 1 << DiscoverySource::Manual as u8 | 1 << DiscoverySource::Kubernetes as u8;
/// Sources that see what runs.
const OBSERVED: u8 = 1 << DiscoverySource::ServiceMesh as u8 | 1 << DiscoverySource::OtelServiceGraph as u8;

/// A page of at most `limit`, in bytewise order of (caller's id, other's id), behind `after`. `budget`
/// bounds the services and dependencies passed over. O(those + page · log page).
pub fn divergence(
    graph: &Graph,
    kind: Divergence,
    after: Option<(&str, &str)>,
    limit: usize,
    budget: u64,
) -> Result<DivergencePage, OverBudget> {
    // The caller at which the page before ended may have more; it may be gone as well.
    let begun = after.and_then(|(source, target)| Some((graph.find(source)?, Some(target))));
    let rest = graph.in_order(after.map(|(source, _)| source)).map(|(node, _)| (node, None));
    let mut page = DivergencePage { items: Vec::with_capacity(limit + 1), more: false };
    let mut looks = 0;
    for (source, after) in begun.into_iter().chain(rest) {
        let links = graph.outgoing(source);
        looks += links.len() as u64 + 1;
        if looks > budget {
            return Err(OverBudget { budget });
        }
        let later = |link: &Link| after.is_none_or(|after: &str| graph.name(link.node).as_str() > after);
        let first = page.items.len();
        let found = links.iter().filter(|link| kind.admits(**link) && later(link));
        page.items.extend(found.map(|link| (source, *link)));
        page.items[first..].sort_unstable_by_key(|(_, link)| graph.name(link.node));
        if page.items.len() > limit {
            page.items.truncate(limit);
            page.more = true;
            break;
        }
    }
    Ok(page)
}
