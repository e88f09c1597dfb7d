//! What the benchmark over HTTP measures: reads, writes and whole graphs, each held against its mark.

pub(crate) mod growth;
pub(crate) mod marks;
pub(crate) mod reads;
pub(crate) mod whole;
pub(crate) mod writes;

use std::time::Duration;

/// How to measure.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) workers: usize,
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
}
