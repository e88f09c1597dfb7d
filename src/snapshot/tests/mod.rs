//! Snapshots: what comes back is what was written, and nothing else comes back.

mod campaign;
mod fixture;
mod history;
mod power;
mod validator;

use uuid::Uuid;

use fixture::{Bytes, bytes_of, content, graph, stamp};

use super::read;
use super::*;
use crate::storage::{Sim, StorageFile};

fn name_of(graph: &Graph) -> FileName {
    file_name(graph.version(), stamp().id)
}

fn written(graph: &Graph) -> (Sim, Header) {
    let sim = Sim::new(1);
    let header = write(&sim, graph, &stamp()).unwrap();
    (sim, header)
}

/// Everything that an answer can show of two graphs whose indexes may differ.
fn assert_same(left: &Graph, right: &Graph) {
    assert_eq!((left.version(), left.counts()), (right.version(), right.counts()));
    assert_eq!(left.digest(), right.digest());
    assert_eq!((left.check(), right.check()), (Ok(()), Ok(())));
    let there = |graph: &Graph| -> Vec<u32> {
        (0..graph.node_count()).filter(|node| graph.get(*node).is_some()).collect()
    };
    let (left_nodes, right_nodes) = (there(left), there(right));
    let place = |nodes: &[u32], node: u32| nodes.binary_search(&node).unwrap();
    for (a, b) in left_nodes.iter().zip(&right_nodes) {
        assert_eq!(left.node(*a).service(), right.node(*b).service());
        assert_eq!(left.dependencies(*a), right.dependencies(*b));
        for side in [Graph::outgoing, Graph::incoming] {
            let left_ends = side(left, *a).iter().map(|link| (place(&left_nodes, link.node), link.traits));
            let right_ends = side(right, *b).iter().map(|link| (place(&right_nodes, link.node), link.traits));
            assert!(left_ends.eq(right_ends));
        }
    }
    let components = |graph: &Graph, nodes: &[u32]| -> Vec<_> {
        let places = |all: &[u32]| all.iter().map(|node| place(nodes, *node)).collect::<Vec<_>>();
        let each = graph.cycles().components();
        each.map(|(_, each)| (each.alert_id, places(&each.members), places(&each.path))).collect()
    };
    assert_eq!(components(left, &left_nodes), components(right, &right_nodes));
}

#[test]
fn what_is_loaded_is_what_was_written() {
    for graph in [Graph::default(), graph(12, 3), graph(700, 9)] {
        let (sim, header) = written(&graph);
        let name = name_of(&graph);
        assert_eq!(sim.list().unwrap(), std::slice::from_ref(&name), "no unfinished file is left");
        let (read, loaded) = load(&sim, &name).unwrap();
        assert_same(&graph, &loaded);
        assert_eq!((&read, &read_header(&sim, &name).unwrap()), (&header, &header));
        let counts = graph.counts();
        assert_eq!((header.services, header.dependencies), (counts.services, counts.dependencies));
        assert_eq!((header.version, header.digest), (graph.version(), graph.digest()));
        assert_eq!(header.file_bytes, content(&sim, &name).len() as u64);
        let given = stamp();
        assert_eq!((header.id, header.directory_id), (given.id, given.directory_id));
        assert_eq!(
            (header.created_at, header.directory_created_at),
            (given.created_at, given.directory_created_at)
        );
    }
}

#[test]
fn the_same_graph_gives_the_same_bytes() {
    let graph = graph(50, 4);
    assert_eq!(bytes_of(&graph), bytes_of(&graph));
    let (_, loaded) = read::load(&Bytes(&bytes_of(&graph)), 0, |_, _| {}).unwrap();
    assert_eq!(bytes_of(&loaded), bytes_of(&graph));
}

#[test]
fn many_blocks_on_many_threads_give_the_same_graph() {
    let graph = graph(6_000, 12);
    let bytes = bytes_of(&graph);
    let header = read::header(&Bytes(&bytes)).unwrap();
    assert!(header.blocks >= 6, "{} blocks", header.blocks);
    for threads in [0, 1, 2, 3] {
        assert_same(&graph, &read::load(&Bytes(&bytes), threads, |_, _| {}).unwrap().1);
    }
}

