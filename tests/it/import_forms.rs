//! `watershed import` of files that other tools wrote: published projects, hostile files, one service in several forms.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::{Finished, Server, all_pairs, command, fixture, listed, run, run_with_input};

fn server() -> Server {
    Server::start_with(&[("RATE_LIMIT_INGESTION", "0"), ("RATE_LIMIT_QUERY", "0")], &[])
}

fn import(server: &Server, arguments: &[&str]) -> Finished {
    let url = server.url();
    run(&mut command([&["import", "--url", url.as_str()], arguments].concat()))
}

/// The same of what comes on standard input.
fn piped(server: &Server, arguments: &[&str], input: &str) -> Finished {
    let url = server.url();
    run_with_input(
        &mut command([&["import", "--url", url.as_str(), "-"], arguments].concat()),
        input.as_bytes(),
    )
}

fn imported(server: &Server, arguments: &[&str]) -> Value {
    let finished = import(server, arguments);
    assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    serde_json::from_str(&finished.stdout).unwrap()
}

fn ids(server: &Server) -> BTreeSet<String> {
    listed(server, "/api/v1/services", "", 100)
        .iter()
        .map(|service| service["service_id"].as_str().unwrap().to_owned())
        .collect()
}

fn graph(project: &str) -> (BTreeSet<String>, BTreeSet<(String, String)>) {
    let graph: Value =
        serde_json::from_slice(&fs::read(fixture(project).join("graph.json")).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let nodes = graph["nodes"].as_array().unwrap().iter().map(|node| text(&node["service_id"]));
    let edges = graph["edges"].as_array().unwrap().iter();
    (nodes.collect(), edges.map(|edge| (text(&edge["source"]), text(&edge["target"]))).collect())
}

#[test]
fn published_projects_give_the_graphs_that_were_made_of_them() {
    for (project, source) in [
        ("online-boutique", "kubernetes"),
        ("robot-shop", "manual"),
        ("backstage-sc-architecture", "manual"),
        ("jaeger-small", "otel_service_graph"),
    ] {
        let server = server();
        let path = fixture(project).join("raw");
        let totals = imported(&server, &[path.to_str().unwrap()]);
        let (nodes, edges) = graph(project);
        assert_eq!((ids(&server), all_pairs(&server)), (nodes, edges), "{project}: {totals}");
        let audit = server.get_json("/api/v1/admin/audit");
        assert_eq!(audit["items"][0]["source"], source, "{project}");
    }
}

#[test]
fn a_kiali_graph_gives_what_can_be_named_in_it() {
    let server = server();
    let path = fixture("kiali-app").join("raw");
    let template = ["--id-template", "{cluster}/{namespace}/{name}"];
    imported(&server, &[&[path.to_str().unwrap()], &template[..]].concat());
    let (nodes, edges) = graph("kiali-app");
    // Whoever made that file put the kind into the ids, and kept two nodes that Kiali calls unknown, which are a
    // caller that nobody could name and no service.
    let renamed = |id: &String| id.replace("/app/", "/").replace("/service/", "/").replace("/workload/", "/");
    let is_known = |id: &String| !id.contains("unknown");
    let nodes: BTreeSet<String> = nodes.iter().filter(|id| is_known(id)).map(renamed).collect();
    let edges: BTreeSet<(String, String)> = edges
        .iter()
        .filter(|(from, on)| is_known(from) && is_known(on))
        .map(|(from, on)| (renamed(from), renamed(on)))
        .collect();
    assert!(nodes.len() > 5 && edges.len() > 5, "{nodes:?} {edges:?}");
    assert_eq!((ids(&server), all_pairs(&server)), (nodes, edges));
}

#[test]
fn one_service_is_one_node_whoever_tells_of_it() {
    let (server, directory) = (server(), tempfile::tempdir().unwrap());
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write(
        "deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: checkout, namespace: shop}\nspec:\n  selector: {matchLabels: {app: checkout}}\n  \
         template:\n    metadata: {labels: {app: checkout}}\n    spec:\n      containers:\n      - name: main\n        image: x\n        env: [{name: PAYMENTS, value: 'payments:80'}]\n\
         ---\napiVersion: v1\nkind: Service\nmetadata: {name: payments, namespace: shop}\nspec: {selector: {app: payments}, ports: [{port: 80}]}\n",
    );
    write(
        "catalog-info.yaml",
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: checkout}\nspec: {type: service, lifecycle: production, owner: 'group:shop'}\n\
         ---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: payments-api}\nspec: {type: service, lifecycle: production, owner: money}\n",
    );
    write("jaeger.json", r#"[{"parent":"checkout","child":"payments","callCount":3}]"#);
    write("notes.json", "{\"nothing\": 1}");
    write("values.yaml", "image: x\n");
    let path = directory.path().to_str().unwrap();
    let totals = imported(&server, &[path, "--alias", "payments-api=payments"]);
    assert_eq!((&totals["files"], &totals["files_passed_over"]), (&json!(3), &json!(2)), "{totals}");
    assert_eq!(ids(&server), ["checkout", "payments"].map(str::to_owned).into());
    assert_eq!(all_pairs(&server), [("checkout".to_owned(), "payments".to_owned())].into());
    let checkout = server.get_json("/api/v1/services/checkout");
    assert_eq!(
        (&checkout["team"], &checkout["metadata"]["namespace"]),
        (&json!("shop"), &json!("shop")),
        "{checkout}"
    );
    assert_eq!(server.get_json("/api/v1/services/payments")["team"], "money");

    // A table that names services says nothing of them, and what was said stays.
    let finished = piped(&server, &["--format", "csv"], "source,target\nweb,checkout\n");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(all_pairs(&server).contains(&("web".to_owned(), "checkout".to_owned())));
    assert_eq!(server.get_json("/api/v1/services/checkout")["team"], "shop");
}

