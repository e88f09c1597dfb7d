//! Which workloads there are, and which objects are none.

use serde_json::{Value, json};

use super::{service, workload};
use crate::sources::kubernetes::{KINDS, parse};
use crate::sources::{Found, Name};

fn owned(kind: &str, name: &str, by: Option<(&str, &str)>) -> Value {
    let owners: Vec<Value> =
        by.iter().map(|(kind, name)| json!({"kind": kind, "name": name, "controller": true})).collect();
    let spec = json!({"containers": [{"name": "main"}]});
    let spec = match kind {
        "Pod" => spec,
        "CronJob" => json!({"jobTemplate": {"spec": {"template": {"spec": spec}}}}),
        _ => json!({"template": {"spec": spec}}),
    };
    let group = KINDS.iter().find(|known| known.kind == kind).unwrap().group;
    let api_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let meta = json!({"name": name, "namespace": "a", "ownerReferences": owners});
    json!({"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": spec})
}

#[test]
fn pods_are_those_of_their_workloads() {
    let pod = owned("Pod", "web-6d4-x", Some(("ReplicaSet", "web-6d4")));
    let set = owned("ReplicaSet", "web-6d4", Some(("Deployment", "web")));
    let deployment = owned("Deployment", "web", None);
    let run = [
        owned("Pod", "tidy-1-x", Some(("Job", "tidy-1"))),
        owned("Job", "tidy-1", Some(("CronJob", "tidy"))),
        owned("CronJob", "tidy", None),
    ];
    let cases: &[(&[Value], &str)] = &[
        (&[pod.clone(), set.clone(), deployment.clone()], "Deployment web"),
        (&[pod.clone(), deployment], "Deployment web"),
        (&[pod.clone(), set], "Deployment web"),
        (&[pod], "Deployment web"),
        (&run, "CronJob tidy"),
        (&run[..2], "CronJob tidy"),
        (
            &[
                owned("Pod", "r-1-x", Some(("ReplicaSet", "r-1"))),
                owned("ReplicaSet", "r-1", Some(("Rollout", "r"))),
            ],
            "Rollout r",
        ),
        (&[owned("StatefulSet", "db", Some(("Postgres", "pg")))], "StatefulSet db"),
        (&[owned("ReplicaSet", "x", Some(("ReplicaSet", "x")))], "ReplicaSet x"),
    ];
    for (objects, expected) in cases {
        let found = parse(objects);
        assert_eq!(services(&found), [*expected]);
    }
}

/// Kinds and names of what was found.
fn services(found: &Found) -> Vec<String> {
    let services = found.services().iter();
    services
        .map(|(name, seen)| format!("{} {}", seen.members()["kind"].as_str().unwrap(), name.name))
        .collect()
}

#[test]
fn what_comes_and_goes_is_a_service_only_behind_one() {
    let pod = |name: &str, by| {
        let mut pod = owned("Pod", name, by);
        pod["metadata"]["labels"] = json!({"app": name});
        pod
    };
    let mut job = owned("Job", "move", None);
    job["spec"]["template"]["metadata"] = json!({"labels": {"app": "move"}});
    let cases = [
        (pod("alone", None), "alone", "Pod alone"),
        (pod("etcd-1", Some(("Node", "node-1"))), "etcd-1", "Pod etcd-1"),
        (pod("step", Some(("TaskRun", "build"))), "step", "TaskRun step"),
        (pod("move", Some(("Job", "move"))), "move", "Job move"),
        (job, "move", "Job move"),
    ];
    for (object, selected, expected) in cases {
        let alone = parse(std::slice::from_ref(&object));
        assert!(alone.is_empty(), "{object}");
        assert_eq!(alone.left_out(), &[("one-off jobs and pods", 1)].into(), "{object}");
        // One of another namespace selects none of it.
        let behind = |namespace| parse(&[object.clone(), service(namespace, selected, &[("http", 80)])]);
        assert!(behind("a").left_out().is_empty(), "{object}");
        assert_eq!(services(&behind("a")), [expected], "{object}");
        assert_eq!(services(&behind("b")), [format!("Service {selected}")], "{object}");
    }
}

#[test]
fn what_a_one_off_is_told_makes_no_dependency() {
    let mut job = workload("a", "move", &[("DB", "db:5432")]);
    job["kind"] = "Job".into();
    job["apiVersion"] = "batch/v1".into();
    let others = [workload("a", "db", &[]), service("a", "db", &[("tcp", 5432)])];
    let found = parse(&[&[job], &others[..]].concat());
    assert!(found.dependencies().is_empty());
    assert_eq!(services(&found), ["Deployment db"]);
}

#[test]
fn the_api_server_is_no_service() {
    let mut server = service("default", "kubernetes", &[("https", 443)]);
    server["spec"]["selector"] = Value::Null;
    let addresses =
        ["https://kubernetes.default.svc", "kubernetes.default.svc.cluster.local:443", "kubernetes:443"];
    for (address, namespace) in addresses.into_iter().zip(["a", "a", "default"]) {
        let web = workload(namespace, "web", &[("API_URL", address)]);
        for objects in [&[web.clone(), server.clone()][..], &[web]] {
            let found = parse(objects);
            assert!(found.dependencies().is_empty(), "{address}");
            assert_eq!(services(&found), ["Deployment web"]);
        }
    }
    // One of that name elsewhere is like any other.
    let found = parse(&[
        workload("a", "web", &[("API_URL", "kubernetes:443")]),
        service("a", "kubernetes", &[("x", 443)]),
    ]);
    assert!(found.dependencies().contains_key(&(Name::of("a", "web"), Name::of("a", "kubernetes"))));
}

/// Of an object that is given twice, what came first counted.
#[test]
fn what_is_given_twice_says_the_same_in_whatever_order() {
    let deployment = |team: &str, image: &str| {
        let mut deployment = owned("Deployment", "web", None);
        deployment["metadata"]["labels"] = json!({"team": team, "app.kubernetes.io/version": team});
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        deployment
    };
    let space = |tier: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"tier": tier}}});
    let chosen = json!({"matchLabels": {"tier": "one"}});
    let mut called = workload("b", "db", &[]);
    called["spec"]["template"]["metadata"] = json!({"labels": {"app": "db"}});
    let mut caller = owned("Deployment", "cart", None);
    caller["spec"]["template"]["metadata"] = json!({"labels": {"app": "cart"}});
    let peer = json!({"namespaceSelector": chosen, "podSelector": {"matchLabels": {"app": "cart"}}});
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "b"},
        "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": [peer]}]},
    });
    let mut objects = vec![
        deployment("one", "redis"),
        deployment("two", "kafka"),
        space("one"),
        space("two"),
        called,
        caller,
        policy,
    ];
    let found = parse(&objects);
    objects.reverse();
    assert_eq!(parse(&objects), found);
}
