//! `watershed cycles`, `ack`, `resolve`: circular dependencies, and what somebody does about them.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Client, ServerOption};
use super::console::{Console, FormatOption, or_dash, printable, show, table};
use super::failure::Failure;
use super::pages::{self, PageOption};
use super::url;
use crate::types::AlertStatus;
use crate::{clock, environment};

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
    #[arg(value_name = "ALERT_ID", conflicts_with_all = ["status", "active", "strong", "limit", "all"])]
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
    #[command(flatten)]
    pages: PageOption,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

const ACK_EXAMPLES: &str = "\
Examples:
  watershed ack 3901a22c-220f-5858-beed-88230c7d5c68
  watershed ack 3901a22c-220f-5858-beed-88230c7d5c68 --by team-payments

Exit codes: 0 done, 1 failed (it is not open any more, for one), 2 bad usage.";

/// Say that somebody looks after a circular dependency
#[derive(clap::Args)]
#[command(after_help = ACK_EXAMPLES)]
pub(super) struct AckOptions {
    /// The id of the alert, as `watershed cycles` lists it
    #[arg(value_name = "ALERT_ID")]
    alert: Uuid,
    /// Who looks after it [default: the user's name, as the environment variable USER has it]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
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
    detected_at: String,
    acknowledged_by: Option<String>,
    resolution_notes: Option<String>,
    is_active: bool,
    is_strong: bool,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    if let Some(alert) = options.alert {
        let body = client.get(&format!("{PATH}/{alert}")).map_err(|error| Failure::about(alert, error))?;
        return show(console, options.format, &client, &body, render_one);
    }
    pages::show(&client, console, options.format, options.pages, |cursor| page_path(options, cursor), render)
}

fn page_path(options: &Options, cursor: Option<String>) -> String {
    let query = url::query(&[
        ("cursor", cursor),
        ("limit", options.pages.limit()),
        ("status", options.status.clone()),
        ("active", options.active.map(|active| active.to_string())),
        ("strong", options.strong.then(|| "true".to_owned())),
    ]);
    format!("{PATH}{query}")
}

pub(super) fn acknowledge(options: &AckOptions, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let by = options.by.clone().or_else(user).ok_or_else(|| {
        Failure::Usage("who looks after it? --by says so, or the environment variable USER".to_owned())
    })?;
    act(&client, (options.alert, "acknowledge"), &json!({"acknowledged_by": by}), options.format, console)
}

pub(super) fn resolve(options: &ResolveOptions, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let notes = json!({"resolution_notes": options.notes});
    act(&client, (options.alert, "resolve"), &notes, options.format, console)
}

fn user() -> Option<String> {
    environment::variable("USER")?.into_string().ok().filter(|name| !name.is_empty())
}

/// Posts what somebody did about an alert, and shows what became of it.
fn act(
    client: &Client,
    (alert, action): (Uuid, &str),
    body: &Value,
    format: FormatOption,
    console: &mut Console,
) -> Result<(), Failure> {
    let path = format!("{PATH}/{alert}/{action}");
    let answer = client.post(&path, body.to_string().into(), clock::new_id());
    let answer = answer.map_err(|error| Failure::about(alert, error))?;
    show(console, format, client, &answer, render_one)
}

/// One with what has no room in a table.
fn render_one(alert: &Alert) -> String {
    let notes = alert.resolution_notes.as_ref().map(|notes| format!("Resolved: {}\n", printable(notes)));
    format!(
        "{}\nDetected: {}\nServices: {}\n{}",
        render(std::slice::from_ref(alert)),
        printable(&alert.detected_at),
        printable(&alert.members.join(", ")),
        notes.unwrap_or_default()
    )
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

#[cfg(test)]
mod tests {
    use crate::cli::console::Sink;
    use crate::cli::testing::{ask, json, problem, rows};

    const ID: &str = "3901a22c-220f-5858-beed-88230c7d5c68";
    const ALERT: &str = r#"{"id":"3901a22c-220f-5858-beed-88230c7d5c68","cycle_path":["a","b\u001b","a"],"members":["a","b\u001b","c"],
        "status":"resolved","detected_at":"2026-02-14T10:00:00Z","acknowledged_by":null,"resolution_notes":"an\nevent",
        "is_active":false,"is_strong":true}"#;
    const ROW: &str = "3901a22c-220f-5858-beed-88230c7d5c68 resolved - gone strong 3 a → b\u{fffd} → a";

    #[test]
    fn a_page_is_a_table_and_one_has_more_to_say() {
        let page = json(&format!(r#"{{"items":[{ALERT}],"next_cursor":"c"}}"#));
        let line = "cycles --status open --active false --strong --limit 1";
        let (code, out, err, requests) = ask(vec![page], Sink::Terminal, line);
        assert_eq!((code, rows(&out)[1].as_str(), err.contains("--all")), (0, ROW, true), "{err}");
        let query = "?limit=1&status=open&active=false&strong=true HTTP";
        assert!(requests[0].contains(query), "{requests:?}");
        let (_, out, err, requests) = ask(vec![json(ALERT)], Sink::Terminal, &format!("cycles {ID}"));
        let more =
            ["", "Detected: 2026-02-14T10:00:00Z", "Services: a, b\u{fffd}, c", "Resolved: an\u{fffd}event"];
        assert_eq!((&rows(&out)[2..], err.as_str()), (&more.map(str::to_owned)[..], ""));
        assert!(requests[0].starts_with(&format!("GET /api/v1/circular-dependencies/{ID} HTTP")));
    }

    #[test]
    fn what_somebody_did_is_posted() {
        for (line, action, sent) in [
            (format!("ack {ID} --by me"), "acknowledge", r#"{"acknowledged_by":"me"}"#),
            (format!("resolve {ID} \"done\""), "resolve", r#"{"resolution_notes":"\"done\""}"#),
        ] {
            let (code, out, _, requests) = ask(vec![json(ALERT)], Sink::Pipe, &line);
            assert_eq!((code, out), (0, format!("{ALERT}\n")), "{line}");
            let path = format!("POST /api/v1/circular-dependencies/{ID}/{action} HTTP");
            assert!(requests[0].starts_with(&path) && requests[0].ends_with(sent), "{requests:?}");
        }
    }

    #[test]
    fn refusals_say_what_is_unknown_and_what_the_state_forbids() {
        for (status, expected) in [
            ("404 Not Found", format!("watershed: {ID}: 404 Not Found: why\n")),
            ("409 Conflict", "watershed: 409 Conflict: why\n".to_owned()),
        ] {
            for line in [format!("cycles {ID}"), format!("ack {ID} --by me"), format!("resolve {ID} x")] {
                let refusal = problem(status, "", r#"{"detail":"why"}"#);
                let (code, out, err, _) = ask(vec![refusal], Sink::Terminal, &line);
                assert_eq!((code, out.as_str(), &err), (1, "", &expected), "{line}");
            }
        }
    }
}