#[test]
fn a_name_that_two_namespaces_have_keeps_its_namespace() {
    let (server, directory) = (server(), tempfile::tempdir().unwrap());
    let deployment = |namespace: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: {namespace}}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  \
             template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{containers: [{{name: m, image: x}}]}}\n"
        )
    };
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let both = file("both.yaml", &format!("{}---\n{}", deployment("a"), deployment("b")));
    imported(&server, &[&both]);
    let alone = file("alone.yaml", &deployment("a"));
    imported(&server, &[&alone]);
    assert_eq!(ids(&server), ["a/web", "b/web"].map(str::to_owned).into());
}

#[test]
fn hostile_and_broken_files_are_refused_and_name_themselves() {
    let (server, directory) = (server(), tempfile::tempdir().unwrap());
    let write = |name: &str, text: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", vec![alias; 10].join(",")).unwrap();
    }
    let kind = "apiVersion: v1\nkind: Service\n";
    let cases = [
        (write("bomb.yaml", format!("{kind}{bomb}").as_bytes()), "kubernetes", "bomb.yaml"),
        (
            write("deep.yaml", format!("{kind}spec: {}", "[".repeat(100_000)).as_bytes()),
            "kubernetes",
            "deep.yaml",
        ),
        (write("cycle.yaml", format!("{kind}spec: &a {{b: *a}}\n").as_bytes()), "kubernetes", "cycle.yaml"),
        (write("broken.json", b"{\"elements\": 7}"), "kiali", "broken.json"),
        (write("bytes.csv", b"source,target\n\xff,b\n"), "csv", "UTF-8"),
        (write("headless.csv", b"x,y\n1,2\n"), "csv", "headless.csv"),
    ];
    for (path, form, expected) in &cases {
        let begun = std::time::Instant::now();
        let finished = import(&server, &[path, "--format", form]);
        assert_eq!(finished.code, Some(1), "{path}: {}", finished.stdout);
        assert!(finished.stderr.contains(expected), "{path}: {}", finished.stderr);
        assert!(begun.elapsed().as_secs() < 20, "{path} took {:?}", begun.elapsed());
    }
    let mut large = fs::File::create(directory.path().join("large.yaml")).unwrap();
    let line = "- x\n".repeat(1 << 18);
    (0..100).for_each(|_| large.write_all(line.as_bytes()).unwrap());
    let path = directory.path().join("large.yaml");
    for arguments in [&["--format", "kubernetes"][..], &[]] {
        let finished = import(&server, &[&[path.to_str().unwrap()], arguments].concat());
        assert_eq!(finished.code, Some(1), "{}", finished.stdout);
        assert!(finished.stderr.lines().count() == 1, "{}", finished.stderr);
    }
    assert_eq!(server.version(), 0, "nothing of them is in the graph");

    // One bad document among good ones is told of, and costs only itself.
    let good = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: good}\nspec: {type: service, lifecycle: production, owner: me}\n";
    let mixed =
        write("mixed.yaml", format!("{good}---\nkind: [\n---\n{}", good.replace("good", "fine")).as_bytes());
    let finished = import(&server, &[&mixed, "--format", "backstage"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("mixed.yaml: document 2: "), "{}", finished.stderr);
    assert_eq!(ids(&server), ["fine", "good"].map(str::to_owned).into());
}

