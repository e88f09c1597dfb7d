//! Manifests as they are written, and what is found in them.

mod broken;
mod workloads;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::sources::testing::{check_golden, fixture};
use crate::sources::{Naming, Report};
use crate::types::{DiscoverySource, Timestamp};

fn of_files(paths: &[&str]) -> Found {
    let texts: Vec<(&str, String)> = paths.iter().map(|path| (*path, fixture(path))).collect();
    let documents: Vec<Document<'_>> = texts.iter().map(|(path, text)| Document { path, text }).collect();
    of_documents(&documents)
}

const BOUTIQUE: &[&str] = &[
    "online-boutique/raw/kubernetes-manifests.yaml",
    "online-boutique/raw/netpol/kustomization.yaml",
    "online-boutique/raw/netpol/network-policy-adservice.yaml",
    "online-boutique/raw/netpol/network-policy-cartservice.yaml",
    "online-boutique/raw/netpol/network-policy-checkoutservice.yaml",
    "online-boutique/raw/netpol/network-policy-currencyservice.yaml",
    "online-boutique/raw/netpol/network-policy-deny-all.yaml",
    "online-boutique/raw/netpol/network-policy-emailservice.yaml",
    "online-boutique/raw/netpol/network-policy-frontend.yaml",
    "online-boutique/raw/netpol/network-policy-loadgenerator.yaml",
    "online-boutique/raw/netpol/network-policy-paymentservice.yaml",
    "online-boutique/raw/netpol/network-policy-productcatalogservice.yaml",
    "online-boutique/raw/netpol/network-policy-recommendationservice.yaml",
    "online-boutique/raw/netpol/network-policy-redis.yaml",
    "online-boutique/raw/netpol/network-policy-shippingservice.yaml",
];

/// Of the graph that was made of these manifests by hand, everything is found: ids, kinds, and the dependencies with
/// their attributes. Two members of its metadata are not: the team, which no manifest names, and the replicas, which
/// are how much of a service there is, and not what it is.
#[test]
fn the_manifests_of_online_boutique_say_what_its_graph_says() {
    let found = of_files(BOUTIQUE);
    check_golden("kubernetes-online-boutique.txt", &found);
    let graph: Value = serde_json::from_str(&fixture("online-boutique/graph.json")).unwrap();
    let report = Report::of(&found, &Naming::default(), &|_, _| crate::sources::Known::No);
    let at = Timestamp::parse("2026-08-11T17:03:16-04:00").unwrap();
    let document = report.document(DiscoverySource::Kubernetes, at);
    let kinds = |graph: &Value| {
        let nodes = graph["nodes"].as_array().unwrap();
        nodes
            .iter()
            .map(|node| (node["service_id"].clone(), node["metadata"]["kind"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&document), kinds(&graph));
    assert_eq!(document["edges"], graph["edges"]);
}

const SHOP: &str = "sources/kubernetes-shop.yaml";

#[test]
fn every_way_in_which_a_dependency_can_be_told() {
    let found = of_files(&[SHOP]);
    check_golden("kubernetes-shop.txt", &found);
    let evidence: BTreeSet<&str> =
        found.dependencies().values().flat_map(|uses| uses.evidence.iter().copied()).collect();
    let all = [
        "annotation",
        "arguments",
        "authorization_policy",
        "config_map",
        "environment",
        "network_policy",
        "route",
        "sidecar",
    ];
    assert_eq!(evidence, BTreeSet::from(all));
}

fn values(paths: &[&str]) -> Vec<Value> {
    let mut values = Vec::new();
    for path in paths {
        let text = fixture(path);
        let parsed = yaml::documents(Document { path, text: &text });
        values.extend(parsed.into_iter().filter_map(|parsed| parsed.value.ok()));
    }
    values
}

#[test]
fn the_order_of_objects_does_not_matter() {
    let mut objects: Vec<Value> = values(&[BOUTIQUE, &[SHOP]].concat()).iter().flat_map(items).collect();
    let expected = parse(&objects);
    objects.reverse();
    assert_eq!(parse(&objects), expected);
    for round in 0..20 {
        objects.rotate_left(7);
        let (one, two) = (round * 3 % objects.len(), round * 11 % objects.len());
        objects.swap(one, two);
        assert_eq!(parse(&objects), expected);
    }
    // Told twice is told once.
    let twice = parse(&[objects.clone(), objects].concat());
    assert_eq!((twice.services(), twice.dependencies()), (expected.services(), expected.dependencies()));
}

fn workload(namespace: &str, name: &str, variables: &[(&str, &str)]) -> Value {
    let env: Vec<Value> =
        variables.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": namespace, "name": name},
        "spec": {"template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "env": env}]},
        }},
    })
}

