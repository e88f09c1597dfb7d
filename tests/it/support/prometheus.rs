//! A Prometheus of the test's own, on a free port of loopback: what it scrapes, and a past that it remembers.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{Connection, encoded, eventually, free_port};

/// A running Prometheus.
pub(crate) struct Prometheus {
    child: Child,
    port: u16,
    _directory: TempDir,
}

impl Prometheus {
    /// Starts one that scrapes a target each second, and remembers samples in the `OpenMetrics` format, if any.
    pub(crate) fn start(target: Option<&str>, past: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (storage, port) = (directory.path().join("tsdb"), free_port());
        fs::create_dir(&storage).unwrap();
        if !past.is_empty() {
            let file = directory.path().join("past");
            fs::write(&file, past).unwrap();
            let mut command = Command::new("promtool");
            command.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&file).arg(&storage);
            let output =
                command.output().unwrap_or_else(|error| panic!("promtool: {error}; tests/run installs it"));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let targets = target.map_or(String::new(), |target| format!("{target:?}"));
        let settings = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: graph\n    honor_labels: true\n    \
             static_configs: [{{targets: [{targets}]}}]\n"
        );
        let file = directory.path().join("prometheus.yml");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", storage.display()));
        // A past that is older than this is thrown away.
        command.args(["--storage.tsdb.retention.time=2d", &format!("--web.listen-address=127.0.0.1:{port}")]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("prometheus: {error}; tests/run installs it"));
        eventually("Prometheus listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        let prometheus = Self { child, port, _directory: directory };
        eventually("Prometheus is ready", || (prometheus.get("/-/ready").0 == 200).then_some(()));
        prometheus
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The series of an instant query.
    pub(crate) fn query(&self, expression: &str) -> Vec<Value> {
        let (status, body) = self.get(&format!("/api/v1/query?query={}", encoded(expression)));
        assert_eq!(status, 200, "{expression}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        answer["data"]["result"].as_array().unwrap().clone()
    }

    fn get(&self, target: &str) -> (u16, String) {
        let mut connection = Connection::open(([127, 0, 0, 1], self.port).into()).unwrap();
        let reply = connection.exchange("GET", target, &[], &[]).unwrap();
        (reply.status, reply.text())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
