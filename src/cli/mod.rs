//! The command line: what a person types, and what comes back.
//!
//! One command, one file. Most are clients of a running server and know nothing of its insides; what they
//! print for programs is the server's answer, byte for byte. `wal`, `migrate`, `api-keys` and some of `snapshot`, `export`
//! and `import` work on a data directory that no server holds.
//!
//! - Data goes to standard output, all else to standard error.
//! - Exit codes: 0 done, 1 failed, 2 bad usage or settings, 3 damaged data, 4 locked data.
//! - A reader that closes the pipe early ends the command quietly.
//! - An API key is never an argument, and printed only by the command that makes it.

mod api_keys;
mod audit;
mod client;
mod completions;
mod console;
mod critical;
mod cycles;
mod deps;
mod diverge;
mod export;
mod failure;
mod health;
mod impact;
mod import;
mod key;
mod man;
mod migrate;
mod offline;
mod pages;
mod path;
mod problem;
mod progress;
mod register;
mod rm;
mod serve;
mod services;
mod slo;
mod snapshot;
mod sweep;
#[cfg(test)]
mod testing;
mod url;
mod version;
mod wal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::Console;
use failure::Failure;

const EXAMPLES: &str = "\
Examples:
  watershed serve --sample online-boutique      a server with a graph to look at
  watershed deps checkoutservice                what it calls, and who calls it
  watershed impact payment-provider             what breaks when it fails
  watershed critical                            services that are the only way to others
  watershed import graph.json                   add services and dependencies
  watershed export csv tables                   the graph as tables, which import reads again
  watershed services --all --format json        every service, for a program
  watershed api-keys create ci --role writer    a key for a program, shown once
  watershed snapshot create                     have the server write its graph to a file
  watershed wal verify --data-dir data          read all of a stopped server's data with every check

Exit codes: 0 done, 1 failed, 2 bad usage or settings, 3 the data directory is damaged,
4 it is locked by another process.";

/// What a service needs, and what breaks when it fails: an in-memory service dependency graph.
#[derive(Parser)]
#[command(name = "watershed", version, after_help = EXAMPLES, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Options),
    Health(health::Options),
    Import(import::Options),
    Export(export::Options),
    Deps(deps::Options),
    Impact(impact::Options),
    Path(path::Options),
    Critical(critical::Options),
    Cycles(cycles::Options),
    Ack(cycles::AckOptions),
    Resolve(cycles::ResolveOptions),
    Diverge(diverge::Options),
    Slo(slo::Options),
    Register(register::Options),
    Rm(rm::Options),
    Audit(audit::Options),
    Sweep(sweep::Options),
    Services(services::Options),
    ApiKeys(api_keys::Options),
    Snapshot(snapshot::Options),
    Wal(wal::Options),
    Migrate(migrate::Options),
    Completions(completions::Options),
    Man(man::Options),
    /// Print the version of this program
    Version,
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os(), &mut Console::standard()))
}

/// Runs a command; returns its exit code.
fn run(arguments: impl IntoIterator<Item = OsString>, console: &mut Console) -> u8 {
    let outcome = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => dispatch(&arguments.command, console),
        Err(error) => explain(&error, console),
    };
    let Err(failure) = outcome else { return 0 };
    if let Some(message) = failure.message() {
        console.say(&format!("watershed: {message}"));
    }
    failure.exit_code()
}

fn dispatch(command: &Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Serve(options) => serve::run(options, console),
        Command::Health(options) => health::run(options, console),
        Command::Import(options) => import::run(options, console),
        Command::Export(options) => export::run(options, console),
        Command::Deps(options) => deps::run(options, console),
        Command::Impact(options) => impact::run(options, console),
        Command::Path(options) => path::run(options, console),
        Command::Critical(options) => critical::run(options, console),
        Command::Cycles(options) => cycles::run(options, console),
        Command::Ack(options) => cycles::acknowledge(options, console),
        Command::Resolve(options) => cycles::resolve(options, console),
        Command::Diverge(options) => diverge::run(options, console),
        Command::Slo(options) => slo::run(options, console),
        Command::Register(options) => register::run(options, console),
        Command::Rm(options) => rm::run(options, console),
        Command::Audit(options) => audit::run(options, console),
        Command::Sweep(options) => sweep::run(options, console),
        Command::Services(options) => services::run(options, console),
        Command::ApiKeys(options) => api_keys::run(options, console),
        Command::Snapshot(options) => snapshot::run(options, console),
        Command::Wal(options) => wal::run(options, console),
        Command::Migrate(options) => migrate::run(options, console),
        Command::Completions(options) => completions::run(options, console),
        Command::Man(options) => man::run(options, console),
        Command::Version => version::run(console),
    }
}

