#![doc = "wip"]
pub mod clock;
pub mod config;
pub mod limits;
pub mod samples;
pub mod server;
pub mod telemetry;
pub mod types;
