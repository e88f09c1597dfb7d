//! `watershed completions`: the script with which a shell completes this program's commands.
//!
//! - Made of the same definition as the help, so that no flag can be missing.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Arguments;
use super::console::Console;
use super::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  watershed completions bash >/usr/share/bash-completion/completions/watershed
  watershed completions zsh >/usr/share/zsh/site-functions/_watershed
  watershed completions fish >~/.config/fish/completions/watershed.fish
  source <(watershed completions bash)          in this shell alone

Exit codes: 0 done, 1 failed, 2 bad usage.";

/// Print the script with which a shell completes commands and flags
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The shell
    shell: Shell,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "watershed", &mut script);
    console.print(&script)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use clap::ValueEnum as _;

    use super::*;
    use crate::cli::console::Sink;
    use crate::cli::testing::capture;

    fn script(shell: Shell) -> String {
        let (mut console, captured) = capture(Sink::Pipe);
        run(&Options { shell }, &mut console).unwrap();
        captured.out()
    }

    #[test]
    fn each_script_knows_commands_of_all_depths_and_their_flags() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for word in ["serve", "recover", "truncate-at", "completions"] {
                assert!(script.contains(word), "{shell}: no {word}");
            }
        }
    }

    #[test]
    fn each_script_is_one_that_its_shell_can_read() {
        let mut read = 0;
        for (shell, program) in [(Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
            let started = Command::new(program)
                .arg("-n")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn();
            // Only the shells that are here; the scripts of tests/ are for bash.
            let Ok(mut child) = started else { continue };
            child.stdin.take().unwrap().write_all(script(shell).as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{program}: {said}");
            read += 1;
        }
        assert!(read > 0, "no shell is here, not even bash");
    }
}
