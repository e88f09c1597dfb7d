//! Tests of the readers: answers as Prometheus prints them against golden lines, and answers that are damaged.

use std::collections::BTreeSet;
use std::time::Duration;

use super::answer::parse;
use super::*;
use crate::sources::testing::{check_golden, fixture, lines};
use crate::sources::{Naming, Report};

const WINDOW: Duration = Duration::from_mins(15);

fn answer(name: &str) -> Answer {
    parse(fixture(&format!("sources/prometheus-{name}.json")).as_bytes()).unwrap()
}

fn answers(names: &[&str]) -> Vec<Answer> {
    names.iter().map(|name| answer(name)).collect()
}

/// Every source with the answers to its queries.
fn cases() -> [(&'static str, Source, &'static [&'static str]); 7] {
    let mesh = Source::Mesh;
    let graph = |pseudo_nodes| Source::ServiceGraph(ServiceGraph { pseudo_nodes, ..ServiceGraph::default() });
    let linkerd = &["linkerd-requests", "linkerd-connections", "linkerd-http-routes", "linkerd-grpc-routes"];
    [
        ("service-graph", graph(false), &["service-graph"]),
        ("service-graph-pseudo-nodes", graph(true), &["service-graph"]),
        ("istio", mesh(Mesh::Istio), &["istio-requests", "istio-connections"]),
        ("linkerd", mesh(Mesh::Linkerd), linkerd),
        ("hubble", mesh(Mesh::Hubble), &["hubble-flows", "hubble-requests"]),
        ("hubble-unlabelled", mesh(Mesh::Hubble), &["hubble-flows-unlabelled", "hubble-requests-unlabelled"]),
        ("hubble-directionless", mesh(Mesh::Hubble), &["hubble-flows-directionless"]),
    ]
}

#[test]
fn what_sources_say_is_read() {
    for (name, source, files) in cases() {
        check_golden(&format!("prometheus-{name}.txt"), &source.read(&answers(files)));
    }
}

#[test]
fn the_order_of_series_does_not_matter() {
    for (name, source, files) in cases() {
        let mut answers = answers(files);
        let expected = lines(&source.read(&answers));
        for answer in &mut answers {
            answer.series.reverse();
        }
        assert_eq!(lines(&source.read(&answers)), expected, "{name}");
    }
}

#[test]
fn what_was_not_answered_says_nothing() {
    for mesh in Mesh::NAMES.iter().map(|name| Mesh::parse(name).unwrap()) {
        let nothing = vec![Answer::default(); 9];
        for answers in [&nothing[..0], &nothing[..1], &nothing] {
            assert_eq!(mesh.read(answers), Found::default(), "{}", mesh.name());
        }
    }
    assert_eq!(Mesh::parse("consul"), None);
}

#[test]
fn queries_are_well_formed() {
    let graph = |metric: &str| ServiceGraph { metric: metric.to_owned(), ..ServiceGraph::default() };
    let labels =
        "client, server, connection_type, client_service_namespace, server_service_namespace, virtual_node";
    assert_eq!(
        graph("traces_service_graph_connection_info").query(WINDOW),
        format!("group by ({labels})(last_over_time(traces_service_graph_connection_info[900s]) > 0)")
    );
    assert!(
        graph("(otel_)?traces_total")
            .query(WINDOW)
            .contains(r#"increase({__name__=~"(otel_)?traces_total"}[900s])"#)
    );
    let all: Vec<String> = cases().iter().flat_map(|(_, source, _)| source.queries(WINDOW)).collect();
    for query in &all {
        assert_eq!(query.matches('(').count(), query.matches(')').count(), "{query}");
        assert_eq!(query.matches("900s").count(), 3, "{query}");
        assert!(query.matches('"').count().is_multiple_of(2) && !query.contains(['\n', '\\']), "{query}");
    }
    let counts = cases().map(|(_, source, _)| source.queries(WINDOW).len());
    assert_eq!(counts, [1, 1, 2, 4, 2, 2, 2]);
}

/// The counters of a text in the format that Prometheus scrapes.
fn scraped(text: &str) -> Answer {
    let label = |pair: &str| {
        pair.split_once('=').map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
    };
    let series = |line: &str| {
        let (labels, value) = line.split_once('{')?.1.split_once("} ")?;
        Some(Series { labels: labels.split(',').filter_map(label).collect(), value: value.parse().ok()? })
    };
    Answer { series: text.lines().filter_map(series).collect(), warnings: Vec::new() }
}

#[test]
fn a_scraped_service_graph_becomes_the_known_graph() {
    let found = ServiceGraph::default().read(&scraped(&fixture("jaeger-small/service-graph.prom")));
    let report = Report::of(&found, &Naming::default(), &|_, _| crate::sources::Known::No);
    let graph: serde_json::Value = serde_json::from_str(&fixture("jaeger-small/graph.json")).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let nodes: BTreeSet<String> =
        graph["nodes"].as_array().unwrap().iter().map(|node| text(&node["service_id"])).collect();
    let edges: BTreeSet<[String; 2]> = graph["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| [text(&edge["source"]), text(&edge["target"])])
        .collect();
    assert_eq!(
        report.nodes.iter().map(|node| node.service_id.as_str().to_owned()).collect::<BTreeSet<_>>(),
        nodes
    );
    let pairs = report.edges.iter().map(|edge| [&edge.source, &edge.target].map(|id| id.as_str().to_owned()));
    assert_eq!(pairs.collect::<BTreeSet<_>>(), edges);
    assert_eq!((nodes.len(), edges.len(), report.notes.len()), (8, 7, 0));
    assert!(report.left_out.is_empty(), "{:?}", report.left_out);
}

/// A generator of the same numbers in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

fn damage(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    let at = numbers.below(bytes.len());
    match numbers.below(5) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << numbers.below(8),
        2 => drop(bytes.remove(at)),
        3 => bytes.insert(at, bytes[at]),
        _ => {
            let end = (at + 1 + numbers.below(60)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            let to = numbers.below(bytes.len());
            bytes.splice(to..to, piece);
        }
    }
}

#[test]
fn damaged_answers_are_read_or_refused() {
    let mut numbers = Numbers(7);
    let mut read = 0;
    for (_, source, files) in cases() {
        let texts: Vec<Vec<u8>> = files
            .iter()
            .map(|name| fixture(&format!("sources/prometheus-{name}.json")).into_bytes())
            .collect();
        for _ in 0..600 {
            let mut answers = Vec::new();
            for text in &texts {
                let mut text = text.clone();
                (0..=numbers.below(2)).for_each(|_| damage(&mut text, &mut numbers));
                answers.extend(parse(&text));
            }
            read += answers.len();
            let found = source.read(&answers);
            drop(Report::of(&found, &Naming::default(), &|_, _| crate::sources::Known::No));
        }
    }
    assert!(read > 500, "{read} damaged answers were still answers");
}
