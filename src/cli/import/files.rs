//! Which files a path means: itself, or all that can be read below a directory.
//!
//! - In the order of their names, so that the same tree always gives the same import.
//! - Hidden directories and links are not followed: a tree is what stands in it.

use std::path::Path;

use walkdir::{DirEntry, WalkDir};

/// What a tree is searched for.
const EXTENSIONS: [&str; 7] = ["yaml", "yml", "json", "ndjson", "jsonl", "csv", "tsv"];
/// Standard input.
pub(super) const STDIN: &str = "-";

/// A file to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Its path.
    pub(super) path: String,
    /// Whether somebody named it; others stand in a tree and need not be for us.
    pub(super) is_named: bool,
}

/// The files that the paths mean.
pub(super) fn choose(paths: &[String]) -> Result<Vec<Chosen>, walkdir::Error> {
    let mut chosen = Vec::new();
    for path in paths {
        if path == STDIN || !Path::new(path).is_dir() {
            chosen.push(Chosen { path: path.clone(), is_named: true });
            continue;
        }
        let tree = WalkDir::new(path).sort_by_file_name().into_iter().filter_entry(is_shown);
        for entry in tree {
            let entry = entry?;
            if entry.file_type().is_file() && is_readable(&entry) {
                let path = entry.path().to_string_lossy().into_owned();
                chosen.push(Chosen { path, is_named: false });
            }
        }
    }
    Ok(chosen)
}

fn is_shown(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
}

fn is_readable(entry: &DirEntry) -> bool {
    let extension = entry.path().extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&&*extension))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_tree_is_walked_in_order_without_what_is_hidden() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for path in
            ["b/z.yaml", "b/a.YML", "a.json", ".git/x.yaml", "b/.hidden.yaml", "b/readme.md", "c/d/e.csv"]
        {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "").unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("c/loop")).unwrap();
        let root = root.to_str().unwrap().to_owned();
        let chosen = choose(&["-".to_owned(), root.clone(), "none.txt".to_owned()]).unwrap();
        let found: Vec<(&str, bool)> = chosen
            .iter()
            .map(|file| (file.path.strip_prefix(&*root).unwrap_or(&file.path), file.is_named))
            .collect();
        let expected = [
            ("-", true),
            ("/a.json", false),
            ("/b/a.YML", false),
            ("/b/z.yaml", false),
            ("/c/d/e.csv", false),
            ("none.txt", true),
        ];
        assert_eq!(found, expected);
    }
}