fn service(namespace: &str, name: &str, ports: &[(&str, u16)]) -> Value {
    let ports: Vec<Value> = ports.iter().map(|(name, port)| json!({"name": name, "port": port})).collect();
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": name},
        "spec": {"selector": {"app": name}, "ports": ports},
    })
}

/// What a variable of a workload in `shop` makes of it: `target mode protocol`, separated by commas.
fn told(variable: &str, value: &str) -> String {
    let found = parse(&[
        workload("shop", "web", &[(variable, value)]),
        workload("shop", "cart", &[]),
        workload("shop", "redis", &[]),
        workload("pay", "bank", &[]),
        service("shop", "cart", &[("grpc", 50051), ("metrics", 9100)]),
        service("shop", "redis", &[("tcp-redis", 6379)]),
        service("shop", "queue", &[("amqp", 5672), ("http", 15672)]),
        service("pay", "bank", &[("https", 443)]),
    ]);
    let each = found.dependencies().iter().map(|((_, on), uses)| {
        let namespace = on.namespace.as_deref().unwrap_or("-");
        format!("{namespace}/{} {} {}", on.name, uses.mode.as_str(), uses.protocol.as_deref().unwrap_or("-"))
    });
    each.collect::<Vec<_>>().join(", ")
}

#[test]
fn addresses_in_variables() {
    let cases = [
        ("HOST", "cart", "shop/cart sync -"),
        ("HOST", " redis\n", "shop/redis sync redis"),
        ("REDIS_USER", "redis", ""),
        ("DB_NAME", "redis", ""),
        ("SERVICE_NAME", "redis", "shop/redis sync redis"),
        ("HOST", "the cart", ""),
        ("HOST", "cart,redis", ""),
        ("HOST", "bank", ""),
        ("HOST", "bank.pay", "pay/bank sync https"),
        ("HOST", "bank.pay.svc", "pay/bank sync https"),
        ("HOST", "bank.pay.svc.cluster.local.", "pay/bank sync https"),
        ("HOST", "bank.pay.example", ""),
        ("HOST", "cart.pay", ""),
        ("HOST", "cart.pay.svc", "pay/cart sync -"),
        ("ADDR", "cart:50051", "shop/cart sync grpc"),
        ("ADDR", "cart:9100", "shop/cart sync -"),
        ("ADDR", "cart:1", ""),
        ("ADDR", "cart:99999", ""),
        ("ADDR", "cart:latest", ""),
        ("ADDR", "CART:50051", ""),
        ("ADDR", "queue", "shop/queue async -"),
        ("ADDR", "queue:5672", "shop/queue async amqp"),
        ("ADDR", "queue:15672", "shop/queue sync http"),
        (
            "ADDR",
            "cart:50051, redis:6379;bank.pay:443",
            "pay/bank sync https, shop/cart sync grpc, shop/redis sync redis",
        ),
        ("URL", "http://cart", "shop/cart sync http"),
        ("URL", "http://cart:$(PORT)/x", "shop/cart sync http"),
        ("URL", "http://cart.$(NAMESPACE):50051", ""),
        ("URL", "http://cart-$(COLOUR):50051", ""),
        ("URL", "http://example.org/cart:50051", ""),
        ("URL", "redis://:p%40ss@redis:6379/0", "shop/redis sync redis"),
        ("URL", "jdbc:postgresql://bank.pay:443/x?user=cart&y=1", "pay/bank sync postgresql"),
        ("URL", "jdbc:oracle:thin:@//bank.pay:443/x", "pay/bank sync https"),
        ("URL", "jdbc:oracle:thin:@bank.pay:443:x", "pay/bank sync https"),
        ("URL", "dns:///cart:50051", "shop/cart sync grpc"),
        ("URL", "nats://queue:5672", "shop/queue async nats"),
        ("URL", "s3://cart/key", ""),
        ("URL", "file:///cart/key", ""),
        ("JSON", r#"{"cart": {"url": "https://bank.pay/x"}}"#, "pay/bank sync https"),
        ("SCRIPT", "a\n# curl http://bank.pay\ncurl http://cart/x", "shop/cart sync http"),
        ("POD", "redis-0.redis:6379", "shop/redis sync redis"),
        ("POD", "bank-12.bank.pay.svc:443", "pay/bank sync https"),
        ("POD", "cart/redis", ""),
        ("EMPTY", "", ""),
        ("ODD", ":::://///@@@:80..-", ""),
    ];
    for (variable, value, expected) in cases {
        assert_eq!(told(variable, value), expected, "{variable}={value}");
    }
}

#[test]
fn lists_are_their_items() {
    let item = json!({"metadata": {"name": "a"}});
    let list = json!({"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [item, item]});
    let expected = json!({"metadata": {"name": "a"}, "apiVersion": "apps/v1", "kind": "Deployment"});
    assert_eq!(items(&list), [expected.clone(), expected.clone()]);
    assert_eq!(items(&expected), std::slice::from_ref(&expected));
    assert_eq!(
        items(&json!({"apiVersion": "v1", "kind": "List", "items": [list, {"kind": "List", "items": []}]}))
            .len(),
        2
    );
    assert_eq!(items(&json!({"kind": "AllowList", "items": 3})).len(), 1);
    assert_eq!(items(&json!(null)), [json!(null)]);
}

#[test]
fn broken_objects_are_noted_by_name() {
    let cases = [
        (
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "b"}, "spec": 3}),
            "Service b/a: ",
        ),
        (json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}), "Service a: "),
        (json!({"apiVersion": "v1", "kind": "Service", "spec": {}}), "Service : it has no name"),
        (
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {}}),
            "Deployment a: ",
        ),
        (
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": [1]}}),
            "ConfigMap a: ",
        ),
    ];
    for (object, expected) in cases {
        let found = parse(&[object, workload("a", "web", &[])]);
        assert_eq!((found.notes().len(), found.services().len()), (1, 1));
        assert!(found.notes()[0].starts_with(expected), "{:?}", found.notes());
    }
    let silent = [
        json!({"kind": "Other"}),
        json!([]),
        json!(null),
        json!({"apiVersion": "v1", "kind": "Secret", "data": 3}),
    ];
    assert!(parse(&silent).is_empty() && parse(&silent).notes().is_empty());
}

