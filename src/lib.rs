#![doc = "wip"]
pub mod limits;
pub mod types;
