//! The only reader of the process's environment, save clap for variables that are shown in the help of a command.

use std::ffi::{OsStr, OsString};

/// A variable; `None` where it is not set.
pub fn variable(name: impl AsRef<OsStr>) -> Option<OsString> {
    std::env::var_os(name)
}
