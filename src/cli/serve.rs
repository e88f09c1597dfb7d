//! `watershed serve`: settings, logs, and then the server.
//!
//! Not the server itself. Everything that can be refused before it starts is refused here, with exit
//! code 2 and one line.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::thread::available_parallelism;

use super::console::{Console, Sink};
use super::failure::Failure;
use crate::config::{self, Config, LogFormat, Machine, SETTINGS, SettingFlags, SettingsFile};
use crate::environment;
use crate::samples::{self, Sample};
use crate::server::{self, ServeError};
use crate::telemetry;

const LONG_ABOUT: &str = "\
Run the server until it is told to stop (Ctrl-C or SIGTERM)

Every setting can be given as a flag, as an environment variable, or in the TOML file of --config \
under its name in lower case (api_port = 8000); a flag goes before the environment, which goes \
before the file. Secrets (ADMIN_API_KEY, REDIS_URL) have no flag; the variables ADMIN_API_KEY_FILE and REDIS_URL_FILE name \
files that hold them.";

/// Run the server until it is told to stop (Ctrl-C or SIGTERM)
#[derive(clap::Args)]
#[command(long_about = LONG_ABOUT, after_help = after_help())]
pub(super) struct Options {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Load a sample graph, if the data directory is empty
    #[arg(long, value_name = "NAME", value_parser = sample)]
    sample: Option<&'static Sample>,
    #[command(flatten)]
    settings: SettingFlags,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let config = configure(options, console.err_sink())?;
    let _flush = telemetry::init(config.log_level, config.log_format).map_err(Failure::failed)?;
    server::run(config, options.sample).map_err(|error| match error {
        ServeError::Damaged(message) => Failure::Damaged(message),
        ServeError::Usage(message) => Failure::Usage(message),
        ServeError::Locked(message) => Failure::Locked(message),
        ServeError::Failed(cause) => Failure::Failed(cause),
    })
}

fn configure(options: &Options, logs: Sink) -> Result<Config, Failure> {
    let file = match &options.config {
        Some(path) => config::read_file(path).map_err(|error| Failure::Usage(error.to_string()))?,
        None => SettingsFile::default(),
    };
    let log_format = match logs {
        Sink::Terminal => LogFormat::Text,
        Sink::Pipe => LogFormat::Json,
    };
    let machine = Machine { cores: available_parallelism().map_or(1, usize::from), log_format };
    let environment = |name: &str| environment::variable(name);
    Config::resolve(&options.settings, environment, &file, config::read_secret, machine)
        .map_err(|error| Failure::Usage(error.to_string()))
}

fn sample(name: &str) -> Result<&'static Sample, String> {
    samples::find(name).ok_or_else(|| {
        let names: Vec<&str> = samples::ALL.iter().map(|sample| sample.name).collect();
        format!("there is no such sample; expected one of {}", names.join(", "))
    })
}

fn after_help() -> String {
    let mut text = String::from("Settings without a flag, since others could see it:\n");
    for setting in SETTINGS.iter().filter(|setting| setting.is_secret()) {
        let (name, help, default) = (setting.name, setting.help, setting.default_text());
        writeln!(text, "  {help}\n  [default: {default}] [env: {name}]")
            .expect("a String takes all that is written");
    }
    text += "\nSamples:\n";
    for Sample { name, description, .. } in samples::ALL {
        writeln!(text, "  {name:<16} {description}").expect("a String takes all that is written");
    }
    text + "\nExamples:
  watershed serve                                 listen on http://127.0.0.1:8000, data in ./data
  watershed serve --sample govuk --api-port 9000  with a graph to look at, on another port
  DATA_DIR=/var/lib/watershed watershed serve     settings from the environment
  watershed serve --config /etc/watershed.toml    settings from a file"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::capture;

    fn typed(line: &str) -> (u8, String) {
        let (mut console, captured) = capture(Sink::Pipe);
        let code = crate::cli::run(line.split(' ').map(Into::into), &mut console);
        (code, captured.err())
    }

    #[test]
    fn bad_settings_stop_the_start_with_one_line() {
        let cases = [
            (
                "watershed serve --api-port 80a",
                "watershed: API_PORT from --api-port is \"80a\"; expected a port",
            ),
            (
                "watershed serve --api-host localhost",
                "watershed: API_HOST from --api-host is \"localhost\"; expected an IP address",
            ),
            (
                "watershed serve --config /nonexistent",
                "watershed: --config is \"/nonexistent\"; expected a readable",
            ),
        ];
        for (line, expected) in cases {
            let (code, err) = typed(line);
            assert_eq!((code, err.lines().count()), (2, 1), "{line}: {err}");
            assert!(err.starts_with(expected), "{err}");
        }
    }

    #[test]
    fn an_unknown_sample_lists_the_names() {
        let (code, err) = typed("watershed serve --sample jaeger");
        assert_eq!(code, 2);
        assert!(err.contains("online-boutique, robot-shop, govuk, platform"), "{err}");
    }
}
