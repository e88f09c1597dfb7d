//! What no command does yet and tests of other rooms need.

use super::digest::Elements;
use super::{Graph, chunk_of, place_of};

impl Graph {
    /// This graph without a service that has no dependencies: a hole in its place.
    pub(crate) fn without(&self, index: u32) -> Self {
        assert!(self.outgoing(index).is_empty() && self.incoming(index).is_empty());
        let mut next = self.clone();
        let service = self.node(index).service();
        next.content -= Elements::default().service(service);
        next.counts.services -= 1;
        next.counts.placeholders -= u32::from(service.is_discovered());
        next.names.change(&[(service.service_id().as_str(), None)]);
        let mut chunk = next.nodes.get(chunk_of(index)).clone();
        chunk[place_of(index)] = None;
        next.nodes.set(chunk_of(index), chunk);
        next
    }
}
