//! What reports change: cases in words, and whole graphs compared the naive way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde_json::Value;
use uuid::Uuid;

use crate::apply::testing::{any_command, hour};
use crate::apply::{admit, apply};
use crate::campaign::{Random, report, seeds};
use crate::graph::Graph;
use crate::query::{DependencyMember, Difference, ServiceMember, difference};
use crate::types::{
    Attributes, Change, Command, CommunicationMode, DiscoverySource, EdgeReport, Metadata, Mode, NodeReport,
    ServiceId, Sweep, Upsert,
};

fn id(text: &str) -> ServiceId {
    ServiceId::parse(text).unwrap()
}

/// `manual replace -1h a b={"team":"t"} a>b a>c/async`: who reports, how, how long ago, services, dependencies.
fn upsert(words: &str) -> Upsert {
    let mut words = words.split(' ');
    let source = DiscoverySource::parse(words.next().unwrap()).unwrap();
    let mut upsert =
        Upsert { source, observed_at: hour(10), mode: Mode::Upsert, nodes: vec![], edges: vec![] };
    for word in words {
        if word == "replace" {
            upsert.mode = Mode::Replace;
        } else if word == "-1h" {
            upsert.observed_at = hour(9);
        } else if let Some((from, to)) = word.split_once('>') {
            let (to, is_async) = to.strip_suffix("/async").map_or((to, false), |to| (to, true));
            let mode = if is_async { CommunicationMode::Async } else { CommunicationMode::Sync };
            let attributes = Attributes { communication_mode: mode, ..Attributes::hard_sync() };
            upsert.edges.push(EdgeReport { source: id(from), target: id(to), attributes });
        } else {
            let (name, json) = word.split_once('=').map_or((word, None), |(name, json)| (name, Some(json)));
            let metadata = json.map(|json| Metadata::from_json(json).unwrap());
            upsert.nodes.push(NodeReport { service_id: id(name), metadata });
        }
    }
    upsert
}

/// A report, or `sweep`: all that was observed is stale.
fn change(words: &str) -> Change {
    match words {
        "sweep" => Change::Sweep(Sweep { stale_after: [Some(0); 4], ..Sweep::default() }),
        words => Change::Upsert(upsert(words)),
    }
}

fn after(graph: &Graph, number: u128, change: Change) -> Graph {
    apply(graph, &Command::new(Uuid::from_u128(number), hour(11), change)).0
}

/// `+a +a>b ~c:Team ~c>d:Protocol -e>f refreshed:1 withdrawn:1`.
fn words(before: &Graph, after: &Graph, difference: &Difference) -> String {
    let pair = |(from, to): (u32, u32)| format!("{}>{}", after.name(from), after.name(to));
    let mut words: Vec<_> =
        difference.services_added.iter().map(|node| format!("+{}", after.name(*node))).collect();
    for node in &difference.services_changed {
        let (was, is) = (before.node(*node).service(), after.node(*node).service());
        let members = named(ServiceMember::ALL.into_iter().filter(|member| member.differs(was, is)));
        words.push(format!("~{}:{members}", after.name(*node)));
    }
    words.extend(difference.dependencies_added.iter().map(|ends| format!("+{}", pair(*ends))));
    for ends in &difference.dependencies_changed {
        let (was, is) = (before.dependency(ends.0, ends.1), after.dependency(ends.0, ends.1));
        let differs = |member: &DependencyMember| member.differs(was.unwrap(), is.unwrap());
        let members = named(DependencyMember::ALL.into_iter().filter(differs));
        words.push(format!("~{}:{members}", pair(*ends)));
    }
    words.extend(difference.dependencies_removed.iter().map(|ends| format!("-{}", pair(*ends))));
    for (word, count) in
        [("refreshed", difference.observations_refreshed), ("withdrawn", difference.observations_withdrawn)]
    {
        words.extend((count > 0).then(|| format!("{word}:{count}")));
    }
    words.join(" ")
}

fn named<T: Debug>(members: impl Iterator<Item = T>) -> String {
    members.map(|member| format!("{member:?}")).collect::<Vec<_>>().join(",")
}

