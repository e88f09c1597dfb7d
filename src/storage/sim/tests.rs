//! The simulator keeps its promises: what is synced stays, what is not may go, the seed decides.

use super::*;

fn name(text: &str) -> FileName {
    FileName::parse(text).unwrap()
}

fn content(sim: &Sim, file: &str) -> Option<Vec<u8>> {
    let file = sim.open(&name(file)).ok()?;
    let mut bytes = vec![0; file.size().unwrap() as usize];
    file.read_exact_at(0, &mut bytes).unwrap();
    Some(bytes)
}

/// A file `a` whose name and content are durable.
fn with_file(seed: u64, bytes: &[u8]) -> (Sim, SimFile) {
    let sim = Sim::new(seed);
    let file = sim.create(&name("a")).unwrap();
    file.write_all_at(0, bytes).unwrap();
    let file = file.sync().unwrap();
    sim.sync_dir().unwrap();
    (sim, file)
}

#[test]
fn what_is_synced_survives_and_what_is_not_may_go() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let (sim, file) = with_file(seed, &[1; 1024]);
        file.write_all_at(512, &[2; 1024]).unwrap();
        sim.create(&name("b")).unwrap();
        sim.crash();
        let bytes = content(&sim, "a").unwrap();
        assert_eq!(bytes[..512], [1; 512], "seed {seed}: the first sector was not written again");
        assert!(
            bytes[512..1024] == [1; 512] || bytes[512..1024] == [2; 512],
            "seed {seed}: sectors are whole"
        );
        outcomes.insert((bytes[512], bytes.len(), content(&sim, "b").is_some()));
        file.read_at(0, &mut [0]).unwrap_err();
    }
    assert_eq!(outcomes.len(), 8, "every combination occurs: {outcomes:?}");
}

#[test]
fn the_same_seed_gives_the_same_disk() {
    let run = |seed| {
        let (sim, file) = with_file(seed, &[1; 4096]);
        file.write_all_at(0, &[2; 4096]).unwrap();
        sim.crash();
        content(&sim, "a")
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_failed_sync_forgets_and_goes_on_showing() {
    let (sim, file) = with_file(1, b"old");
    file.write_all_at(0, b"new").unwrap();
    sim.fail_at(sim.operations(), Fault::Sync);
    file.sync().unwrap_err();
    assert_eq!(content(&sim, "a").unwrap(), b"new");
    sim.open(&name("a")).unwrap().sync().unwrap();
    sim.crash();
    assert_eq!(content(&sim, "a").unwrap(), b"old");
}

#[test]
fn faults_befall_the_calls_they_can() {
    let (sim, file) = with_file(1, b"");
    let next = |fault| sim.fail_at(sim.operations(), fault);
    next(Fault::ShortWrite);
    assert!((1..100).contains(&file.write_at(0, &[3; 100]).unwrap()));
    next(Fault::NoSpace);
    assert_eq!(file.write_at(0, &[4; 100]).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(file.size().unwrap() < 100, "a full disk takes no whole write");
    next(Fault::NoSpace);
    assert_eq!(file.read_at(0, &mut [0]).unwrap(), 1, "reading needs no space");
    next(Fault::NoSpace);
    file.set_len(9).unwrap_err();
    next(Fault::Io);
    sim.list().unwrap_err();
    next(Fault::PowerCut);
    file.size().unwrap_err();
    sim.open(&name("a")).unwrap_err();
    sim.crash();
    sim.open(&name("a")).unwrap();
}

#[test]
fn a_lie_keeps_nothing_and_a_garbled_write_differs_in_a_bit() {
    let (sim, file) = with_file(3, b"old");
    file.write_all_at(0, b"new").unwrap();
    sim.create(&name("b")).unwrap();
    for call in 0..2 {
        sim.fail_at(sim.operations() + call, Fault::Lie);
    }
    file.sync().unwrap();
    sim.sync_dir().unwrap();
    let kept = (0..64).filter(|_| {
        sim.crash();
        content(&sim, "a").unwrap() == b"new" && content(&sim, "b").is_some()
    });
    assert!(kept.count() < 64, "what a lie was told about may go");
    let file = sim.open(&name("a")).unwrap();
    sim.fail_at(sim.operations(), Fault::Garble);
    file.write_all_at(0, &[0; 64]).unwrap();
    let bits: u32 = content(&sim, "a").unwrap().iter().map(|byte| byte.count_ones()).sum();
    assert_eq!(bits, 1);
}

#[test]
fn directories_are_apart_and_the_lock_is_one() {
    let (sim, _file) = with_file(1, b"");
    let inner = sim.directory(&name("quarantine")).unwrap();
    inner.create(&name("x")).unwrap();
    assert_eq!((sim.list().unwrap(), inner.list().unwrap()), (vec![name("a")], vec![name("x")]));
    inner.sync_dir().unwrap();
    sim.rename(&name("a"), &name("b")).unwrap();
    sim.remove(&name("b")).unwrap();
    sim.remove(&name("b")).unwrap_err();

    let lock = sim.try_lock().unwrap();
    sim.try_lock().unwrap_err();
    drop(lock);
    let _lock = sim.try_lock().unwrap();
    sim.crash();
    sim.try_lock().unwrap();
    assert_eq!(inner.list().unwrap(), [name("x")]);
}