#[test]
fn templates_are_passed_over_and_counted() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Values.name }}}\n---\n- 1\n---\n\t- [\n";
    let found = of_documents(&[Document { path: "chart.yaml", text }]);
    let left_out = [("Helm templates", 1), ("documents that are no Kubernetes objects", 1)];
    assert_eq!(found.left_out(), &left_out.into());
    assert!(found.notes().len() == 1 && found.notes()[0].starts_with("chart.yaml: document 3: "));
}

/// Braces in what an object says are the text that is meant; in what it is called they are not filled in.
#[test]
fn braces_make_a_template_only_where_names_stand() {
    let vault = "\
kind: Deployment
apiVersion: apps/v1
metadata: {name: web}
spec:
  template:
    metadata:
      annotations:
        vault.hashicorp.com/agent-inject-template-db: |
          {{ with secret \"db/creds/web\" }}{{ .Data.password }}{{ end }}
    spec: {containers: [{envFrom: [{configMapRef: {name: rules}}]}]}
";
    let rules = "\
kind: ConfigMap
apiVersion: v1
metadata: {name: rules}
data: {rules: 'summary: {{ $labels.job }} at http://db:5432'}
";
    let database = "kind: Service\napiVersion: v1\nmetadata: {name: db}\nspec: {ports: [{port: 5432}]}\n";
    let real = format!("{vault}---\n{rules}---\n{database}");
    let found = of_documents(&[Document { path: "real.yaml", text: &real }]);
    let dependency = (Name::bare("web"), Name::bare("db"));
    assert!(found.dependencies().contains_key(&dependency) && found.left_out().is_empty(), "{found:?}");

    let named = |name: &str, namespace: &str, kind: &str| {
        format!("apiVersion: v1\nkind: \"{kind}\"\nmetadata: {{name: '{name}', namespace: '{namespace}'}}\n")
    };
    let texts = [
        named("{{ .Release.Name }}-web", "a", "Service"),
        named("web", "{{ .Release.Namespace }}", "Service"),
        named("web", "a", "{{ .Values.kind }}"),
        "apiVersion: v1\nkind: List\nitems: [{kind: Service, metadata: {name: '{{ $name }}'}}]\n".to_owned(),
    ];
    for text in texts {
        let found = of_documents(&[Document { path: "chart.yaml", text: &text }]);
        assert_eq!(found.left_out(), &[("Helm templates", 1)].into(), "{text}");
        assert!(found.is_empty() && found.notes().is_empty(), "{text}");
    }
}

fn object(api_version: &str, kind: &str, spec: &Value) -> Value {
    let meta = json!({"name": "x", "namespace": "a"});
    json!({"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": spec})
}

#[test]
fn forms_that_are_rarer() {
    let gateway = "gateway.networking.k8s.io/v1";
    let cases = [
        // The first version of an Ingress.
        (object("extensions/v1beta1", "Ingress", &json!({"backend": {"serviceName": "one"}})), "x one"),
        // One that leads to a bucket.
        (object("networking.k8s.io/v1", "Ingress", &json!({"defaultBackend": {"resource": {}}})), ""),
        // A route within a mesh.
        (
            object(
                gateway,
                "HTTPRoute",
                &json!({
                    "parentRefs": [{"kind": "Service", "group": "", "name": "one"}],
                    "rules": [{"backendRefs": [{"name": "one"}, {"name": "two"}]}],
                }),
            ),
            "one two",
        ),
        (
            object(
                gateway,
                "HTTPRoute",
                &json!({
                    "parentRefs": [{"name": "g"}],
                    "rules": [{"backendRefs": [{"kind": "Bucket", "name": "two"}, {"name": "far"}]}],
                }),
            ),
            "g far",
        ),
        (
            object(
                "networking.istio.io/v1",
                "VirtualService",
                &json!({
                    "hosts": ["one"], "gateways": ["mesh", "g"],
                    "tcp": [{"route": [{"destination": {"host": "two"}}]}],
                }),
            ),
            "g two, one two",
        ),
        (
            object(
                "security.istio.io/v1",
                "AuthorizationPolicy",
                &json!({
                    "targetRefs": [{"kind": "Service", "name": "two"}],
                    "rules": [{"from": [{"source": {"serviceAccounts": ["sa-one", "a/sa-two"]}}]}, {}],
                }),
            ),
            "one two, two two",
        ),
        (object("security.istio.io/v1", "AuthorizationPolicy", &json!(null)), ""),
        (object("networking.istio.io/v1", "Sidecar", &json!({"egress": [{"hosts": ["./one"]}]})), ""),
        (object("networking.k8s.io/v1", "NetworkPolicy", &json!({"podSelector": {}, "egress": [{}]})), ""),
    ];
    for (given, expected) in cases {
        let mut objects = vec![given];
        for name in ["one", "two"] {
            let mut workload = workload("a", name, &[]);
            workload["spec"]["template"]["spec"]["serviceAccountName"] = format!("sa-{name}").into();
            objects.extend([workload, service("a", name, &[("tcp", 1)])]);
        }
        let found = parse(&objects);
        let pairs = found.dependencies().keys().map(|(from, on)| format!("{} {}", from.name, on.name));
        assert_eq!(pairs.collect::<Vec<_>>().join(", "), expected, "{}", objects[0]);
        assert!(found.notes().is_empty(), "{:?}", found.notes());
    }
}

#[test]
fn the_rights_that_are_shipped_are_those_that_are_needed() {
    let text = fixture("../../k8s/discovery/rbac.yaml");
    let documents = yaml::documents(Document { path: "rbac.yaml", text: &text });
    let values = documents.into_iter().map(|parsed| parsed.value.unwrap());
    let role = values.into_iter().find(|value| value["kind"] == "ClusterRole").unwrap();
    let mut granted = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        assert_eq!(rule["verbs"], json!(["list", "watch"]), "{rule}");
        let resources = rule["resources"].as_array().unwrap();
        let group = rule["apiGroups"][0].as_str().unwrap();
        granted
            .extend(resources.iter().map(|plural| (group.to_owned(), plural.as_str().unwrap().to_owned())));
    }
    let needed: BTreeSet<_> =
        KINDS.iter().map(|kind| (kind.group.to_owned(), kind.plural.to_owned())).collect();
    assert_eq!(granted, needed);
}
