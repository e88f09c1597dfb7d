//! `watershed wal recover`: what to do when a start refuses a damaged log.
//!
//! Works on a data directory that no server holds. Shows the damage unless it is told, twice, to cut.

use std::fmt::Write as _;
use std::path::Path;

use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::offline::{self, DataDirOption};
use crate::clock;
use crate::storage::Fs;
use crate::wal::{self, Birth, Cut, Finding, LogEnd, Verdict};
use crate::writer::{Offline, Replace, rebuild_manifest};

const LONG_ABOUT: &str = "\
Show what is wrong with a log that the server refuses, or give up what cannot be read

Without --truncate-at nothing is changed. With it, every command from that lsn on is given up: its \
bytes are moved to quarantine/ in the data directory, and the server starts with what was before. \
Take a copy of the data directory first, and prefer to restore from a backup if there is one.";

const EXAMPLES: &str = "\
Examples:
  watershed wal recover --data-dir /var/lib/watershed
  watershed wal recover --data-dir /var/lib/watershed --truncate-at 88213 --yes
  watershed wal recover --data-dir /var/lib/watershed --rebuild-manifest

Exit codes: 0 the log is sound, or was cut; 2 the lsn is not the one that was shown; 3 the log
is damaged; 4 a server holds the directory.";

/// Show what is wrong with a log that the server refuses, or give up what cannot be read
#[derive(clap::Args)]
#[command(long_about = LONG_ABOUT, after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    data_dir: DataDirOption,
    /// Only show; the default
    #[arg(long, conflicts_with = "truncate_at")]
    dry_run: bool,
    /// Give up this lsn and all later ones: the first that cannot be read
    #[arg(long, value_name = "LSN", requires = "yes")]
    truncate_at: Option<u64>,
    /// Look at whether the manifest holds, and at what it could be made anew from
    #[arg(long, conflicts_with = "truncate_at")]
    rebuild_manifest: bool,
    /// Really do it
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let path = &options.data_dir.path;
    if options.rebuild_manifest {
        return rebuild(path, if options.yes { Replace::Yes } else { Replace::No }, console);
    }
    if options.yes && options.truncate_at.is_none() {
        return Err(Failure::Usage("--yes goes with --truncate-at or --rebuild-manifest".to_owned()));
    }
    let offline = offline::open(path)?;
    for bad in offline.bad_snapshots() {
        console.say(&format!("watershed: a snapshot does not hold and is passed over: {bad}"));
    }
    match options.truncate_at {
        None => show(&offline, path, console),
        Some(lsn) => truncate(&offline, lsn, console),
    }
}

fn show(offline: &Offline<Fs>, path: &Path, console: &mut Console) -> Result<(), Failure> {
    match offline.inspect().map_err(offline::log_failure)? {
        Verdict::Sound(LogEnd { last_version, torn_bytes }) => {
            let torn = match torn_bytes {
                0 => String::new(),
                bytes => format!(
                    "; {bytes} bytes of a write that was never acknowledged follow, the next start cuts them"
                ),
            };
            console.print_line(format!("the log is sound up to lsn {last_version}{torn}").as_bytes())
        }
        Verdict::Damaged(Finding { error, first_lost, last_known, bytes, .. }) => {
            let plan = format!(
                "Up to lsn {} everything can be read. Given up would be lsn {first_lost} to {last_known}, {bytes} \
                 bytes; they are kept in quarantine/.\n\
                 To do so: watershed wal recover --data-dir {} --truncate-at {first_lost} --yes",
                first_lost - 1,
                quoted(path)
            );
            console.print_line(plan.as_bytes())?;
            Err(offline::log_failure(error))
        }
    }
}

fn rebuild(path: &Path, replace: Replace, console: &mut Console) -> Result<(), Failure> {
    let rebuilt = rebuild_manifest(&offline::storage(path)?, replace).map_err(offline::rebuild_failure)?;
    let Some(fault) = rebuilt.fault else {
        return console.print_line(b"the manifest holds; there is nothing to make anew");
    };
    for bad in &rebuilt.passed_over {
        console.say(&format!("watershed: a snapshot does not hold and is passed over: {bad}"));
    }
    let versions: Vec<String> = rebuilt.snapshots.iter().map(|entry| entry.version.to_string()).collect();
    let versions = if versions.is_empty() { "none".to_owned() } else { versions.join(", ") };
    if replace == Replace::Yes {
        let kept = rebuilt
            .kept_as
            .map_or(String::new(), |name| format!("; the old one is kept as quarantine/{name}"));
        return console.print_line(
            format!("the manifest is made anew; snapshots of versions: {versions}{kept}").as_bytes(),
        );
    }
    let plan = format!(
        "Snapshots that hold, by version: {versions}. A manifest can be made anew of them and of all segments that \
         are there.\nTo do so: watershed wal recover --data-dir {} --rebuild-manifest --yes",
        quoted(path)
    );
    console.print_line(plan.as_bytes())?;
    Err(Failure::Damaged(fault))
}

