//! From a data directory to a graph and a log that can be written.

use super::StartError;
use crate::apply;
use crate::graph::Graph;
use crate::storage::Storage;
use crate::wal::{Basis, Birth, Options, Recovered, Wal};

/// A data directory that is taken.
pub(super) struct Opened<S: Storage> {
    pub(super) graph: Graph,
    pub(super) log: Wal<S>,
    pub(super) recovered: Recovered,
    pub(super) lock: S::Lock,
}

/// Takes the directory and works out the graph that was acknowledged.
pub(super) fn open<S: Storage>(storage: &S, birth: &Birth, options: Options) -> Result<Opened<S>, StartError> {
    let location = storage.location();
    let lock = storage.try_lock().map_err(|source| StartError::Lock { location, source })?;
    let mut graph = Graph::default();
    let basis = Basis::default();
    let (log, recovered) = Wal::open(storage, birth, &basis, options, |version, command| {
        graph = apply::apply(&graph, &command).0;
        debug_assert_eq!(graph.version(), version);
    })?;
    Ok(Opened { graph, log, recovered, lock })
}
