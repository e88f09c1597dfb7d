//! Which workloads a selector chooses.
//!
//! - A selector that asks for nothing, or only for absence, chooses everything: that says nothing of who calls whom,
//!   and is an answer of its own.
//! - Work is bounded for each selector: one that chooses very many is such an answer too.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::shapes::{Expression, Selector, ServiceSpec, Text, Texts};
use crate::limits;

/// Why a selector is no statement about single workloads; the text is a reason to leave out.
pub(super) type Reason = &'static str;

/// It asks for nothing.
pub(super) const EVERYTHING: Reason = "selectors that choose everything";
/// It chooses more than we follow.
pub(super) const TOO_MANY: Reason = "selectors that choose too many workloads";

pub(super) type Labels = BTreeMap<String, String>;

pub(super) fn labels_of(texts: Option<&Texts>) -> Labels {
    texts.into_iter().flatten().map(|(key, Text(text))| (key.clone(), text.clone())).collect()
}

/// The selector of a Service; `None` for one that chooses nothing.
pub(super) fn of_service(spec: &ServiceSpec) -> Option<Selector> {
    let labels = spec.selector.as_ref().filter(|labels| !labels.is_empty())?;
    Some(Selector { match_labels: Some(labels.clone()), match_expressions: None })
}

/// Sets of labels, by namespace.
#[derive(Debug, Default)]
pub(super) struct LabelIndex {
    all: Vec<Labels>,
    by_label: HashMap<(String, String, String), Vec<usize>>,
}

impl LabelIndex {
    /// Adds the labels of the next.
    pub(super) fn push(&mut self, namespace: &str, labels: Labels) {
        for (key, value) in &labels {
            let label = (namespace.to_owned(), key.clone(), value.clone());
            self.by_label.entry(label).or_default().push(self.all.len());
        }
        self.all.push(labels);
    }

    /// The positions of those in a namespace that a selector chooses, ascending.
    /// O(candidates), at most [`limits::SELECTOR_CANDIDATES_MAX`].
    pub(super) fn chosen(&self, namespace: &str, selector: &Selector) -> Result<Vec<usize>, Reason> {
        let posting = |key: &str, value: &str| {
            let label = (namespace.to_owned(), key.to_owned(), value.to_owned());
            self.by_label.get(&label).map_or(&[][..], Vec::as_slice)
        };
        let by_labels =
            selector.match_labels.iter().flatten().map(|(key, Text(value))| vec![posting(key, value)]);
        let by_values =
            selector.match_expressions.iter().flatten().filter(|wish| wish.operator == "In").map(|wish| {
                let values: BTreeSet<&str> =
                    wish.values.iter().flatten().map(|Text(value)| value.as_str()).collect();
                values.into_iter().map(|value| posting(&wish.key, value)).collect()
            });
        let count = |postings: &Vec<&[usize]>| postings.iter().map(|posting| posting.len()).sum::<usize>();
        let candidates = by_labels.chain(by_values).min_by_key(count).ok_or(EVERYTHING)?;
        if count(&candidates) > limits::SELECTOR_CANDIDATES_MAX {
            return Err(TOO_MANY);
        }
        let mut chosen: Vec<usize> = candidates.into_iter().flatten().copied().collect();
        chosen.retain(|position| fits(selector, &self.all[*position]));
        chosen.sort_unstable();
        if chosen.len() > limits::SELECTED_WORKLOADS_MAX { Err(TOO_MANY) } else { Ok(chosen) }
    }
}

/// Whether a selector chooses what has these labels.
pub(super) fn fits(selector: &Selector, labels: &Labels) -> bool {
    let mut equals = selector.match_labels.iter().flatten();
    equals.all(|(key, Text(value))| labels.get(key) == Some(value))
        && selector.match_expressions.iter().flatten().all(|wish| fits_expression(wish, labels))
}

fn fits_expression(wish: &Expression, labels: &Labels) -> bool {
    let value = labels.get(&wish.key);
    let is_among =
        || value.is_some_and(|value| wish.values.iter().flatten().any(|Text(other)| other == value));
    match wish.operator.as_str() {
        "In" => is_among(),
        "NotIn" => !is_among(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        // One that we do not know is not known to be met.
        _ => false,
    }
}
