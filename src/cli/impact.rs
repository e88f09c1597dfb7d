//! `watershed impact`: what breaks, and how, when services fail.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, or_dash, show, table};
use super::failure::Failure;
use super::url;
use crate::types::ServiceId;
use crate::{clock, limits};

const EXAMPLES: &str = "\
Examples:
  watershed impact payment-provider               everything that needs it
  watershed impact redis rabbitmq --depth 3       both fail at once, three hops up
  watershed impact rabbitmq --hard-only           without what only gets worse
  watershed impact hub --summary --format json | jq .totals.by_team

An outage waits for what fails, and fails with it, all the way down; the rest is degraded.
Exit codes: 0 done, 1 failed, 2 bad usage.";

/// Show what breaks when one service fails, or several at once
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The ids of the services that fail
    #[arg(required = true, value_name = "SERVICE", value_parser = ServiceId::parse)]
    services: Vec<ServiceId>,
    /// How many hops to follow, 1 to 100 [default: 10]
    #[arg(long, value_name = "HOPS",
        value_parser = clap::value_parser!(u8).range(1..=i64::from(limits::IMPACT_DEPTH_MAX)))]
    depth: Option<u8>,
    /// Follow only dependencies whose loss fails the caller
    #[arg(long)]
    hard_only: bool,
    /// Only how much breaks, not what
    #[arg(long)]
    summary: bool,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

/// What a table needs of the answer.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    impacted_services: Vec<Impacted>,
    totals: Totals,
}

#[derive(Deserialize)]
struct Impacted {
    service_id: String,
    distance: u32,
    severity: String,
    path: Vec<String>,
    team: Option<String>,
    criticality: String,
}

#[derive(Deserialize)]
struct Totals {
    impacted: u64,
    by_severity: Severities,
}

#[derive(Deserialize)]
struct Severities {
    outage: u64,
    degraded: u64,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let body = match options.services.as_slice() {
        [only] => client.get(&path(options, only))?,
        _ => client.post("/api/v1/impact", question(options), clock::new_id())?,
    };
    show(console, options.format, &client, &body, render)
}

fn path(options: &Options, service: &ServiceId) -> String {
    let query = url::query(&[
        ("depth", options.depth.map(|depth| depth.to_string())),
        ("include_soft", options.hard_only.then(|| "false".to_owned())),
        ("summary", options.summary.then(|| "true".to_owned())),
    ]);
    format!("/api/v1/services/{}/impact{query}", url::encode(service.as_str()))
}

fn question(options: &Options) -> Bytes {
    let services: Vec<&str> = options.services.iter().map(ServiceId::as_str).collect();
    let question = json!({
        "service_ids": services, "depth": options.depth, "include_soft": !options.hard_only,
        "summary": options.summary,
    });
    question.to_string().into()
}

fn render(answer: &Answer) -> String {
    let Totals { impacted, by_severity: Severities { outage, degraded } } = answer.totals;
    let totals = format!("{impacted} services: {outage} fail, {degraded} get worse\n");
    if answer.impacted_services.is_empty() {
        return totals;
    }
    let rows = answer.impacted_services.iter().map(|each| {
        [
            each.severity.clone(),
            each.service_id.clone(),
            each.distance.to_string(),
            or_dash(each.team.as_deref()),
            each.criticality.clone(),
            each.path.join(" → "),
        ]
    });
    format!("{}\n{totals}", table(["SEVERITY", "SERVICE", "HOPS", "TEAM", "CRITICALITY", "PATH"], rows))
}
