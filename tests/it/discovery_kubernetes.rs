//! A cluster that is watched: a double of its API server replays lists and watches.

use std::collections::HashMap;
use std::fs;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Asked, Double, Said, Server, all_pairs, eventually, pairs};

/// What the API server has and does; tests change it.
#[derive(Default)]
struct Cluster {
    /// Objects by the path of their list.
    objects: HashMap<String, Vec<Value>>,
    /// Those who watch, by the same.
    watches: HashMap<String, Vec<Sender<String>>>,
    /// The lists that are refused.
    forbidden: Vec<String>,
    /// Watches that are answered with an error next, as while a leader is elected.
    faults: u32,
    is_down: bool,
}

type Shared = Arc<Mutex<Cluster>>;

const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";
const SERVICES: &str = "/api/v1/services";
const CONFIG_MAPS: &str = "/api/v1/configmaps";

impl Cluster {
    fn answer(&mut self, asked: &Asked) -> Said {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        if self.is_down {
            return Said::Hangup;
        }
        if path == "/version" {
            let texts =
                ["gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"];
            let mut version = json!({"major": "1", "minor": "35"});
            for text in texts {
                version[text] = "x".into();
            }
            return Said::Json(200, version.to_string());
        }
        // Custom kinds: a cluster without the Gateway API and without Istio.
        if path.contains(".istio.io/") || path.contains("gateway.") {
            return failure(404, "NotFound", "the server could not find the requested resource");
        }
        if self.forbidden.iter().any(|forbidden| forbidden == path) {
            return failure(403, "Forbidden", "configmaps is forbidden");
        }
        if query.contains("watch=true") && self.faults > 0 {
            self.faults -= 1;
            return failure(500, "InternalError", "etcdserver: leader changed");
        }
        if query.contains("watch=true") {
            let (sender, lines) = mpsc::channel();
            self.watches.entry(path.to_owned()).or_default().push(sender);
            return Said::Lines(lines);
        }
        let items = self.objects.get(path).cloned().unwrap_or_default();
        let list = json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "10"}, "items": items});
        Said::Json(200, list.to_string())
    }

    fn tell(&self, path: &str, kind: &str, object: &Value) {
        for watch in &self.watches[path] {
            // Those of an earlier connection are gone.
            let _ = watch.send(json!({"type": kind, "object": object}).to_string());
        }
    }
}

fn failure(code: u16, reason: &str, message: &str) -> Said {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code,
    });
    Said::Json(code, status.to_string())
}

fn deployment(name: &str, environment: &[(&str, &str)]) -> Value {
    let environment: Vec<Value> =
        environment.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "11"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "shop/x", "env": environment}]},
            },
        },
    })
}

fn service(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "11"},
        "spec": {"selector": {"app": name}, "ports": [{"port": 7070}]},
    })
}

/// A cluster of three services, and a server that watches it.
fn begin() -> (Shared, Double, Server) {
    let cluster = Shared::default();
    let names = ["web", "cart", "db"];
    let mut begun = cluster.lock().unwrap();
    begun.objects.insert(SERVICES.to_owned(), names.map(service).to_vec());
    let web = deployment("web", &[("CART_ADDR", "cart:7070")]);
    begun.objects.insert(DEPLOYMENTS.to_owned(), vec![web, deployment("cart", &[]), deployment("db", &[])]);
    drop(begun);
    let answering = Arc::clone(&cluster);
    let double = Double::start(move |asked| answering.lock().unwrap().answer(asked));
    let server = watching(&double.url());
    (cluster, double, server)
}

fn watching(url: &str) -> Server {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "k", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
    });
    fs::write(&file, config.to_string()).unwrap();
    let path = file.to_str().unwrap().to_owned();
    let settings =
        [("KUBERNETES_DISCOVERY", path.as_str()), ("RATE_LIMIT_DEFAULT", "0"), ("RATE_LIMIT_QUERY", "0")];
    Server::start_in(directory, &settings, &[])
}

