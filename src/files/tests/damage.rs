//! Files that are not what was written: refused, with the file and the line where one is at fault.

use super::{Files, Form, Manifest, ReadError, Table};
use crate::apply::apply;
use crate::apply::testing::history;
use crate::campaign::Random;
use crate::graph::Graph;

/// A graph with something in each table, among it an active alert.
fn graph() -> Graph {
    let made =
        |seed| history(seed, 60).iter().fold(Graph::default(), |graph, command| apply(&graph, command).0);
    let has_all = |graph: &Graph| {
        !graph.cycles().is_empty() && graph.counts().observations > 4 && graph.counts().services > 4
    };
    (0..100).map(made).find(has_all).unwrap()
}

fn refusal(files: &Files) -> String {
    match files.read() {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string(),
    }
}

fn edited(form: Form, table: Table, edit: impl FnOnce(&mut Vec<String>)) -> Files {
    let mut files = Files::of(&graph(), form);
    let mut lines: Vec<String> = files.text(table).lines().map(str::to_owned).collect();
    edit(&mut lines);
    files.tables[table as usize] = (lines.join("\n") + "\n").into_bytes();
    files
}

#[test]
fn a_table_without_its_columns_is_none() {
    for table in Table::ALL {
        let swapped = edited(Form::Csv, table, |lines| {
            let mut columns: Vec<&str> = lines[0].split(',').collect();
            columns.swap(0, 1);
            lines[0] = columns.join(",");
        });
        let expected = format!("{}.csv: line 1: the header is not ", table.name());
        assert!(refusal(&swapped).starts_with(&expected), "{}", refusal(&swapped));
        let cut = edited(Form::Csv, table, |lines| {
            let last = lines.last_mut().unwrap();
            *last = last.split_once(',').unwrap().0.to_owned();
        });
        assert!(refusal(&cut).contains("is the file cut?"), "{}", refusal(&cut));
        for (from, to, expected) in [
            ("{\"", "{\"x\":1,\"", "there is no column \"x\""),
            ("{", "", "it is no JSON object"),
            ("\":", "x\":", " is missing"),
        ] {
            let files = edited(Form::Ndjson, table, |lines| lines[0] = lines[0].replacen(from, to, 1));
            let place = format!("{}.ndjson: line 1: ", table.name());
            let said = refusal(&files);
            assert!(said.starts_with(&place) && said.contains(expected), "{said}");
        }
    }
}

#[test]
fn a_value_that_none_can_have_is_refused_with_its_place() {
    use Table::{Cycles, Dependencies, Services};
    let cases = [
        (Services, "service_id", "\" a\"", "leading or trailing white space"),
        (Services, "service_id", "null", "service_id is missing"),
        (Services, "id", "\"x\"", "id: "),
        (Services, "team", "\"nobody\"", "team: the sources say "),
        (Services, "criticality", "\"extreme\"", "criticality: the sources say "),
        (Services, "discovered", "\"yes\"", "discovered: \"yes\" is neither true nor false"),
        (Services, "availability_target", "101", "an SLO target is above 0"),
        (Services, "created_at", "\"yesterday\"", "created_at: a timestamp is an RFC 3339"),
        (Services, "metadata_manual", "[1]", "metadata_manual: "),
        (Dependencies, "source", "\"nobody\"", "no service has the id \"nobody\""),
        (Dependencies, "target", "\"nobody\"", "no service has the id \"nobody\""),
        (Dependencies, "discovery_source", "\"rumour\"", "\"rumour\" is none of manual, service_mesh"),
        (Dependencies, "communication_mode", "\"Sync\"", "\"Sync\" is none of sync, async"),
        (Dependencies, "criticality", "null", "criticality is missing"),
        (
            Dependencies,
            "protocol",
            "\"012345678901234567890123456789012345678901234567890\"",
            "at most 50 bytes",
        ),
        (Dependencies, "timeout_ms", "0", "from 1 to 86400000"),
        (Dependencies, "max_retries", "101", "from 0 to 100"),
        (Dependencies, "times_observed", "0", "expected a number above 0"),
        (Dependencies, "times_observed", "-1", "expected a number above 0"),
        (Dependencies, "stale_since", "\"never\"", "stale_since: "),
        (Cycles, "alert_id", "\"\"", "alert_id: "),
        (Cycles, "status", "\"closed\"", "\"closed\" is none of open, acknowledged, resolved"),
        (Cycles, "members", "[\"a\",\"\"]", "members: "),
        (Cycles, "members", "{}", "members: "),
        (Cycles, "path", "[]", "no cycle"),
        (Cycles, "active", "1", "active: \"1\" is neither"),
    ];
    for (table, column, value, expected) in cases {
        let files = edited(Form::Ndjson, table, |lines| {
            let mut row: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&lines[0]).unwrap();
            row[column] = serde_json::from_str(value).unwrap();
            lines[0] = serde_json::Value::Object(row).to_string();
        });
        let said = refusal(&files);
        let place = format!("{}.ndjson: line 1: ", table.name());
        assert!(said.starts_with(&place) && said.contains(expected), "{column} {value}: {said}");
    }
}

