//! What a query and a write cost in instructions: a figure that does not depend on what else the machine does.
//!
//! ```text
//! cargo bench --bench instructions -- query 1000      that many three-hop queries of graph M, as bytes
//! cargo bench --bench instructions -- publish 100     that many writes of ten dependencies
//! ```
//!
//! It counts nothing by itself. `tests/instructions` runs it below callgrind with two counts; the difference is what
//! the work costs without what it takes to begin.

#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod loaded;
#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod support;

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use loaded::{Loaded, three_hops};
use watershed::apply::apply;
use watershed::query::Scratch;
use watershed::render::{DependenciesAnswer, Format, View};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // A test run builds the benchmarks and calls them without arguments.
    let [work, count] = arguments.as_slice() else { return Ok(()) };
    let count: usize = count.parse().context("how often is a number")?;
    let loaded = loaded::load("M")?;
    match work.as_str() {
        "query" => query(&loaded, count),
        "publish" => publish(&loaded, count),
        _ => bail!("{work} is neither query nor publish"),
    }
    Ok(())
}

fn query(loaded: &Loaded, count: usize) {
    let mut scratch = Scratch::default();
    for root in loaded.roots.iter().cycle().take(count) {
        let traversal = three_hops(&loaded.graph, *root, scratch);
        let mut answer =
            DependenciesAnswer::new(Arc::clone(&loaded.graph), traversal, Format::Json(View::Full));
        let mut body = Vec::with_capacity(32 * 1024);
        answer.write(&mut body, usize::MAX);
        drop(black_box(body));
        scratch = answer.into_scratch();
    }
}

fn publish(loaded: &Loaded, count: usize) {
    for command in loaded.changes.iter().cycle().take(count) {
        drop(black_box(apply(&loaded.graph, command)));
    }
}
