//! `watershed rm`: removes a service, or what is known of a dependency.

use super::client::{Client, ServerOption};
use super::console::Console;
use super::failure::Failure;
use super::url;
use crate::types::{DiscoverySource, ServiceId};

const EXAMPLES: &str = "\
Examples:
  watershed rm old-checkout                             the service and all its dependencies
  watershed rm old-checkout --yes                       the same, unasked
  watershed rm checkout old-payments                    one dependency, whoever reports it
  watershed rm checkout old-payments --source manual    what one source says about it

Before a service goes, a person at a terminal is asked. A source that goes on reporting it brings it back. Exit codes: 0 done, 1 failed (there is no such thing, for one),
2 bad usage.";

/// Remove a service with its dependencies, or one dependency
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The id of the service
    #[arg(value_parser = ServiceId::parse)]
    service: ServiceId,
    /// Only its dependency on this service
    #[arg(value_parser = ServiceId::parse)]
    target: Option<ServiceId>,
    /// Only what this source says about the dependency
    #[arg(long, value_name = "SOURCE", requires = "target",
        value_parser = clap::builder::PossibleValuesParser::new(DiscoverySource::NAMES))]
    source: Option<String>,
    /// Remove a service without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    server: ServerOption,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let service = format!("/api/v1/services/{}", url::encode(options.service.as_str()));
    let Options { service: id, target, source, .. } = options;
    let asks = target.is_none() && !options.yes;
    if asks && !console.confirms(&format!("Remove the service {id} with all its dependencies?"))? {
        return Err(Failure::failed(anyhow::anyhow!("nothing was removed")));
    }
    let (path, done) = match target {
        None => (service, format!("removed the service {id}")),
        Some(target) => {
            let query = url::query(&[("source", source.clone())]);
            let path = format!("{service}/dependencies/{}{query}", url::encode(target.as_str()));
            let by = source.as_ref().map_or(String::new(), |source| format!(" as {source} reports it"));
            (path, format!("removed the dependency of {id} on {target}{by}"))
        }
    };
    let subject = target.as_ref().map_or(id.to_string(), |target| format!("{id} to {target}"));
    client.delete(&path).map_err(|error| Failure::about(subject, error))?;
    console.say(&done);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{StubServer, answer, ask, capture, problem};

    fn done() -> Vec<String> {
        vec![answer("204 No Content", "", "").replace("content-length: 0\r\n", "")]
    }

    /// What came of a command of a person who answers: the exit code, standard error, the requests.
    fn answering(typed: &'static [u8], line: &str) -> (u8, String, Vec<String>) {
        let server = StubServer::start(done());
        let (console, captured) = capture(Sink::Terminal);
        let line = format!("watershed {line} --url {}", server.url);
        let code = crate::cli::run(line.split(' ').map(Into::into), &mut console.with_person(typed));
        (code, captured.err(), server.requests())
    }

    #[test]
    fn what_goes_is_in_the_path_and_said() {
        for (line, path, said) in [
            ("rm a/b", "/api/v1/services/a%2Fb", "removed the service a/b\n"),
            ("rm a b/c", "/api/v1/services/a/dependencies/b%2Fc", "removed the dependency of a on b/c\n"),
            (
                "rm a b --source otel_service_graph",
                "/api/v1/services/a/dependencies/b?source=otel_service_graph",
                "removed the dependency of a on b as otel_service_graph reports it\n",
            ),
        ] {
            let (code, out, err, requests) = ask(done(), Sink::Pipe, line);
            assert_eq!((code, out.as_str(), err.as_str()), (0, "", said), "{line}");
            assert!(requests[0].starts_with(&format!("DELETE {path} HTTP")), "{requests:?}");
        }
    }

    #[test]
    fn a_person_is_asked_before_a_service_goes() {
        let question = "Remove the service a with all its dependencies? [y/N] ";
        let (code, err, requests) = answering(b"y\n", "rm a");
        assert_eq!((code, err, requests.len()), (0, format!("{question}removed the service a\n"), 1));
        for no in [&b"n\n"[..], b"\n", b""] {
            let (code, err, requests) = answering(no, "rm a");
            assert_eq!((code, requests.len()), (1, 0));
            assert_eq!(err, format!("{question}watershed: nothing was removed\n"));
        }
        for unasked in ["rm a --yes", "rm a b"] {
            let (code, err, requests) = answering(b"n\n", unasked);
            assert_eq!((code, err.contains("[y/N]"), requests.len()), (0, false, 1), "{unasked}: {err}");
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        for (line, expected) in [("rm a", "watershed: a: 404 "), ("rm a b", "watershed: a to b: 404 ")] {
            let refusal = problem("404 Not Found", "", r#"{"title":"Not Found","detail":"why"}"#);
            let (code, _, err, _) = ask(vec![refusal], Sink::Pipe, line);
            assert_eq!((code, err.lines().count(), err.starts_with(expected)), (1, 1, true), "{err}");
        }
    }
}
