//! A Redis of the test's own, on a free port of loopback, without persistence.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::eventually;

/// A running Redis.
pub(crate) struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let port = free_port();
        Self { child: launch(port), port }
    }

    /// Where it listens, as the setting wants it.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Ends it without warning; what it knew is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port.
    pub(crate) fn start_again(&mut self) {
        self.child = launch(self.port);
    }

    /// Has it hang, or go on (`STOP`, `CONT`).
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago; Redis cannot be asked for any.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn launch(port: u16) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.unwrap_or_else(|error| panic!("redis-server: {error}; tests/run installs it"));
    eventually("Redis listens", || TcpStream::connect(("127.0.0.1", port)).ok());
    child
}
