//! Campaigns against the real binary: many rounds of what a test does once, with a seed.
//!
//! - `cargo test --test campaigns [-- NAME]` runs those whose name contains NAME; `WATERSHED_CAMPAIGN=long`
//!   runs ten times as many rounds; `WATERSHED_SEED` repeats a run's choices, though not the scheduling of its
//!   processes.
//! - A campaign that needs another process starts this program again with a private first argument.
//! - `WATERSHED_KEEP` keeps the data directory of a campaign that failed.
#![allow(clippy::unwrap_used, reason = "a panic is how a campaign reports")]
#![allow(clippy::print_stdout, reason = "the lines on standard output are the report")]
#![allow(
    clippy::disallowed_methods,
    reason = "the bans keep the product deterministic; a campaign drives it from outside"
)]
#![allow(clippy::disallowed_types, reason = "campaigns share what they record between client threads")]

mod chance;
mod disk_full;
mod keep_alive;
mod kill;
mod load;
mod overload;
mod restart;
mod small_disk;
#[allow(dead_code, unused_imports, reason = "the other tests use the rest of it")]
#[path = "../it/support/mod.rs"]
mod support;

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::panic;
use std::process::ExitCode;
use std::time::Instant;

/// How much to run, and from which seed.
#[derive(Debug, Clone, Copy)]
struct Extent {
    seed: u64,
    /// What the counts are multiplied by.
    factor: usize,
}

/// What a campaign that passed has to say.
struct Report {
    cases: usize,
    remark: String,
}

/// A name and what it runs; it panics when something does not hold.
type Campaign = (&'static str, fn(Extent) -> Report);

const CAMPAIGNS: [Campaign; 6] = [
    ("kill", kill::plain),
    ("kill-rotation", kill::rotation),
    ("kill-async", kill::asynchronous),
    ("disk-full", disk_full::run),
    ("restart", restart::run),
    ("overload", overload::run),
];

/// Flags of the standard harness that take a value; cargo passes them to every test target.
const VALUED: [&str; 7] =
    ["--test-threads", "--skip", "--color", "--format", "--logfile", "--shuffle-seed", "-Z"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(load::ARGUMENT) => load::main(&arguments[1..]),
        Some(small_disk::ARGUMENT) => disk_full::inside(&arguments[1..]),
        Some("--list") => {}
        _ => return all(&names(&arguments)),
    }
    ExitCode::SUCCESS
}

/// The arguments that are not the standard harness's flags.
fn names(arguments: &[String]) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        if VALUED.contains(&argument) {
            rest.next();
        } else if !argument.starts_with('-') {
            names.push(argument);
        }
    }
    names
}

/// Runs every campaign that one of the names, if there are any, is a part of.
fn all(names: &[&str]) -> ExitCode {
    let extent = extent();
    let (mut passed, mut failed) = (0, 0);
    for (name, run) in CAMPAIGNS {
        if !names.is_empty() && !names.iter().any(|part| name.contains(part)) {
            continue;
        }
        let begin = Instant::now();
        // The panic's message is on standard error by the time that this returns.
        let outcome = panic::catch_unwind(|| run(extent));
        let (seed, seconds) = (extent.seed, begin.elapsed().as_secs_f64());
        if let Ok(Report { cases, remark }) = outcome {
            println!("{name}: passed, {cases} cases, seed {seed}, {seconds:.1} s; {remark}");
            passed += 1;
        } else {
            println!("{name}: FAILED, seed {seed}, {seconds:.1} s");
            failed += 1;
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn extent() -> Extent {
    let seed = env::var("WATERSHED_SEED").map_or_else(
        |_| RandomState::new().hash_one(()),
        |text| text.parse().unwrap_or_else(|error| panic!("WATERSHED_SEED={text}: {error}")),
    );
    let long = env::var("WATERSHED_CAMPAIGN").is_ok_and(|text| text == "long");
    Extent { seed, factor: if long { 10 } else { 1 } }
}
