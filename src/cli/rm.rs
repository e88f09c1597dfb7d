//! `watershed rm`: removes a service, or what is known of a dependency.

use super::client::{Client, ServerOption};
use super::console::Console;
use super::failure::Failure;
use super::url;
use crate::types::{DiscoverySource, ServiceId};

const EXAMPLES: &str = "\
Examples:
  watershed rm old-checkout                             the service and all its dependencies
  watershed rm checkout old-payments                    one dependency, whoever reports it
  watershed rm checkout old-payments --source manual    what one source says about it

A source that goes on reporting it brings it back. Exit codes: 0 done, 1 failed (there is no such thing, for one),
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
    #[command(flatten)]
    server: ServerOption,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let service = format!("/api/v1/services/{}", url::encode(options.service.as_str()));
    let Options { service: id, target, source, .. } = options;
    let (path, done) = match target {
        None => (service, format!("removed the service {id}")),
        Some(target) => {
            let query = url::query(&[("source", source.clone())]);
            let path = format!("{service}/dependencies/{}{query}", url::encode(target.as_str()));
            let by = source.as_ref().map_or(String::new(), |source| format!(" as {source} reports it"));
            (path, format!("removed the dependency of {id} on {target}{by}"))
        }
    };
    client.delete(&path)?;
    console.say(&done);
    Ok(())
}
