//! Services in order of their ids, filtered.

use crate::graph::{Graph, Node};
use crate::types::{Criticality, ServiceId, ServiceType};

/// Which services a listing shows; `None` asks nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceFilter {
    /// Only these.
    pub ids: Option<Vec<ServiceId>>,
    /// Of this team.
    pub team: Option<String>,
    /// That matter this much.
    pub criticality: Option<Criticality>,
    /// Placeholders, or all others.
    pub discovered: Option<bool>,
    /// Run by whom.
    pub service_type: Option<ServiceType>,
    /// Whose id contains this, whatever the case.
    pub contains: Option<String>,
}

impl ServiceFilter {
    /// Whether a listing has to look at services that it may not show.
    pub fn is_search(&self) -> bool {
        let Self { ids, team, criticality, discovered, service_type, contains } = self;
        ids.is_none()
            && (team.is_some()
                || criticality.is_some()
                || discovered.is_some()
                || service_type.is_some()
                || contains.is_some())
    }
}

/// A page: node indexes in bytewise order of their ids, greater than `after`, and whether more
/// follow. O(services passed over + page), with `ids` O(ids · log services).
pub fn list(graph: &Graph, filter: &ServiceFilter, after: Option<&str>, limit: usize) -> (Vec<u32>, bool) {
    let wanted = Wanted::new(filter);
    let page: Vec<u32> = match &filter.ids {
        Some(ids) => {
            let mut ids: Vec<&str> = ids.iter().map(ServiceId::as_str).collect();
            ids.sort_unstable();
            ids.dedup();
            let later = ids.into_iter().filter(|id| after.is_none_or(|after| *id > after));
            let known = later.filter_map(|id| graph.find(id)).map(|index| (index, graph.node(index)));
            wanted.page(known, limit)
        }
        None => wanted.page(graph.in_order(after), limit),
    };
    let more = page.len() > limit;
    (page.into_iter().take(limit).collect(), more)
}

struct Wanted<'a> {
    filter: &'a ServiceFilter,
    /// `contains` in lower case.
    contains: Option<String>,
}

impl<'a> Wanted<'a> {
    fn new(filter: &'a ServiceFilter) -> Self {
        Self { filter, contains: filter.contains.as_ref().map(|text| text.to_lowercase()) }
    }

    /// The first of `services` that match: one more than `limit`, where there are so many.
    fn page<'g>(&self, services: impl Iterator<Item = (u32, &'g Node)>, limit: usize) -> Vec<u32> {
        services.filter(|(_, node)| self.matches(node)).map(|(index, _)| index).take(limit + 1).collect()
    }

    fn matches(&self, node: &Node) -> bool {
        let ServiceFilter { ids: _, team, criticality, discovered, service_type, contains: _ } = self.filter;
        let service = node.service();
        team.as_deref().is_none_or(|team| service.team() == Some(team))
            && criticality.is_none_or(|criticality| service.criticality() == criticality)
            && discovered.is_none_or(|discovered| service.is_discovered() == discovered)
            && service_type.is_none_or(|service_type| service.service_type() == service_type)
            && self
                .contains
                .as_deref()
                .is_none_or(|text| service.service_id().as_str().to_lowercase().contains(text))
    }
}
