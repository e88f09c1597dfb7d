//! What was measured, held against what it should be: the table at the end of a run.
//!
//! - A mark that is missed is said, not an error: on a shared machine a single run can miss one.

/// One line of the table.
struct Line {
    graph: String,
    work: String,
    measured: String,
    mark: String,
    holds: bool,
}

/// The lines so far.
#[derive(Default)]
pub(crate) struct Marks {
    graph: String,
    lines: Vec<Line>,
}

impl Marks {
    /// What comes now is about this graph.
    pub(crate) fn about(&mut self, graph: &str) {
        graph.clone_into(&mut self.graph);
    }

    /// A figure that should not be smaller.
    pub(crate) fn at_least(&mut self, work: &str, (value, unit): (f64, &str), least: f64) {
        self.add(work, (value, unit), ("at least", least), value >= least);
    }

    /// A figure that should not be larger.
    pub(crate) fn at_most(&mut self, work: &str, (value, unit): (f64, &str), most: f64) {
        self.add(work, (value, unit), ("at most", most), value <= most);
    }

    fn add(&mut self, work: &str, (value, unit): (f64, &str), (bound, limit): (&str, f64), holds: bool) {
        let measured = format!("{} {unit}", figure(value));
        let mark = format!("{bound} {limit}");
        println!("    {work}: {measured}, {mark}: {}", verdict(holds));
        self.lines.push(Line { graph: self.graph.clone(), work: work.to_owned(), measured, mark, holds });
    }

    /// Prints all of it as a Markdown table.
    pub(crate) fn print(&self) {
        println!("\n| graph | work | measured | mark | |\n| --- | --- | --- | --- | --- |");
        for Line { graph, work, measured, mark, holds } in &self.lines {
            println!("| {graph} | {work} | {measured} | {mark} | {} |", verdict(*holds));
        }
        let held = self.lines.iter().filter(|line| line.holds).count();
        println!("\n{held} of {} marks hold", self.lines.len());
    }
}

fn verdict(holds: bool) -> &'static str {
    if holds { "pass" } else { "FAIL" }
}

/// Two digits behind the point where they say something.
fn figure(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}
