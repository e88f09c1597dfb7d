//! The dependency answer in other formats: each is read back by a reader of its own and says what JSON says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::{io::Write, thread};

use roxmltree::Document;
use serde_json::{Value, json};

use crate::support::{Answer, Reply, Server, attributes, dependencies, encoded, upsert};

/// Names that mean something in one of the languages.
const HOSTILE: [&str; 26] = [
    "plain",
    "\"quoted\"",
    "back\\slash",
    "ends with \\",
    "\\N \\G \\l",
    "a\\\"b",
    "-->",
    "]]>",
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "&amp;",
    "&#60;",
    "\"];",
    "\"]; evil --> n0",
    "end",
    "subgraph",
    "{braces} [brackets] (parens)",
    "`backticks`",
    "%% comment",
    "#quot;",
    "'single'",
    "größe/日本/🦀",
    "non\u{fffe}character",
    "a\u{2028}b",
    "1. list",
    "component:default/checkout",
];

/// What XML 1.0 cannot hold is shown as U+FFFD.
fn in_xml(name: &str) -> String {
    name.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

type Pairs = BTreeSet<(String, String)>;

/// A hub between two halves of the names, in a circle.
fn server() -> (Server, Answer) {
    let server = Server::start();
    let mut payload =
        upsert("manual").node("hub", json!({"team": "a & <b>\u{1}", "service_type": "external"}));
    for (place, name) in HOSTILE.iter().enumerate() {
        let how = attributes(["sync", "async"][place % 2], ["hard", "degraded", "soft"][place % 3]);
        let (source, target) = if place % 2 == 0 { ("hub", *name) } else { (*name, "hub") };
        payload = payload.edge_with(source, target, how);
    }
    server.ingest(&payload.edge(HOSTILE[0], HOSTILE[1]));
    let answer = dependencies(&server, "hub", "");
    assert_eq!(answer.ids().len(), HOSTILE.len() + 1);
    (server, answer)
}

fn get(server: &Server, query: &str, accept: Option<&str>) -> Reply {
    let headers: Vec<(&str, &str)> = accept.map(|accept| ("Accept", accept)).into_iter().collect();
    server.request("GET", &format!("/api/v1/services/hub/dependencies?{query}"), &headers, &[])
}

/// An answer in a format, which must be of that type.
fn text(server: &Server, query: &str, content_type: &str) -> String {
    let reply = get(server, query, None);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some(content_type)), "{query}");
    assert!(reply.version() > 0);
    reply.text()
}

#[test]
fn graphml_is_xml_that_says_the_same() {
    let (server, answer) = server();
    let text = text(&server, "format=graphml", "application/graphml+xml");
    let document = Document::parse(&text).unwrap();
    let of = |name: &'static str| document.descendants().filter(move |node| node.has_tag_name(name));
    let data = |node: roxmltree::Node<'_, '_>, key: &str| {
        let mut found = node.children().filter(|child| child.attribute("key") == Some(key));
        let text = found.next().map(|child| child.text().unwrap_or_default().to_owned());
        assert!(found.next().is_none(), "{key} is there once");
        text
    };
    let keys: BTreeSet<_> = of("key").map(|key| key.attribute("id").unwrap().to_owned()).collect();
    assert!(of("data").all(|data| keys.contains(data.attribute("key").unwrap())), "every key is declared");
    let names: BTreeMap<String, String> = of("node")
        .map(|node| (node.attribute("id").unwrap().to_owned(), data(node, "node_service_id").unwrap()))
        .collect();
    let expected: BTreeSet<String> = answer.ids().iter().map(|id| in_xml(id)).collect();
    assert_eq!(names.values().cloned().collect::<BTreeSet<_>>(), expected);
    let end = |edge: roxmltree::Node<'_, '_>, end: &str| names[edge.attribute(end).unwrap()].clone();
    let pairs: Pairs = of("edge").map(|edge| (end(edge, "source"), end(edge, "target"))).collect();
    assert_eq!(pairs, answer.pairs().iter().map(|(a, b)| (in_xml(a), in_xml(b))).collect());
    let hub = of("node").next().unwrap();
    assert_eq!(data(hub, "node_team").as_deref(), Some("a & <b>\u{fffd}"));
    assert_eq!(data(hub, "node_service_type").as_deref(), Some("external"));
    let graph = of("graph").next().unwrap();
    assert_eq!(data(graph, "graph_version"), Some(answer.0["version"].to_string()));
    assert_eq!(data(graph, "graph_total_edges"), Some(answer.statistic("total_edges").to_string()));
    assert_eq!(data(graph, "graph_truncated").as_deref(), Some("false"));
    let async_edges =
        of("edge").filter(|edge| data(*edge, "edge_communication_mode").as_deref() == Some("async"));
    assert_eq!(async_edges.count(), HOSTILE.len() / 2);
}

