//! A copy that is brought up to date version by version is the copy that a whole export makes.

use std::collections::BTreeMap;

use super::copy::Copy;
use super::rows::AuditRow;
use crate::apply::apply;
use crate::apply::testing::history;
use crate::campaign::{report, seeds};
use crate::graph::Graph;

/// What a database would hold: rows by table and key, each as the text of all it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held(BTreeMap<(&'static str, String), String>);

impl Held {
    fn take(&mut self, table: &'static str, key: impl Into<String>) {
        let key = key.into();
        assert!(
            self.0.remove(&(table, key.clone())).is_some(),
            "{table} {key} is taken out and was not there"
        );
    }

    fn put(&mut self, table: &'static str, key: String, row: String) {
        self.0.insert((table, key), row);
    }

    fn merge(&mut self, copy: &Copy<'_>) {
        if copy.is_whole() {
            self.0.clear();
        }
        copy.dependencies_gone().for_each(|key| self.take("dependencies", format!("{key:?}")));
        copy.targets_gone().for_each(|id| self.take("targets", id));
        copy.services_gone().for_each(|id| self.take("services", id));
        copy.alerts_gone().for_each(|id| self.take("alerts", id.to_string()));
        let oldest = copy.audit_from();
        self.0.retain(|(table, key), _| *table != "audit" || key.parse::<u64>().unwrap() >= oldest);
        copy.services()
            .for_each(|row| self.put("services", row.0.service_id().to_string(), format!("{row:?}")));
        copy.dependencies()
            .for_each(|row| self.put("dependencies", format!("{:?}", row.key), format!("{row:?}")));
        copy.targets().for_each(|row| self.put("targets", row.service_id.to_owned(), format!("{row:?}")));
        copy.alerts().iter().for_each(|row| self.put("alerts", row.id.to_string(), format!("{row:?}")));
        copy.audit().for_each(|row: AuditRow<'_>| {
            self.put("audit", format!("{:020}", row.0.version), format!("{row:?}"));
        });
    }
}

fn whole(graph: &Graph) -> Held {
    let mut held = Held::default();
    held.merge(&Copy::of(graph));
    held
}

fn check(seed: u64) -> Result<u64, String> {
    let mut graphs = vec![Graph::default()];
    for command in history(seed, 60) {
        let next = apply(graphs.last().expect("begins with one"), &command).0;
        graphs.push(next);
    }
    // By one version, by several, and back to one that was there before, as after a restored backup.
    for (from, to) in [(0, 60), (10, 11), (20, 27), (30, 60), (59, 60), (40, 40), (50, 20), (60, 0)] {
        let (before, after) = (&graphs[from], &graphs[to]);
        let mut held = whole(before);
        let copy = Copy::since(before, after);
        held.merge(&copy);
        if to < from {
            // Entries of the audit log that are not to be there any more only a whole copy takes out.
            held.0.retain(|(table, _), _| *table != "audit");
        }
        let mut expected = whole(after);
        if to < from {
            expected.0.retain(|(table, _), _| *table != "audit");
        }
        if held != expected {
            return Err(format!("seed {seed}, from version {from} to {to}: {held:?} is not {expected:?}"));
        }
    }
    Ok(8)
}

#[test]
fn a_copy_that_is_brought_up_to_date_is_a_whole_one() {
    report("export copies", seeds(200).map(check).sum(), 1_600);
}

#[test]
fn what_did_not_change_is_not_looked_at() {
    let mut graph = Graph::default();
    for command in history(7, 60) {
        graph = apply(&graph, &command).0;
    }
    let copy = Copy::since(&graph, &graph);
    assert_eq!(copy.services().count() + copy.dependencies().count() + copy.alerts().len(), 0);
    assert_eq!(copy.audit().count(), 0);
}

/// Graphs of different origins have no chunk in common, and other indexes for the same names.
#[test]
fn graphs_that_have_nothing_in_common_are_told_apart_by_names() {
    let grown =
        |seed| history(seed, 60).iter().fold(Graph::default(), |graph, command| apply(&graph, command).0);
    for seed in 0..20 {
        let (before, after) = (grown(seed), grown(seed + 100));
        let (mut held, mut expected) = (whole(&before), whole(&after));
        held.merge(&Copy::since(&before, &after));
        for side in [&mut held, &mut expected] {
            side.0.retain(|(table, _), _| *table != "audit");
        }
        assert_eq!(held, expected, "seed {seed}");
    }
}
