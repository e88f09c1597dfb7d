//! Fuzzes what is read of the metrics of a service graph, with what stands for missing spans and without.
#![no_main]

use watershed_fuzz::sources::prometheus::{ServiceGraph, Source};
use watershed_fuzz::{check, fuzz};

fuzz!(|input| {
    for pseudo_nodes in [false, true] {
        let graph = ServiceGraph { pseudo_nodes, ..ServiceGraph::default() };
        check::reader(input, &Source::ServiceGraph(graph));
    }
});