/// Help and version are answers; anything else that clap reports is bad usage.
fn explain(error: &clap::Error, console: &mut Console) -> Result<(), Failure> {
    let text = error.render().to_string();
    if error.use_stderr() {
        text.lines().for_each(|line| console.say(line));
        return Err(Failure::UsageExplained);
    }
    console.print(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use console::Sink;
    use testing::capture;

    fn typed(line: &str) -> (u8, String, String) {
        let (mut console, captured) = capture(Sink::Pipe);
        let code = run(line.split(' ').map(OsString::from), &mut console);
        (code, captured.out(), captured.err())
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_and_version_go_to_standard_output() {
        for line in [
            "watershed --help",
            "watershed serve --help",
            "watershed health --help",
            "watershed import --help",
            "watershed impact --help",
            "watershed path --help",
            "watershed critical --help",
            "watershed cycles --help",
            "watershed ack --help",
            "watershed resolve --help",
            "watershed diverge --help",
            "watershed slo impact --help",
            "watershed register --help",
            "watershed rm --help",
            "watershed audit --help",
            "watershed sweep --help",
            "watershed version",
            "watershed wal recover --help",
            "watershed snapshot --help",
            "watershed snapshot download --help",
            "watershed migrate --help",
            "watershed completions --help",
            "watershed export --help",
            "watershed export postgres --help",
            "watershed man --help",
        ] {
            let (code, out, err) = typed(line);
            assert_eq!((code, err.as_str()), (0, ""), "{line}");
            assert!(!out.is_empty(), "{line}");
        }
        assert_eq!(typed("watershed --version").1, typed("watershed version").1);
    }

    #[test]
    fn the_help_of_a_question_has_examples_and_exit_codes() {
        for command in [
            "health",
            "deps",
            "services",
            "impact",
            "path",
            "critical",
            "cycles",
            "ack",
            "resolve",
            "diverge",
            "slo",
            "slo set",
            "slo unset",
            "slo impact",
            "register",
            "rm",
            "audit",
            "sweep",
            "api-keys create",
            "api-keys list",
            "api-keys revoke",
            "completions",
            "man",
        ] {
            let (_, help, _) = typed(&format!("watershed {command} --help"));
            assert!(
                help.contains("Examples:\n  watershed ") && help.contains("Exit codes: 0 "),
                "{command}: {help}"
            );
        }
    }

    #[test]
    fn the_help_of_serve_lists_every_setting() {
        let (_, help, _) = typed("watershed serve --help");
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for setting in crate::config::SETTINGS {
            let default = format!("[default: {}]", setting.default_text());
            let named = match setting.file_variable() {
                Some(file) => file,
                None => format!("--{} <", setting.flag()),
            };
            for part in [named, format!("[env: {}]", setting.name), default] {
                assert!(words.contains(&part), "{part} is missing:\n{help}");
            }
        }
        for sample in crate::samples::ALL {
            assert!(help.contains(sample.name), "{help}");
        }
    }

    #[test]
    fn bad_usage_is_exit_code_2() {
        let lines = [
            "watershed",
            "watershed nonsense",
            "watershed health now",
            "watershed deps",
            "watershed deps a --depth 0",
            "watershed deps a --depth 11",
            "watershed deps a --direction sideways",
            "watershed deps a --min-confidence 1.5",
            "watershed deps a --max-nodes 0",
            "watershed services --limit 101",
            "watershed impact",
            "watershed impact a --depth 101",
            "watershed path a",
            "watershed path a b --max 0",
            "watershed critical --limit 0",
            "watershed cycles not-an-id",
            "watershed cycles --status closed",
            "watershed cycles 3901a22c-220f-5858-beed-88230c7d5c68 --all",
            "watershed cycles 3901a22c-220f-5858-beed-88230c7d5c68 --limit 1",
            "watershed cycles --limit 0",
            "watershed ack",
            "watershed ack 3901a22c --by me",
            "watershed audit --limit 101",
            "watershed sweep now",
            "watershed register",
            "watershed register a --criticality extreme",
            "watershed resolve 3901a22c-220f-5858-beed-88230c7d5c68",
            "watershed diverge --kind both",
            "watershed slo set a",
            "watershed slo set a high",
            "watershed slo set a nan",
            "watershed slo set a inf",
            "watershed slo impact a --from nan --to 98",
            "watershed slo impact a --from 99 --to inf",
            "watershed slo impact a --from 99",
            "watershed slo impact a --from 99 --to 98 --sli errors",
            "watershed rm",
            "watershed rm a --source manual",
            "watershed rm a b --source rumour",
            "watershed services --discovered maybe",
            "watershed import",
            "watershed import a.json --source jaeger",
            "watershed version --format yaml",
            "watershed wal",
            "watershed wal recover --data-dir nowhere/at/all",
            "watershed wal recover --truncate-at 5",
            "watershed wal recover --yes",
            "watershed wal recover --dry-run --truncate-at 5 --yes",
            "watershed wal verify --data-dir nowhere/at/all",
            "watershed wal verify --format yaml",
            "watershed wal dump --data-dir nowhere/at/all",
            "watershed wal dump --format table",
            "watershed api-keys",
            "watershed api-keys create",
            "watershed api-keys create a --role root",
            "watershed api-keys create a --expires-at yesterday",
            "watershed api-keys create a --expires-at 2020-01-01T00:00:00Z",
            "watershed api-keys create a --query 100000001",
            "watershed api-keys create a --query -1",
            "watershed api-keys list --data-dir src --url http://127.0.0.1:1",
            "watershed api-keys revoke",
            "watershed api-keys revoke a",
            "watershed snapshot",
            "watershed snapshot create now",
            "watershed snapshot create --data-dir src",
            "watershed snapshot list --data-dir src --url http://127.0.0.1:1",
            "watershed snapshot list --data-dir nowhere/at/all",
            "watershed snapshot verify",
            "watershed snapshot verify not-an-id",
            "watershed snapshot verify --url http://127.0.0.1:1",
            "watershed snapshot verify 0198c1de-7b1c-7c5e-9a1b-3a5a7e8f2d10 --data-dir src",
            "watershed snapshot verify --data-dir src --url http://127.0.0.1:1",
            "watershed snapshot verify --data-dir nowhere/at/all",
            "watershed snapshot download --output x",
            "watershed snapshot download --newest",
            "watershed snapshot download 0198c1de-7b1c-7c5e-9a1b-3a5a7e8f2d10 --newest --output x",
            "watershed snapshot download 0198c1de-7b1c-7c5e-9a1b-3a5a7e8f2d10",
            "watershed snapshot download ../../etc --output x",
            "watershed snapshot download 0198c1de-7b1c-7c5e-9a1b-3a5a7e8f2d10 --output nowhere/..",
            "watershed snapshot restore",
            "watershed snapshot restore Cargo.toml",
            "watershed snapshot restore --data-dir x",
            "watershed migrate",
            "watershed migrate --from nowhere/at/all",
            "watershed migrate --to nowhere/at/all",
            "watershed migrate --from nowhere/at/all --to nowhere/at/all",
            "watershed migrate --from src --to nowhere/at/all",
            "watershed completions",
            "watershed completions tcsh",
            "watershed man",
        ];
        lines.into_iter().for_each(is_bad_usage);
    }

    #[test]
    fn so_is_an_export_or_its_import_that_cannot_be() {
        let lines = [
            "watershed export",
            "watershed export csv",
            "watershed export xml x",
            "watershed export csv ..",
            "watershed export csv nowhere/at/all",
            "watershed export csv x --data-dir nowhere/at/all",
            "watershed export csv x --data-dir src --url http://127.0.0.1:1",
            "watershed export csv x --snapshot Cargo.toml --url http://127.0.0.1:1",
            "watershed export csv x --snapshot Cargo.toml --data-dir src",
            "watershed import src --data-dir x --url http://127.0.0.1:1",
            "watershed import src --data-dir x --dry-run",
            "watershed import src --data-dir x --source manual",
            "watershed import src tests --data-dir x",
            "watershed import Cargo.toml --data-dir x",
            "watershed import src --data-dir x",
        ];
        lines.into_iter().for_each(is_bad_usage);
    }

    fn is_bad_usage(line: &str) {
        let (code, out, err) = typed(line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}: {err}");
        assert!(!err.is_empty(), "{line}");
    }
}
