#![doc = "wip"]
pub mod apply;
pub mod graph;
pub mod ingest;
pub mod json;
pub mod limits;
pub mod query;
pub mod types;
