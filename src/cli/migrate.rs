//! `watershed migrate`: a data directory in the format of this program, made of an older one.
//!
//! - The old directory is read and left as it is.

use std::path::PathBuf;

use super::console::Console;
use super::failure::Failure;
use super::offline::{self, Target};
use super::progress::Progress;
use crate::keys::{self, Store};
use crate::writer;

const EXAMPLES: &str = "\
Examples:
  watershed migrate --from /var/lib/watershed --to /var/lib/watershed-new
  watershed serve --data-dir /var/lib/watershed-new

The new directory has an id of its own and begins with a snapshot of what the old one holds.
Exit codes: 0 done; 1 the new directory is not empty, or cannot be written; 3 the old directory is
damaged; 4 a server holds it.";

/// Make a data directory in the format of this program of one in an older format
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The data directory to read; no server may be running on it
    #[arg(long, value_name = "DIRECTORY")]
    from: PathBuf,
    /// The new data directory, missing or empty
    #[arg(long, value_name = "DIRECTORY")]
    to: PathBuf,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let target = Target::check(&options.to)?;
    let source = offline::open(&options.from)?;
    let keys = keys::read(&offline::storage(&options.from)?).map_err(offline::keys_failure)?;
    for bad in source.bad_snapshots() {
        console.say(&format!("watershed: a snapshot does not hold and is passed over: {bad}"));
    }
    let storage = target.open()?;
    let progress = Progress::spinner("migrating", console.err_sink());
    let made = writer::migrate(source, &storage, offline::making());
    drop(progress);
    let entry = made.map_err(|error| {
        target.undo();
        offline::offline_failure(error)
    })?;
    if !keys.is_empty() {
        let incomplete = "the new directory has no API keys; remove it";
        let mut store = Store::open(storage.clone()).map_err(offline::keys_failure)?;
        store.adopt(keys).map_err(|error| Failure::Failed(anyhow::Error::new(error).context(incomplete)))?;
    }
    let text = target.describe(&storage, &entry, &options.from.display().to_string())?;
    console.print_line(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use crate::cli::offline::testing::{Damage, DataDir, typed};

    fn migrate(from: &Path, to: &Path) -> (u8, String, String) {
        let words: [OsString; 5] = ["migrate".into(), "--from".into(), from.into(), "--to".into(), to.into()];
        typed(words.to_vec())
    }

    #[test]
    fn the_new_directory_holds_what_the_old_one_does() {
        for versions in [&[] as &[u64], &[2]] {
            let directory = DataDir::with_snapshots(versions, Damage::None);
            let target = directory.beside("new");
            let (code, out, err) = migrate(&directory.path(), &target);
            assert_eq!((code, err.as_str()), (0, ""));
            assert!(out.contains("holds version 5 of "), "{out}");
            assert!(!target.join("api-keys").exists(), "no keys, no file");
            let again = migrate(&target, &directory.beside("newer")).1;
            let digest = |text: &str| text.rsplit_once("digest ").unwrap().1.to_owned();
            assert_eq!(digest(&again), digest(&out));
            let (code, _, err) = migrate(&directory.path(), &target);
            assert_eq!((code, err.contains("is not empty; nothing was changed")), (1, true), "{err}");
        }
    }

    #[test]
    fn keys_go_along() {
        let directory = DataDir::with_snapshots(&[2], Damage::None);
        let made = typed(
            ["api-keys", "create", "ci", "--data-dir"]
                .map(OsString::from)
                .into_iter()
                .chain([directory.path().into()])
                .collect(),
        );
        assert_eq!(made.0, 0, "{}", made.2);
        let target = directory.beside("new");
        assert_eq!(migrate(&directory.path(), &target).0, 0);
        let keys = |path: &Path| std::fs::read(path.join("api-keys")).unwrap();
        assert_eq!(keys(&target), keys(&directory.path()));
        std::fs::write(directory.path().join("api-keys"), "?").unwrap();
        let refused = directory.beside("newer");
        assert_eq!(migrate(&directory.path(), &refused).0, 3);
        assert!(!refused.exists());
    }

    #[test]
    fn a_damaged_directory_makes_nothing() {
        let directory = DataDir::new(Damage::Flipped(3));
        let target = directory.beside("new");
        let (code, out, err) = migrate(&directory.path(), &target);
        assert_eq!((code, out.as_str(), err.lines().count()), (3, "", 1), "{err}");
        assert!(!target.exists());
        assert_eq!(migrate(&directory.beside("missing"), &target).0, 2);
    }
}
