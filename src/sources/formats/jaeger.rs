//! What Jaeger answers: the dependencies that it has worked out, or traces.
//!
//! Not a client of Jaeger.
//!
//! - Dependencies are `{"data": [{"parent", "child", "callCount"}]}` or the bare list.
//! - Of traces a dependency is where a span's parent is of another service; one that follows its parent, or that takes
//!   a message, is not waited for.

use std::collections::HashMap;

use serde_json::Value;

use super::read_all;
use crate::sources::{Document, Found, Name, Uses};

/// What the answers say. O(bytes · log bytes).
pub fn parse(documents: &[Document<'_>]) -> Found {
    let mut found = Found::default();
    read_all(documents, |parsed| match parsed.value {
        Ok(value) => read(&parsed.place, &value, &mut found),
        Err(reason) => found.note(format!("{}: {reason}", parsed.place)),
    });
    found
}

fn read(place: &str, document: &Value, found: &mut Found) {
    let Some(items) = document.as_array().or_else(|| document["data"].as_array()) else {
        return found.note(format!("{place}: expected a list, or data with one"));
    };
    for (index, item) in items.iter().enumerate() {
        let is_understood = if item["spans"].is_array() {
            trace(item, found);
            true
        } else {
            dependency(item, found).is_some()
        };
        if !is_understood {
            found.note(format!("{place}: item {} has no parent and child, nor spans", index + 1));
        }
    }
}

fn dependency(item: &Value, found: &mut Found) -> Option<()> {
    let end = |member: &str| item[member].as_str().filter(|name| !name.is_empty()).map(Name::bare);
    let (parent, child) = (end("parent")?, end("child")?);
    if item["callCount"].as_u64() == Some(0) {
        found.leave_out("dependencies without calls");
        return Some(());
    }
    found.service(&parent);
    found.service(&child);
    found.depends(&parent, &child, Uses::sync());
    Some(())
}

/// What a span says of its place in its trace.
struct Span<'t> {
    service: &'t str,
    takes_message: bool,
}

fn trace(trace: &Value, found: &mut Found) {
    let spans = trace["spans"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let mut known = HashMap::with_capacity(spans.len());
    for span in spans {
        let process = span["processID"].as_str().map_or(&span["process"], |id| &trace["processes"][id]);
        let service = process["serviceName"].as_str().filter(|name| !name.is_empty());
        let (Some(id), Some(service)) = (span["spanID"].as_str(), service) else {
            found.leave_out("spans without an id or a service");
            continue;
        };
        found.service(&Name::bare(service));
        known.insert(id, Span { service, takes_message: has_kind(span, "consumer") });
    }
    for span in spans {
        let Some(here) = span["spanID"].as_str().and_then(|id| known.get(id)) else { continue };
        let references = span["references"].as_array().into_iter().flatten();
        let referred =
            references.filter_map(|to| Some((to["spanID"].as_str()?, to["refType"] == "FOLLOWS_FROM")));
        // Older versions name the parent so.
        let parent = span["parentSpanID"].as_str().map(|id| (id, false));
        for (id, follows) in referred.chain(parent) {
            let Some(caller) = known.get(id) else {
                found.leave_out("spans whose parent is not in the trace");
                continue;
            };
            if caller.service != here.service {
                let uses = if follows || here.takes_message { Uses::asynchronous() } else { Uses::sync() };
                found.depends(&Name::bare(caller.service), &Name::bare(here.service), uses);
            }
        }
    }
}

fn has_kind(span: &Value, kind: &str) -> bool {
    let mut tags = span["tags"].as_array().into_iter().flatten();
    tags.any(|tag| tag["key"] == "span.kind" && tag["value"] == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::formats::testing::{check_graph, mutate};
    use crate::sources::testing::{check_golden, fixture, lines};

    fn found(text: &str) -> Found {
        parse(&[Document { path: "x.json", text }])
    }

    #[test]
    fn the_dependencies_of_the_fixture() {
        let found = found(&fixture("jaeger-small/raw/small.json"));
        check_golden("jaeger/small.txt", &found);
        check_graph(&found, "jaeger-small/graph.json", ToOwned::to_owned, &[], &[]);
    }

    #[test]
    fn answers_of_every_form() {
        let spans = r#"[
            {"spanID":"1","processID":"p1","references":[{"refType":"CHILD_OF","spanID":"0"}]},
            {"spanID":"2","processID":"p2","references":[{"refType":"CHILD_OF","spanID":"1"}]},
            {"spanID":"3","processID":"p2","references":[{"refType":"CHILD_OF","spanID":"2"}]},
            {"spanID":"4","processID":"p3","parentSpanID":"2","tags":[{"key":"span.kind","value":"consumer"}]},
            {"spanID":"5","process":{"serviceName":"d"},"references":[{"refType":"FOLLOWS_FROM","spanID":"1"}]},
            {"spanID":"6","processID":"p9"}]"#;
        let processes = r#"{"p1":{"serviceName":"a"},"p2":{"serviceName":"b"},"p3":{"serviceName":"c"}}"#;
        let traces = format!(
            r#"{{"data":[{{"traceID":"1","spans":{spans},"processes":{processes}}}],"errors":null}}"#
        );
        let cases = [
            (
                traces.as_str(),
                "service a {}\nservice b {}\nservice c {}\nservice d {}\n".to_owned()
                    + "dependency a -> b sync hard -\ndependency a -> d async hard -\n\
                       dependency b -> c async hard -\nleft out: 1 spans whose parent is not in the trace\n\
                       left out: 1 spans without an id or a service\n",
            ),
            (
                r#"{"data":[{"parent":"a","child":"b","callCount":1,"source":"x"},{"parent":"a","child":"c","callCount":0}]}"#,
                "service a {}\nservice b {}\n".to_owned()
                    + "dependency a -> b sync hard -\nleft out: 1 dependencies without calls\n",
            ),
            (
                r#"[{"parent":"a"}, 5]"#,
                "note: x.json: item 1 has no parent and child, nor spans\n\
                 note: x.json: item 2 has no parent and child, nor spans\n"
                    .to_owned(),
            ),
            (r#"{"data":null}"#, "note: x.json: expected a list, or data with one\n".to_owned()),
        ];
        for (text, expected) in cases {
            assert_eq!(lines(&found(text)), expected, "{text}");
        }
    }

    #[test]
    fn whatever_is_given_is_parsed() {
        mutate(3000, &["jaeger-small/raw/small.json"], parse);
    }
}
