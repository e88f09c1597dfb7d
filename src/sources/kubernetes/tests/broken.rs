//! Input that is too much, or not what it should be.

use serde_json::{Value, json};

use super::{BOUTIQUE, SHOP, values, workload};
use crate::sources::Document;
use crate::sources::kubernetes::{items, of_documents, parse};
use crate::sources::testing::{fixture, lines};

#[test]
fn rules_about_very_many_are_left_out() {
    let mut objects: Vec<Value> = (0..120).map(|number| workload("a", &format!("w{number}"), &[])).collect();
    for object in &mut objects {
        object["spec"]["template"]["metadata"]["labels"]["all"] = "yes".into();
    }
    let policy = |from: Value| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "a"},
            "spec": {"podSelector": {"matchLabels": {"app": "w1"}}, "ingress": [{"from": [{"podSelector": from}]}]},
        })
    };
    let some: Vec<String> = (0..20).map(|number| format!("w{number}")).collect();
    let some = json!({"matchExpressions": [{"key": "app", "operator": "In", "values": some}]});
    objects.push(policy(some.clone()));
    assert_eq!(parse(&objects).dependencies().len(), 20);
    for vague in [
        json!({"matchLabels": {"all": "yes"}}),
        json!({}),
        json!({"matchExpressions": [{"key": "no", "operator": "DoesNotExist"}]}),
    ] {
        *objects.last_mut().unwrap() = policy(vague);
        let found = parse(&objects);
        assert!(found.dependencies().is_empty() && found.left_out().len() == 1);
    }
    let mut wide = policy(some);
    let many: Vec<String> = (0..60).map(|number| format!("w{number}")).collect();
    wide["spec"]["podSelector"] =
        json!({"matchExpressions": [{"key": "app", "operator": "In", "values": many}]});
    *objects.last_mut().unwrap() = wide;
    assert_eq!(parse(&objects).left_out()["rules about too many pairs of workloads"], 1);
}

/// Each of these made a service or a dependency without a name; fuzzing found that it can.
#[test]
fn nobody_has_an_empty_name() {
    let object = |kind: &str, group: &str, spec: Value| json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": "x", "namespace": "a"}, "spec": spec});
    let route =
        |host: &str| json!({"gateways": ["g"], "http": [{"route": [{"destination": {"host": host}}]}]});
    let backend = |backend: Value| json!({"rules": [{"http": {"paths": [{"backend": backend}]}}]});
    let owner = json!([{"kind": "ReplicaSet", "name": "-1", "controller": true}]);
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": []}});
    pod["metadata"] = json!({"name": "x", "namespace": "a", "ownerReferences": owner});
    let (istio, gateways) = ("networking.istio.io", "gateway.networking.k8s.io");
    let cases = [
        object("VirtualService", istio, route("")),
        object("VirtualService", istio, route(".a.svc")),
        object("VirtualService", istio, json!({"gateways": ["a/", ""]})),
        object("ServiceEntry", istio, json!({"hosts": [""]})),
        object("Ingress", "networking.k8s.io", backend(json!({"service": {"name": ""}}))),
        object("Ingress", "networking.k8s.io", backend(json!({"serviceName": ""}))),
        object(
            "HTTPRoute",
            gateways,
            json!({"parentRefs": [{"name": "g"}], "rules": [{"backendRefs": [{"name": ""}]}]}),
        ),
        object("HTTPRoute", gateways, json!({"parentRefs": [{"name": ""}]})),
        pod,
    ];
    for case in cases {
        let found = parse(std::slice::from_ref(&case));
        let ends = found.dependencies().keys().flat_map(|(from, on)| [from, on]);
        assert!(found.services().keys().chain(ends).all(|name| !name.name.is_empty()), "{case}: {found:?}");
    }
}

/// Whatever is given, an answer comes back: cut, flipped, lost and repeated bytes.
#[test]
fn broken_texts_are_answered() {
    let texts = [fixture(SHOP), fixture(BOUTIQUE[11])];
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for case in 0..2_000 {
        // A window of it: what is wrong with one object is not to be hidden by sixty good ones.
        let text = &texts[case % 2].as_bytes();
        let start = next(text.len() - 400);
        let mut bytes = text[start..(start + 1_500).min(text.len())].to_vec();
        for _ in 0..=next(4) {
            let at = next(bytes.len());
            match next(5) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = next(256) as u8,
                2 => bytes[at] = b":{}[]-\"#&*\n "[next(12)],
                3 => drop(bytes.drain(at..(at + next(40)).min(bytes.len() - 1).max(at))),
                _ => bytes.extend_from_within(at..(at + 300).min(bytes.len())),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        drop(lines(&of_documents(&[Document { path: "broken.yaml", text: &text }])));
    }
}

/// The same of values: members lost, or of another type.
#[test]
fn broken_values_are_answered() {
    let objects: Vec<Value> = values(&[SHOP]).iter().flat_map(items).collect();
    let mut state = 11_u64;
    for _ in 0..600 {
        let mut broken = objects.clone();
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut choice = state >> 20;
        let index = choice as usize % broken.len();
        let mut at = &mut broken[index];
        loop {
            choice /= 3;
            let count = at.as_object().map_or(0, serde_json::Map::len) + at.as_array().map_or(0, Vec::len);
            if count == 0 || choice.is_multiple_of(7) {
                break;
            }
            let inner = choice as usize % count;
            at = match at {
                Value::Object(members) => members.values_mut().nth(inner).unwrap(),
                Value::Array(values) => &mut values[inner],
                _ => unreachable!("it has items"),
            };
        }
        *at = [json!(null), json!(-1), json!(""), json!([[]]), json!({"": {}}), json!("*/*")]
            [choice as usize % 6]
            .clone();
        drop(lines(&parse(&broken)));
    }
}
