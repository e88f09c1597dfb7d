//! `GET /api/v1/services` and `GET /api/v1/services/{id}`: order, pages, filters, the form of a service.

use serde_json::{Value, json};

use crate::support::{Page, Server, encoded, service, upsert};

/// Sixty services of every kind.
fn server() -> Server {
    let server = Server::start();
    let criticalities = ["critical", "high", "medium", "low"];
    let payload = (0..60).fold(upsert("manual"), |payload, index| {
        let metadata = json!({"team": format!("team-{}", index % 3), "criticality": criticalities[index % 4],
            "service_type": if index % 5 == 0 { "external" } else { "internal" }});
        payload.node(&format!("svc-{index:02}"), metadata)
    });
    server.ingest(&payload.edges([("svc-00", "Shadow-A"), ("svc-01", "Shadow-B"), ("svc-01", "Shadow-A")]));
    server
}

fn names(keep: impl Fn(usize) -> bool) -> Vec<String> {
    (0..60).filter(|index| keep(*index)).map(|index| format!("svc-{index:02}")).collect()
}

#[test]
fn default_page() {
    let server = server();
    let page = Page::read(&server, "");
    assert_eq!(page.ids.len(), 20);
    assert_eq!(page.ids[..3], ["Shadow-A", "Shadow-B", "svc-00"], "bytewise: capitals first");
    assert!(page.next_cursor.is_some());
}

#[test]
fn pages_join_to_the_whole() {
    let server = server();
    let mut expected = names(|_| true);
    expected.splice(0..0, ["Shadow-A".to_owned(), "Shadow-B".to_owned()]);
    for limit in [1, 7, 31, 62, 100] {
        let mut ids = Vec::new();
        let mut page = Page::read(&server, &format!("limit={limit}"));
        loop {
            assert!(page.ids.len() <= limit);
            ids.extend(page.ids);
            let Some(cursor) = page.next_cursor else { break };
            page = Page::read(&server, &format!("limit={limit}&cursor={}", encoded(&cursor)));
        }
        assert_eq!(ids, expected, "pages of {limit}");
    }
}

#[test]
fn a_page_goes_on_where_it_stopped_while_the_graph_changes() {
    let server = server();
    let first = Page::read(&server, "limit=30");
    server.ingest(&upsert("manual").node("aaa", json!({})).node("svc-59a", json!({})));
    let cursor = encoded(&first.next_cursor.unwrap());
    let second = Page::read(&server, &format!("limit=100&cursor={cursor}"));
    assert!(second.ids.iter().all(|id| *id > *first.ids.last().unwrap()), "none twice");
    assert_eq!(second.ids.last().unwrap(), "svc-59a");
    assert_eq!(first.ids.len() + second.ids.len(), 63, "none missed, but the one that came too late");
}

#[test]
fn cursors_survive_a_restart() {
    let mut server = server();
    let first = Page::read(&server, "limit=30");
    let cursor = format!("limit=100&cursor={}", encoded(&first.next_cursor.unwrap()));
    let before = Page::read(&server, &cursor);
    server.crash_and_restart();
    assert_eq!(Page::read(&server, &cursor).ids, before.ids);
}

#[test]
fn filters() {
    let server = server();
    let shadows = vec!["Shadow-A".to_owned(), "Shadow-B".to_owned()];
    let cases = [
        ("team=team-1", names(|index| index % 3 == 1)),
        ("team=team", vec![]),
        ("criticality=critical", names(|index| index % 4 == 0)),
        ("criticality=critical&team=team-0", names(|index| index % 12 == 0)),
        ("service_type=external", names(|index| index % 5 == 0)),
        ("service_type=external&criticality=low", names(|index| index % 5 == 0 && index % 4 == 3)),
        ("discovered=true", shadows.clone()),
        ("discovered=false", names(|_| true)),
        ("discovered=true&team=team-1", vec![]),
        ("q=sHaDoW", shadows.clone()),
        ("q=vc-1", names(|index| index / 10 == 1)),
        ("q=nothing-like-it", vec![]),
        ("q=shadow&discovered=false", vec![]),
        ("ids=svc-07,svc-03", vec!["svc-03".to_owned(), "svc-07".to_owned()]),
        ("ids=svc-07,missing,svc-07", vec!["svc-07".to_owned()]),
        ("ids=missing", vec![]),
        ("ids=svc-07,svc-08&team=team-1", vec!["svc-07".to_owned()]),
        ("team=&criticality=&discovered=&service_type=&ids=&cursor=&q=shadow", shadows),
        ("unknown_parameter=1&q=svc-5", names(|index| index / 10 == 5)),
    ];
    for (query, expected) in cases {
        assert_eq!(Page::all(&server, query), expected, "{query}");
    }
}

#[test]
fn filtered_pages() {
    let server = server();
    let first = Page::read(&server, "team=team-2&limit=15");
    assert_eq!(first.ids.len(), 15, "a page is full though most services do not match");
    let cursor = encoded(&first.next_cursor.unwrap());
    let second = Page::read(&server, &format!("team=team-2&limit=15&cursor={cursor}"));
    assert_eq!([first.ids, second.ids].concat(), names(|index| index % 3 == 2));
}

#[test]
fn an_empty_graph_has_an_empty_page() {
    let server = Server::start();
    assert_eq!(server.get_json("/api/v1/services"), json!({"items": [], "next_cursor": null}));
}

#[test]
fn one_service() {
    let server = server();
    let found = service(&server, "svc-01");
    let expected = json!({"service_id": "svc-01", "team": "team-1", "criticality": "high", "service_type": "internal",
        "discovered": false, "direct_dependencies": 2, "direct_callers": 0});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(found[name], *value, "{name}");
    }
    assert_eq!(service(&server, "Shadow-A")["direct_callers"], 2);
    for name in ["created_at", "updated_at"] {
        let text = found[name].as_str().unwrap();
        assert!(text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(), "{name} {text}");
    }
    let listed = server.get_json("/api/v1/services?ids=svc-01");
    for name in ["service_id", "id", "team", "criticality", "service_type", "discovered", "metadata"] {
        assert_eq!(listed["items"][0][name], found[name], "{name} in the listing");
        assert!(found.get(name).is_some());
    }
}

#[test]
fn unknown_services_are_404() {
    let server = server();
    for id in ["missing", "SVC-01", "svc-01%20x", "svc-0"] {
        let reply = server.get(&format!("/api/v1/services/{id}"));
        assert_eq!(reply.status, 404, "{id}");
        assert_eq!(reply.json()["title"], "Not Found");
    }
}

#[test]
fn updated_at_moves_with_the_service_and_created_at_does_not() {
    let server = Server::start();
    server.ingest(&upsert("manual").node("a", json!({"team": "one"})));
    let before = service(&server, "a");
    server.ingest(&upsert("manual").node("a", json!({"team": "two"})));
    let after = service(&server, "a");
    let instant = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(before["created_at"], after["created_at"]);
    assert_eq!(before["id"], after["id"]);
    assert!(instant(&after["updated_at"]) >= instant(&before["updated_at"]));
}