#[test]
fn cytoscape_elements_say_the_same() {
    let (server, answer) = server();
    let text = text(&server, "format=cytoscape", "application/json");
    let graph: Value = serde_json::from_str(&text).unwrap();
    let list = |name: &str| graph["elements"][name].as_array().unwrap().clone();
    let names: BTreeMap<String, String> = list("nodes")
        .iter()
        .map(|node| &node["data"])
        .map(|data| (data["id"].as_str().unwrap().into(), data["service_id"].as_str().unwrap().into()))
        .collect();
    assert_eq!(names.values().cloned().collect::<BTreeSet<_>>(), answer.ids().into_iter().collect());
    let end = |edge: &Value, end: &str| names[edge["data"][end].as_str().unwrap()].clone();
    let pairs: Pairs = list("edges").iter().map(|edge| (end(edge, "source"), end(edge, "target"))).collect();
    assert_eq!(pairs, answer.pairs());
    assert!(list("edges").iter().all(|edge| edge["data"]["confidence_score"].is_f64()));
    for member in ["service_id", "direction", "depth", "version", "statistics"] {
        assert_eq!(graph["data"][member], answer.0[member], "{member}");
    }
}

#[test]
fn json_graph_format_says_the_same() {
    let (server, answer) = server();
    let text = text(&server, "format=jgf", "application/vnd.jgf+json");
    let graph = &serde_json::from_str::<Value>(&text).unwrap()["graph"];
    let nodes = graph["nodes"].as_object().unwrap();
    assert_eq!(nodes.keys().cloned().collect::<BTreeSet<_>>(), answer.ids().into_iter().collect());
    for (id, node) in nodes {
        assert_eq!((&node["label"], &node["metadata"]), (&json!(id), &answer.node(id)), "{id}");
    }
    let end = |edge: &Value, end: &str| edge[end].as_str().unwrap().to_owned();
    let edges = graph["edges"].as_array().unwrap();
    let pairs: Pairs = edges.iter().map(|edge| (end(edge, "source"), end(edge, "target"))).collect();
    assert_eq!(pairs, answer.pairs());
    assert_eq!(graph["directed"], true);
    for member in ["service_id", "direction", "depth", "version", "statistics"] {
        assert_eq!(graph["metadata"][member], answer.0[member], "{member}");
    }
}

