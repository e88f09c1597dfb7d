//! A directory that is there when it is complete, and not before.
//!
//! - Until then it lies beside, under a name of its own, and goes when the command fails.
//! - Only what is missing or empty is replaced.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::offline::at;
use crate::clock;

/// Where the directory is to be.
pub(super) struct Target {
    path: PathBuf,
    parent: PathBuf,
}

impl Target {
    /// Looks at `path` and changes nothing.
    pub(super) fn check(path: &Path) -> Result<Self, Failure> {
        // What a link leads to can be replaced, the link itself cannot.
        let path = if path.is_symlink() {
            fs::canonicalize(path).map_err(|error| at(path, error))?
        } else {
            path.to_owned()
        };
        let (Some(_), Some(parent)) = (path.file_name(), path.parent()) else {
            return Err(Failure::Usage(format!("{} is no name of a directory", path.display())));
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent }.to_owned();
        if !parent.is_dir() {
            return Err(Failure::Usage(format!("{} is no directory", parent.display())));
        }
        match fs::read_dir(&path).map(|mut entries| entries.next()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(None) => {}
            Ok(Some(_)) => {
                let text = format!("{} is not empty; nothing was changed", path.display());
                return Err(Failure::Failed(anyhow::anyhow!(text)));
            }
            Err(error) => return Err(at(&path, error)),
        }
        Ok(Self { path, parent })
    }

    /// What it will be called.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A directory on the same disk.
    pub(super) fn parent(&self) -> &Path {
        &self.parent
    }
}

/// The directory before it has its name. Goes with this value.
pub(super) struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    pub(super) fn begin(target: &Target) -> Result<Self, Failure> {
        let path = target.parent.join(format!(".watershed-{}.tmp", clock::new_id().simple()));
        fs::create_dir(&path).map_err(|error| at(&target.parent, error))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name. What is in it is on disk already.
    pub(super) fn finish(self, target: &Target) -> Result<(), Failure> {
        let sync = |path: &Path| File::open(path)?.sync_all();
        sync(&self.path)
            // Refused by the system where something has come into it meanwhile.
            .and_then(|()| fs::rename(&self.path, &target.path))
            .and_then(|()| sync(&target.parent))
            .map_err(|error| at(&target.path, error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the rename there is nothing under this name.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_or_empty_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir(root.join("empty")).unwrap();
        std::os::unix::fs::symlink("empty", root.join("link")).unwrap();
        for name in ["missing", "missing/", "empty", "link"] {
            let target =
                Target::check(&root.join(name)).map_err(|failure| format!("{name}: {failure:?}")).unwrap();
            let unfinished = Unfinished::begin(&target).unwrap();
            fs::write(unfinished.path().join("x"), "").unwrap();
            unfinished.finish(&target).unwrap();
            assert!(root.join(name).join("x").is_file(), "{name}");
            let failure = Target::check(&root.join(name)).err().unwrap();
            assert_eq!(failure.exit_code(), 1, "{name}");
            assert!(failure.message().unwrap().ends_with("is not empty; nothing was changed"));
            fs::remove_file(root.join(name).join("x")).unwrap();
        }
        fs::write(root.join("file"), "").unwrap();
        for (name, code) in [("file", 1), ("no/such", 2), ("empty/..", 2)] {
            assert_eq!(Target::check(&root.join(name)).err().unwrap().exit_code(), code, "{name}");
        }
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::check(&directory.path().join("a")).unwrap();
        let unfinished = Unfinished::begin(&target).unwrap();
        fs::write(unfinished.path().join("x"), "").unwrap();
        drop(unfinished);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let unfinished = Unfinished::begin(&target).unwrap();
        fs::create_dir(target.path()).unwrap();
        fs::write(target.path().join("mine"), "").unwrap();
        assert_eq!(unfinished.finish(&target).unwrap_err().exit_code(), 1);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "what came meanwhile stays");
    }
}