fn truncate(offline: &Offline<Fs>, lsn: u64, console: &mut Console) -> Result<(), Failure> {
    let birth = Birth { directory_id: clock::new_id(), salt: clock::random_u64(), at: clock::now() };
    let cut = offline.cut(&birth, wal::Options::SMALLEST, lsn);
    let Cut { kept, .. } = cut.map_err(offline::cut_failure)?;
    let mut text = format!("the log ends before lsn {lsn}");
    for (file, kept_as) in kept {
        let line = format_args!("\n{file}: what was taken away is kept as quarantine/{kept_as}");
        text.write_fmt(line).expect("a String takes all that is written");
    }
    console.print_line(text.as_bytes())
}

/// A path as a shell takes it back.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::offline::testing::{Damage, DataDir};

    #[test]
    fn a_path_comes_back_from_a_shell() {
        for (path, expected) in [("/var/lib/w-1", "/var/lib/w-1"), ("a b", "'a b'"), ("it's", r"'it'\''s'")] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }

    #[test]
    fn the_plan_is_carried_out_and_nothing_but_the_plan() {
        let directory = DataDir::new(Damage::Flipped(3));
        let (code, out, err) = directory.typed("wal recover");
        assert_eq!((code, err.lines().count()), (3, 1), "{err}");
        assert!(
            out.contains("Given up would be lsn 3 to 5, ") && out.contains("--truncate-at 3 --yes"),
            "{out}"
        );
        for wrong in ["wal recover --truncate-at 2 --yes", "wal recover --truncate-at 4 --yes"] {
            assert_eq!(directory.typed(wrong).0, 2, "{wrong}");
        }
        let (code, out, err) = directory.typed("wal recover --truncate-at 3 --yes");
        assert_eq!((code, err.as_str()), (0, ""), "{err}");
        assert!(out.starts_with("the log ends before lsn 3\nwal-"), "{out}");
        assert!(out.contains("kept as quarantine/"), "{out}");
        assert_eq!(
            directory.typed("wal recover"),
            (0, "the log is sound up to lsn 2\n".to_owned(), String::new())
        );
    }

    #[test]
    fn a_manifest_is_made_anew_when_it_does_not_hold() {
        let directory = DataDir::new(Damage::None);
        let manifest = directory.path().join("manifest");
        let (code, out, _) = directory.typed("wal recover --rebuild-manifest");
        let is_there = manifest.exists();
        assert_eq!(code, if is_there { 0 } else { 3 }, "{out}");
        std::fs::write(&manifest, b"not a manifest that holds, whatever else it may be").unwrap();
        let (code, _, err) = directory.typed("wal recover");
        assert_eq!(code, 3);
        assert!(err.contains("--rebuild-manifest"), "{err}");
        let (code, out, _) = directory.typed("wal recover --rebuild-manifest");
        assert_eq!(code, 3);
        assert!(out.contains("--rebuild-manifest --yes"), "{out}");
        let (code, out, err) = directory.typed("wal recover --rebuild-manifest --yes");
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        assert!(out.contains("quarantine/manifest-offset-0-1"), "{out}");
        let (code, out, _) = directory.typed("wal recover --dry-run");
        assert_eq!((code, out.as_str()), (0, "the log is sound up to lsn 5\n"));
        assert_eq!(directory.typed("wal recover --rebuild-manifest").0, 0);
    }

    #[test]
    fn a_sound_log_is_left_alone() {
        let directory = DataDir::new(Damage::None);
        let (code, out, _) = directory.typed("wal recover --dry-run");
        assert_eq!((code, out.as_str()), (0, "the log is sound up to lsn 5\n"));
        let (code, _, err) = directory.typed("wal recover --truncate-at 6 --yes");
        assert_eq!(code, 2);
        assert!(err.contains("there is nothing to cut"), "{err}");
    }
}
