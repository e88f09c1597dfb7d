//! What no graph can hold is refused by its name, however well it is sealed.

use super::fixture::{Bytes, bytes_of, graph, stamp};
use super::read;
use crate::graph::{Digest, Graph};
use crate::snapshot::block::{BlockHeader, Kind};
use crate::snapshot::encode;
use crate::snapshot::format::{
    CyclesBlock, NONE, ObservationRecord, ObservationsBlock, PieceRecord, RETRY, ReportRecord, ServiceRecord,
    ServicesBlock,
};
use crate::snapshot::header::{HEADER_BYTES, Header};

/// The parts of a snapshot before they are sealed.
struct Parts {
    header: Header,
    services: ServicesBlock,
    observations: ObservationsBlock,
    cycles: CyclesBlock,
}

fn service(name: &str) -> ServiceRecord {
    let report = ReportRecord { metadata: r#"{"tier":1}"#.to_owned(), source: 1 };
    let id = uuid::Uuid::new_v5(&uuid::Uuid::nil(), name.as_bytes()).into_bytes();
    ServiceRecord { id, created_at: 1, updated_at: 2, service_id: name.to_owned(), reports: vec![report] }
}

fn observation(source: u32, target: u32) -> ObservationRecord {
    ObservationRecord {
        last_observed_at: 1,
        stale_since: 0,
        source,
        target,
        times_observed: 1,
        timeout_ms: 250,
        protocol: 0,
        discovery_source: 1,
        communication_mode: 0,
        criticality: 0,
        flags: RETRY,
        max_retries: 3,
        backoff_strategy: 1,
    }
}

/// Services `a` to `d`; `a` and `b` need each other, and `b` needs `c`.
fn parts() -> Parts {
    let given = stamp();
    let header = Header {
        id: given.id,
        directory_id: given.directory_id,
        directory_created_at: given.directory_created_at,
        created_at: given.created_at,
        version: 9,
        services: 4,
        dependencies: 3,
        blocks: 3,
        file_bytes: 0,
        digest: Digest::default(),
        content_hash: [0; 32],
        swept_at: None,
    };
    let pieces = vec![PieceRecord { alert_id: [1; 16], members: vec![0, 1], goes_on: 0 }];
    Parts {
        header,
        services: ServicesBlock { services: ["a", "b", "c", "d"].map(service).into() },
        observations: ObservationsBlock {
            protocols: vec!["grpc".to_owned()],
            observations: vec![observation(0, 1), observation(1, 0), observation(1, 2)],
        },
        cycles: CyclesBlock { pieces },
    }
}

/// A file of blocks, with every checksum.
fn seal(mut header: Header, blocks: &[(Kind, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    for (ordinal, (kind, archive)) in blocks.iter().enumerate() {
        let block = BlockHeader::of(archive, ordinal as u32, *kind);
        bytes.extend(block.encode());
        bytes.extend(*archive);
        bytes.resize(bytes.len() - archive.len() + block.padded_len(), 0);
    }
    header.blocks = blocks.len() as u32;
    header.file_bytes = bytes.len() as u64;
    header.content_hash = *blake3::hash(&bytes[HEADER_BYTES..]).as_bytes();
    bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
    bytes
}

/// A file of the parts; its digest is made to fit where nothing else is wrong.
fn sealed(mut parts: Parts) -> Vec<u8> {
    let archives = [parts.services.to_archive(), parts.observations.to_archive(), parts.cycles.to_archive()];
    let blocks: Vec<(Kind, &[u8])> = [Kind::Services, Kind::Observations, Kind::Cycles]
        .into_iter()
        .zip(archives.iter().map(|each| &**each))
        .collect();
    let bytes = seal(parts.header.clone(), &blocks);
    match judge(&bytes) {
        Err(reason) if reason.starts_with("digest mismatch") => {
            let computed = reason.rsplit(' ').next().unwrap().trim_end_matches(')');
            let byte = |place: usize| u8::from_str_radix(&computed[2 * place..2 * place + 2], 16).unwrap();
            parts.header.digest = Digest::from_bytes(std::array::from_fn(byte));
            seal(parts.header, &blocks)
        }
        _ => bytes,
    }
}

fn judge(bytes: &[u8]) -> Result<Graph, String> {
    let (whole, verified) = (read::load(&Bytes(bytes), 0, |_, _| {}), read::verify(&Bytes(bytes), |_, _| {}));
    let verdicts = (whole.map(|(_, graph)| graph), verified);
    match verdicts {
        (Ok(graph), Ok(_)) => Ok(graph),
        (Err(error), Err(verified)) => {
            let text = error.to_string();
            assert_eq!(text, verified.to_string(), "both make the same checks");
            assert!(!text.contains('\n'), "one line: {text}");
            Err(text)
        }
        (whole, verified) => panic!("load says {:?}, verify {verified:?}", whole.err()),
    }
}

#[test]
fn what_is_sound_is_taken() {
    let graph = judge(&sealed(parts())).unwrap();
    assert_eq!(graph.check(), Ok(()));
    let counts = graph.counts();
    assert_eq!((graph.version(), counts.services, counts.dependencies), (9, 4, 3));
    assert_eq!(graph.cycles().component(1).unwrap().path, [0, 1, 0]);
}

type Change = fn(&mut Parts);

const BAD: [(&str, Change); 34] = [
    ("at least 1 byte", |parts| parts.services.services[2].service_id = String::new()),
    ("no control characters", |parts| parts.services.services[2].service_id = "c\n".to_owned()),
    ("two services have the id \"a\"", |parts| parts.services.services[2].service_id = "a".to_owned()),
    ("unknown source of a report", |parts| parts.services.services[0].reports[0].source = 4),
    ("unknown source of a report", |parts| parts.services.services[0].reports[0].source = 256),
    ("reports are not in order", |parts| {
        let again = ReportRecord { metadata: "{}".to_owned(), source: 1 };
        parts.services.services[0].reports.push(again);
    }),
    ("expected one of", |parts| metadata(parts, r#"{"criticality":"urgent"}"#)),
    ("not in its compact form", |parts| metadata(parts, r#"{ "tier":1}"#)),
    ("line 1", |parts| metadata(parts, "no object")),
    ("an instant is out of range", |parts| parts.services.services[0].created_at = i64::MAX),
    ("an instant is out of range", |parts| parts.services.services[0].updated_at = i64::MIN),
    ("4 services, the header says 5", |parts| parts.header.services = 5),
    ("3 dependencies, the header says 2", |parts| parts.header.dependencies = 2),
    ("number of services is not valid", |parts| parts.header.services = u32::MAX),
    ("number of dependencies is not valid", |parts| parts.header.dependencies = u64::MAX),
    ("a protocol is too long", |parts| parts.observations.protocols[0] = "x".repeat(51)),
    ("a dependency of no service", |parts| parts.observations.observations[2].target = 4),
    ("a dependency of no service", |parts| parts.observations.observations[2].source = u32::MAX),
    ("depends on itself", |parts| parts.observations.observations[2].target = 1),
    ("dependencies are not in order", |parts| parts.observations.observations.swap(1, 2)),
    ("dependencies are not in order", |parts| parts.observations.observations.swap(0, 1)),
    ("observations are not in order", |parts| {
        parts.observations.observations.push(observation(1, 2));
    }),
    ("a position outside its enum", |parts| parts.observations.observations[0].discovery_source = 4),
    ("a position outside its enum", |parts| parts.observations.observations[0].communication_mode = 2),
    ("a position outside its enum", |parts| parts.observations.observations[0].criticality = 3),
    ("a position outside its enum", |parts| parts.observations.observations[0].backoff_strategy = 3),
    ("unknown flags", |parts| parts.observations.observations[0].flags = 4),
    ("never made", |parts| parts.observations.observations[0].times_observed = 0),
    ("no such protocol", |parts| parts.observations.observations[0].protocol = 1),
    ("too long", |parts| parts.observations.observations[0].timeout_ms = 86_400_001),
    ("too many retries", |parts| parts.observations.observations[0].max_retries = 101),
    ("without a retry configuration", |parts| parts.observations.observations[0].flags = 0),
    ("stale since", |parts| parts.observations.observations[0].stale_since = 1),
    ("an instant is out of range", |parts| parts.observations.observations[0].last_observed_at = i64::MAX),
];

fn metadata(parts: &mut Parts, json: &str) {
    parts.services.services[0].reports[0].metadata = json.to_owned();
}

#[test]
fn what_no_graph_can_hold_is_refused() {
    for (expected, change) in BAD {
        let mut parts = parts();
        change(&mut parts);
        let verdict = judge(&sealed(parts)).err();
        assert!(verdict.as_ref().is_some_and(|reason| reason.contains(expected)), "{expected}: {verdict:?}");
    }
}

#[test]
fn components_are_those_of_the_dependencies() {
    let not_those = "the components are not those of the dependencies";
    let piece = |alert: u8, members: &[u32], goes_on| PieceRecord {
        alert_id: [alert; 16],
        members: members.to_vec(),
        goes_on,
    };
    let cases = [
        (vec![], not_those),
        (vec![piece(1, &[1, 0], 0)], not_those),
        (vec![piece(1, &[0, 1, 2], 0)], not_those),
        (vec![piece(1, &[0, 2], 0)], not_those),
        (vec![piece(1, &[0, 1], 0), piece(2, &[2, 3], 0)], not_those),
        (vec![piece(1, &[0, 1], 0), piece(2, &[0, 1], 0)], not_those),
        (vec![piece(1, &[0, u32::MAX], 0)], not_those),
        (vec![piece(1, &[0], 1), piece(2, &[1], 0)], "a piece of another component"),
        (vec![piece(1, &[0], 1), piece(1, &[1], 1)], "the last component misses its end"),
        (vec![piece(1, &[0, 1], 2)], "neither ends nor goes on"),
    ];
    for (pieces, expected) in cases {
        let reason = judge(&sealed(Parts { cycles: CyclesBlock { pieces }, ..parts() })).err().unwrap();
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
    let pieces = vec![piece(1, &[0], 1), piece(1, &[1], 0)];
    judge(&sealed(Parts { cycles: CyclesBlock { pieces }, ..parts() })).unwrap();

    let mut twice = parts();
    twice.observations.observations.push(observation(2, 3));
    twice.observations.observations.push(observation(3, 2));
    twice.header.dependencies = 5;
    twice.cycles.pieces.push(piece(1, &[2, 3], 0));
    assert!(judge(&sealed(twice)).err().unwrap().contains("two components have the same alert"));
}

#[test]
fn optional_values_come_back() {
    let mut bare = parts();
    let observation = &mut bare.observations.observations[0];
    (observation.flags, observation.max_retries, observation.backoff_strategy) = (0, NONE, NONE);
    let observation = &mut bare.observations.observations[1];
    (observation.max_retries, observation.backoff_strategy) = (NONE, NONE);
    let graph = judge(&sealed(bare)).unwrap();
    let retry = |source, target| graph.dependency(source, target).unwrap().shown().attributes.retry_config;
    assert_eq!(retry(0, 1), None);
    assert!(retry(1, 0).is_some_and(|retry| retry.max_retries.is_none() && retry.backoff_strategy.is_none()));
}

#[test]
fn blocks_come_whole_and_in_order() {
    let graph = graph(14, 3);
    let header = read::header(&Bytes(&bytes_of(&graph))).unwrap();
    let blocks: Vec<_> = encode::blocks(&graph).collect();
    let order = |order: &[usize]| -> Vec<(Kind, &[u8])> {
        order.iter().map(|place| (blocks[*place].0, &*blocks[*place].1)).collect()
    };
    assert!(judge(&seal(header.clone(), &order(&[0, 1, 2]))).is_ok());
    let reason = judge(&seal(header.clone(), &order(&[1, 0, 2]))).err().unwrap();
    assert!(reason.contains("the block header's kind is not valid"), "{reason}");
    let reason = judge(&seal(header.clone(), &order(&[0, 1]))).err().unwrap();
    assert!(reason.contains("components are not those"), "{reason}");
    let reason = judge(&seal(header.clone(), &order(&[0, 1, 1, 2]))).err().unwrap();
    assert!(
        reason.contains("block 2 at offset") && reason.contains("item 0: dependencies are not"),
        "{reason}"
    );
    let empty: [(Kind, &[u8]); 1] = [(Kind::Services, &[])];
    let reason = judge(&seal(header, &empty)).err().unwrap();
    assert!(reason.contains("block 0 at offset 512: malformed archive: "), "{reason}");
}

#[test]
fn a_file_has_as_many_blocks_as_its_header_says() {
    let bytes = bytes_of(&graph(14, 3));
    let blocks = |blocks: u32| {
        let header = Header { blocks, ..read::header(&Bytes(&bytes)).unwrap() };
        judge(&[&header.encode()[..], &bytes[HEADER_BYTES..]].concat()).err().unwrap()
    };
    assert!(blocks(5).ends_with("the file ends inside it"), "{}", blocks(5));
    assert!(blocks(u32::MAX).ends_with("the file ends inside it"));
    assert!(blocks(3).starts_with("the file has "), "{}", blocks(3));
}

#[test]
fn a_newer_format_is_refused_with_both_versions() {
    let mut bytes = bytes_of(&graph(14, 3));
    bytes[8] = 4;
    let crc = crc32c::crc32c(&bytes[..HEADER_BYTES - 4]).to_le_bytes();
    bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&crc);
    assert_eq!(judge(&bytes).err().unwrap(), "format version 4, this program reads versions 2 to 3");
}
