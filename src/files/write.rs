//! A graph written as tables, one row at a time. O(elements), and memory for a row.

use std::io::{self, Write};

use super::table::Writer;
use super::{Form, Table, cycles, dependencies, services};
use crate::graph::Graph;

/// How many rows a table of a graph has.
pub fn rows(graph: &Graph, table: Table) -> u64 {
    match table {
        Table::Services => graph.counts().services.into(),
        Table::Dependencies => graph.counts().observations,
        Table::Cycles => graph.cycles().alerts().count() as u64,
    }
}

/// Writes a table, and gives back what it was written to with nothing left in between. `written` is called after
/// each row.
pub fn write<W: Write>(
    graph: &Graph,
    table: Table,
    form: Form,
    out: W,
    written: impl FnMut(),
) -> io::Result<W> {
    let mut out = Writer::begin(table, form, out)?;
    match table {
        Table::Services => services::write(graph, &mut out, written)?,
        Table::Dependencies => dependencies::write(graph, &mut out, written)?,
        Table::Cycles => cycles::write(graph, &mut out, written)?,
    }
    out.finish()
}
