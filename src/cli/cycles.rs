//! `watershed cycles`, `ack`, `resolve`: circular dependencies, and what somebody does about them.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Client, ServerOption};
use super::console::{Console, Format, FormatOption, or_dash, show, table};
use super::failure::Failure;
use super::pages::{self, Listed};
use super::url;
use crate::types::AlertStatus;
use crate::{clock, limits};

const PATH: &str = "/api/v1/circular-dependencies";

const EXAMPLES: &str = "\
Examples:
  watershed cycles                               those detected last
  watershed cycles --active true --strong        that are there, and can bring services down
  watershed cycles --status open --all --format json
  watershed cycles 3901a22c-220f-5858-beed-88230c7d5c68

Exit codes: 0 done, 1 failed, 2 bad usage.";

/// List circular dependencies, or show one
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Show this one
    #[arg(value_name = "ALERT_ID", conflicts_with_all = ["status", "active", "strong", "all"])]
    alert: Option<Uuid>,
    /// Only those in this state
    #[arg(long, value_name = "STATUS", value_parser = clap::builder::PossibleValuesParser::new(AlertStatus::NAMES))]
    status: Option<String>,
    /// Only those whose cycle is there, or is gone
    #[arg(long, value_name = "TRUE|FALSE")]
    active: Option<bool>,
    /// Only cycles of dependencies whose callers wait and fail with what they call
    #[arg(long)]
    strong: bool,
    /// Every one, not only the first page
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

const ACK_EXAMPLES: &str = "\
Examples:
  watershed ack 3901a22c-220f-5858-beed-88230c7d5c68 --by team-payments

Exit codes: 0 done, 1 failed (it is not open any more, for one), 2 bad usage.";

/// Say that somebody looks after a circular dependency
#[derive(clap::Args)]
#[command(after_help = ACK_EXAMPLES)]
pub(super) struct AckOptions {
    /// The id of the alert, as `watershed cycles` lists it
    #[arg(value_name = "ALERT_ID")]
    alert: Uuid,
    /// Who looks after it
    #[arg(long, value_name = "NAME")]
    by: String,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

const RESOLVE_EXAMPLES: &str = "\
Examples:
  watershed resolve 3901a22c-220f-5858-beed-88230c7d5c68 \"orders publishes an event instead\"

It opens again when the cycle comes back. Exit codes: 0 done, 1 failed (it is resolved already, for one), 2 bad usage.";

/// Say how a circular dependency was dealt with
#[derive(clap::Args)]
#[command(after_help = RESOLVE_EXAMPLES)]
pub(super) struct ResolveOptions {
    /// The id of the alert, as `watershed cycles` lists it
    #[arg(value_name = "ALERT_ID")]
    alert: Uuid,
    /// What was done
    notes: String,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Deserialize)]
struct Alert {
    id: String,
    cycle_path: Vec<String>,
    members: Vec<String>,
    status: String,
    acknowledged_by: Option<String>,
    is_active: bool,
    is_strong: bool,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    if let Some(alert) = options.alert {
        let body = client.get(&format!("{PATH}/{alert}"))?;
        return show(console, options.format, &client, &body, |alert: &Alert| {
            render(std::slice::from_ref(alert))
        });
    }
    let format = console.format(options.format);
    let Listed { items, more } =
        pages::list(&client, console, format, options.all, |cursor| page_path(options, cursor))?;
    if format == Format::Table {
        console.print(render(&items).as_bytes())?;
        if more {
            console.say("There are more: --all lists them.");
        }
    }
    Ok(())
}

fn page_path(options: &Options, cursor: Option<String>) -> String {
    let query = url::query(&[
        ("cursor", cursor),
        ("limit", options.all.then_some(limits::PAGE_ITEMS_MAX.to_string())),
        ("status", options.status.clone()),
        ("active", options.active.map(|active| active.to_string())),
        ("strong", options.strong.then(|| "true".to_owned())),
    ]);
    format!("{PATH}{query}")
}

pub(super) fn acknowledge(options: &AckOptions, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let path = format!("{PATH}/{}/acknowledge", options.alert);
    act(&client, &path, &json!({"acknowledged_by": options.by}), options.format, console)
}

pub(super) fn resolve(options: &ResolveOptions, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let path = format!("{PATH}/{}/resolve", options.alert);
    act(&client, &path, &json!({"resolution_notes": options.notes}), options.format, console)
}

/// Posts what somebody did about an alert, and shows what became of it.
fn act(
    client: &Client,
    path: &str,
    body: &Value,
    format: FormatOption,
    console: &mut Console,
) -> Result<(), Failure> {
    let answer = client.post(path, body.to_string().into(), clock::new_id())?;
    show(console, format, client, &answer, |alert: &Alert| render(std::slice::from_ref(alert)))
}

fn render(alerts: &[Alert]) -> String {
    let rows = alerts.iter().map(|alert| {
        let cycle = if alert.is_active { "there" } else { "gone" };
        [
            alert.id.clone(),
            alert.status.clone(),
            or_dash(alert.acknowledged_by.as_deref()),
            cycle.to_owned(),
            if alert.is_strong { "strong" } else { "weak" }.to_owned(),
            alert.members.len().to_string(),
            alert.cycle_path.join(" → "),
        ]
    });
    table(["ALERT", "STATUS", "BY", "CYCLE", "STRENGTH", "SERVICES", "PATH"], rows)
}