#[test]
fn a_dry_run_tells_what_would_change_and_changes_nothing() {
    let server = server();
    let raw = fixture("robot-shop").join("raw");
    let path = raw.to_str().unwrap();
    let told = imported(&server, &[path, "--dry-run", "--format", "json"]);
    let (nodes, edges) = graph("robot-shop");
    let added = |told: &Value, list: &str| told["changes"][0][list]["added"].as_array().unwrap().len();
    assert_eq!(
        (added(&told, "services"), added(&told, "dependencies")),
        (nodes.len(), edges.len()),
        "{told}"
    );
    assert_eq!(
        (&told["dry_run"], &told["changes"][0]["version"], &told["files"]),
        (&json!(true), &json!(0), &json!(1))
    );
    assert_eq!(server.version(), 0);
    imported(&server, &[path]);
    let told = imported(&server, &[path, "--dry-run"]);
    assert_eq!((added(&told, "services"), added(&told, "dependencies")), (0, 0));
    assert_eq!(told["changes"][0]["observations_refreshed"], edges.len());

    let changed = json!({"source": "manual", "timestamp": "2026-02-14T10:00:00Z", "mode": "replace",
        "nodes": [{"service_id": "web", "metadata": {"team": "shop"}}, {"service_id": "new"}],
        "edges": [{"source": "web", "target": "cart", "attributes": {"communication_mode": "async"}}]});
    let finished = piped(&server, &["--dry-run", "--format", "table"], &changed.to_string());
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert!(lines.contains(&"+ new  {}"), "{lines:#?}");
    assert!(
        lines.iter().any(|line| line.starts_with("~ web  ") && line.contains("team: null -> \"shop\"")),
        "{lines:#?}"
    );
    assert!(lines.iter().any(|line| line.starts_with("- ")), "{lines:#?}");
    assert_eq!(
        (lines[0], lines[lines.len() - 1]),
        ("as manual, compared with version 1:", "nothing was changed")
    );
    assert_eq!(server.version(), 1);

    // A stream, and more than one request takes.
    let mut lines = "{\"source\":\"manual\",\"timestamp\":\"2026-02-14T10:00:00Z\"}\n".to_owned();
    for n in 0..6_000 {
        lines += &json!({"edge": {"source": format!("s{n}"), "target": format!("s{}", n + 1),
            "attributes": {"communication_mode": "sync"}}})
        .to_string();
        lines.push('\n');
    }
    let finished = piped(&server, &["--dry-run"], &lines);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let told: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((added(&told, "services"), added(&told, "dependencies")), (6_001, 6_000));
    assert_eq!(server.version(), 1);
}

#[test]
fn forms_can_be_named_but_not_two_of_them() {
    let server = server();
    let path = fixture("jaeger-small").join("graph.json");
    let path = path.to_str().unwrap();
    let totals = imported(&server, &[path, "--format", "watershed", "--format", "json"]);
    assert_eq!(totals["edges_received"], 7, "{totals}");
    let finished = import(&server, &[path, "--format", "csv", "--format", "kiali"]);
    assert_eq!((finished.code, finished.error_lines().len()), (Some(2), 1), "{}", finished.stderr);
    let finished = import(&server, &[path, "--format", "xml"]);
    assert_eq!(finished.code, Some(2));
    let finished = import(&server, &[path, "--id-template", "{pod}"]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
}
