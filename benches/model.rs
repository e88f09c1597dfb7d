//! What the other questions and the rarer changes cost without a network, for each graph.
//!
//! ```text
//! cargo bench --bench model           all of it
//! cargo bench --bench model -- M      one graph; a graph that no name matches is not even made
//! ```

#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod loaded;
#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod support;

use std::cell::OnceCell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Bencher, Criterion, SamplingMode};
use loaded::{Loaded, load};
use watershed::apply::{admit, apply};
use watershed::clock;
use watershed::limits::{ANSWER_PIECE_BYTES, QUERY_HEAVY_EDGES_MAX, QUERY_NODES_MAX};
use watershed::query::{
    AlertFilter, AvailabilityChange, DependencyFilter, Divergence, ImpactQuestion, PathsQuestion, Scratch,
    TraverseQuestion, availability_impact, critical, divergence, impact, impact_totals, list_alerts, paths,
    stats, traverse,
};
use watershed::render::{self, DependenciesAnswer, Format, ImpactAnswer, ImpactForm, View};
use watershed::types::{Change, Command, Direction, DiscoverySource, Mode, Sweep, Upsert, Withdrawal};

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
        .measurement_time(Duration::from_secs(2))
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
    group.sample_size(if size == "L" { 10 } else { 50 }).sampling_mode(SamplingMode::Flat);
    group.bench_function("impact", |bencher| bench_impact(bencher, loaded()));
    group.bench_function("impact_hub_summary", |bencher| bench_impact_hub_summary(bencher, loaded()));
    group.bench_function("impact_hub", |bencher| bench_impact_hub(bencher, loaded()));
    for (name, view) in [("upstream_hub", View::Full), ("upstream_hub_ids", View::Ids)] {
        group.bench_function(name, |bencher| bench_upstream_hub(bencher, loaded(), view));
    }
    group.bench_function("slo_hub", |bencher| bench_slo_hub(bencher, loaded()));
    group.bench_function("paths", |bencher| bench_paths(bencher, loaded()));
    group.bench_function("divergence_page", |bencher| bench_divergence_page(bencher, loaded()));
    group.bench_function("divergence_none", |bencher| bench_divergence_none(bencher, loaded()));
    group.bench_function("critical", |bencher| bench_critical(bencher, loaded()));
    group.bench_function("alerts", |bencher| bench_alerts(bencher, loaded()));
    group.bench_function("stats", |bencher| bencher.iter(|| stats(&loaded().graph)));
    for (name, change) in CHANGES {
        group.bench_function(*name, |bencher| bench_change(bencher, loaded(), *change));
    }
    group.finish();
}

/// What breaks, three hops upstream of each start in turn, as a summary.
fn bench_impact(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let mut roots = loaded.roots.iter().cycle();
    bencher.iter(|| summary(loaded, *roots.next().expect("a cycle goes on"), 3));
}

/// What breaks with the service that most others call, as far as it goes.
fn bench_impact_hub_summary(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    bencher.iter(|| summary(loaded, loaded.hub, 100));
}

fn summary(loaded: &Loaded, failing: u32, depth: u8) -> Vec<u8> {
    let question = ImpactQuestion { failing: vec![failing], depth, include_soft: true };
    let totals = impact_totals(&loaded.graph, &question, QUERY_HEAVY_EDGES_MAX);
    let totals = totals.expect("it is within the budget");
    let mut body = Vec::with_capacity(512);
    render::impact_summary(&mut body, &loaded.graph, &question, &totals, ImpactForm::One);
    body
}

/// The same with the whole list, sorted, each with its path.
fn bench_impact_hub(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    bencher.iter(|| {
        let question = ImpactQuestion { failing: vec![loaded.hub], depth: 100, include_soft: true };
        let impact = impact(&loaded.graph, question, QUERY_HEAVY_EDGES_MAX).expect("it is within the budget");
        let mut body = Vec::with_capacity(64 * 1024);
        ImpactAnswer::new(Arc::clone(&loaded.graph), impact, ImpactForm::One).write(&mut body, usize::MAX);
        body
    });
}

