//! Service ids of every kind that the contract allows, through ingestion, listing and the path.

use serde_json::json;

use crate::support::{Page, Server, dependencies, encoded, service, upsert};

fn names() -> Vec<String> {
    let longest = ["x".repeat(255), "é".repeat(127), format!("{}a", "🚀".repeat(63))];
    let plain = [
        "component:default/checkout",
        "a/b/c",
        "/leading",
        "trailing/",
        "..",
        ".",
        "../../etc/passwd",
        "with space",
        "100%",
        "%2F",
        "%zz",
        "a+b",
        "a?b=c",
        "a#fragment",
        "a&b=c;d",
        "say \"hello\"",
        "it's",
        "back\\slash",
        "emoji 🚀👩‍🚀",
        "日本語サービス",
        "Ünïcödé",
        "e\u{301}",
        "עברית",
        "\u{1F1E9}\u{1F1EA}",
        "dependencies",
        "<script>",
        "{}[]|^`~",
        "null",
        "0",
        "\u{FEFF}bom",
    ];
    plain.into_iter().map(str::to_owned).chain(longest).collect()
}

#[test]
fn every_allowed_id_works_everywhere() {
    let server = Server::start();
    let names = names();
    let payload = upsert("manual").edges(names.iter().map(|name| ("root".to_owned(), name.clone())));
    let payload = names.iter().fold(payload, |payload, name| payload.node(name, json!({"team": name})));
    server.ingest(&payload);
    for name in &names {
        let answer = dependencies(&server, name, "direction=upstream");
        assert_eq!(answer.ids(), [name.as_str(), "root"], "{name}");
        assert_eq!(answer.0["service_id"], name.as_str());
        assert_eq!(answer.node(name)["team"], name.as_str());
        assert_eq!(service(&server, name)["service_id"], name.as_str());
        let found = Page::read(&server, &format!("team={}&limit=100", encoded(name))).ids;
        assert_eq!(found, [name.as_str()], "listing by team {name}");
    }
    let mut expected: Vec<String> = names.clone();
    expected.push("root".to_owned());
    expected.sort_unstable();
    assert_eq!(Page::all(&server, ""), expected, "bytewise, whatever the alphabet");
}

#[test]
fn ids_that_look_alike_are_different_services() {
    let server = Server::start();
    let alike = ["é", "e\u{301}", "A", "a", "a.", "a/", "a%2F", "а"];
    server.ingest(&upsert("manual").edges(alike.iter().map(|name| ("root", *name))));
    assert_eq!(Page::all(&server, "").len(), alike.len() + 1);
    for name in alike {
        assert_eq!(dependencies(&server, name, "").ids(), [name, "root"]);
    }
}

#[test]
fn segment_is_decoded_once_and_after_routing() {
    let server = Server::start();
    server.ingest(&upsert("manual").edges([("a/dependencies", "x"), ("%2F", "y"), ("a+b", "z")]));
    assert_eq!(
        server.get("/api/v1/services/a/dependencies").status,
        404,
        "the dependencies of a service named a"
    );
    assert_eq!(server.get("/api/v1/services/a%2Fdependencies").status, 200);
    assert_eq!(server.get("/api/v1/services/a%2fdependencies").status, 200, "hexadecimal in either case");
    assert_eq!(server.get("/api/v1/services/%252F").status, 200);
    assert_eq!(server.get("/api/v1/services/%2F").status, 404, "decoding twice would find it");
    assert_eq!(server.get("/api/v1/services/a+b").status, 200, "a plus in a path is a plus");
    assert_eq!(Page::read(&server, "q=a%2Bb").ids, ["a+b"]);
    assert!(Page::read(&server, "q=a+b").ids.is_empty(), "a plus in a query is a space");
}

#[test]
fn a_service_named_like_the_endpoint() {
    let server = Server::start();
    assert_eq!(server.get("/api/v1/services/dependencies").status, 404, "GET means the service of that name");
    server.ingest(&upsert("manual").edge("dependencies", "b"));
    assert_eq!(service(&server, "dependencies")["direct_dependencies"], 1);
    assert_eq!(dependencies(&server, "dependencies", "").ids(), ["dependencies", "b"]);
}