/// What Graphviz makes of a text.
fn graphviz(text: String) -> String {
    let mut child = Command::new("dot")
        .arg("-Tsvg")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test needs Graphviz: install the package graphviz, or run tests/run, which does");
    let mut input = child.stdin.take().unwrap();
    let writer = thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    // It warns of what a label cannot show, and of fonts that a bare machine does not have.
    assert!(output.status.success() && !errors.contains("yntax error"), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn graphviz_draws_dot() {
    let (server, answer) = server();
    let svg = in_xml(&graphviz(text(&server, "format=dot", "text/vnd.graphviz")));
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = Document::parse_with_options(&svg, options).unwrap();
    let of_class = |class: &'static str| {
        document.descendants().filter(move |node| node.attribute("class") == Some(class)).map(|group| {
            let text =
                |name| group.children().find(|child| child.has_tag_name(name)).and_then(|child| child.text());
            (text("title").unwrap_or_default().to_owned(), text("text").unwrap_or_default().to_owned())
        })
    };
    // It writes spaces so that they all count.
    let names: BTreeMap<String, String> =
        of_class("node").map(|(id, label)| (id, label.replace('\u{a0}', " "))).collect();
    let expected: BTreeSet<String> = answer.ids().iter().map(|id| in_xml(id)).collect();
    assert_eq!(names.values().cloned().collect::<BTreeSet<_>>(), expected);
    let ends = |title: String| {
        let (source, target) = title.split_once("->").unwrap();
        (names[source].clone(), names[target].clone())
    };
    let pairs: Pairs = of_class("edge").map(|(title, _)| ends(title)).collect();
    assert_eq!(pairs, answer.pairs().iter().map(|(a, b)| (in_xml(a), in_xml(b))).collect());
}

/// A name as Mermaid reads it out of a label.
fn from_mermaid(label: &str) -> String {
    let mut parts = label.split('#');
    let mut name = parts.next().unwrap().to_owned();
    for part in parts {
        let (number, rest) = part.split_once(';').unwrap();
        name.push(char::from_u32(number.parse().unwrap()).unwrap());
        name.push_str(rest);
    }
    name
}

#[test]
fn mermaid_lines_are_plain_and_say_the_same() {
    let (server, answer) = server();
    let text = text(&server, "format=mermaid", "text/vnd.mermaid");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    assert_eq!(lines.next(), Some("  %% version 1, direction both, depth 3"));
    let (mut names, mut pairs, mut last) = (BTreeMap::new(), Pairs::new(), "");
    for line in lines {
        let line = line.strip_prefix("  ").unwrap();
        last = line;
        if let Some((id, label)) = line.split_once("[\"") {
            let label = label.strip_suffix("\"]").unwrap();
            let is_plain = |c: char| c.is_alphanumeric() || "-_./:@#;".contains(c);
            assert!(label.chars().all(is_plain), "{label}");
            assert!(!label.contains("-->") && names.insert(id, from_mermaid(label)).is_none());
        } else if let [source, arrow, target] = line.split(' ').collect::<Vec<_>>()[..] {
            let arrows = ["-->", "-.->", "-->|soft|", "-.->|soft|", "-->|degraded|", "-.->|degraded|"];
            assert!(arrows.contains(&arrow), "{line}");
            assert!(pairs.insert((names[source].clone(), names[target].clone())), "{line}");
        }
    }
    assert_eq!(names.values().cloned().collect::<BTreeSet<_>>(), answer.ids().into_iter().collect());
    assert_eq!(pairs, answer.pairs());
    assert_eq!(last, format!("%% {} services, {} dependencies", names.len(), pairs.len()));
}

#[test]
fn the_parameter_wins_over_the_header_and_the_header_over_the_default() {
    let (server, _) = server();
    let cases = [
        ("", None, "application/json"),
        ("", Some("*/*"), "application/json"),
        ("", Some("image/png"), "application/json"),
        ("", Some("nonsense"), "application/json"),
        ("", Some("text/vnd.graphviz"), "text/vnd.graphviz"),
        ("", Some("text/vnd.graphviz;q=0.2, text/vnd.mermaid;q=0.3"), "text/vnd.mermaid"),
        ("", Some("application/vnd.jgf+json, */*;q=0.1"), "application/vnd.jgf+json"),
        ("", Some("application/graphml+xml, application/json"), "application/json"),
        ("format=graphml", Some("text/vnd.graphviz"), "application/graphml+xml"),
        ("format=json", Some("text/vnd.graphviz"), "application/json"),
        ("format=json&view=ids", Some("text/vnd.graphviz"), "application/json"),
        ("format=&view=full", Some("text/vnd.mermaid"), "text/vnd.mermaid"),
    ];
    for (query, accept, expected) in cases {
        let reply = get(&server, query, accept);
        assert_eq!(reply.header("content-type"), Some(expected), "{query} {accept:?}: {}", reply.text());
        let vary = reply.header("vary").unwrap_or_default();
        assert!(vary.split(',').any(|name| name.trim() == "Accept"), "{vary}");
    }
    assert!(get(&server, "format=cytoscape", Some("text/vnd.graphviz")).json()["elements"].is_object());
    let refused = [
        ("format=xml", None, "format"),
        ("format=DOT", None, "format"),
        ("format=dot&view=ids", None, "view"),
        ("format=cytoscape&view=ids", Some("application/json"), "view"),
        ("view=ids", Some("text/vnd.graphviz"), "view"),
        ("format=dot&view=all", None, "view"),
    ];
    for (query, accept, field) in refused {
        let reply = get(&server, query, accept);
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some(field)), "{query} {accept:?}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    }
}

#[test]
fn each_representation_has_a_tag_of_its_own() {
    let (server, _) = server();
    let types = ["application/json", "text/vnd.graphviz", "text/vnd.mermaid", "application/graphml+xml"];
    let tags = types.map(|accept| get(&server, "", Some(accept)).header("etag").unwrap().to_owned());
    assert_eq!(tags.iter().collect::<BTreeSet<_>>().len(), types.len(), "{tags:?}");
    for (at, accept) in types.into_iter().enumerate() {
        for (place, tag) in tags.iter().enumerate() {
            let headers = [("Accept", accept), ("If-None-Match", tag.as_str())];
            let reply = server.request("GET", "/api/v1/services/hub/dependencies?", &headers, &[]);
            assert_eq!(reply.status, if at == place { 304 } else { 200 }, "{accept} with {tag}");
        }
    }
}

#[test]
fn filters_and_bounds_hold_in_every_format() {
    let (server, _) = server();
    let query = "direction=downstream&depth=1&max_nodes=3";
    let with = |format: &str| get(&server, &format!("{query}&format={format}"), None);
    assert_eq!(with("json").json()["statistics"]["truncated"], true);
    assert_eq!(with("cytoscape").json()["data"]["statistics"]["truncated"], true);
    assert_eq!(with("jgf").json()["graph"]["metadata"]["statistics"]["total_nodes"], 3);
    let (dot, mermaid, graphml) = (with("dot").text(), with("mermaid").text(), with("graphml").text());
    assert!(dot.contains("truncated=true") && dot.matches("label=").count() == 3, "{dot}");
    assert!(mermaid.contains("depth 1, truncated\n") && mermaid.matches("[\"").count() == 3, "{mermaid}");
    assert!(
        graphml.contains("\"graph_truncated\">true<") && graphml.matches("<node ").count() == 3,
        "{graphml}"
    );
}

/// Longer than what is sent at once.
#[test]
fn long_answers_are_whole_in_every_format() {
    let server = Server::start();
    let names: Vec<String> = (0..3_000).map(|number| format!("service-number-{number}")).collect();
    server.ingest(&upsert("manual").edges(names.iter().map(|name| ("hub", name.as_str()))));
    for format in ["json", "dot", "mermaid", "graphml", "cytoscape", "jgf"] {
        let text = get(&server, &format!("format={format}"), None).text();
        for name in [&names[0], &names[1_500], &names[2_999]] {
            assert!(text.contains(name.as_str()), "{format}: {name}");
        }
        let end = ["}", "}\n", " dependencies\n", "</graphml>\n"];
        assert!(end.iter().any(|end| text.ends_with(end)), "{format}: {}", &text[text.len() - 40..]);
    }
    let graphml = get(&server, "format=graphml", None).text();
    assert!(graphml.len() > 512 * 1024, "{}", graphml.len());
    let document = Document::parse(&graphml).unwrap();
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("edge")).count(), names.len());
    assert_eq!(get(&server, "format=jgf", None).json()["graph"]["edges"].as_array().unwrap().len(), 3_000);
    let missing = format!("/api/v1/services/{}/dependencies?format=dot", encoded("nobody"));
    assert_eq!(server.get(&missing).status, 404);
}