#[test]
fn what_a_report_changes() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&[], "manual", ""),
        (&[], "manual z a>é a>B", "+B +a +z +é +a>B +a>é"),
        (&[], r#"manual a={"team":"t"}"#, "+a"),
        // Services.
        (&["manual a"], "manual a", ""),
        (&["manual a>b"], "kubernetes a", "~a:Discovered,Metadata"),
        (&[r#"manual a={"team":"t","x":1}"#], r#"manual a={"x":1,"team":"t"}"#, ""),
        (&[r#"manual a={"x":1}"#], r#"manual a={"x":1.0}"#, "~a:Metadata"),
        (&[r#"manual a={"team":"t"}"#], r#"kubernetes a={"team":"k"}"#, ""),
        (&[r#"kubernetes a={"team":"k"}"#], r#"manual a={"team":"t"}"#, "~a:Team,Metadata"),
        (
            &[r#"manual a={"criticality":"high"}"#],
            r#"manual a={"service_type":"external"}"#,
            "~a:Criticality,ServiceType,Metadata",
        ),
        (&[r#"manual a={"x":1}"#], r#"manual a={"criticality":"medium","x":1}"#, "~a:Metadata"),
        // Dependencies.
        (&["manual a>b"], "manual a>b", "refreshed:1"),
        (&["manual a>b"], "manual -1h a>b/async", "refreshed:1"),
        (&["manual a>b"], "manual a>b/async", "~a>b:CommunicationMode"),
        (&["manual a>b"], "kubernetes a>b/async", "refreshed:1"),
        (&["kubernetes a>b"], "manual a>b", "~a>b:DiscoverySource"),
        (&["kubernetes a>b"], "manual a>b/async", "~a>b:CommunicationMode,DiscoverySource"),
        (&["manual a>b", "sweep"], "manual a>b", "~a>b:IsStale"),
        (&["manual a>b", "sweep"], "kubernetes a>b", "~a>b:DiscoverySource,IsStale"),
        (&["manual a>b b>a"], "manual b>a/async c>a", "+c +c>a ~b>a:CommunicationMode"),
        // All that a source knows.
        (&["manual a>b b>c"], "manual replace", "-a>b -b>c"),
        (&["manual b>c a>b"], "manual replace a>b", "-b>c refreshed:1"),
        (&["manual a>b", "kubernetes a>b"], "kubernetes replace", "withdrawn:1"),
        (&["manual a>b", "kubernetes a>b/async"], "manual replace", "~a>b:CommunicationMode,DiscoverySource"),
        (&["manual a>b", "kubernetes b>a"], "kubernetes replace c>b", "+c +c>b -b>a"),
        (&["manual a>b"], "kubernetes replace", ""),
    ];
    for (history, report, expected) in cases {
        let mut before = Graph::default();
        for (number, words) in history.iter().enumerate() {
            before = after(&before, number as u128, change(words));
        }
        let upsert = upsert(report);
        let next = after(&before, 99, Change::Upsert(upsert.clone()));
        let found = difference(&before, &next, &upsert);
        assert_eq!(words(&before, &next, &found), *expected, "{history:?}, then {report}");
    }
}

type Pair = (String, String);

/// All that is shown of a graph, but for what each observation moves.
struct Shown {
    services: BTreeMap<String, Value>,
    dependencies: BTreeMap<Pair, (Attributes, DiscoverySource, bool)>,
    /// By whom.
    observed: BTreeSet<(Pair, DiscoverySource)>,
}

impl Shown {
    fn of(graph: &Graph) -> Self {
        let mut shown =
            Self { services: BTreeMap::new(), dependencies: BTreeMap::new(), observed: BTreeSet::new() };
        for (index, node) in graph.in_order(None) {
            let name = graph.name(index).to_string();
            let text = [b"{", node.identity_json(), node.metadata_json(), b"}"].concat();
            let mut service: Value = serde_json::from_slice(&text).unwrap();
            service.as_object_mut().unwrap().remove("id");
            for (link, dependency) in graph.outgoing(index).iter().zip(graph.dependencies(index)) {
                let pair = (name.clone(), graph.name(link.node).to_string());
                let seen = dependency.shown();
                shown
                    .observed
                    .extend(dependency.observations().iter().map(|each| (pair.clone(), each.source)));
                shown.dependencies.insert(pair, (seen.attributes.clone(), seen.source, seen.is_stale()));
            }
            shown.services.insert(name, service);
        }
        shown
    }
}

/// What is there only after, what is another one, and what is there only before.
fn compared<K: Ord + Clone, V: PartialEq>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> (Vec<K>, Vec<K>, Vec<K>) {
    let added = after.keys().filter(|key| !before.contains_key(key));
    let changed = after.iter().filter(|(key, value)| before.get(key).is_some_and(|was| was != *value));
    let removed = before.keys().filter(|key| !after.contains_key(key));
    (added.cloned().collect(), changed.map(|(key, _)| key.clone()).collect(), removed.cloned().collect())
}

/// Holds what is said of a report against all that the two graphs show.
fn held_against_whole_graphs(before: &Graph, next: &Graph, upsert: &Upsert) {
    let found = difference(before, next, upsert);
    let (was, is) = (Shown::of(before), Shown::of(next));
    let service = |nodes: &[u32]| nodes.iter().map(|node| next.name(*node).to_string()).collect::<Vec<_>>();
    let services = (service(&found.services_added), service(&found.services_changed), vec![]);
    assert_eq!(services, compared(&was.services, &is.services));
    let name = |node: u32| next.name(node).to_string();
    let pairs = |pairs: &[(u32, u32)]| -> Vec<Pair> {
        pairs.iter().map(|(from, to)| (name(*from), name(*to))).collect()
    };
    let (added, changed) = (pairs(&found.dependencies_added), pairs(&found.dependencies_changed));
    let removed = pairs(&found.dependencies_removed);
    let expected = compared(&was.dependencies, &is.dependencies);
    assert_eq!((&added, &changed, &removed), (&expected.0, &expected.1, &expected.2));
    let reported: BTreeSet<Pair> =
        upsert.edges.iter().map(|edge| (edge.source.to_string(), edge.target.to_string())).collect();
    let moved = |pair: &&Pair| !added.contains(pair) && !changed.contains(pair);
    assert_eq!(found.observations_refreshed as usize, reported.iter().filter(moved).count());
    let withdrawn = was.observed.difference(&is.observed).map(|(pair, _)| pair);
    let kept = withdrawn.filter(|pair| !removed.contains(pair) && !changed.contains(pair));
    assert_eq!(found.observations_withdrawn as usize, kept.count());
}

#[test]
fn nothing_else_changes() {
    let mut cases = 0;
    for seed in seeds(150) {
        let mut random = Random::new(seed);
        let mut graph = Graph::default();
        for number in 1..60 {
            let command = any_command(number, &graph, &mut random);
            if admit(&graph, &command).is_err() {
                continue;
            }
            let next = apply(&graph, &command).0;
            if let Change::Upsert(upsert) = &command.change {
                held_against_whole_graphs(&graph, &next, upsert);
                cases += 1;
            }
            graph = next;
        }
    }
    report("differences", Ok(cases), 3_000);
}
