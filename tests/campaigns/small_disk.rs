//! A file system of a few megabytes, in a mount namespace of its own, and a file that fills it.
//!
//! - The campaign starts this program again under `unshare`, as root or as root of a user namespace; the mount
//!   goes with the last process that sees it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// The first argument that makes this program the part of a campaign inside.
pub(crate) const ARGUMENT: &str = "__small-disk";

/// Runs this program again where it may mount, with these arguments and `directory` before them; its end and
/// what it printed.
pub(crate) fn enter(directory: &Path, arguments: &[String]) -> (ExitStatus, String) {
    let as_root: &[&str] = &["--mount"];
    let as_user: &[&str] = &["--user", "--map-root-user", "--mount"];
    let works = |flags: &&&[&str]| unshare(flags).arg("true").output().is_ok_and(|out| out.status.success());
    let flags = [as_root, as_user].iter().find(works).copied().unwrap_or_else(|| {
        panic!("a mount namespace is needed; neither `unshare` {as_root:?} nor {as_user:?} works here")
    });
    let mut command = unshare(flags);
    command.arg(std::env::current_exe().unwrap()).arg(ARGUMENT).arg(directory).args(arguments);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    (output.status, String::from_utf8(output.stdout).unwrap())
}

fn unshare(flags: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(flags).arg("--");
    command
}

/// Mounts an empty file system of this size on `directory`.
pub(crate) fn mount(directory: &Path, size: &str) {
    let options = format!("size={size},mode=0700");
    let output = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
        .arg(directory)
        .output()
        .unwrap_or_else(|error| panic!("`mount` is needed: {error}"));
    assert!(
        output.status.success(),
        "a tmpfs cannot be mounted here: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The file that takes the room.
pub(crate) struct Filler {
    path: PathBuf,
}

impl Filler {
    /// A filler of the file system on which `directory` lies; it takes nothing yet.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { path: directory.join("filler") }
    }

    /// Takes what room there is, in addition to what it has.
    pub(crate) fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(&self.path).unwrap();
        // First in great pieces, then the last page of all.
        for piece in [vec![1; 1 << 16], vec![1; 1 << 12]] {
            let end = loop {
                match file.write(&piece) {
                    Ok(0) => break None,
                    Ok(_) => {}
                    Err(error) => break Some(error.kind()),
                }
            };
            assert_eq!(end, Some(io::ErrorKind::StorageFull), "it fills up");
        }
    }

    /// Gives it all back.
    pub(crate) fn remove(&self) {
        fs::remove_file(&self.path).unwrap();
    }
}
