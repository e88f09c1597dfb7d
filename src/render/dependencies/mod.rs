//! The answer to a dependency query, in one of several formats, a piece at a time.
//!
//! - Every format says the same of what is in the answer: its services and dependencies, after filters and
//!   bounds, the version, and whether it is truncated. How much each says of them differs.
//! - A format writes a head, its nodes, what stands between, its edges and a tail; none looks back.

mod cytoscape;
mod dot;
mod graphml;
mod jgf;
mod json;
mod mermaid;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::graph::Graph;
use crate::json::{TimestampWriter, push_bool, push_integer};
use crate::query::{EdgeFound, Scratch, Traversal};
use crate::types::Dependency;

/// How much a JSON answer says of each service and dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Everything.
    Full,
    /// Ids, and dependencies as pairs of positions among them.
    Ids,
}

/// What an answer is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The contract's own form.
    Json(View),
    /// Graphviz.
    Dot,
    /// A Mermaid flowchart.
    Mermaid,
    /// `GraphML`, for yEd, Gephi and others.
    Graphml,
    /// The elements of a Cytoscape.js graph.
    Cytoscape,
    /// JSON Graph Format, version 2.
    Jgf,
}

impl Format {
    /// Every format, the default first.
    pub const ALL: [Self; 6] =
        [Self::Json(View::Full), Self::Dot, Self::Mermaid, Self::Graphml, Self::Cytoscape, Self::Jgf];
    /// Their names, in the same order.
    pub const NAMES: &[&str] = &["json", "dot", "mermaid", "graphml", "cytoscape", "jgf"];

    /// The name in parameters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Dot => "dot",
            Self::Mermaid => "mermaid",
            Self::Graphml => "graphml",
            Self::Cytoscape => "cytoscape",
            Self::Jgf => "jgf",
        }
    }

    /// The format of that name, in its full view.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// The media type; Cytoscape.js has none of its own.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json(_) | Self::Cytoscape => "application/json",
            Self::Dot => "text/vnd.graphviz",
            Self::Mermaid => "text/vnd.mermaid",
            Self::Graphml => "application/graphml+xml",
            Self::Jgf => "application/vnd.jgf+json",
        }
    }

    fn head(self, out: &mut Vec<u8>, subject: Subject<'_>) {
        match self {
            Self::Json(_) => json::head(out, subject),
            Self::Dot => dot::head(out, subject),
            Self::Mermaid => mermaid::head(out, subject),
            Self::Graphml => graphml::head(out, subject),
            Self::Cytoscape => cytoscape::head(out),
            Self::Jgf => jgf::head(out, subject),
        }
    }

    /// Writes nodes from `first` on until `out` is full, then says where to go on. What a node is written by is
    /// chosen once, not for each.
    fn nodes(self, out: &mut Vec<u8>, subject: Subject<'_>, first: usize, full: usize) -> Option<usize> {
        match self {
            Self::Json(View::Full) => push_nodes(out, subject, first, full, json::node),
            Self::Json(View::Ids) => push_nodes(out, subject, first, full, json::node_id),
            Self::Dot => push_nodes(out, subject, first, full, dot::node),
            Self::Mermaid => push_nodes(out, subject, first, full, mermaid::node),
            Self::Graphml => push_nodes(out, subject, first, full, graphml::node),
            Self::Cytoscape => push_nodes(out, subject, first, full, cytoscape::node),
            Self::Jgf => push_nodes(out, subject, first, full, jgf::node),
        }
    }

    fn between(self, out: &mut Vec<u8>) {
        match self {
            Self::Json(_) => json::between(out),
            Self::Dot | Self::Mermaid | Self::Graphml => {}
            Self::Cytoscape => cytoscape::between(out),
            Self::Jgf => jgf::between(out),
        }
    }

    fn tail(self, out: &mut Vec<u8>, subject: Subject<'_>, edges: u64) {
        match self {
            Self::Json(_) => json::tail(out, subject, edges),
            Self::Dot => dot::tail(out, subject, edges),
            Self::Mermaid => mermaid::tail(out, subject, edges),
            Self::Graphml => graphml::tail(out, edges),
            Self::Cytoscape => cytoscape::tail(out, subject, edges),
            Self::Jgf => jgf::tail(out, subject, edges),
        }
    }
}

/// What an answer is about.
#[derive(Clone, Copy)]
struct Subject<'a> {
    graph: &'a Graph,
    traversal: &'a Traversal,
}

/// A service of the answer.
#[derive(Clone, Copy)]
struct NodeShown {
    index: u32,
    distance: u8,
    /// Its place in the answer.
    position: usize,
}

/// A dependency of the answer.
#[derive(Clone, Copy)]
struct EdgeShown {
    found: EdgeFound,
    /// Its place in the answer.
    position: u64,
}

