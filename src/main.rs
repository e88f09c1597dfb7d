//! The `watershed` binary. Everything it does is in the library; see `watershed::cli`.

use std::process::ExitCode;

/// Returns memory of large answers to the system, and keeps many threads out of each other's way.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    watershed::cli::main()
}
