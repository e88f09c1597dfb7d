//! What the long tests share: how far they go, where they begin, and a word at the end.
//!
//! - In continuous integration they go far enough to count; `WATERSHED_CAMPAIGN=long` goes ten times as far,
//!   and exhausts what is otherwise sampled.
//! - `WATERSHED_SEED` is the first seed; a failure names the one at which it happened.

use crate::environment::variable;

/// Whether everything is wanted, however long it takes.
pub(crate) fn is_long() -> bool {
    variable("WATERSHED_CAMPAIGN").is_some_and(|value| value == "long")
}

/// So many seeds, or ten times as many, from where the environment says.
pub(crate) fn seeds(count: u64) -> std::ops::Range<u64> {
    let first = variable("WATERSHED_SEED").and_then(|value| value.to_str()?.parse().ok()).unwrap_or(0);
    let count = if is_long() { count * 10 } else { count };
    first..first + count
}

/// Holds a campaign to its size, and says what it did.
pub(crate) fn report(name: &str, outcome: Result<u64, String>, cases_min: u64) {
    match outcome {
        Ok(cases) => {
            println!("campaign {name}: {cases} cases, none failed");
            assert!(cases >= cases_min, "{name}: {cases} cases, fewer than {cases_min}");
        }
        Err(failure) => panic!("{name}: {failure}"),
    }
}

/// Numbers that follow from a seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, by `SplitMix64` (Steele, Lea and Flood, 2014).
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
