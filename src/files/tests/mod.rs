//! Graphs written and read again in both forms, and files that are not what was written.

mod damage;
mod hostile;

use super::{Form, Manifest, ReadError, Table, read, rows, write};
use crate::apply::apply;
use crate::apply::testing::history;
use crate::campaign::{report, seeds};
use crate::graph::Graph;
use crate::types::Timestamp;

/// The files of a graph, in memory.
#[derive(Clone)]
struct Files {
    manifest: Manifest,
    tables: [Vec<u8>; 3],
}

impl Files {
    fn of(graph: &Graph, form: Form) -> Self {
        let created_at = Timestamp::from_microseconds(1_800_000_000_000_001);
        let tables = Table::ALL.map(|table| {
            let mut written = 0;
            let bytes = write(graph, table, form, Vec::new(), || written += 1).unwrap();
            assert_eq!(written, rows(graph, table), "{}", table.name());
            bytes
        });
        Self { manifest: Manifest::of(graph, form, created_at), tables }
    }

    fn read(&self) -> Result<Graph, ReadError> {
        let manifest = Manifest::parse(&self.manifest.to_json())?;
        assert_eq!(manifest, self.manifest);
        read(&manifest, |table| Ok(&*self.tables[table as usize]))
    }

    fn text(&self, table: Table) -> &str {
        std::str::from_utf8(&self.tables[table as usize]).unwrap()
    }
}

/// Whether a graph comes back: every invariant holds, all that is durable is the same, and so is every order.
fn comes_back(graph: &Graph, form: Form) -> Result<(), String> {
    let files = Files::of(graph, form);
    let found = files.read().map_err(|error| format!("{form:?}: {error}"))?;
    found.check().map_err(|violation| format!("{form:?}: {violation}"))?;
    let again = Files::of(&found, form);
    let same = (found.digest(), found.version()) == (graph.digest(), graph.version())
        && again.tables == files.tables
        && again.manifest == files.manifest;
    if same { Ok(()) } else { Err(format!("{form:?}: another graph came back")) }
}

#[test]
fn every_kind_of_history_comes_back() {
    let run = || {
        let mut cases = 0;
        for seed in seeds(200) {
            let mut graph = Graph::default();
            for (number, command) in history(seed, 60).iter().enumerate() {
                graph = apply(&graph, command).0;
                if number % 20 == 19 {
                    for form in Form::ALL {
                        comes_back(&graph, form).map_err(|what| format!("seed {seed}: {what}"))?;
                        cases += 1;
                    }
                }
            }
        }
        Ok(cases)
    };
    report("files", run(), 1_200);
}

#[test]
fn an_empty_graph_comes_back() {
    for form in Form::ALL {
        comes_back(&Graph::default(), form).unwrap();
    }
}

#[test]
fn the_files_are_as_documented() {
    let graph = history(1, 60).iter().fold(Graph::default(), |graph, command| apply(&graph, command).0);
    let files = Files::of(&graph, Form::Csv);
    let documented = include_str!("../mod.rs");
    for table in Table::ALL {
        let header = files.text(table).lines().next().unwrap();
        assert_eq!(header, table.columns().join(","));
        let row = documented.lines().find(|line| line.starts_with(&format!("//! | `{}` |", table.name())));
        let named: Vec<&str> =
            row.unwrap().split('|').nth(3).unwrap().split('`').skip(1).step_by(2).collect();
        assert_eq!(named, table.columns(), "{}", table.name());
    }
    let manifest = String::from_utf8(files.manifest.to_json()).unwrap();
    assert!(manifest.contains(&format!("\"digest\": \"{}\"", graph.digest())), "{manifest}");
    assert!(Manifest::is_meant(manifest.as_bytes()));
    for other in ["", "{}", "[]", r#"{"kind":"x"}"#, r#"{"kind":1}"#] {
        assert!(!Manifest::is_meant(other.as_bytes()), "{other}");
    }
}
