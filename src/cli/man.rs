//! `watershed man`: the manual, one page a command.
//!
//! - Made of the same definition as the help, so that no flag can be missing.
//! - Nothing in a page depends on when or where it was made.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap::builder::Resettable;
use clap_mangen::Man;

use super::Arguments;
use super::console::Console;
use super::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  watershed man /usr/local/share/man/man1
  watershed man . && man ./watershed-wal-recover.1

Exit codes: 0 done, 1 failed, 2 bad usage.";

/// Write manual pages, one a command, to a directory
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Where to; made when it is missing, and pages of the same name are replaced
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

pub(super) fn run(options: &Options, _: &mut Console) -> Result<(), Failure> {
    write(&options.directory)
        .with_context(|| format!("cannot write manual pages to {}", options.directory.display()))
        .map_err(Failure::Failed)
}

fn write(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    write_pages(&command, directory)
}

/// The page of a command and of all below it.
fn write_pages(command: &clap::Command, directory: &Path) -> io::Result<()> {
    let page = Man::new(command.clone().after_help(Resettable::Reset));
    let mut text = Vec::new();
    page.render(&mut text)?;
    if let Some(examples) = command.get_after_help() {
        text.extend_from_slice(b".SH EXAMPLES\n.nf\n");
        text.extend(examples.to_string().trim_start_matches("Examples:\n").lines().flat_map(verbatim));
        text.extend_from_slice(b".fi\n");
    }
    std::fs::write(directory.join(page.get_filename()), text)?;
    command.get_subcommands().try_for_each(|below| write_pages(below, directory))
}

/// A line of a page that is shown as it is, to be copied: no line break, no other hyphen, no request.
fn verbatim(line: &str) -> Vec<u8> {
    format!("\\&{}\n", line.replace('\\', "\\e").replace('-', "\\-")).into_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::process::Command;

    use super::*;
    use crate::cli::testing::capture;

    fn pages() -> (tempfile::TempDir, BTreeMap<String, String>) {
        let directory = tempfile::tempdir().unwrap();
        let (mut console, captured) = capture(crate::cli::console::Sink::Pipe);
        run(&Options { directory: directory.path().join("man/man1") }, &mut console).unwrap();
        assert_eq!((captured.out().as_str(), captured.err().as_str()), ("", ""));
        let pages = std::fs::read_dir(directory.path().join("man/man1"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read_to_string(path).unwrap())
            })
            .collect();
        (directory, pages)
    }

    /// The names of the pages of a command and all below it.
    fn names(command: &clap::Command, name: &str) -> Vec<String> {
        let below =
            command.get_subcommands().flat_map(|below| names(below, &format!("{name}-{}", below.get_name())));
        std::iter::once(format!("{name}.1")).chain(below).collect()
    }

    #[test]
    fn each_command_has_a_page_with_its_parts() {
        let (_directory, pages) = pages();
        let mut expected = names(&Arguments::command(), "watershed");
        expected.sort_unstable();
        assert_eq!(pages.keys().cloned().collect::<Vec<_>>(), expected);
        for (name, page) in &pages {
            for part in [".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
                assert!(page.contains(part), "{name}: no {part}");
            }
        }
        assert!(pages["watershed-wal-recover.1"].contains("truncate\\-at"));
        assert!(
            pages["watershed-wal-recover.1"].contains("\n\\&  watershed wal recover \\-\\-data\\-dir /var")
        );
        assert!(pages["watershed-serve.1"].contains("WAL_SEGMENT_BYTES"));
    }

    #[test]
    fn groff_finds_nothing_wrong_with_them() {
        let (directory, pages) = pages();
        for name in pages.keys() {
            let page = directory.path().join("man/man1").join(name);
            // As `man` runs it. A flag that is longer than a line cannot be broken, which is no fault of a page.
            let arguments = ["-K", "utf8", "-man", "-Tutf8", "-ww", "-W", "break"];
            let output = Command::new("groff").args(arguments).arg(page).output();
            // Not installed: the test above has looked at the structure.
            let Ok(output) = output else { return };
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{name}: {said}");
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let (mut console, _) = capture(crate::cli::console::Sink::Pipe);
        let failure = run(&Options { directory: file.clone() }, &mut console).unwrap_err();
        let message = failure.message().unwrap();
        assert!(message.contains(&file.display().to_string()), "{message}");
    }
}