#[test]
fn holes_are_compacted_away() {
    let graph = graph(40, 3);
    let mut edit = graph.edit();
    let added: Vec<_> = ["x", "y", "z"].map(|name| crate::types::ServiceId::parse(name).unwrap()).into();
    let node = |id| crate::types::Service::placeholder(id, Uuid::nil(), stamp().created_at);
    let indexes: Vec<u32> = added.into_iter().map(|id| edit.create(node(id))).collect();
    edit.set_dependency(indexes[1], indexes[0], Some(graph.dependencies(1)[0].clone()));
    let (graph, _) = edit.finish(77);
    let mut edit = graph.edit();
    edit.remove(indexes[2]);
    let graph = edit.finish(77).0;
    // Now one in the middle, with its dependencies gone first.
    let mut edit = graph.edit();
    let middle = (0..graph.node_count())
        .find(|node| graph.get(*node).is_some() && graph.cycles().key_of(*node).is_none() && *node > 5);
    let middle = middle.unwrap();
    edit.remove_dependencies(middle);
    edit.remove(middle);
    let graph = edit.finish(78).0;
    assert_eq!(graph.check(), Ok(()));
    let (_, loaded) = read::load(&Bytes(&bytes_of(&graph)), 0, |_, _| {}).unwrap();
    assert_eq!(loaded.node_count(), graph.counts().services);
    assert!(graph.node_count() > graph.counts().services);
    assert_same(&graph, &loaded);
}

#[test]
fn a_component_larger_than_a_block_comes_back() {
    let length = 140_000;
    let empty = Graph::default();
    let mut edit = empty.edit();
    let dependency = graph(8, 2).dependencies(0)[0].clone();
    for node in 0..length {
        let id = crate::types::ServiceId::parse(&format!("s{node}")).unwrap();
        edit.create(crate::types::Service::placeholder(id, Uuid::from_u128(node.into()), stamp().created_at));
        edit.set_dependency(node, (node + 1) % length, Some(dependency.clone()));
    }
    let (graph, _) = edit.finish(1);
    let members: Vec<u32> = (0..length).collect();
    let path = crate::graph::shortest_cycle(&graph, &members);
    let component = crate::graph::Component { alert_id: Uuid::from_u128(1), members, path };
    let (graph, _) = graph.replace_cycles(&empty, &[], vec![component], stamp().created_at);
    let (_, loaded) = read::load(&Bytes(&bytes_of(&graph)), 2, |_, _| {}).unwrap();
    assert_same(&graph, &loaded);
}

#[test]
fn names_tell_version_and_id_and_nothing_else_is_a_name() {
    let id = Uuid::from_u128(0xfeed);
    let name = file_name(0x1234, id);
    assert_eq!(name.as_str(), "snap-0000000000001234-0000000000000000000000000000feed");
    assert_eq!(parse_name(&name), Some((0x1234, id)));
    for text in [
        "snap-0000000000001234",
        "snap-1234-0000000000000000000000000000feed",
        "snap-0000000000001234-feed",
        "snap-0000000000001234-00000000-0000-0000-0000-00000000feed",
        "snap-0000000000001234-0000000000000000000000000000feed.tmp",
        "snap-00000000000g1234-0000000000000000000000000000feed",
        "wal-0000000000001234",
        "manifest",
    ] {
        assert_eq!(parse_name(&FileName::parse(text).unwrap()), None, "{text}");
    }
}

#[test]
fn a_snapshot_under_another_name_is_refused() {
    let graph = graph(12, 3);
    let (sim, _) = written(&graph);
    let other = file_name(graph.version() + 1, stamp().id);
    sim.rename(&name_of(&graph), &other).unwrap();
    let expected = "the header's version or id is not valid";
    assert_eq!(load(&sim, &other).err().unwrap().to_string(), expected);
    assert_eq!(verify(&sim, &other, |_, _| {}).unwrap_err().to_string(), expected);
    assert_eq!(read_header(&sim, &other).unwrap_err().to_string(), expected);
    assert!(matches!(load(&sim, &name_of(&graph)), Err(LoadError::Io(_))), "there is no such file");
}

#[test]
fn verifying_reports_its_progress() {
    let graph = graph(700, 9);
    let (sim, header) = written(&graph);
    let mut last = 0;
    let verified = verify(&sim, &name_of(&graph), |done, total| {
        assert!(last <= done && done <= total, "{last} {done} {total}");
        assert_eq!(total, 2 * header.file_bytes);
        last = done;
    });
    assert_eq!(verified.unwrap(), header);
    assert_eq!(last, 2 * header.file_bytes);
}

/// The file is read twice; what changes in between does not pass.
#[test]
fn what_changes_between_the_two_readings_is_seen() {
    let graph = graph(12, 3);
    let (sim, header) = written(&graph);
    let name = name_of(&graph);
    let file = sim.open(&name).unwrap();
    let verified = verify(&sim, &name, |done, _| {
        if done == header.file_bytes {
            file.write_all_at(header.file_bytes - 40, &[0x55; 8]).unwrap();
        }
    });
    assert!(matches!(verified, Err(LoadError::Block { ordinal: 3, .. })), "{verified:?}");
}

#[test]
fn an_unfinished_file_of_an_earlier_try_is_replaced() {
    let graph = graph(12, 3);
    let sim = Sim::new(1);
    let left = sim.create(&crate::storage::temporary(&name_of(&graph))).unwrap();
    left.write_all_at(0, &[7; 9_000]).unwrap();
    write(&sim, &graph, &stamp()).unwrap();
    assert_same(&graph, &load(&sim, &name_of(&graph)).unwrap().1);
}