#[test]
fn rows_that_are_lost_twice_or_moved_are_refused() {
    for form in Form::ALL {
        let first = usize::from(form == Form::Csv);
        for table in Table::ALL {
            let lost = edited(form, table, |lines| drop(lines.pop()));
            refusal(&lost);
            let twice = edited(form, table, |lines| lines.push(lines.last().unwrap().clone()));
            let said = refusal(&twice);
            let expected = match table {
                Table::Services => "two services have the id",
                Table::Dependencies => "rows are in order",
                Table::Cycles => "two rows have this alert_id",
            };
            assert!(said.contains(expected), "{said}");
            if table != Table::Cycles {
                let moved = edited(form, table, |lines| lines.swap(first, first + 1));
                refusal(&moved);
            }
        }
    }
}

#[test]
fn an_edit_that_can_be_read_is_refused_as_one() {
    let files = edited(Form::Ndjson, Table::Dependencies, |lines| {
        lines[0] = lines[0].replace("\"times_observed\":", "\"times_observed\":1");
    });
    let error = files.read().err().unwrap();
    assert!(error.is_of_the_whole() && error.to_string().starts_with("the digest is "), "{error}");
    let sound = Files::of(&graph(), Form::Csv);
    let manifest = |edit: fn(&mut Manifest)| {
        let mut files = sound.clone();
        edit(&mut files.manifest);
        refusal(&files)
    };
    assert!(manifest(|manifest| manifest.services += 1).contains(" services, the manifest says "));
    assert!(manifest(|manifest| manifest.dependencies += 1).contains(" dependencies, the manifest says "));
    assert!(manifest(|manifest| manifest.observations += 1).contains(" observations, the manifest says "));
    assert!(manifest(|manifest| manifest.cycles += 1).contains(" cycles, the manifest says "));
    assert!(manifest(|manifest| manifest.digest = "0".repeat(64)).contains("the digest is "));
    assert!(manifest(|manifest| manifest.form = Form::Ndjson).contains("it is no JSON object"));
}

#[test]
fn a_manifest_of_another_kind_is_refused() {
    let sound = String::from_utf8(Files::of(&graph(), Form::Csv).manifest.to_json()).unwrap();
    let cases = [
        ("", "", "EOF"),
        ("watershed graph", "other", "its kind is not"),
        ("\"format_version\": 1", "\"format_version\": 2", "format version 2; this program reads 1"),
        ("\"version\": ", "\"version\": 18446744073709551615, \"was\": ", "out of range"),
        ("\"csv\"", "\"xml\"", "neither csv nor ndjson"),
        ("Z\"", "\"", "RFC 3339"),
        ("\"services\": ", "\"services\": -", "invalid value"),
    ];
    for (from, to, expected) in cases {
        let text = if from.is_empty() { String::new() } else { sound.replacen(from, to, 1) };
        let said = Manifest::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(said.starts_with("manifest.json: ") && said.contains(expected), "{said}");
    }
}

#[test]
fn whatever_the_bytes_are_they_are_judged() {
    let sound = graph();
    for form in Form::ALL {
        let files = Files::of(&sound, form);
        let mut random = Random::new(7);
        let mut refused = 0;
        for _ in 0..1_500 {
            let mut damaged = files.clone();
            let table = &mut damaged.tables[random.below(3) as usize];
            let place = random.below(table.len() as u64) as usize;
            match random.below(3) {
                0 => table.truncate(place),
                1 => table[place] ^= 1 << random.below(8),
                _ => table[place] = b"\n\"',{}[]=0"[random.below(10) as usize],
            }
            match damaged.read() {
                // A line end, a quote that means nothing, another spelling of the same: the graph is the same.
                Ok(graph) => assert_eq!(graph.digest(), sound.digest()),
                Err(ReadError::Io { file, source }) => panic!("{file}: {source}"),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 1_300, "{form:?}: {refused}");
    }
}
