//! `watershed slo`: SLO targets, and what a change of one does upstream.

use serde::Deserialize;
use serde_json::json;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, printable, show, table};
use super::failure::Failure;
use super::url;
use crate::types::ServiceId;
use crate::{clock, limits};

const EXAMPLES: &str = "\
Examples:
  watershed slo set checkout 99.9
  watershed slo unset checkout
  watershed slo impact payment-provider --from 99.99 --to 99.5

Exit codes: 0 done, 1 failed, 2 bad usage.";

/// Set SLO targets, and see what a change of one does to the services that need it
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Set the availability target of a service, in percent
    Set {
        /// The id of the service
        #[arg(value_parser = ServiceId::parse)]
        service: ServiceId,
        /// Above 0 and at most 100
        percent: f64,
        #[command(flatten)]
        format: FormatOption,
        #[command(flatten)]
        server: ServerOption,
    },
    /// Take the availability target of a service away
    Unset {
        /// The id of the service
        #[arg(value_parser = ServiceId::parse)]
        service: ServiceId,
        #[command(flatten)]
        format: FormatOption,
        #[command(flatten)]
        server: ServerOption,
    },
    /// Show what a change of a service's SLO does to those that wait for it
    Impact(ImpactOptions),
}

#[derive(clap::Args)]
struct ImpactOptions {
    /// The id of the service that changes
    #[arg(value_parser = ServiceId::parse)]
    service: ServiceId,
    /// What it promises now: percent, or milliseconds of latency
    #[arg(long, value_name = "TARGET")]
    from: f64,
    /// What it would promise
    #[arg(long, value_name = "TARGET")]
    to: f64,
    /// What the promise is about
    #[arg(long, value_name = "TYPE", default_value = "availability", value_parser = ["availability", "latency"])]
    sli: String,
    /// How many hops upstream to look, 1 to 100 [default: 3]
    #[arg(long, value_name = "HOPS",
        value_parser = clap::value_parser!(u8).range(1..=i64::from(limits::SLO_DEPTH_MAX)))]
    depth: Option<u8>,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Target {
    service_id: String,
    availability_target: Option<f64>,
}

#[derive(Deserialize)]
struct Analysis {
    impacted_services: Vec<Row>,
    summary: Summary,
}

#[derive(Deserialize)]
struct Row {
    service_id: String,
    relationship: String,
    current_composite_availability: Option<f64>,
    projected_composite_availability: Option<f64>,
    delta: Option<f64>,
    current_slo_target: Option<f64>,
    slo_at_risk: Option<bool>,
}

#[derive(Deserialize)]
struct Summary {
    recommendation: String,
    latency_note: Option<String>,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    match &options.command {
        Command::Set { service, percent, format, server } => {
            set(service, Some(*percent), *format, server, console)
        }
        Command::Unset { service, format, server } => set(service, None, *format, server, console),
        Command::Impact(options) => impact(options, console),
    }
}

fn set(
    service: &ServiceId,
    percent: Option<f64>,
    format: FormatOption,
    server: &ServerOption,
    console: &mut Console,
) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let body = json!({"availability_target": percent}).to_string();
    let path = format!("/api/v1/services/{}/slo", url::encode(service.as_str()));
    let answer = client.put(&path, body.into())?;
    show(console, format, &client, &answer, |target: &Target| {
        let promise =
            target.availability_target.map_or("no target".to_owned(), |percent| format!("{percent}%"));
        format!("{}: {promise}\n", printable(&target.service_id))
    })
}

fn impact(options: &ImpactOptions, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let change =
        json!({"sli_type": options.sli, "current_target": options.from, "proposed_target": options.to});
    let question = json!({"service_id": options.service.as_str(), "proposed_change": change, "max_depth": options.depth});
    let path = "/api/v1/slos/impact-analysis";
    let body = client.post(path, question.to_string().into(), clock::new_id())?;
    show(console, options.format, &client, &body, render)
}

fn render(analysis: &Analysis) -> String {
    let percent = |number: Option<f64>| number.map_or("-".to_owned(), |number| format!("{number:.4}"));
    let rows = analysis.impacted_services.iter().map(|row| {
        let risk = match row.slo_at_risk {
            Some(true) => "at risk",
            Some(false) => "holds",
            None => "-",
        };
        [
            row.service_id.clone(),
            row.relationship.clone(),
            percent(row.current_composite_availability),
            percent(row.projected_composite_availability),
            percent(row.delta),
            row.current_slo_target.map_or("-".to_owned(), |target| target.to_string()),
            risk.to_owned(),
        ]
    });
    let header = ["SERVICE", "RELATIONSHIP", "NOW", "THEN", "DELTA", "TARGET", "SLO"];
    let note = analysis.summary.latency_note.iter().map(|note| printable(note) + "\n").collect::<String>();
    format!("{}\n{}\n{note}", table(header, rows), printable(&analysis.summary.recommendation))
}
