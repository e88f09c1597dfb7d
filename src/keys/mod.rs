//! API keys: what they look like, what is kept of them, and the file that keeps it.
//!
//! ```text
//! Token (shown once) ─▶ bcrypt of its secret ─▶ Record ─▶ KeySet ─▶ file `api-keys` of the data directory
//! ```
//!
//! What it is not: the check of a request, which `http::auth` does with these records.
//!
//! - A secret is nowhere but in the [`Token`] that was just made or presented; what is kept is its bcrypt hash.
//! - A key is found by its key id: one lookup and at most one hash, however many keys there are.
//! - A change counts once the file is durable; the file is there as it was, or as it is.
//! - A key that was revoked stays in the file: who made it and who revoked it can be told, and a data directory
//!   that ever had a key is never open again.

mod file;
mod record;
mod set;
mod store;
#[cfg(test)]
mod testing;
mod token;

pub use file::FileError;
pub use record::Record;
pub use set::{KeySet, NoRoom};
pub use store::{ChangeError, ReadError, Store, read};
pub use token::{KeyId, Token};
