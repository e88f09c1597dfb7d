//! The parts of the HTTP benchmark: two servers, one client, and what it prints.

mod client;
pub(crate) mod disk;
pub(crate) mod drive;
pub(crate) mod floor;
pub(crate) mod process;
pub(crate) mod requests;
pub(crate) mod table;