impl<'a> Subject<'a> {
    #[inline]
    fn dependency(self, found: EdgeFound) -> &'a Dependency {
        let EdgeFound { source, target, at, from_caller, link: _ } = found;
        if from_caller {
            &self.graph.dependencies(source)[at]
        } else {
            self.graph.dependency(source, target).expect("a link stands for a dependency")
        }
    }

    /// The place in the answer of a service that an edge of it names.
    fn position(self, node: u32) -> u32 {
        self.traversal.position(node).expect("both ends are in the answer")
    }

    /// The members that say what was asked, and of which version, without braces.
    fn push_question(self, out: &mut Vec<u8>) {
        let question = self.traversal.question();
        out.extend_from_slice(b"\"service_id\":");
        out.extend_from_slice(self.graph.node(question.root).name_json());
        out.extend_from_slice(b",\"direction\":\"");
        out.extend_from_slice(question.direction.as_str().as_bytes());
        out.extend_from_slice(b"\",\"depth\":");
        push_integer(out, question.depth);
        out.extend_from_slice(b",\"version\":");
        push_integer(out, self.graph.version());
    }

    fn push_statistics(self, out: &mut Vec<u8>, edges: u64) {
        let traversal = self.traversal;
        out.extend_from_slice(b"{\"total_nodes\":");
        push_integer(out, traversal.nodes().len());
        out.extend_from_slice(b",\"total_edges\":");
        push_integer(out, edges);
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

/// A dependency answer that is being written.
pub struct DependenciesAnswer {
    graph: Arc<Graph>,
    traversal: Traversal,
    format: Format,
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
    pub fn new(graph: Arc<Graph>, traversal: Traversal, format: Format) -> Self {
        let timestamps = TimestampWriter::default();
        Self { graph, traversal, format, next: Part::Head, edges_written: 0, timestamps }
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
        self.format.head(out, Subject { graph: &self.graph, traversal: &self.traversal });
        Part::Node(0)
    }

    fn write_nodes(&self, out: &mut Vec<u8>, first: usize, full: usize) -> Part {
        let subject = Subject { graph: &self.graph, traversal: &self.traversal };
        if let Some(position) = self.format.nodes(out, subject, first, full) {
            return Part::Node(position);
        }
        self.format.between(out);
        Part::Edge { group: 0, at: 0 }
    }

    fn write_edges(&mut self, out: &mut Vec<u8>, from: (usize, usize), full: usize) -> Part {
        let stopped = match self.format {
            Format::Json(View::Full) => self.push_edges(out, from, full, json::edge),
            Format::Json(View::Ids) => self.push_edges(out, from, full, json::edge_ids),
            Format::Dot => self.push_edges(out, from, full, dot::edge),
            Format::Mermaid => self.push_edges(out, from, full, mermaid::edge),
            Format::Graphml => self.push_edges(out, from, full, graphml::edge),
            Format::Cytoscape => self.push_edges(out, from, full, cytoscape::edge),
            Format::Jgf => self.push_edges(out, from, full, jgf::edge),
        };
        if let Some((group, at)) = stopped {
            return Part::Edge { group, at };
        }
        let subject = Subject { graph: &self.graph, traversal: &self.traversal };
        self.format.tail(out, subject, self.edges_written);
        Part::Done
    }

    /// Writes edges from one on until `out` is full, then says where to go on.
    fn push_edges(
        &mut self,
        out: &mut Vec<u8>,
        (first, at): (usize, usize),
        full: usize,
        push: impl Fn(&mut Vec<u8>, Subject<'_>, EdgeShown, &mut TimestampWriter),
    ) -> Option<(usize, usize)> {
        let subject = Subject { graph: &self.graph, traversal: &self.traversal };
        let (written, timestamps) = (&mut self.edges_written, &mut self.timestamps);
        let mut from = at;
        for group in first..self.traversal.edge_groups() {
            // From within the iterator, so that each format's loop is one of its own.
            let stopped = self.traversal.edges(&self.graph, group, from).try_for_each(|found| {
                if out.len() >= full {
                    return ControlFlow::Break((group, found.at));
                }
                push(out, subject, EdgeShown { found, position: *written }, timestamps);
                *written += 1;
                ControlFlow::Continue(())
            });
            if let ControlFlow::Break(place) = stopped {
                return Some(place);
            }
            from = 0;
        }
        None
    }
}

fn push_nodes(
    out: &mut Vec<u8>,
    subject: Subject<'_>,
    first: usize,
    full: usize,
    push: impl Fn(&mut Vec<u8>, &Graph, NodeShown),
) -> Option<usize> {
    for (position, (index, distance)) in subject.traversal.nodes().iter().enumerate().skip(first) {
        if out.len() >= full {
            return Some(position);
        }
        push(out, subject.graph, NodeShown { index: *index, distance: *distance, position });
    }
    None
}
