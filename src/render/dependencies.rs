//! The answer to a dependency query, a piece at a time.

use std::sync::Arc;

use super::edge::push_edge;
use crate::graph::Graph;
use crate::json::{TimestampWriter, push_bool, push_integer};
use crate::query::{EdgeFound, Scratch, Traversal};

/// How much an answer says of each service and dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Everything.
    Full,
    /// Ids, and dependencies as pairs of positions among them.
    Ids,
}

/// A dependency answer that is being written.
pub struct DependenciesAnswer {
    graph: Arc<Graph>,
    traversal: Traversal,
    view: View,
    next: Part,
    edges_written: u64,
    timestamps: TimestampWriter,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Part {
    Head,
    Node(usize),
    Edge { group: usize, at: usize },
    Done,
}

impl DependenciesAnswer {
    /// Begins the answer for a traversal of `graph`.
    pub fn new(graph: Arc<Graph>, traversal: Traversal, view: View) -> Self {
        let timestamps = TimestampWriter::default();
        Self { graph, traversal, view, next: Part::Head, edges_written: 0, timestamps }
    }

    /// Writes on until `out` holds `full` bytes or a little more, or all is written: then `true`.
    pub fn write(&mut self, out: &mut Vec<u8>, full: usize) -> bool {
        loop {
            self.next = match self.next {
                Part::Head => self.write_head(out),
                Part::Node(position) => self.write_nodes(out, position, full),
                Part::Edge { group, at } => self.write_edges(out, (group, at), full),
                Part::Done => return true,
            };
            if out.len() >= full {
                return matches!(self.next, Part::Done);
            }
        }
    }

    /// Gives the traversal's tables back.
    pub fn into_scratch(self) -> Scratch {
        self.traversal.into_scratch()
    }

    fn write_head(&self, out: &mut Vec<u8>) -> Part {
        let question = self.traversal.question();
        out.extend_from_slice(b"{\"service_id\":");
        out.extend_from_slice(self.graph.node(question.root).name_json());
        out.extend_from_slice(b",\"direction\":\"");
        out.extend_from_slice(question.direction.as_str().as_bytes());
        out.extend_from_slice(b"\",\"depth\":");
        push_integer(out, question.depth);
        out.extend_from_slice(b",\"version\":");
        push_integer(out, self.graph.version());
        out.extend_from_slice(b",\"nodes\":[");
        Part::Node(0)
    }

    fn write_nodes(&self, out: &mut Vec<u8>, first: usize, full: usize) -> Part {
        for (position, (node, distance)) in self.traversal.nodes().iter().enumerate().skip(first) {
            if out.len() >= full {
                return Part::Node(position);
            }
            if position > 0 {
                out.push(b',');
            }
            let node = self.graph.node(*node);
            match self.view {
                View::Full => {
                    out.push(b'{');
                    out.extend_from_slice(node.identity_json());
                    out.extend_from_slice(b",\"distance\":");
                    push_integer(out, *distance);
                    out.extend_from_slice(node.metadata_json());
                    out.push(b'}');
                }
                View::Ids => out.extend_from_slice(node.name_json()),
            }
        }
        out.extend_from_slice(b"],\"edges\":[");
        Part::Edge { group: 0, at: 0 }
    }

    fn write_edges(&mut self, out: &mut Vec<u8>, (first, at): (usize, usize), full: usize) -> Part {
        let mut from = at;
        for group in first..self.traversal.edge_groups() {
            for edge in self.traversal.edges(&self.graph, group, from) {
                if out.len() >= full {
                    return Part::Edge { group, at: edge.at };
                }
                if self.edges_written > 0 {
                    out.push(b',');
                }
                self.edges_written += 1;
                match self.view {
                    View::Full => push_found(out, &self.graph, edge, &mut self.timestamps),
                    View::Ids => push_pair(out, &self.traversal, edge),
                }
            }
            from = 0;
        }
        out.extend_from_slice(b"],\"statistics\":");
        self.write_statistics(out);
        out.push(b'}');
        Part::Done
    }

    fn write_statistics(&self, out: &mut Vec<u8>) {
        let traversal = &self.traversal;
        out.extend_from_slice(b"{\"total_nodes\":");
        push_integer(out, traversal.nodes().len());
        out.extend_from_slice(b",\"total_edges\":");
        push_integer(out, self.edges_written);
        out.extend_from_slice(b",\"upstream_services\":");
        push_integer(out, traversal.upstream_services());
        out.extend_from_slice(b",\"downstream_services\":");
        push_integer(out, traversal.downstream_services());
        out.extend_from_slice(b",\"max_depth_reached\":");
        push_integer(out, traversal.max_depth_reached());
        out.extend_from_slice(b",\"has_circular_dependencies\":");
        push_bool(out, traversal.has_cycles());
        out.extend_from_slice(b",\"truncated\":");
        push_bool(out, traversal.is_truncated());
        out.push(b'}');
    }
}

fn push_found(out: &mut Vec<u8>, graph: &Graph, edge: EdgeFound, timestamps: &mut TimestampWriter) {
    let EdgeFound { source, target, link, at, from_caller } = edge;
    let dependency = if from_caller {
        &graph.dependencies(source)[at]
    } else {
        graph.dependency(source, target).expect("a link stands for a dependency")
    };
    push_edge(out, graph, (source, target), dependency, link.traits, timestamps);
}

fn push_pair(out: &mut Vec<u8>, traversal: &Traversal, edge: EdgeFound) {
    let position = |node| traversal.position(node).expect("both ends are in the answer");
    out.push(b'[');
    push_integer(out, position(edge.source));
    out.push(b',');
    push_integer(out, position(edge.target));
    out.push(b']');
}