/// All that needs that service, three hops up, in pieces.
fn bench_upstream_hub(bencher: &mut Bencher<'_>, loaded: &Loaded, view: View) {
    let filter = DependencyFilter { include_stale: false, include_external: true, min_confidence: 0.0 };
    let (root, direction) = (loaded.hub, Direction::Upstream);
    let question = TraverseQuestion { root, direction, depth: 3, filter, max_nodes: QUERY_NODES_MAX };
    let mut scratch = Scratch::default();
    bencher.iter(|| {
        let traversal =
            traverse(&loaded.graph, question, std::mem::take(&mut scratch), QUERY_HEAVY_EDGES_MAX);
        let traversal = traversal.unwrap_or_else(|(error, _)| panic!("three hops of a benchmark: {error}"));
        let mut answer = DependenciesAnswer::new(Arc::clone(&loaded.graph), traversal, Format::Json(view));
        let mut piece = Vec::with_capacity(ANSWER_PIECE_BYTES + 1024);
        while !answer.write(&mut piece, ANSWER_PIECE_BYTES) {
            black_box(&piece);
            piece.clear();
        }
        scratch = answer.into_scratch();
    });
}

/// What a change of that service's availability does to all that wait for it within three hops.
fn bench_slo_hub(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let change = AvailabilityChange { node: loaded.hub, current: 0.999, proposed: 0.995, max_depth: 3 };
    bencher.iter(|| availability_impact(&loaded.graph, change, QUERY_HEAVY_EDGES_MAX));
}

/// The five shortest ways from each start in turn to the service that most call: its callers are found first.
fn bench_paths(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let mut roots = loaded.roots.iter().cycle();
    bencher.iter(|| {
        let from = *roots.next().expect("a cycle goes on");
        let question = PathsQuestion { from, to: loaded.hub, max_paths: 5 };
        paths(&loaded.graph, question, QUERY_HEAVY_EDGES_MAX).expect("five paths are within the budget")
    });
}

/// A page of 20 after each start in turn, as bytes: all that was declared is unobserved.
fn bench_divergence_page(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let mut roots = loaded.roots.iter().cycle();
    let kind = Divergence::Unobserved;
    bencher.iter(|| {
        let source = loaded.graph.name(*roots.next().expect("a cycle goes on"));
        let page = divergence(&loaded.graph, kind, Some((source.as_str(), "")), 20, u64::MAX);
        let mut body = Vec::with_capacity(128 * 20);
        let page = page.expect("there is no budget");
        render::divergence_page(&mut body, &loaded.graph, kind, &page, None);
        body
    });
}

/// The page that looks at everything and finds nothing.
fn bench_divergence_none(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    bencher.iter(|| divergence(&loaded.graph, Divergence::Undeclared, None, 20, u64::MAX));
}

/// The twenty most critical services.
fn bench_critical(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    bencher.iter(|| critical(&loaded.graph, 20));
}

/// A page of the alerts that are strong.
fn bench_alerts(bencher: &mut Bencher<'_>, loaded: &Loaded) {
    let filter = AlertFilter { strong: Some(true), ..AlertFilter::default() };
    bencher.iter(|| list_alerts(&loaded.graph, filter, None, 20).0.len());
}

type MakeChange = fn(&Loaded) -> Change;

/// Changes that look at the whole graph, or at much of it, by name.
const CHANGES: &[(&str, MakeChange)] = &[
    ("sweep_marks_nothing", |_| {
        Change::Sweep(Sweep { stale_after: [Some(i64::MAX); 4], ..Sweep::default() })
    }),
    ("sweep_marks_all", |_| Change::Sweep(Sweep { stale_after: [Some(0); 4], ..Sweep::default() })),
    ("replace_finds_nothing", |_| {
        let (source, observed_at) = (DiscoverySource::Kubernetes, clock::now());
        Change::Upsert(Upsert { source, observed_at, mode: Mode::Replace, nodes: vec![], edges: vec![] })
    }),
    ("withdraw_one", |loaded| {
        let (source, target) = some_dependency(loaded);
        let edges = vec![(loaded.graph.name(source).clone(), loaded.graph.name(target).clone())];
        Change::Withdraw(Withdrawal { source: None, edges })
    }),
    ("remove_the_hub", |loaded| Change::RemoveService(loaded.graph.name(loaded.hub).clone())),
];

/// The next graph after a change, and the end of that graph.
fn bench_change(bencher: &mut Bencher<'_>, loaded: &Loaded, change: MakeChange) {
    let command =
        Command::new(clock::new_id(), clock::now().plus_microseconds(3_600_000_000), change(loaded));
    assert_eq!(admit(&loaded.graph, &command), Ok(()));
    bencher.iter(|| apply(&loaded.graph, &command));
}

/// What the first start calls.
fn some_dependency(loaded: &Loaded) -> (u32, u32) {
    let found =
        loaded.roots.iter().find_map(|root| Some((*root, loaded.graph.outgoing(*root).first()?.node)));
    found.expect("some start calls something")
}
