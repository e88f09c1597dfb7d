//! The tour of the README: its commands print what it shows.

use crate::support::{Server, command, run};

#[test]
fn the_tour_shows_what_the_readme_says() {
    let readme = include_str!("../../README.md");
    let tour = readme.split("## A tour\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let server = Server::start_with(&[], &["--sample", "platform"]);
    let mut commands = 0;
    for block in tour.split("```text\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for step in block.split("$ watershed ").skip(1) {
            let (line, shown) = step.split_once('\n').unwrap();
            let mut asked = command(line.split(' ').chain(["--format", "table"]));
            let finished = run(asked.env("WATERSHED_URL", server.url()));
            assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), shown), "{line}");
            commands += 1;
        }
    }
    assert_eq!(commands, 4);
}
