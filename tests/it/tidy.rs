//! Style as a test: who may import whom, what is banned where, headers, lengths.
//!
//! - It reads text, not syntax: a rule that needs a parser belongs into a lint.
//! - Each rule is shown to fire on a bad snippet and to spare a good one.
//! - What would trip over itself here is spelled with `concat!`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::rooms::{ALL, BANS, ROOMS, TESTS_MAY_USE, Tests};

const LINES_MAX: usize = 400;
const IGNORED: &str = concat!("#[", "ignore");
const SLEEP: &str = concat!("thread::", "sleep");
const MACHINE_PATHS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/tm", "p/"),
    concat!("/wo", "rk/"),
];

/// Everything wrong with a file of `src`.
fn source_faults(path: &str, text: &str) -> Vec<String> {
    [file_faults(path, text), import_faults(path, text), ban_faults(path, text)].concat()
}

/// What is wrong with any Rust file of ours, tests among them.
fn file_faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//! ") {
        faults.push(format!("{path}: does not begin with //! and what it is"));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("{path}: {lines} lines, more than {LINES_MAX}"));
    }
    for banned in [IGNORED, SLEEP] {
        if text.contains(banned) {
            faults.push(format!("{path}: {banned}"));
        }
    }
    [faults, machine_path_faults(path, text)].concat()
}

fn machine_path_faults(path: &str, text: &str) -> Vec<String> {
    let found = MACHINE_PATHS.into_iter().filter(|machine| text.contains(machine));
    found.map(|machine| format!("{path}: names {machine}")).collect()
}

fn import_faults(path: &str, text: &str) -> Vec<String> {
    let room = room(path);
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{path}: room {room} is not in the table")];
    };
    let in_tests: &[&str] = match TESTS_MAY_USE.iter().find(|(name, _)| *name == room) {
        Some((_, more)) if path.contains("/tests/") => more,
        _ => &[],
    };
    let code = code(text);
    let mut faults: Vec<String> = imported(&code)
        .into_iter()
        .filter(|name| {
            let name = name.as_str();
            name != room && !allowed.contains(&name) && !in_tests.contains(&name)
        })
        .map(|name| format!("{path}: {room} uses {name}"))
        .collect();
    if code.contains("super::super::") {
        faults.push(format!("{path}: super::super, where crate:: would show the room"));
    }
    faults
}

fn ban_faults(path: &str, text: &str) -> Vec<String> {
    let (everything, product) = (code(text), code(product(path, text)));
    let banned = |(word, places, tests): &&(&str, &[&str], Tests)| {
        let scope = if *tests == Tests::Free { &product } else { &everything };
        !places.iter().any(|place| path.starts_with(place)) && has_word(scope, word)
    };
    BANS.iter().filter(banned).map(|(word, ..)| format!("{path}: {word} is banned here")).collect()
}

/// `src/wal/frame.rs` belongs to `wal`, `src/limits.rs` to `limits`.
fn room(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The text without line comments.
fn code(text: &str) -> String {
    let uncommented = |line: &str| {
        let comment =
            line.match_indices("//").find(|(at, _)| line[..*at].matches('"').count().is_multiple_of(2));
        line[..comment.map_or(line.len(), |(at, _)| at)].to_owned()
    };
    text.lines().map(uncommented).collect::<Vec<_>>().join("\n")
}

/// The text up to its inline test module; nothing of a file that is a test module.
fn product<'a>(path: &str, text: &'a str) -> &'a str {
    if path.ends_with("/tests.rs") || path.ends_with("/testing.rs") || path.contains("/tests/") {
        return "";
    }
    let module = |at: &usize| {
        let next = text[*at..].lines().nth(1).unwrap_or_default();
        next.starts_with("mod ") && next.ends_with('{')
    };
    let begin = text.match_indices("#[cfg(test)]").map(|(at, _)| at).find(module);
    &text[..begin.unwrap_or(text.len())]
}

/// True when `word` is there and is not a part of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word).any(|(at, _)| {
        let before = !word.starts_with('.') && part(code[..at].chars().next_back());
        !before && !part(code[at + word.len()..].chars().next())
    })
}

