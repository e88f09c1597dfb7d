//! What was read of files of other tools and is not in what is sent.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// Counted over all files.
#[derive(Debug, Default, Serialize)]
pub(super) struct Reading {
    /// What is not for a graph, by reason.
    left_out: BTreeMap<&'static str, u64>,
    /// What was not understood, each told on standard error.
    notes: u64,
    /// Files of trees that are nothing that we know.
    files_passed_over: u64,
}

impl Reading {
    /// Adds what some files came to.
    pub(super) fn add(&mut self, left_out: &BTreeMap<&'static str, u64>, notes: u64) {
        for (what, count) in left_out {
            *self.left_out.entry(what).or_default() += count;
        }
        self.notes += notes;
    }

    /// Counts a file of a tree that is nothing that we know.
    pub(super) fn pass_over(&mut self) {
        self.files_passed_over += 1;
    }

    /// Adds its members to an object.
    pub(super) fn describe(&self, whole: &mut Value) {
        let Ok(Value::Object(members)) = serde_json::to_value(self) else { return };
        for (name, value) in members {
            whole[name] = value;
        }
    }

    /// For a person; none where all was read.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.left_out.iter().map(|(what, count)| format!("left out: {count} {what}")).collect();
        for (count, what) in
            [(self.notes, "things were not understood"), (self.files_passed_over, "files passed over")]
        {
            if count > 0 {
                lines.push(format!("{count} {what}"));
            }
        }
        lines
    }
}
