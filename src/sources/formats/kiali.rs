//! Graphs of Kiali: who was seen to call whom in a service mesh.
//!
//! Not a client of Kiali.
//!
//! - A service is what a node stands for: an app, a workload or a service, by that name in its namespace and cluster. An
//!   app and the service before it, or versions of an app, are one.
//! - `unknown` is nobody: callers from outside the mesh, and calls that led nowhere. Nodes that Kiali makes for its
//!   drawing (boxes, aggregates) are nobody either.
//! - A node that Kiali's user may not look into (`isInaccessible`) is a service like others.

use std::collections::HashMap;

use serde_json::Value;

use super::read_all;
use crate::sources::{Document, Found, Name, Uses};

/// What the graphs say. O(bytes · log bytes).
pub fn parse(documents: &[Document<'_>]) -> Found {
    let mut found = Found::default();
    read_all(documents, |parsed| match parsed.value {
        Ok(value) => read(&parsed.place, &value, &mut found),
        Err(reason) => found.note(format!("{}: {reason}", parsed.place)),
    });
    found
}

/// Istio's names for calls to addresses that it does not know.
const NO_DESTINATIONS: [&str; 3] =
    ["PassthroughCluster", "BlackHoleCluster", "InboundPassthroughClusterIpv4"];

fn read(place: &str, document: &Value, found: &mut Found) {
    let elements = &document["elements"];
    let Some(nodes) = elements["nodes"].as_array() else {
        return found.note(format!("{place}: expected elements.nodes"));
    };
    let mut names = HashMap::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let node = &node["data"];
        let Some(id) = node["id"].as_str() else {
            found.note(format!("{place}: node {} has no id", index + 1));
            continue;
        };
        let name = name_of(node);
        match &name {
            Ok(name) => describe(node, name, found),
            Err(reason) => found.leave_out(reason),
        }
        names.insert(id, name.ok());
    }
    let edges = elements["edges"].as_array().into_iter().flatten();
    for (index, edge) in edges.enumerate() {
        let edge = &edge["data"];
        let end = |member: &str| edge[member].as_str().and_then(|id| names.get(id));
        match (end("source"), end("target")) {
            (Some(Some(from)), Some(Some(on))) => found.depends(from, on, uses(edge)),
            (Some(_), Some(_)) => found.leave_out("calls from or to what is no service"),
            _ => found.note(format!("{place}: edge {} is not between nodes of the graph", index + 1)),
        }
    }
}

fn name_of(node: &Value) -> Result<Name, &'static str> {
    if node["isBox"].as_str().is_some_and(|of| !of.is_empty()) {
        return Err("boxes");
    }
    let text = |member: &str| node[member].as_str().filter(|text| !text.is_empty() && *text != "unknown");
    let name = match node["nodeType"].as_str().unwrap_or_default() {
        "app" => text("app"),
        "workload" => text("workload"),
        "service" => text("service"),
        "unknown" => None,
        _ => return Err("nodes that are no service"),
    };
    let name =
        name.filter(|name| !NO_DESTINATIONS.contains(name)).ok_or("unknown callers and destinations")?;
    let place = |member: &str| text(member).unwrap_or_default();
    Ok(Name::of(place("namespace"), name).in_cluster(place("cluster")))
}

fn describe(node: &Value, name: &Name, found: &mut Found) {
    let seen = found.service(name);
    seen.say("kind", node["nodeType"].as_str().unwrap_or_default());
    // An entry of the mesh's registry for what lies outside of it; in older versions it is only a word.
    let entry = &node["isServiceEntry"];
    if entry["location"] == "MESH_EXTERNAL" || *entry == "MESH_EXTERNAL" {
        seen.external();
    }
}

fn uses(edge: &Value) -> Uses {
    // Before version 1.20 the protocol stood beside the rates.
    let protocol = edge["traffic"]["protocol"].as_str().or_else(|| edge["protocol"].as_str());
    Uses::sync().over(protocol.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::formats::testing::{check_graph_under, mutate};
    use crate::sources::testing::{check_golden, fixture, lines};
    use crate::sources::{Naming, Template};

    fn found(text: &str) -> Found {
        parse(&[Document { path: "x.json", text }])
    }

    /// The fixture's ids have the node's type before its name, which is no part of a name here: a mesh would otherwise
    /// have an app and a service for each thing. What is unknown is not left out there, and not reported here.
    #[test]
    fn the_graph_of_the_fixture() {
        let found = found(&fixture("kiali-app/raw/test_app_graph.json"));
        check_golden("kiali/app.txt", &found);
        let template = Template::parse("{cluster}/{namespace}/{name}").unwrap();
        let naming = Naming { template: Some(template), ..Naming::default() };
        let id = |id: &str| id.replace("/app/", "/").replace("/workload/", "/");
        let unknown = ["unknown/unknown/service/unknown", "unknown/unknown/unknown/unknown/unknown"];
        // Their team is their namespace there, which nobody said.
        check_graph_under(&naming, &found, "kiali-app/graph.json", id, &unknown, &["team"]);
        assert_eq!(found.left_out()["unknown callers and destinations"], 2);
        assert_eq!(found.left_out()["calls from or to what is no service"], 4);
    }

    #[test]
    fn nodes_that_are_no_services_are_left_out() {
        let node = |id: u8, rest: &str| {
            format!(r#"{{"data":{{"id":"{id}","namespace":"n","cluster":"c",{rest}}}}}"#)
        };
        let nodes = [
            node(1, r#""nodeType":"app","app":"a","version":"v1","workload":"a-v1""#),
            node(2, r#""nodeType":"app","app":"a","version":"v2","workload":"a-v2""#),
            node(3, r#""nodeType":"service","service":"b""#),
            node(4, r#""nodeType":"app","app":"b""#),
            node(5, r#""nodeType":"box","isBox":"app","app":"b""#),
            node(6, r#""nodeType":"aggregate","aggregate":"x","aggregateValue":"y""#),
            node(
                7,
                r#""nodeType":"service","service":"pay.example.com","isServiceEntry":{"location":"MESH_EXTERNAL"}"#,
            ),
            node(8, r#""nodeType":"service","service":"PassthroughCluster""#),
        ];
        let edges = [(1, 3), (2, 3), (3, 4), (4, 7), (4, 8), (6, 4), (4, 9)].map(|(from, to)| {
            format!(r#"{{"data":{{"source":"{from}","target":"{to}","traffic":{{"protocol":"grpc"}}}}}}"#)
        });
        let text =
            format!(r#"{{"elements":{{"nodes":[{}],"edges":[{}]}}}}"#, nodes.join(","), edges.join(","));
        let place = r#""namespace":"n","cluster":"c""#;
        let expected = format!(
            "service a {{\"kind\":\"app\",{place}}}\nservice b {{\"kind\":\"app\",{place}}}\n\
             service pay.example.com {{\"kind\":\"service\",\"service_type\":\"external\",{place}}}\n\
             dependency a -> b sync hard grpc\ndependency b -> pay.example.com sync hard grpc\n\
             left out: 1 boxes\nleft out: 2 calls from or to what is no service\n\
             left out: 1 nodes that are no service\nleft out: 1 self-loops\n\
             left out: 1 unknown callers and destinations\n\
             note: x.json: edge 7 is not between nodes of the graph\n"
        );
        assert_eq!(lines(&found(&text)), expected);
        assert_eq!(lines(&found("{}")), "note: x.json: expected elements.nodes\n");
    }

    #[test]
    fn whatever_is_given_is_parsed() {
        mutate(1000, &["kiali-app/raw/test_app_graph.json"], parse);
    }
}
