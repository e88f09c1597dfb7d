//! The parts of the benchmarks over HTTP: two servers, one client, and what is printed.

#![allow(dead_code, reason = "each benchmark uses what it needs")]

pub(crate) mod client;
pub(crate) mod disk;
pub(crate) mod drive;
pub(crate) mod floor;
pub(crate) mod process;
pub(crate) mod requests;
pub(crate) mod table;
