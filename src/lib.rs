#![doc = "wip"]
pub mod limits;
pub mod storage;
pub mod types;
pub mod wal;
