//! The index from service id to node, as a persistent sorted list.
//!
//! - Sorted bytewise, so one structure serves look-ups and listings in order.
//! - Part of the graph's value: a reader of an old version finds what that version holds, without a
//!   lock and without a race against removal and re-creation. That is why it is not a shared map.
//! - Runs of up to [`RUN_ENTRIES_MAX`] entries with their texts in one buffer; a change rewrites the
//!   runs it touches and the list of runs. Look-up: O(log n) comparisons.

use std::sync::Arc;

const RUN_ENTRIES_MAX: usize = 256;
/// Fresh runs are left half empty, so that the next insertions do not split them at once.
const RUN_ENTRIES_FRESH: usize = 128;

#[derive(Clone, Default)]
pub(super) struct Names {
    runs: Arc<Vec<Arc<Run>>>,
}

/// Sorted entries, never empty.
#[derive(Default)]
struct Run {
    text: String,
    ends: Vec<u32>,
    nodes: Vec<u32>,
}

impl Run {
    fn name(&self, position: usize) -> &str {
        let start = if position == 0 { 0 } else { self.ends[position - 1] as usize };
        &self.text[start..self.ends[position] as usize]
    }

    fn push(&mut self, name: &str, node: u32) {
        self.text.push_str(name);
        self.ends.push(self.text.len() as u32);
        self.nodes.push(node);
    }

    fn entries(&self) -> impl Iterator<Item = (&str, u32)> {
        self.nodes.iter().enumerate().map(|(position, node)| (self.name(position), *node))
    }

    /// How many entries come before `name`.
    fn lower_bound(&self, name: &str) -> usize {
        let (mut low, mut high) = (0, self.nodes.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.name(middle) < name {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

impl Names {
    /// The run in which `name` stands or would stand.
    fn run_of(&self, name: &str) -> usize {
        self.runs.partition_point(|run| run.name(0) <= name).saturating_sub(1)
    }

    /// The node of a service id.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let run = self.runs.get(self.run_of(name))?;
        let position = run.lower_bound(name);
        (position < run.nodes.len() && run.name(position) == name).then(|| run.nodes[position])
    }

    /// All entries from the first one that is greater than `after`, in order.
    pub(super) fn after<'a>(&'a self, after: Option<&'a str>) -> impl Iterator<Item = (&'a str, u32)> {
        let first = after.map_or(0, |name| self.run_of(name));
        let later = move |name: &str| after.is_none_or(|after| name > after);
        self.runs[first..].iter().flat_map(|run| run.entries()).skip_while(move |(name, _)| !later(name))
    }

    /// Adds, moves and removes (`None`) entries; `changes` are sorted by name, each once.
    pub(super) fn change(&mut self, changes: &[(&str, Option<u32>)]) {
        debug_assert!(changes.is_sorted_by(|a, b| a.0 < b.0));
        if changes.is_empty() {
            return;
        }
        let mut runs = Vec::with_capacity(self.runs.len() + 1);
        let mut changes = changes;
        for (position, run) in self.runs.iter().enumerate() {
            let here = match self.runs.get(position + 1) {
                Some(next) => changes.partition_point(|(name, _)| *name < next.name(0)),
                None => changes.len(),
            };
            if here == 0 {
                runs.push(Arc::clone(run));
            } else {
                push_runs(&mut runs, &merged(run, &changes[..here]));
            }
            changes = &changes[here..];
        }
        push_runs(&mut runs, &merged(&Run::default(), changes));
        self.runs = Arc::new(runs);
    }
}

fn merged<'a>(run: &'a Run, changes: &[(&'a str, Option<u32>)]) -> Vec<(&'a str, u32)> {
    let mut entries = Vec::with_capacity(run.nodes.len() + changes.len());
    let mut existing = run.entries().peekable();
    for &(name, node) in changes {
        while let Some(entry) = existing.next_if(|(other, _)| *other < name) {
            entries.push(entry);
        }
        existing.next_if(|(other, _)| *other == name);
        entries.extend(node.map(|node| (name, node)));
    }
    entries.extend(existing);
    entries
}

fn push_runs(runs: &mut Vec<Arc<Run>>, entries: &[(&str, u32)]) {
    let size = if entries.len() <= RUN_ENTRIES_MAX { RUN_ENTRIES_MAX } else { RUN_ENTRIES_FRESH };
    for part in entries.chunks(size) {
        let mut run = Run::default();
        for (name, node) in part {
            run.push(name, *node);
        }
        runs.push(Arc::new(run));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_sorted_map(batches in prop::collection::vec(
            prop::collection::btree_map("[a-c]{0,4}", prop::option::of(0u32..9), 0..200), 1..8,
        )) {
            let (mut names, mut model) = (Names::default(), BTreeMap::new());
            for batch in &batches {
                let before: Vec<_> = names.after(None).map(|(name, node)| (name.to_owned(), node)).collect();
                let old = names.clone();
                let changes: Vec<_> = batch.iter().map(|(name, node)| (name.as_str(), *node)).collect();
                names.change(&changes);
                for (name, node) in batch {
                    match node {
                        Some(node) => { model.insert(name.clone(), *node); }
                        None => { model.remove(name); }
                    }
                }
                prop_assert!(old.after(None).map(|(name, node)| (name.to_owned(), node)).eq(before));
            }
            prop_assert!(names.after(None).eq(model.iter().map(|(name, node)| (name.as_str(), *node))));
            for probe in ["", "a", "abc", "b", "cccc", "d"] {
                prop_assert_eq!(names.find(probe), model.get(probe).copied());
                let expected = model.iter().filter(|(name, _)| name.as_str() > probe);
                prop_assert!(names.after(Some(probe)).eq(expected.map(|(name, node)| (name.as_str(), *node))));
            }
        }
    }

    #[test]
    fn many_entries_split_into_runs() {
        let texts: Vec<String> = (0..5_000).map(|number| format!("service-{number:05}")).collect();
        let mut names = Names::default();
        for part in texts.chunks(700) {
            let changes: Vec<_> = part.iter().map(|name| (name.as_str(), Some(name.len() as u32))).collect();
            names.change(&changes);
        }
        assert!(names.runs.len() > 15 && names.runs.iter().all(|run| run.nodes.len() <= RUN_ENTRIES_MAX));
        assert!(texts.iter().all(|name| names.find(name).is_some()));
        assert_eq!(names.find("service-99999"), None);
    }
}