fn run_now(server: &Server) -> Value {
    let reply = server.request("POST", "/api/v1/admin/discovery/kubernetes/run", &[], &[]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn last_run(server: &Server) -> Value {
    server.get_json("/api/v1/admin/discovery")["sources"][0]["last_run"].clone()
}

#[test]
fn what_is_listed_and_what_is_watched_becomes_the_graph() {
    let (cluster, double, server) = begin();
    let run = run_now(&server);
    assert_eq!((run["outcome"].as_str(), run["services"].as_u64()), (Some("complete"), Some(3)), "{run}");
    assert_eq!(all_pairs(&server), pairs([("web", "cart")]));
    let web = server.get_json("/api/v1/services/web");
    assert_eq!(web["metadata"]["evidence"]["cart"], json!(["environment"]), "{web}");
    assert_eq!(
        (&web["metadata"]["kind"], &web["metadata"]["namespace"]),
        (&json!("Deployment"), &json!("shop"))
    );
    let asked = double.asked();
    assert!(asked.iter().all(|asked| asked.header("authorization") == Some("Bearer t0ken")));
    assert!(!asked.iter().any(|asked| asked.target.contains("secrets")), "secrets are none of our business");

    let changed = deployment("cart", &[("DATABASE_URL", "postgres://db:7070/carts")]);
    eventually("deployments are watched", || {
        cluster.lock().unwrap().watches.get(DEPLOYMENTS).map(|watches| assert!(!watches.is_empty()))
    });
    cluster.lock().unwrap().tell(DEPLOYMENTS, "MODIFIED", &changed);
    let expected = pairs([("web", "cart"), ("cart", "db")]);
    eventually("the change is in the graph", || (all_pairs(&server) == expected).then_some(()));
    eventually("it is told of", || (last_run(&server)["trigger"] == "change").then_some(()));

    // What is gone from the cluster is not reported any more, and stays until it is old.
    cluster.lock().unwrap().tell(DEPLOYMENTS, "DELETED", &changed);
    eventually("one is gone", || (run_now(&server)["dependencies"] == 1).then_some(()));
    assert_eq!(all_pairs(&server), expected);
}

#[test]
fn a_kind_that_may_not_be_read_makes_a_run_partial_and_a_server_that_is_gone_makes_it_fail() {
    let (cluster, double, server) = begin();
    assert_eq!(run_now(&server)["outcome"], "complete");
    cluster.lock().unwrap().forbidden.push(CONFIG_MAPS.to_owned());
    // Who had listed it before goes on; who begins to watch now is refused.
    assert_eq!(run_now(&server)["outcome"], "complete");
    let other = watching(&double.url());
    let run = run_now(&other);
    assert_eq!((run["outcome"].as_str(), run["dependencies"].as_u64()), (Some("partial"), Some(1)), "{run}");
    let note = run["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("configmaps cannot be read: ") && note.contains("configmaps is forbidden"),
        "{note}"
    );
    let before = all_pairs(&server);
    cluster.lock().unwrap().is_down = true;
    eventually("it is noticed", || (run_now(&server)["outcome"] == "failed").then_some(()));
    assert_eq!(all_pairs(&server), before);
    assert_eq!(server.get_json("/api/v1/health/ready")["checks"]["kubernetes"], "failed");
    let mut back = cluster.lock().unwrap();
    (back.is_down, back.forbidden) = (false, Vec::new());
    drop(back);
    eventually("it is back", || {
        let r = run_now(&server);
        eprintln!("{r}");
        (r["outcome"] == "complete").then_some(())
    });
}

#[test]
fn a_watch_that_breaks_and_begins_again_changes_nothing() {
    let (cluster, _double, server) = begin();
    assert_eq!(run_now(&server)["outcome"], "complete");
    let services = || server.get_json("/api/v1/graph/stats")["services"].clone();
    let before = (services(), all_pairs(&server));
    let mut breaking = cluster.lock().unwrap();
    breaking.faults = 4;
    // Their ends close the streams.
    breaking.watches.clear();
    drop(breaking);
    eventually("the watches begin again", || (cluster.lock().unwrap().faults == 0).then_some(()));
    let run = run_now(&server);
    assert_eq!(
        (run["outcome"].as_str(), run["notes"].as_array().unwrap().len()),
        (Some("complete"), 0),
        "{run}"
    );
    assert_eq!((services(), all_pairs(&server)), before);
    eventually("it follows again", || {
        let cluster = cluster.lock().unwrap();
        cluster.watches.get(DEPLOYMENTS).filter(|watches| !watches.is_empty()).map(|_| ())
    });
    let changed = deployment("cart", &[("DATABASE_URL", "postgres://db:7070/carts")]);
    cluster.lock().unwrap().tell(DEPLOYMENTS, "MODIFIED", &changed);
    let edge = ("cart".to_owned(), "db".to_owned());
    eventually("a change arrives", || all_pairs(&server).contains(&edge).then_some(()));
}
