//! Lines of the printed table.
//!
//! - A number is the median over the rounds; a ratio is the median of the rounds' ratios, so that
//!   both of its sides saw the same noise.

use super::drive::Sample;

/// Prints a heading and the names of the columns.
pub(crate) fn heading(text: &str) {
    println!("\n{text}");
    println!("{:<34}{:>10}{:>10}{:>10}{:>26}", "", "per s", "p50 µs", "p99 µs", "ratio per s / p50 / p99");
}

/// Prints what was measured, beside what it is held against.
pub(crate) fn pair(names: [&str; 2], rounds: &[[Sample; 2]]) {
    let side = |side: usize| rounds.iter().map(|round| round[side]).collect::<Vec<_>>();
    let [per_second, p50, p99] = [per_second, p50, p99].map(|of| ratio(rounds, of));
    let ratios = format!("{per_second:.2} / {p50:.2} / {p99:.2}");
    line(names[0], &side(0), &ratios);
    line(names[1], &side(1), "");
}

/// The median of the rounds' ratios.
pub(crate) fn ratio(rounds: &[[Sample; 2]], of: fn(&Sample) -> f64) -> f64 {
    median(rounds.iter().map(|[ours, floor]| of(ours) / of(floor)))
}

/// Prints what is held against nothing.
pub(crate) fn single(name: &str, rounds: &[Sample]) {
    line(name, rounds, "");
}

fn line(name: &str, samples: &[Sample], ratios: &str) {
    let of = |of: fn(&Sample) -> f64| median(samples.iter().map(of));
    println!("{name:<34}{:>10.0}{:>10.0}{:>10.0}{ratios:>26}", of(per_second), of(p50), of(p99));
}

/// Requests a second.
pub(crate) fn per_second(sample: &Sample) -> f64 {
    sample.per_second
}

/// In microseconds.
pub(crate) fn p50(sample: &Sample) -> f64 {
    sample.p50.as_secs_f64() * 1e6
}

/// In microseconds.
pub(crate) fn p99(sample: &Sample) -> f64 {
    sample.p99.as_secs_f64() * 1e6
}

/// The one in the middle.
pub(crate) fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
