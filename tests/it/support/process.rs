//! Runs the product's binary, with an environment of the test's own.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

use super::eventually;

/// What a process that ended left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// The lines of standard error that say something.
    pub(crate) fn error_lines(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| !line.trim().is_empty()).collect()
    }
}

/// The binary with nothing inherited: a developer's settings must not change what a test sees.
pub(crate) fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watershed"));
    let kept = |name: &str| name == "PATH" || name.starts_with("LLVM_PROFILE") || name.starts_with("RUST_");
    command
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| kept(name)))
        .env("LOG_FORMAT", "json")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end, and kills and fails when that does not come in time.
pub(crate) fn run(command: &mut Command) -> Finished {
    finish(command.spawn().unwrap())
}

/// The same, with something on standard input.
pub(crate) fn run_with_input(command: &mut Command, input: &[u8]) -> Finished {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // A command that fails early does not read; its message is what the test looks at.
    let _ = child.stdin.take().unwrap().write_all(input);
    finish(child)
}

fn finish(mut child: Child) -> Finished {
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());
    let mut guard = Guard(child);
    let status = eventually("the command ends", || guard.0.try_wait().unwrap());
    Finished { code: status.code(), stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