/// The first names behind every `crate::`, in groups too.
fn imported(code: &str) -> Vec<String> {
    let name =
        |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(members(group).iter().map(|member| name(member))),
            None => names.push(name(rest)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The members of a group, split at its own commas; `group` begins behind the opening brace.
fn members(group: &str) -> Vec<String> {
    let mut depth = 1;
    let mut members = vec![String::new()];
    for c in group.chars() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            break;
        }
        match c {
            ',' if depth == 1 => members.push(String::new()),
            _ => members.last_mut().unwrap().push(c),
        }
    }
    members
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.rs` file below a directory, with its path from the root; what is built there is not ours.
fn sources(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            if !entry.ends_with("tests/fuzz/target") {
                found.extend(sources(&entry));
            }
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let path = entry.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            found.push((path, fs::read_to_string(&entry).unwrap()));
        }
    }
    found
}

#[test]
fn sources_are_tidy() {
    let files = sources(&root().join("src"));
    assert!(files.iter().any(|(path, _)| path == "src/lib.rs"));
    let faults: Vec<String> = files.iter().flat_map(|(path, text)| source_faults(path, text)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn tests_and_scripts_are_tidy() {
    let files = [sources(&root().join("tests")), sources(&root().join("benches"))].concat();
    let mut faults: Vec<String> = files.iter().flat_map(|(path, text)| file_faults(path, text)).collect();
    for script in ["tests/run", ".ci/run", "tests/fuzz/run"] {
        let text = fs::read_to_string(root().join(script)).unwrap();
        faults.extend(machine_path_faults(script, &text));
        if !text.contains("set -euo pipefail") {
            faults.push(format!("{script}: goes on after a failure"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The table itself has no cycle below the wiring: from no room a path leads back to it.
#[test]
fn rooms_form_a_dag() {
    let uses = |room: &str| ROOMS.iter().find(|(name, _)| *name == room).unwrap().1;
    for (room, allowed) in ROOMS.iter().filter(|(_, allowed)| *allowed != ALL) {
        let mut rest = allowed.to_vec();
        let mut seen = Vec::new();
        while let Some(next) = rest.pop() {
            assert_ne!(next, *room, "{room} reaches itself");
            if !seen.contains(&next) && uses(next) != ALL {
                rest.extend(uses(next));
            }
            seen.push(next);
        }
    }
}

#[test]
fn each_rule_fires_on_what_is_bad() {
    let head = "//! A file.\n";
    let cases = [
        ("src/types/x.rs", "use std::fmt;\n".to_owned(), "begin with"),
        ("src/types/x.rs", "// A file.\n".to_owned(), "begin with"),
        ("src/types/x.rs", format!("{head}{}", "\n".repeat(LINES_MAX)), "lines"),
        ("src/types/x.rs", format!("{head}use crate::json::X;\n"), "types uses json"),
        ("src/types/mod.rs", format!("{head}use crate::graph::X;\n"), "types uses graph"),
        (
            "src/graph/x.rs",
            format!("{head}use crate::{{types::A, wal::{{B, C}}, limits}};\n"),
            "graph uses wal",
        ),
        ("src/graph/x.rs", format!("{head}fn f() -> crate::http::Route {{}}\n"), "graph uses http"),
        (
            "src/graph/x.rs",
            format!("{head}#[cfg(test)]\nmod tests {{\n use crate::apply::X;\n}}\n"),
            "graph uses apply",
        ),
        ("src/query/x.rs", format!("{head}use crate::clock;\n"), "query uses clock"),
        ("src/wal/x.rs", format!("{head}use crate::graph;\n"), "wal uses graph"),
        ("src/snapshot/x.rs", format!("{head}use crate::apply;\n"), "snapshot uses apply"),
        ("src/snapshot/tests/x.rs", format!("{head}use crate::wal;\n"), "snapshot uses wal"),
        ("src/http/x.rs", format!("{head}use crate::server::X;\n"), "http uses server"),
        ("src/novel/x.rs", head.to_owned(), "not in the table"),
        ("src/graph/x/y.rs", format!("{head}use super::super::super::wal;\n"), "super::super"),
        ("src/graph/x.rs", format!("{head}use tokio::sync;\n"), "tokio is banned"),
        ("src/writer/x.rs", format!("{head}use arc_swap::ArcSwap;\n"), "arc_swap is banned"),
        ("src/wal/x.rs", format!("{head}use rkyv::Archive;\n"), "rkyv is banned"),
        ("src/query/x.rs", format!("{head}use petgraph::visit::Bfs;\n"), "petgraph is banned"),
        ("src/http/x.rs", format!("{head}use std::time::SystemTime;\n"), "SystemTime is banned"),
        ("src/http/x.rs", format!("{head}let t = Instant::now();\n"), "Instant::now is banned"),
        ("src/graph/x.rs", format!("{head}fn f() {{ unsafe {{}} }}\n"), "unsafe is banned"),
        ("src/graph/x.rs", format!("{head}fn f() {{ todo!() }}\n"), "todo! is banned"),
        ("src/graph/x.rs", format!("{head}fn f() {{ x.unwrap(); }}\n"), ".unwrap() is banned"),
        (
            "src/graph/x.rs",
            format!("{head}#[cfg(test)]\nfn f() {{}}\nfn g() {{ x.unwrap(); }}\n"),
            ".unwrap() is banned",
        ),
        ("src/graph/x.rs", format!("{head}{IGNORED}]\n"), IGNORED),
        ("src/graph/x.rs", format!("{head}{SLEEP}(d);\n"), SLEEP),
        ("src/graph/x.rs", format!("{head}const P: &str = \"{}me/x\";\n", "/ho"), "names"),
    ];
    for (path, text, fault) in cases {
        let faults = source_faults(path, &text);
        assert!(faults.len() == 1 && faults[0].contains(fault), "{fault}: {faults:?} for {text}");
    }
}

#[test]
fn each_rule_spares_what_is_good() {
    let cases = [
        ("src/graph/x.rs", "//! A file.\nuse crate::{types::{A, B}, limits};\nuse crate::graph::C;\n"),
        (
            "src/graph/x.rs",
            "//! No tokio, no unsafe, no todo! and no SystemTime here.\n/// Nor `crate::http`.\n",
        ),
        ("src/graph/x.rs", "//! A file.\nfn f() -> u8 { 1 } // unlike crate::wal\n"),
        ("src/graph/x.rs", "//! A file.\nlet tokio_like = forbid_unsafe_code;\nx.unwrap_or(1);\n"),
        ("src/graph/x.rs", "//! A file.\n#[cfg(test)]\nmod tests {\n    fn f() { x.unwrap(); }\n}\n"),
        ("src/snapshot/tests/x.rs", "//! Tests.\nuse crate::apply::apply;\n"),
        ("src/graph/tests.rs", "//! Tests.\nfn f() { x.unwrap(); }\n"),
        ("src/writer/published.rs", "//! A file.\nuse arc_swap::ArcSwap;\n"),
        ("src/query/view.rs", "//! A file.\nuse petgraph::visit::Bfs;\n"),
        ("src/query/tests/x.rs", "//! A file.\nuse petgraph::visit::Bfs;\n"),
        ("src/snapshot/format.rs", "//! A file.\nuse rkyv::Archive;\n"),
        ("src/clock.rs", "//! A file.\nfn f() { SystemTime::now(); Instant::now(); }\n"),
        ("src/http/mod.rs", "//! A file.\nuse tokio::net::TcpStream;\nuse crate::{clock, writer};\n"),
        ("src/main.rs", "//! A file.\nfn f() { crate::server::run() }\n"),
    ];
    for (path, text) in cases {
        assert_eq!(source_faults(path, text), Vec::<String>::new(), "{text}");
    }
    let longest = format!("//! A file.\n{}", "\n".repeat(LINES_MAX - 1));
    assert!(source_faults("src/graph/x.rs", &longest).is_empty());
}
