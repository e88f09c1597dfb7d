//! Texts that a spreadsheet, a CSV reader or a line reader could trip over, in every place where a text can stand.

use proptest::prelude::*;
use uuid::Uuid;

use super::{Files, Form, Table, comes_back};
use crate::apply::apply;
use crate::apply::testing::hour;
use crate::graph::Graph;
use crate::limits;
use crate::types::{
    Attributes, Change, Command, DiscoverySource, EdgeReport, Metadata, Mode, NodeReport, ServiceId, Upsert,
};

/// Texts of pieces that mean something to somebody.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "=",
            "+",
            "-",
            "@",
            "'",
            "\"",
            "\"\"",
            ",",
            ";",
            "\t",
            "\r",
            "\n",
            "\r\n",
            "\\",
            "\\n",
            "{",
            "}",
            "[",
            "null",
            "true",
            "=cmd|' /C calc'!A0",
            "＝1",
            "＠",
            "\u{feff}",
            "\u{2028}",
            "\u{0}",
            "é",
            "日本語",
            "#",
            "//",
            " ",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn service_id() -> impl Strategy<Value = ServiceId> {
    text().prop_filter_map("no service id", |text| ServiceId::parse(&text).ok())
}

/// A graph with a cycle and a text in each place: ids, protocol, metadata, who acknowledged, how it was resolved.
fn graph(ids: &[ServiceId], texts: &[String], percent: f64) -> Graph {
    let at = hour(1);
    let said =
        serde_json::json!({ "team": "t", &texts[0]: { &texts[1]: [texts[2], -0.0, 1e-7, u64::MAX, null] } });
    let metadata = Metadata::from_object(said.as_object().unwrap()).unwrap();
    let protocol =
        Some(texts[3].as_str()).filter(|text| text.len() <= limits::PROTOCOL_BYTES_MAX).map(Into::into);
    let edge = |source: &ServiceId, target: &ServiceId| EdgeReport {
        source: source.clone(),
        target: target.clone(),
        attributes: Attributes { protocol: protocol.clone(), ..Attributes::hard_sync() },
    };
    let around = ids.iter().zip(ids.iter().cycle().skip(1));
    let nodes = vec![NodeReport { service_id: ids[0].clone(), metadata: Some(metadata) }];
    let edges = around.map(|(source, target)| edge(source, target)).collect();
    let source = DiscoverySource::ServiceMesh;
    let upsert = Upsert { source, observed_at: at, mode: Mode::Upsert, nodes, edges };
    let target = Change::SetAvailabilityTarget { service_id: ids[1].clone(), percent: Some(percent) };
    let change = |graph: Graph, number: u128, change| {
        apply(&graph, &Command::new(Uuid::from_u128(number), at, change)).0
    };
    let graph = change(change(Graph::default(), 1, Change::Upsert(upsert)), 2, target);
    let alert_id = graph.cycles().alerts().next().unwrap().id;
    let by = texts[4].as_str().into();
    let graph = change(graph, 3, Change::Acknowledge { alert_id, by });
    let notes = texts[5].as_str().into();
    change(graph, 4, Change::Resolve { alert_id, notes })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_text_comes_back(
        ids in prop::collection::hash_set(service_id(), 3),
        texts in prop::collection::vec(text(), 6),
        percent in 1e-300f64..=100.0,
    ) {
        let ids: Vec<ServiceId> = ids.into_iter().collect();
        let graph = graph(&ids, &texts, percent);
        for form in Form::ALL {
            prop_assert_eq!(comes_back(&graph, form), Ok(()));
        }
        let csv = Files::of(&graph, Form::Csv);
        for table in Table::ALL {
            let mut reader = csv::Reader::from_reader(csv.text(table).as_bytes());
            for cell in reader.records().flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()) {
                let formula = cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']);
                prop_assert!(!formula, "{:?} is a formula", cell);
            }
        }
    }
}
