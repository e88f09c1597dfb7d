//! What the core costs without a network: traversal, encoding, publishing, building,
//! listing, and, with the disk of the build directory, snapshots, for each graph.
//!
//! ```text
//! cargo bench --bench core            all of it
//! cargo bench --bench core -- M       one graph; a graph that no name matches is not even made
//! ```
//!
//! - Before anything is measured, every start gives the answer that the generator computed: a wrong
//!   answer cannot be fast.

#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod loaded;
#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod support;

use std::cell::OnceCell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{Bencher, BenchmarkGroup, Criterion, SamplingMode};
use loaded::{Loaded, build, load, three_hops};
use tempfile::TempDir;
use uuid::Uuid;
use watershed::apply::apply;
use watershed::clock;
use watershed::graph::Graph;
use watershed::query::{Scratch, ServiceFilter, list};
use watershed::render::{self, DependenciesAnswer, Format, View};
use watershed::snapshot::{self, Stamp};
use watershed::storage::{FileName, Fs};

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    // A test run builds the benchmarks and calls them without this.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .without_plots()
        .configure_from_args();
    for size in ["S", "M", "L"] {
        measure(&mut criterion, size);
    }
    criterion.final_summary();
}

fn measure(criterion: &mut Criterion, size: &str) {
    let cell = OnceCell::new();
    // Criterion calls what the filter lets pass, so that a graph is made only when it is needed.
    let loaded = || cell.get_or_init(|| load(size).unwrap_or_else(|error| panic!("{size}: {error:#}")));
    let mut group = criterion.benchmark_group(size);
    group.bench_function("traverse", |bencher| bench_traverse(bencher, loaded()));
    group.bench_function("encode", |bencher| bench_encode(bencher, loaded()));
    group.bench_function("publish", |bencher| bench_publish(bencher, loaded()));
    group.bench_function("list", |bencher| bench_list(bencher, loaded()));
    build_takes_long(&mut group, size);
    group.bench_function("build", |bencher| bench_build(bencher, loaded()));
    group.bench_function("snapshot_write", |bencher| bench_snapshot_write(bencher, loaded()));
    group.bench_function("snapshot_load", |bencher| bench_snapshot_load(bencher, loaded()));
    group.bench_function("snapshot_verify", |bencher| bench_snapshot_verify(bencher, loaded()));
    group.finish();
}

fn build_takes_long(group: &mut BenchmarkGroup<'_, WallTime>, size: &str) {
    group.sample_size(if size == "S" { 50 } else { 10 }).sampling_mode(SamplingMode::Flat);
}

/// Three hops downstream.
fn bench_traverse(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let mut roots = loaded.roots.iter().cycle();
    let mut scratch = Scratch::default();
    bencher.iter(|| {
        let root = roots.next().expect("a cycle goes on");
        let traversal = three_hops(&loaded.graph, *root, std::mem::take(&mut scratch));
        scratch = black_box(traversal).into_scratch();
    });
}

/// The answer to the same question as bytes, its buffer included, its traversal not.
fn bench_encode(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let mut roots = loaded.roots.iter().cycle();
    let mut scratch = Scratch::default();
    bencher.iter_custom(|iterations| {
        let mut spent = Duration::ZERO;
        for _ in 0..iterations {
            let root = roots.next().expect("a cycle goes on");
            let traversal = three_hops(&loaded.graph, *root, std::mem::take(&mut scratch));
            let begun = clock::monotonic();
            let mut answer =
                DependenciesAnswer::new(Arc::clone(&loaded.graph), traversal, Format::Json(View::Full));
            let mut body = Vec::with_capacity(32 * 1024);
            answer.write(&mut body, usize::MAX);
            drop(black_box(body));
            spent += begun.elapsed();
            scratch = answer.into_scratch();
        }
        spent
    });
}

/// The next graph after ten dependencies were seen again, and the end of that graph.
fn bench_publish(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let mut changes = loaded.changes.iter().cycle();
    bencher.iter(|| apply(&loaded.graph, changes.next().expect("a cycle goes on")));
}

/// A page of 20 after each start in turn, as bytes.
fn bench_list(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let mut roots = loaded.roots.iter().cycle();
    let filter = ServiceFilter::default();
    bencher.iter(|| {
        let after = loaded.graph.name(*roots.next().expect("a cycle goes on"));
        let (page, _) = list(&loaded.graph, &filter, Some(after.as_str()), 20);
        let mut body = Vec::with_capacity(512 * (page.len() + 1));
        render::service_page(&mut body, &loaded.graph, &page, None);
        body
    });
}

/// The whole graph out of its commands.
fn bench_build(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    bencher.iter_with_large_drop(|| build(&loaded.commands));
}

/// The whole graph into a file, synced, read back and verified.
fn bench_snapshot_write(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let directory = Directory::new();
    bencher.iter(|| directory.write(&loaded.graph));
}

/// The whole graph out of a file that the page cache holds.
fn bench_snapshot_load(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let directory = Directory::new();
    let name = directory.write(&loaded.graph);
    let load = || snapshot::load(&directory.files, &name).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(load().1.digest(), loaded.graph.digest());
    bencher.iter_with_large_drop(load);
}

/// Every check of a file, on one thread.
fn bench_snapshot_verify(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let directory = Directory::new();
    let name = directory.write(&loaded.graph);
    bencher.iter(|| snapshot::verify(&directory.files, &name, |_, _| {}).expect("it was just written"));
}

/// A directory for snapshots, gone when it is dropped.
struct Directory {
    files: Fs,
    _directory: TempDir,
}

impl Directory {
    fn new() -> Self {
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a build directory is writable");
        Self { files: Fs::at(directory.path()).expect("it was just made"), _directory: directory }
    }

    /// Writes a snapshot in place of the last one.
    fn write(&self, graph: &Graph) -> FileName {
        let at = clock::now();
        let id = Uuid::nil();
        let stamp = Stamp { id, directory_id: id, directory_created_at: at, created_at: at };
        snapshot::write(&self.files, graph, &stamp).unwrap_or_else(|error| panic!("{error}"));
        snapshot::file_name(graph.version(), id)
    }
}
