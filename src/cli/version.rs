//! `watershed version`: which program this is. Not which server: that one says it in its health answer.

use super::console::Console;
use super::failure::Failure;

pub(super) fn run(console: &mut Console) -> Result<(), Failure> {
    console.print_line(concat!("watershed ", env!("CARGO_PKG_VERSION")).as_bytes())
}
